import itertools

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from daxaudio.metrics.catalogue import MEASURES
from daxaudio.plot import plot_curves, plot_measures, plot_randomisation
from daxaudio.plot.measures import share_beaten

NAN = float("nan")


def curve(recording_id, method, direction, shares, scores, unit="bins", fill="noise"):
    own = {"recording_id": recording_id, "method": method, "direction": direction}
    return pd.DataFrame({**own, "unit": unit, "fill": fill, "share": shares, "score": scores})


def straight(method, middle, recording_id="a", **settings):
    """Deletion down from 1 to 0 and insertion up, both through `middle` half way."""
    shares = [0.0, 0.5, 1.0]
    return pd.concat(
        [
            curve(recording_id, method, "deletion", shares, [1.0, middle, 0.0], **settings),
            curve(recording_id, method, "insertion", shares, [0.0, 1 - middle, 1.0], **settings),
        ]
    )


def lines_by_method(axes):
    """Line of each method, whose label is its number and its name."""
    return {
        line.get_label().split("  ")[1]: line for line in axes.lines if "  " in line.get_label()
    }


def legend_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def is_a_picture(path):
    pixels = matplotlib.image.imread(path)
    return pixels.std() > 0.01


def test_curves_are_means_over_recordings_with_different_shares(figures, tmp_path):
    # at 0.25 they are 0.5 and, half way down, 0.5; at 0.5 they are 0.5 * 2 / 3 and 0
    curves = pd.concat(
        [
            curve("a", "rise", "deletion", [0.0, 0.25, 1.0], [1.0, 0.5, 0.0], "events"),
            curve("b", "rise", "deletion", [0.0, 0.5, 1.0], [1.0, 0.0, 0.0], "events"),
        ]
    )
    path = plot_curves(curves, tmp_path / "a.png", unit="events")
    (line,) = lines_by_method(figures[0].axes[0]).values()
    np.testing.assert_allclose(line.get_xdata(), [0, 0.25, 0.5, 1])
    np.testing.assert_allclose(line.get_ydata(), [1, 0.5, (0.5 * 2 / 3) / 2, 0])
    # the mean of the two areas, 0.1875 + 0.1875 and 0.25
    (entry,) = legend_of(figures[0].axes[0])
    assert float(entry.split()[0]) == pytest.approx(0.3125, abs=0.0006)
    assert is_a_picture(path)


def test_deletion_ranks_low_areas_first_and_insertion_high_ones(figures, tmp_path):
    curves = pd.concat([straight("lime", 0.4), straight("rise", 0.2), straight("random", 0.5)])
    plot_curves(curves, tmp_path / "a.png")
    deletion, insertion = figures[0].axes
    assert legend_of(deletion) == ["0.350  rise", "0.450  lime", "0.500  random"]
    assert legend_of(insertion) == ["0.650  rise", "0.550  lime", "0.500  random"]
    assert deletion.get_xlabel() == "share of bins removed"
    assert insertion.get_xlabel() == "share of bins inserted"
    assert deletion.get_ylabel() == "score of the class"


def test_only_the_wanted_unit_and_fill_are_drawn(figures, tmp_path):
    curves = pd.concat(
        [
            straight("rise", 0.2, fill="global_mean"),
            straight("rise", 0.4, fill="noise"),
            straight("rise", 0.3, unit="frames"),
        ]
    )
    plot_curves(curves, tmp_path / "a.png")
    plot_curves(curves, tmp_path / "a.png", fill="noise")
    plot_curves(curves, tmp_path / "a.png", unit="frames")
    shown = [lines_by_method(figure.axes[0])["rise"].get_ydata()[1] for figure in figures]
    assert shown == [0.2, 0.4, 0.3]


def test_at_most_eight_methods_stand_out_and_references_are_dashed(figures, tmp_path):
    names = [f"method{number:02d}" for number in range(12)]
    curves = [straight(name, 0.1 + number / 40) for number, name in enumerate(names)]
    table = pd.concat([*curves, straight("energy", 0.05)])
    plot_curves(table, tmp_path / "a.png", methods=[names[-1]], references=["random", "energy"])
    lines = lines_by_method(figures[0].axes[0])
    marked = [name for name in names if lines[name].get_marker() != "None"]
    assert marked == [*names[:7], names[-1]]
    assert len({lines[name].get_color() for name in marked}) == 8
    assert lines["energy"].is_dashed()
    assert lines["energy"].get_marker() == "None"


def test_a_missing_direction_leaves_one_panel(figures, tmp_path):
    plot_curves(curve("a", "rise", "deletion", [0.0, 1.0], [1.0, 0.0]), tmp_path / "a.png")
    assert [axes.get_title("left") for axes in figures[0].axes] == ["deletion"]


def test_bad_curves_are_refused(tmp_path):
    curves = straight("rise", 0.2)
    with pytest.raises(ValueError, match="fill missing"):
        plot_curves(curves.drop(columns="fill"), tmp_path / "a.png")
    with pytest.raises(ValueError, match="unit must be one of bins, frames, events, got 'bin'"):
        plot_curves(curves, tmp_path / "a.png", unit="bin")
    with pytest.raises(ValueError, match="no curve has unit 'bins' and fill 'blur'"):
        plot_curves(curves, tmp_path / "a.png", fill="blur")
    with pytest.raises(ValueError, match="at most 8 of rise, got lime"):
        plot_curves(curves, tmp_path / "a.png", methods=["lime"])


