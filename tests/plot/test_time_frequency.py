"""What is drawn stands at its true times and frequencies; an hour is as many columns as pixels."""

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, QuadMesh

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.features.frontends import LinearStft, LogMel
from daxaudio.plot import plot_comparison, plot_explanation, plot_segments
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.time_frequency import (
    MOST_COLUMNS,
    bin_edges,
    columns_of,
    draw_bins,
    frame_borders,
    frequency_scale,
    time_edges,
    with_gaps,
)


def spectrogram_at(times, n_bins=4):
    times = torch.as_tensor(times, dtype=torch.float64)
    values = torch.arange(float(len(times))).expand(n_bins, -1)
    return Spectrogram(values, 100.0 * torch.arange(1.0, n_bins + 1), times, "a")


def meshes_of(axes):
    return [mesh for mesh in axes.collections if isinstance(mesh, QuadMesh)]


def shown_at(axes, time, frequency):
    """The value that a picture shows at a time and a frequency."""
    mesh = meshes_of(axes)[0]
    corners = np.asarray(mesh.get_coordinates())
    row = np.searchsorted(corners[:, 0, 1], frequency) - 1
    return mesh.get_array()[row, np.searchsorted(corners[0, :, 0], time) - 1]


def test_each_column_shows_the_frame_at_its_time():
    # frames:   0 1 2 . . 3 4    (a hop of 0.1 s; two frames of silence were deleted)
    spectrogram = spectrogram_at([0.0, 0.1, 0.2, 0.5, 0.6])
    edges, shown = columns_of(spectrogram, spectrogram.values)
    np.testing.assert_array_equal(shown[0], [0, 1, 2, np.nan, 3, 4])
    assert edges == pytest.approx([-0.05, 0.05, 0.15, 0.25, 0.45, 0.55, 0.65])


def test_a_single_sound_amid_deleted_silence_is_a_hop_wide():
    # the hop was once taken from the jumps, and the frame at 0.2 s drawn up to 2.55 s
    spectrogram = spectrogram_at([0.2, 4.9, 5.0, 9.7, 14.4])
    edges, shown = columns_of(spectrogram, spectrogram.values)
    assert edges[:2] == pytest.approx([0.15, 0.25])
    np.testing.assert_array_equal(shown[0], [0, np.nan, 1, 2, np.nan, 3, np.nan, 4])


@pytest.mark.parametrize("part", np.arange(0, 1, 0.1))
def test_silence_of_no_whole_number_of_hops_moves_no_frame(part):
    times = np.concatenate([np.arange(5) * 0.1 + n * (1.0 + 0.1 * part) for n in range(20)])
    spectrogram = spectrogram_at(times)
    edges, shown = columns_of(spectrogram, spectrogram.values)
    heard = ~np.isnan(shown[0])
    np.testing.assert_array_equal(shown[0][heard], np.arange(100))
    assert ((edges[1:] + edges[:-1]) / 2)[heard] == pytest.approx(times)


def test_an_even_recording_is_drawn_as_it_is():
    spectrogram = spectrogram_at(0.0107 * np.arange(1200) + 0.005)
    edges, shown = columns_of(spectrogram, spectrogram.values)
    np.testing.assert_array_equal(shown, spectrogram.values)
    assert np.diff(edges) == pytest.approx(0.0107)


def test_more_frames_than_columns_are_averaged_and_gaps_stay():
    times = np.arange(40_000) * 0.01
    kept = (times < 100) | (times >= 200)
    spectrogram = spectrogram_at(times[kept], n_bins=1)
    values = torch.as_tensor(np.sin(times[kept] / 50)[None])
    edges, columns = columns_of(spectrogram, values)
    shown, centres = columns[0], (edges[1:] + edges[:-1]) / 2
    assert 0.7 * MOST_COLUMNS < len(shown) <= MOST_COLUMNS + 1
    (gap,) = np.flatnonzero(np.isnan(shown))
    assert edges[gap : gap + 2] == pytest.approx([100, 200], abs=0.4)
    heard = ~np.isnan(shown)
    np.testing.assert_allclose(shown[heard], np.sin(centres[heard] / 50), atol=0.002)


STFT = LinearStft(16000, 512, 160)
MEL = LogMel(16000, 1024, 160, 40)
OCTAVES = 55.0 * 2.0 ** (np.arange(48) / 12)


@pytest.mark.parametrize(
    ("frequencies", "scale"),
    [
        (STFT.frequencies, "linear"),
        (STFT.frequencies.float(), "linear"),
        (MEL.frequencies, "mel"),
        (torch.tensor(OCTAVES), "cqt_hz"),
        (torch.tensor(OCTAVES).float(), "cqt_hz"),
        (torch.tensor([1100.0, 1200.0]), "linear"),
        (torch.tensor([0.0]), "linear"),
    ],
)
def test_bins_are_drawn_on_the_scale_that_they_are_spaced_by(frequencies, scale):
    assert frequency_scale(frequencies.numpy()) == scale
    axes = new_figure(4, 4).subplots()
    values = torch.arange(float(len(frequencies)))[:, None].expand(-1, 3)
    picture = Spectrogram(values, frequencies, torch.arange(3.0))
    draw_bins(axes, picture, values)
    for number, frequency in enumerate(frequencies.tolist()):
        assert shown_at(axes, 1.0, frequency + 1e-6) == number
    expected = {"linear": "linear", "mel": "symlog", "cqt_hz": "log"}[scale]
    assert axes.get_yscale() == expected
    low, high = axes.get_ylim()
    edges = bin_edges(frequencies.numpy())
    assert (low, high) == pytest.approx((edges[0], edges[-1]))
    assert axes.get_ylabel() == "frequency (Hz)"


