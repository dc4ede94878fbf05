import dataclasses
import subprocess
import sys

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot import (
    plot_comparison,
    plot_confusion,
    plot_explanation,
    plot_history,
    plot_segments,
    plot_summary,
)


@pytest.fixture
def explanation() -> Explanation:
    # 0.1 s hop; the mask is 1 from frame 10 to 14, that is from 0.95 s to 1.45 s
    values = torch.rand(16, 40, generator=torch.Generator().manual_seed(0)) * 40
    mask = torch.zeros(16, 40)
    mask[:, 10:15] = 1
    picture = Spectrogram(values, 100.0 * 1.4 ** torch.arange(16), torch.arange(40) * 0.1, "a")
    return Explanation(mask, picture, "rise", target="dog", score=0.9)


@pytest.fixture
def learned(explanation) -> Explanation:
    history = {
        "masks": [np.full((16, 40), epoch / 10, np.float32) for epoch in range(1, 9)],
        "mask_epochs": list(range(1, 9)),
        "train_loss": [1 / epoch for epoch in range(1, 9)],
        "validation_loss": [float("nan")] * 8,
    }
    return dataclasses.replace(explanation, method="dax_v2", history=history)


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [("rise", "iou", 0.37, 0.1, 30), ("random", "iou", 0.13, float("nan"), 1)]
    return pd.DataFrame(rows, columns=["method", "metric", "mean", "std", "n"])


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def bars_of(axes) -> set[tuple[float, float]]:
    """Start and end of each bar."""
    return {
        tuple(np.round(path.vertices[[0, 2], 0], 3).tolist())
        for bars in axes.collections
        for path in bars.get_paths()
    }


def test_lanes_show_true_and_marked_stretches_in_seconds(explanation, tmp_path, figures):
    plot_explanation(explanation, tmp_path / "a.png", events=[Event(0.5, 2.0, "bark")])
    assert matplotlib.image.imread(tmp_path / "a.png").ndim == 3
    assert bars_of(figures[0].axes[3]) == {(0.5, 2.0), (0.95, 1.45)}
    assert {"bark", "true", "marked", "a: rise for class 'dog' (score 0.90)"} <= {
        line.strip() for line in texts(figures[0]).splitlines()
    }


def test_threshold_line_is_mean_plus_deviation(explanation, tmp_path, figures):
    plot_explanation(explanation, tmp_path / "a.png")
    # 5 of 40 frames are 1: mean 0.125, deviation sqrt(0.125 * 0.875)
    threshold = figures[0].axes[2].lines[1].get_ydata()[0]
    assert threshold == pytest.approx(0.125 + (0.125 * 0.875) ** 0.5)


def test_panels_share_the_time_axis(explanation, tmp_path, figures):
    plot_explanation(explanation, tmp_path / "a.png", events=[Event(0, 99)])
    limits = {tuple(np.round(axes.get_xlim(), 3)) for axes in figures[0].axes[:4]}
    assert limits == {(-0.05, 3.95)}


def test_standard_error_has_a_panel_and_a_band_around_the_profile(explanation, tmp_path, figures):
    error = torch.zeros(16, 40)
    error[:4, 20] = 0.2  # a quarter of the bins of one frame: 0.05 in the mean
    unsure = dataclasses.replace(explanation, standard_error=error)
    plot_explanation(unsure, tmp_path / "a.png", events=[Event(0.5, 2.0)])
    overlay, mask, errors, profile, lanes = figures[0].axes[:5]
    assert errors.get_title(loc="left") == "Standard error of the mask"
    assert errors.collections[0].get_clim() == (0.0, pytest.approx(0.2))
    assert {axes.get_xlim() for axes in (overlay, mask, profile, lanes)} == {errors.get_xlim()}
    (band,) = [c for c in profile.collections if "error" in c.get_label()]
    renderer = figures[0].canvas.get_renderer()
    title_end = profile._left_title.get_window_extent(renderer).x1
    assert profile.get_legend().get_window_extent(renderer).x0 > title_end
    # the profile is 0 at frame 20 (2.0 s), 1 at frame 12, where nothing is unsure
    heights = {
        round(x, 6): (low, high)
        for x in (1.2, 2.0)
        for ys in [[y for at, y in band.get_paths()[0].vertices if at == pytest.approx(x)]]
        for low, high in [(min(ys), max(ys))]
    }
    assert heights[2.0] == (pytest.approx(-0.05), pytest.approx(0.05))
    assert heights[1.2] == (pytest.approx(1.0), pytest.approx(1.0))


