"""Names of any length and script in pictures, and what pictures say of themselves."""

import dataclasses
import logging
import warnings

import numpy as np
import pytest
import torch
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot import plot_confusion, plot_curves, plot_explanation, plot_measures, texts
from daxaudio.runs.once import warn_once

LONG = "a label that never ends " * 19  # 456 letters


@pytest.fixture
def explanation():
    values = torch.rand(16, 40, generator=torch.Generator().manual_seed(0)) * 40
    mask = torch.full((16, 40), 0.2)
    mask[:, 10:15] = 1
    picture = Spectrogram(values, 100.0 * 1.4 ** torch.arange(16), torch.arange(40) * 0.1, "a")
    return Explanation(mask, picture, "rise", target="dog", score=0.9)


def words(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_a_label_that_never_ends_moves_no_panel(explanation, tmp_path, figures):
    odd = dataclasses.replace(
        explanation,
        target=LONG,
        spectrogram=dataclasses.replace(explanation.spectrogram, recording_id=LONG),
    )
    plot_explanation(explanation, tmp_path / "short.png", events=[Event(0.5, 2.0, "x")])
    plot_explanation(odd, tmp_path / "long.png", events=[Event(0.5, 2.0, LONG)])
    short, long = (
        [axes.get_position().intervalx for axes in figure.axes[:4]] for figure in figures
    )
    assert np.ptp(long, axis=0).max() < 1e-9  # one time axis
    np.testing.assert_allclose(long, short, atol=0.002)
    renderer = figures[1].canvas.get_renderer()
    title = figures[1]._suptitle.get_window_extent(renderer)
    assert title.x0 >= 0
    assert title.x1 <= figures[1].bbox.x1


def test_long_class_names_leave_the_matrix_in_the_picture(tmp_path, figures):
    plot_confusion([[1, 0], [2, 3]], tmp_path / "a.png", [LONG, LONG + "2"])
    box = figures[0].get_tightbbox(figures[0].canvas.get_renderer())
    assert box.x0 >= -0.01
    assert box.x1 <= figures[0].get_figwidth() + 0.01


def test_a_font_that_has_the_characters_is_found(explanation, tmp_path, figures):
    # mathematical script letters: DejaVu Sans has none, STIX, which matplotlib brings, has
    odd = dataclasses.replace(explanation, target="\U0001d4d0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_explanation(odd, tmp_path / "a.png")
    (family,), all_found = texts._families_with(frozenset("\U0001d4d0"))
    assert all_found
    assert family in figures[-1]._suptitle.get_fontfamily()


def test_characters_that_no_font_has_are_said_once_in_one_line(
    explanation, tmp_path, monkeypatch, caplog
):
    usual = font_manager.findfont("DejaVu Sans")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [usual])
    monkeypatch.setattr(texts, "_own_fonts", lambda: [usual])
    texts._families_with.cache_clear()
    warn_once.cache_clear()
    odd = dataclasses.replace(explanation, target="犬の鳴き声 🐶")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        for name in "ab":
            plot_explanation(odd, tmp_path / f"{name}.png", events=[Event(0, 1, "犬")])
    texts._families_with.cache_clear()
    assert [record.getMessage()[:49] for record in caplog.records] == [
        "names hold characters that no installed font has,"
    ]


def test_other_warnings_of_a_picture_are_passed_on(tmp_path):
    class Odd(Figure):
        def savefig(self, path, **settings):
            warnings.warn("something else", UserWarning, stacklevel=1)
            super().savefig(path, **settings)

    with pytest.warns(UserWarning, match="something else"):
        texts.save_figure(Odd(), tmp_path / "a.png")


def test_colour_contour_and_marked_frames_are_named(explanation, tmp_path, figures):
    plot_explanation(explanation, tmp_path / "a.png")
    overlay, _, profile, lanes = figures[0].axes[:4]
    named = [text.get_text() for text in overlay.get_legend().get_texts()]
    assert named == ["mask: stronger where larger", "contour: 0.6, half-way up"]
    named = [text.get_text() for text in profile.get_legend().get_texts()]
    assert named == ["profile", "threshold: mean + std", "marked"]
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["marked"]
    assert "predicted" not in " ".join(words(figures[0]))


def test_a_contour_that_is_not_drawn_is_not_named(explanation, tmp_path, figures):
    speckled = torch.rand(16, 40, generator=torch.Generator().manual_seed(0))
    plot_explanation(dataclasses.replace(explanation, mask=speckled), tmp_path / "a.png")
    named = [text.get_text() for text in figures[0].axes[0].get_legend().get_texts()]
    assert named == ["mask: stronger where larger"]


def test_class_and_verdict_stand_in_the_title(explanation, tmp_path, figures):
    plot_explanation(explanation, tmp_path / "a.png", verdict="Nothing speaks against it.")
    said = words(figures[0])
    assert "a: rise for class 'dog' (score 0.90)" in said
    assert "Verdict: Nothing speaks against it." in said


@pytest.mark.parametrize("with_error", [True, False])
def test_profiles_start_at_0_and_show_all_of_the_band(explanation, tmp_path, figures, with_error):
    error = torch.full((16, 40), 0.3) if with_error else None
    plot_explanation(dataclasses.replace(explanation, standard_error=error), tmp_path / "a.png")
    (profile,) = [axes for axes in figures[0].axes if "profile" in axes.get_title(loc="left")]
    low, high = profile.get_ylim()
    assert low == 0
    assert high > (1.3 if with_error else 1.0)
    assert any("at most as large" in text for text in words(figures[0])) == with_error


def test_curves_start_at_0(tmp_path, figures):
    import pandas as pd

    curve = {"recording_id": "a", "method": "rise", "direction": "deletion", "unit": "bins"}
    curve |= {"fill": "noise", "share": [0.0, 1.0], "score": [0.9, 0.8]}
    plot_curves(pd.DataFrame(curve), tmp_path / "a.png")
    assert figures[0].axes[0].get_ylim()[0] == 0


def colours_of(figure):
    """Colour of each cell of a picture of measures, by the text in it."""
    axes = figure.axes[0]
    return {
        text.get_text(): patch.get_facecolor()
        for text, patch in zip(axes.texts, axes.patches, strict=False)
    }


def test_one_method_and_one_reference_are_best_and_worst(tmp_path, figures):
    import pandas as pd

    def draw(*rows):
        summary = pd.DataFrame(rows, columns=["method", "metric", "mean"])
        plot_measures(summary, tmp_path / "a.png")
        return colours_of(figures[-1])

    both = draw(("rise", "iou", 0.4), ("random", "iou", 0.1))
    other = draw(("rise", "iou", 0.1), ("random", "iou", 0.4))
    assert both["0.400"] == other["0.400"] != both["0.100"] == other["0.100"]
    alone = draw(("rise", "iou", 0.4))["0.400"]
    assert alone not in both.values()
    assert alone == draw(("rise", "complexity", 0.4))["0.40"]  # nothing to beat: grey


def test_a_class_of_one_recording_is_told_from_one_of_many_and_from_none(tmp_path, figures):
    counts = [[100, 0, 0], [0, 1, 0], [0, 0, 0]]
    plot_confusion(counts, tmp_path / "a.png", ["dog", "rain", "cat"])
    axes = figures[0].axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["dog (n=100)", "rain (n=1)", "cat (n=0)"]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert (cells[0, 0], cells[1, 1]) == ("100\n100 %", "1\n100 %")
    assert axes.images[0].get_array().mask[2].all()  # neither 0 % nor 100 %
    assert figures[0].axes[1].get_ylabel() == "% of the true class"
