import dataclasses

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot.drawing import MARKED_COLOUR, TRUE_COLOUR
from daxaudio.plot.phases import plot_phases

# 0.1 s a frame; marked are frames 10 to 14 (1.0 to 1.5 s), 30 and 31 (3.0 to 3.2 s)
EVENTS = [
    Event(0.0, 0.5, "noise"),
    Event(0.5, 0.8, "inhale"),
    Event(1.0, 1.5, "cough"),
    Event(3.1, 3.5, "cough"),
    Event(3.5, 4.0, "silence"),
]


@pytest.fixture
def explanation():
    values = torch.rand(16, 40, generator=torch.Generator().manual_seed(0)) * 40
    mask = torch.zeros(16, 40)
    mask[:, [*range(10, 15), 30, 31]] = 1
    times = torch.arange(40) * 0.1 + 0.05
    picture = Spectrogram(values, 100.0 * 1.4 ** torch.arange(16), times, "a")
    return Explanation(mask, picture, "rise", target="p", score=0.9)


def bars_of(axes):
    """Lane, start, end, face, edge and hatch of each bar, by lane and start."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    bars = []
    for bar in axes.collections:
        colours = (to_hex(bar.get_facecolor()[0]), to_hex(bar.get_edgecolor()[0]).upper())
        for path in bar.get_paths():
            (start, end), (low, high) = path.vertices[[0, 2]].T
            lane = names[round((low + high) / 2)]
            bars.append((lane, round(start, 3), round(end, 3), *colours, bool(bar.get_hatch())))
    return sorted(bars)


def test_each_phase_has_a_lane_and_background_stands_last(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "a.png", EVENTS)
    lanes = figures[0].axes[2]
    names = [label.get_text() for label in lanes.get_yticklabels()]
    assert names == ["marked", "silence", "noise", "inhale", "cough"]
    low, high = lanes.get_ylim()
    assert low < 0 < len(names) - 1 < high


def test_events_are_drawn_as_they_were_found(explanation, tmp_path, figures):
    # the second cough shares one frame of five with its run, an IoU of 0.2
    plot_phases(explanation, tmp_path / "a.png", EVENTS)
    found = {bar[:2]: bar for bar in bars_of(figures[0].axes[2])}
    assert found["cough", 1.0] == ("cough", 1.0, 1.5, TRUE_COLOUR.lower(), TRUE_COLOUR, False)
    assert found["cough", 3.1] == ("cough", 3.1, 3.5, "#ffffff", TRUE_COLOUR, False)
    assert found["inhale", 0.5] == ("inhale", 0.5, 0.8, "#ffffff", TRUE_COLOUR, False)
    assert found["noise", 0.0][3:] == ("#dddddd", "#DDDDDD", False)


def test_an_event_found_in_part_is_hatched(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "a.png", [Event(1.1, 2.1, "cough")])  # 4 of 11 frames
    (bar,) = [bar for bar in bars_of(figures[0].axes[2]) if bar[0] == "cough"]
    assert bar[5]
    assert bar[3] not in (TRUE_COLOUR.lower(), "#ffffff")


def test_what_is_marked_outside_an_event_lies_over_the_marked(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "a.png", EVENTS)
    marked = [bar[1:] for bar in bars_of(figures[0].axes[2]) if bar[0] == "marked"]
    solid, outside = (
        (MARKED_COLOUR.lower(), MARKED_COLOUR, False),
        (
            "#ffffff",
            MARKED_COLOUR,
            True,
        ),
    )
    assert marked == [(1.0, 1.5, *solid), (3.0, 3.1, *outside), (3.0, 3.2, *solid)]


def test_other_labels_can_be_the_background(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "a.png", EVENTS, background=["cough"])
    bars = bars_of(figures[0].axes[2])
    assert {bar[0] for bar in bars if bar[3] == "#dddddd"} == {"cough"}
    assert (3.0, 3.2) in [bar[1:3] for bar in bars if bar[5]]


def test_panels_share_the_time_axis_and_the_title_says_what_it_is(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "a.png", EVENTS)
    limits = {tuple(np.round(axes.get_xlim(), 3)) for axes in figures[0].axes[:3]}
    assert limits == {(0.0, 4.0)}
    assert figures[0].get_suptitle() == "a: rise for class 'p' (score 0.90)"


def test_a_spectrogram_without_its_silence_lies_over_the_lanes(explanation, tmp_path, figures):
    # frames of 2.0 to 3.0 s were deleted: all else must stay where it was
    kept = [*range(20), *range(30, 40)]
    whole = explanation.spectrogram
    part = dataclasses.replace(whole, values=whole.values[:, kept], times=whole.times[kept])
    heard = Explanation(explanation.mask[:, kept], part, "rise")
    plot_phases(heard, tmp_path / "a.png", EVENTS)
    picture = figures[0].axes[0].collections[0]
    edges, shown = np.asarray(picture.get_coordinates())[0, :, 0], picture.get_array()
    assert shown.shape == (16, 31)  # one column for all that was deleted
    assert edges[[0, 20, 21, -1]] == pytest.approx([0.0, 2.0, 3.0, 4.0], abs=1e-6)
    assert np.allclose(shown[:, 21:], whole.values[:, 30:])
    assert shown.mask.any(axis=0).nonzero()[0].tolist() == [20]
    assert {tuple(np.round(axes.get_xlim(), 3)) for axes in figures[0].axes[:3]} == {(0.0, 4.0)}


def test_without_events_and_with_odd_labels_it_is_drawn(explanation, tmp_path, figures):
    plot_phases(explanation, tmp_path / "none.png", [])
    assert matplotlib.image.imread(tmp_path / "none.png").std() > 0.05
    odd = [Event(0, 1, "$x_1$"), Event(1, 2, ""), Event(2, 2.01, "4")]
    plot_phases(explanation, tmp_path / "odd.svg", odd)
    names = [label.get_text() for label in figures[1].axes[2].get_yticklabels()]
    assert names == ["marked", "4", "$x_1$", "(no label)"]
    # between two frames, which are at 1.95 and 2.05 s: cannot be found
    assert ("4", 2.0, 2.01, "#ffffff", TRUE_COLOUR, False) in bars_of(figures[1].axes[2])