def test_a_standard_error_of_zero_is_drawn(explanation, tmp_path):
    sure = dataclasses.replace(explanation, standard_error=torch.zeros(16, 40))
    plot_explanation(sure, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_warnings_stand_under_the_title_and_above_the_panels(explanation, tmp_path, figures):
    warnings = ("The scores of $5 differ by 0.01 only.", "long " * 60 + "end.")
    plot_explanation(dataclasses.replace(explanation, warnings=warnings), tmp_path / "a.png")
    figure = figures[0]
    shown = " ".join(texts(figure).split())
    assert all(f"Warning: {warning}" in shown for warning in warnings)
    (note,) = figure.axes[0].texts
    renderer = figure.canvas.get_renderer()
    box = note.get_window_extent(renderer)
    title = figure.axes[0].get_tightbbox(renderer, for_layout_only=True)
    assert box.y1 <= figure._suptitle.get_window_extent(renderer).y0
    assert box.y0 >= figure.axes[0].bbox.y1
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert title.y1 <= figure.bbox.y1


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_constant_masks_are_drawn_with_nothing_marked(explanation, tmp_path, figures, fill):
    mask = torch.full_like(explanation.mask, fill)
    plot_explanation(dataclasses.replace(explanation, mask=mask), tmp_path / "a.png")
    assert bars_of(figures[0].axes[3]) == set()


def test_a_single_bin_is_drawn(tmp_path):
    picture = Spectrogram(torch.zeros(1, 1), torch.tensor([100.0]), torch.tensor([0.5]))
    explanation = Explanation(torch.ones(1, 1), picture, "all_ones")
    plot_explanation(explanation, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_names_with_dollar_signs_are_no_formula(explanation, tmp_path, figures):
    picture = dataclasses.replace(explanation.spectrogram, recording_id="$\\frac{$ a $b$")
    odd = dataclasses.replace(explanation, spectrogram=picture, method="$m$", target="$t$")
    plot_explanation(odd, tmp_path / "a.png", events=[Event(0.1, 3, "$e$")])
    plot_comparison([odd], tmp_path / "b.png")
    assert "$\\frac{$ a $b$: $m$ for class '$t$'" in texts(figures[0])


def test_comparison_shows_each_method_with_the_true_event(explanation, tmp_path, figures):
    methods = [dataclasses.replace(explanation, method=name) for name in ("lime", "rise", "dax")]
    plot_comparison(methods, tmp_path / "a.png", [Event(1.0, 2.0)])
    titled = {axes.get_title(): axes for axes in figures[0].axes if axes.get_title()}
    assert set(titled) == {"spectrogram", "lime", "rise", "dax"}
    for axes in titled.values():
        drawn = [lines for lines in axes.collections if isinstance(lines, LineCollection)]
        assert {part[0, 0] for lines in drawn for part in lines.get_segments()} == {1.0, 2.0}


def test_comparison_of_different_recordings_is_refused(explanation, tmp_path):
    picture = dataclasses.replace(explanation.spectrogram, recording_id="b")
    other = dataclasses.replace(explanation, spectrogram=picture)
    with pytest.raises(ValueError, match=r"shows one recording, got 'a' .* and 'b'"):
        plot_comparison([explanation, other], tmp_path / "a.png")
    with pytest.raises(ValueError, match="at least one explanation"):
        plot_comparison([], tmp_path / "a.png")


def test_segment_borders_lie_between_bins(tmp_path, figures):
    picture = Spectrogram(torch.rand(2, 3), torch.tensor([100.0, 200.0]), torch.arange(3.0))
    plot_segments(picture, tmp_path / "a.png", torch.tensor([[0, 0, 1], [2, 2, 1]]))
    borders = figures[0].axes[0].collections[-1]
    drawn = {tuple(map(tuple, line.tolist())) for line in borders.get_segments()}
    assert drawn == {
        ((1.5, 50.0), (1.5, 150.0)),
        ((1.5, 150.0), (1.5, 250.0)),
        ((-0.5, 150.0), (0.5, 150.0)),
        ((0.5, 150.0), (1.5, 150.0)),
    }
    assert figures[0].axes[0].get_title() == "3 segments"


def test_segments_of_another_shape_are_refused(explanation, tmp_path):
    with pytest.raises(ValueError, match=r"segments are \(2, 3\), the spectrogram is \(16, 40\)"):
        plot_segments(explanation.spectrogram, tmp_path / "a.png", torch.zeros(2, 3).long())


def test_history_shows_first_and_last_epoch_and_both_losses(learned, tmp_path, figures):
    plot_history(learned, tmp_path / "a.png")
    titles = [axes.get_title() for axes in figures[0].findobj(matplotlib.axes.Axes)]
    epochs = [title for title in titles if title.startswith("epoch")]
    assert len(epochs) == 6
    assert (epochs[0], epochs[-1]) == ("epoch 1", "epoch 8")
    (losses,) = [axes for axes in figures[0].axes if axes.get_title() == "Losses"]
    assert [line.get_label() for line in losses.lines] == ["train", "validation"]
    assert losses.lines[0].get_xdata().tolist() == list(range(1, 9))


def test_a_method_that_does_not_learn_has_no_history_to_draw(explanation, tmp_path):
    with pytest.raises(ValueError, match="'rise' has no masks, mask_epochs, train_loss"):
        plot_history(explanation, tmp_path / "a.png")


def test_masks_without_epochs_are_refused(learned, tmp_path):
    odd = dataclasses.replace(learned, history={**learned.history, "mask_epochs": [1]})
    with pytest.raises(ValueError, match="8 masks but 1 mask_epochs"):
        plot_history(odd, tmp_path / "a.png")


def test_confusion_has_true_rows_and_predicted_columns(tmp_path, figures):
    plot_confusion(torch.tensor([[3, 1], [0, 4]]), tmp_path / "a.png", ["dog", "rain"])
    axes = figures[0].axes[0]
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    # text positions are (column, row)
    expected = {(0, 0): "3\n75 %", (1, 0): "1\n25 %", (0, 1): "0", (1, 1): "4\n100 %"}
    assert counts == expected
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["dog (n=4)", "rain (n=4)"]
    assert axes.get_title() == "7 of 8 correct"


@pytest.mark.parametrize("matrix", [[[1, 2]], [[1, 2], [3, -4]], [[1]]])
def test_a_matrix_that_does_not_fit_its_classes_is_refused(matrix, tmp_path):
    with pytest.raises(ValueError, match=r"of 2 classes is \[2, 2\]"):
        plot_confusion(matrix, tmp_path / "a.png", ["dog", "rain"])


def test_summary_bars_are_sorted_and_references_are_hatched(summary, tmp_path, figures):
    plot_summary(summary, tmp_path / "a.png", "iou", ["random"])
    axes = figures[0].axes[0]
    bars = [(bar.get_width(), bool(bar.get_hatch())) for bar in axes.patches]
    assert bars == [(0.13, True), (0.37, False)]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["random (n=1)", "rise (n=30)"]


def test_an_unknown_metric_is_refused(summary, tmp_path):
    with pytest.raises(ValueError, match="no row of the summary has metric 'auc'; it has iou"):
        plot_summary(summary, tmp_path / "a.png", "auc", ["random"])
    with pytest.raises(ValueError, match="std, n missing"):
        plot_summary(summary[["method", "metric", "mean"]], tmp_path / "a.png", "iou", ["random"])


def test_a_failed_picture_leaves_the_old_one(summary, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_text("old")

    def fail(figure: Figure, target, **settings):
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_summary(summary, path, "iou", ["random"])
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "old"


def test_pyplot_is_never_imported():
    code = "import sys, daxaudio.plot; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