def test_bins_of_a_mel_scale_are_about_equally_high():
    axes = new_figure(4, 4).subplots()
    values = torch.zeros(len(MEL.frequencies), 3)
    draw_bins(axes, Spectrogram(values, MEL.frequencies, torch.arange(3.0)), values)
    heights = np.diff(
        axes.transScale.transform([(0, y) for y in bin_edges(MEL.frequencies.numpy())])[:, 1]
    )
    assert heights.max() / heights.min() < 3


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
        for mesh in meshes_of(axes):
            edges = np.asarray(mesh.get_coordinates())[0, :, 0]
            assert edges == pytest.approx([-0.05, 0.05, 0.15, 0.45, 0.55, 0.65, 0.75, 0.85])
            assert mesh.get_array().mask.all(axis=0).nonzero()[0].tolist() == [2]
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
    plot_segments(explanation.spectrogram, tmp_path / "b.png", segments)
    borders = figures[1].axes[0].collections[-1]
    times = {round(float(line[0, 0]), 3) for line in borders.get_segments()}
    assert times == {0.15, 0.75}


def test_an_hour_is_few_artists_and_few_pixels(tmp_path, figures):
    n_frames = 112_500  # 32 ms
    times = 0.032 * torch.arange(n_frames, dtype=torch.float64)
    mask = (torch.arange(n_frames) % 50 < 5).float().expand(2, -1)  # 2250 marked stretches
    spectrogram = Spectrogram(mask, torch.tensor([100.0, 200.0]), times, "hour")
    events = [Event(1.5 * number, 1.5 * number + 1, "cough") for number in range(2000)]
    plot_explanation(Explanation(mask, spectrogram, "rise"), tmp_path / "a.png", events=events)
    plot_comparison([Explanation(mask, spectrogram, "rise")], tmp_path / "b.png", events)
    lanes = figures[0].axes[3]
    assert [len(bars.get_paths()) for bars in lanes.collections] == [2250, 2000]
    for figure in figures:
        assert len(figure.findobj()) < 1500
        for axes in figure.axes:
            assert all(m.get_array().shape[1] <= MOST_COLUMNS for m in meshes_of(axes))


def test_time_edges_of_a_jumping_recording_are_half_a_median_hop_outside():
    assert time_edges(spectrogram_at([0.0, 0.1, 0.9, 1.0])) == pytest.approx((-0.05, 1.05))


def test_true_events_stand_at_their_times_in_a_comparison(tmp_path, figures):
    plot_comparison([jumping()], tmp_path / "a.png", [Event(0.2, 0.6)])
    for axes in figures[0].axes[:4]:
        lines = [lines for lines in axes.collections if isinstance(lines, LineCollection)]
        assert {part[0, 0] for each in lines for part in each.get_segments()} == {0.2, 0.6}


def test_a_frame_alone_is_drawn():
    single = dataclasses.replace(spectrogram_at([0.5]), values=torch.ones(4, 1))
    edges, shown = columns_of(single, single.values)
    assert (edges.tolist(), shown.tolist()) == ([0.0, 1.0], [[1.0]] * 4)


def test_colour_bars_name_the_unit(tmp_path, figures):
    explanation = jumping()
    in_pcen = dataclasses.replace(explanation.spectrogram, unit="PCEN")
    there = dataclasses.replace(explanation, spectrogram=in_pcen)
    plot_explanation(there, tmp_path / "a.png")
    plot_comparison([there], tmp_path / "b.png")
    plot_segments(in_pcen, tmp_path / "c.png", torch.arange(6).expand(4, 6))
    for figure in figures:
        assert "level (PCEN)" in [axes.get_ylabel() for axes in figure.axes]


def test_given_axes_get_one_panel_and_are_returned(tmp_path, figures):
    figure = new_figure(8, 4)
    left, right = figure.subplots(1, 2)
    drawn = plot_explanation(jumping(), axes=right, events=[Event(0.2, 0.6)])
    assert drawn is right
    assert right.get_title() == "a: rise"
    assert right.get_xlim() == pytest.approx((-0.05, 0.85))
    assert len(meshes_of(right)) == 2
    assert not left.collections
    assert not figures
    plot_explanation(jumping(), tmp_path / "a.png", axes=left)
    assert figures == [figure]
    assert (tmp_path / "a.png").is_file()


def test_without_a_file_the_picture_is_one_that_notebooks_show():
    from matplotlib import pyplot

    drawn = plot_explanation(jumping())
    assert drawn.get_figure().number in pyplot.get_fignums()
    pyplot.close(drawn.get_figure())


def test_a_file_leaves_nothing_in_the_state_of_pyplot(tmp_path):
    from matplotlib import pyplot

    plot_explanation(jumping(), tmp_path / "a.png")
    plot_explanation(jumping(), tmp_path / "b.png", brief=True)
    assert pyplot.get_fignums() == []
