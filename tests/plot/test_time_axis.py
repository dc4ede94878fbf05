"""Frames are drawn at their true times, and an hour of them in as many columns as it has pixels."""

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot import plot_comparison, plot_explanation, plot_segments
from daxaudio.plot.time_axis import (
    MOST_COLUMNS,
    column_centres,
    even_columns,
    frame_borders,
    time_edges,
    with_gaps,
)


def spectrogram_at(times, n_bins=4):
    times = torch.as_tensor(times, dtype=torch.float64)
    values = torch.arange(float(len(times))).expand(n_bins, -1)
    return Spectrogram(values, 100.0 * torch.arange(1.0, n_bins + 1), times, "a")


def test_each_column_shows_the_frame_at_its_time():
    # frames:   0 1 2 . . 3 4    (a hop of 0.1 s; two frames of silence were deleted)
    spectrogram = spectrogram_at([0.0, 0.1, 0.2, 0.5, 0.6])
    shown = even_columns(spectrogram, spectrogram.values)
    np.testing.assert_array_equal(shown[0], [0, 1, 2, np.nan, np.nan, 3, 4])
    assert column_centres(spectrogram, 7) == pytest.approx(np.arange(7) * 0.1, abs=1e-9)


@pytest.mark.parametrize("part", np.arange(0, 1, 0.1))
def test_silence_of_no_whole_number_of_hops_moves_no_frame_by_more_than_half_a_hop(part):
    times = np.concatenate([np.arange(5) * 0.1 + n * (1.0 + 0.1 * part) for n in range(20)])
    spectrogram = spectrogram_at(times)
    shown = even_columns(spectrogram, spectrogram.values)[0]
    centres = column_centres(spectrogram, len(shown))
    heard = ~np.isnan(shown)
    assert np.abs(times[shown[heard].astype(int)] - centres[heard]).max() < 0.056
    assert heard.sum() == pytest.approx(100, abs=20)


def test_an_even_recording_is_drawn_as_it_is():
    spectrogram = spectrogram_at(0.0107 * np.arange(2000) + 0.005)
    np.testing.assert_array_equal(even_columns(spectrogram, spectrogram.values), spectrogram.values)


def test_more_frames_than_columns_are_averaged_and_gaps_stay():
    times = np.arange(40_000) * 0.01
    kept = (times < 100) | (times >= 200)
    spectrogram = spectrogram_at(times[kept], n_bins=1)
    values = torch.as_tensor(np.sin(times[kept] / 50)[None])
    shown = even_columns(spectrogram, values)[0]
    assert len(shown) == MOST_COLUMNS
    centres = column_centres(spectrogram, MOST_COLUMNS)
    inside = (centres > 100.2) & (centres < 199.8)
    assert np.isnan(shown[inside]).all()
    heard = (centres < 99.8) | (centres > 200.2)
    np.testing.assert_allclose(shown[heard], np.sin(centres[heard] / 50), atol=0.002)


def test_lines_break_where_silence_was_deleted():
    times, series = with_gaps(spectrogram_at([0.0, 0.1, 0.5, 0.6]), [1, 2, 3, 4])
    np.testing.assert_array_equal(times, [0.0, 0.1, np.nan, 0.5, 0.6])
    np.testing.assert_array_equal(series, [1, 2, np.nan, 3, 4])


def test_borders_of_frames_are_half_way_and_half_a_hop_at_a_gap():
    borders = frame_borders(spectrogram_at([0.0, 0.1, 0.5, 0.6]))
    expected = [[-0.05, 0.05], [0.05, 0.15], [0.45, 0.55], [0.55, 0.65]]
    assert borders.ravel() == pytest.approx(np.ravel(expected))


def jumping():
    """Marked from 0.45 to 0.65 s, behind 0.3 s of deleted silence."""
    spectrogram = spectrogram_at([0.0, 0.1, 0.5, 0.6, 0.7, 0.8])
    mask = torch.zeros(4, 6)
    mask[:, 2:4] = 1
    return Explanation(mask, spectrogram, "rise", standard_error=0.1 * torch.ones(4, 6))


def test_every_panel_has_the_frames_of_a_jumping_recording_at_their_times(tmp_path, figures):
    plot_explanation(jumping(), tmp_path / "a.png")
    overlay, mask, errors, profile, lanes = figures[0].axes[:5]
    for axes in (overlay, mask, errors):
        for image in axes.images:
            assert image.get_extent()[:2] == pytest.approx([-0.05, 0.85])
            assert image.get_array().mask.all(axis=0).tolist() == [
                False,
                False,
                *[True] * 3,
                *[False] * 4,
            ]
    np.testing.assert_array_equal(profile.lines[0].get_ydata(), [0, 0, np.nan, 1, 1, 0, 0])
    (bar,) = lanes.collections[0].get_paths()
    assert bar.vertices[:, 0].min() == pytest.approx(0.45)
    assert bar.vertices[:, 0].max() == pytest.approx(0.65)
    assert "deleted silence" in [text.get_text() for text in overlay.get_legend().get_texts()]


def test_comparison_and_segments_of_a_jumping_recording_keep_its_times(tmp_path, figures):
    explanation = jumping()
    plot_comparison([explanation], tmp_path / "a.png")
    for axes in figures[0].axes[:4]:
        assert axes.get_xlim() == pytest.approx((-0.05, 0.85))
    segments = torch.tensor([0, 0, 1, 1, 1, 2]).expand(4, 6)
    plot_segments(explanation.spectrogram, segments, tmp_path / "b.png")
    (borders,) = figures[1].axes[0].collections
    times = {round(float(line[0, 0]), 3) for line in borders.get_segments()}
    assert times == {0.15, 0.75}


def test_an_hour_is_few_artists_and_few_pixels(tmp_path, figures):
    n_frames = 112_500  # 32 ms
    times = 0.032 * torch.arange(n_frames, dtype=torch.float64)
    mask = (torch.arange(n_frames) % 50 < 5).float().expand(2, -1)  # 2250 marked stretches
    spectrogram = Spectrogram(mask, torch.tensor([100.0, 200.0]), times, "hour")
    events = [Event(1.5 * number, 1.5 * number + 1, "cough") for number in range(2000)]
    plot_explanation(Explanation(mask, spectrogram, "rise"), tmp_path / "a.png", events)
    plot_comparison([Explanation(mask, spectrogram, "rise")], tmp_path / "b.png", events)
    lanes = figures[0].axes[3]
    assert [len(bars.get_paths()) for bars in lanes.collections] == [2250, 2000]
    for figure in figures:
        assert len(figure.findobj()) < 1500
        for axes in figure.axes:
            assert all(image.get_array().shape[1] <= MOST_COLUMNS for image in axes.images)


def test_time_edges_of_a_jumping_recording_are_half_a_median_hop_outside():
    assert time_edges(spectrogram_at([0.0, 0.1, 0.9, 1.0])) == pytest.approx((-0.05, 1.05))


def test_true_events_stand_at_their_times_in_a_comparison(tmp_path, figures):
    plot_comparison([jumping()], tmp_path / "a.png", [Event(0.2, 0.6)])
    for axes in figures[0].axes[:4]:
        lines = [lines for lines in axes.collections if isinstance(lines, LineCollection)]
        assert {part[0, 0] for each in lines for part in each.get_segments()} == {0.2, 0.6}


def test_frames_of_one_length_stand_alone():
    single = dataclasses.replace(spectrogram_at([0.5]), values=torch.ones(4, 1))
    assert even_columns(single, single.values).tolist() == [[1.0]] * 4