def test_randomisation_draws_the_mean_of_what_is_defined(figures, tmp_path):
    rows = [
        ("a", "rise", 0, "trained", 1.0),
        ("b", "rise", 0, "trained", 1.0),
        ("a", "rise", 1, "fc", 0.2),
        ("b", "rise", 1, "fc", 0.4),
        ("a", "energy", 0, "trained", 1.0),
        ("a", "energy", 1, "fc", 1.0),
        ("a", "lime", 0, "trained", 1.0),
        ("a", "lime", 1, "fc", NAN),
    ]
    columns = ["recording_id", "method", "stage", "layer", "correlation"]
    path = plot_randomisation(pd.DataFrame(rows, columns=columns), tmp_path / "a.png", 0.5)
    axes = figures[0].axes[0]
    np.testing.assert_allclose(lines_by_method(axes)["rise"].get_ydata(), [1.0, 0.3])
    assert legend_of(axes) == ["1.000  energy", "0.300  rise", "-  lime"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["trained", "fc"]
    assert [0.5, 0.5] in [list(line.get_ydata()) for line in axes.lines]
    assert [-0.5, -0.5] not in [list(line.get_ydata()) for line in axes.lines]
    assert "1 to 2 recordings" in axes.get_title()
    assert is_a_picture(path)


def test_a_turned_mask_is_held_against_the_negative_threshold_too(figures, tmp_path):
    rows = [("a", "rise", 0, "trained", 1.0), ("a", "rise", 1, "fc", -0.7)]
    columns = ["recording_id", "method", "stage", "layer", "correlation"]
    plot_randomisation(pd.DataFrame(rows, columns=columns), tmp_path / "a.png", 0.4)
    heights = [list(line.get_ydata()) for line in figures[0].axes[0].lines]
    assert [0.4, 0.4] in heights
    assert [-0.4, -0.4] in heights


def test_an_empty_randomisation_is_refused(tmp_path):
    columns = ["recording_id", "method", "stage", "layer", "correlation"]
    with pytest.raises(ValueError, match="has no row"):
        plot_randomisation(pd.DataFrame(columns=columns), tmp_path / "a.png", 0.5)


def summary_of(rows):
    return pd.DataFrame(rows, columns=["method", "metric", "mean"])


def test_a_method_beats_those_that_are_worse_in_the_good_direction():
    means = pd.Series({"rise": 0.1, "lime": 0.3, "dax_v4": 0.2, "oracle": 0.0, "random": 0.25})
    lower = share_beaten(means, "deletion_auc")
    assert lower.to_dict() == {
        "rise": 0.75,
        "lime": 0.0,
        "dax_v4": 0.5,
        "oracle": 1.0,
        "random": 0.25,
    }
    higher = share_beaten(means, "iou")
    assert (higher["rise"], higher["lime"], higher["oracle"]) == (0.25, 1.0, 0.0)
    assert share_beaten(means, "sparseness").isna().all()


def test_equal_means_share_their_place_and_undefined_ones_have_none():
    shares = share_beaten(pd.Series({"rise": 0.3, "lime": 0.3, "dax_v4": NAN}), "iou")
    assert (shares["rise"], shares["lime"]) == (0.5, 0.5)
    assert np.isnan(shares["dax_v4"])


def test_measures_are_printed_with_arrows_and_references_below(figures, tmp_path):
    summary = summary_of(
        [
            ("random", "iou", 0.1),
            ("rise", "iou", 0.37251),
            ("lime", "iou", NAN),
            ("rise", "deletion_auc", 0.2),
            ("rise", "complexity", 8.126),
        ]
    )
    path = plot_measures(summary, tmp_path / "a.png", ["random"])
    axes = figures[0].axes[0]
    heads = [label.get_text() for label in axes.get_xticklabels()]
    assert heads == ["iou ↑", "deletion_auc ↓", "complexity"]
    rows = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert list(rows) == ["rise", "lime", "random"]
    assert rows["random"] - rows["lime"] > rows["lime"] - rows["rise"]
    cells = {text.get_text() for text in axes.texts}
    assert {"0.373", "0.200", "8.13", "0.100", "-"} <= cells
    assert is_a_picture(path)


def test_many_measures_are_wrapped_by_group(figures, tmp_path):
    plot_measures(summary_of([("rise", name, 0.5) for name in MEASURES]), tmp_path / "a.png")
    blocks = [axes for axes in figures[0].axes if axes.get_yticklabels() and axes.texts]
    heads = [[label.get_text().split()[0] for label in axes.get_xticklabels()] for axes in blocks]
    assert len(blocks) > 1
    assert sorted(itertools.chain(*heads)) == sorted(MEASURES)
    assert heads[0][0] == "iou"
    for one, following in itertools.pairwise(heads):  # no group stands in two blocks
        assert MEASURES[one[-1]].group != MEASURES[following[0]].group


def test_bad_summaries_are_refused(tmp_path):
    with pytest.raises(ValueError, match="mean missing"):
        plot_measures(summary_of([]).drop(columns="mean"), tmp_path / "a.png")
    with pytest.raises(ValueError, match="no row"):
        plot_measures(summary_of([]), tmp_path / "a.png")
    with pytest.raises(ValueError, match="metric 'beauty' is unknown"):
        plot_measures(summary_of([("rise", "beauty", 1.0)]), tmp_path / "a.png")
    with pytest.raises(ValueError, match="two rows"):
        plot_measures(summary_of([("rise", "iou", 1.0)] * 2), tmp_path / "a.png")
