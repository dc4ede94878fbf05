"""How a long recording is cut, which windows are explained, and how they are put together again."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.experiments.stitch import stitch
from daxaudio.experiments.windows import Window, Windowing, choose_windows, cut_windows, data_of
from daxaudio.explainers.storage import load_explanation, save_explanation

FRAME = 0.02


def cut(duration, seconds=4.0, **options):
    return cut_windows("a b", duration, Windowing(seconds, **options), FRAME)


@pytest.mark.parametrize("overlap", [None, 0.0, 1.3])
@pytest.mark.parametrize("duration", [4.01, 11.0, 12.345])
def test_windows_are_equally_long_and_leave_out_less_than_a_frame(duration, overlap):
    windows = cut(duration, overlap=overlap)
    assert {round(window.end - window.start, 6) for window in windows} == {4.0}
    assert windows[0].start == 0.0
    assert 0 <= duration - windows[-1].end < FRAME
    pairs = list(itertools.pairwise(windows))
    assert all(one.end >= other.start > one.start for one, other in pairs)


def test_windows_begin_at_whole_frames_and_are_named_by_their_times():
    for window in cut(30.0, overlap=1.333):
        assert window.start == pytest.approx(window.first * FRAME)
        times = f"{round(window.start * 1000):08d}-{round(window.end * 1000):08d}"
        assert window.name == f"a_b-{times}"


def test_a_recording_no_longer_than_a_window_has_one_window_of_its_length():
    assert [(window.start, window.end) for window in cut(2.5)] == [(0.0, 2.5)]
    assert [(window.start, window.end) for window in cut(4.0)] == [(0.0, 4.0)]


def test_a_window_is_read_by_itself():
    data = data_of(cut(10.0), "night.wav")
    segments = [data.segment(name) for name in data.ids]
    assert [(segment.start, segment.end) for segment in segments][:2] == [(0.0, 4.0), (2.0, 6.0)]
    assert set(data.wav_scp.values()) == {"night.wav"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"threshold": 0.5}, ["c", "a", "d"]),
        ({"threshold": 0.5, "top_k": 2}, ["c", "a"]),
        ({"top_k": 4}, ["c", "a", "d", "e"]),
        ({"threshold": 0.95}, []),
        ({}, ["c", "a", "d", "e"]),
    ],
)
def test_windows_with_the_highest_scores_are_explained_and_none_that_was_not_heard(
    options, expected
):
    scores = [0.7, np.nan, 0.9, 0.7, 0.1]
    table = pd.DataFrame({"recording_id": list("abcde"), "score": scores})
    assert choose_windows(table, Windowing(4.0, **options)) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 0.0}, "window must be above 0"),
        ({"seconds": 4.0, "overlap": 4.0}, "below the 4 s of a window"),
        ({"seconds": 4.0, "overlap": -1.0}, "overlap must be from 0"),
        ({"seconds": 4.0, "threshold": float("nan")}, "threshold must be a number"),
        ({"seconds": 4.0, "top_k": 0}, "top_k must be at least 1"),
    ],
)
def test_numbers_out_of_range_are_said(options, said):
    with pytest.raises(ValueError, match=said):
        Windowing(**options)


T, F = 10, 3


def noise():
    """The same mask in every run."""
    return torch.rand(F, T, generator=torch.Generator().manual_seed(0))


def stored(folder, first, mask, **options):
    """A window of ten frames that begins at a frame, with a mask stored in a folder."""
    times = torch.arange(T) * FRAME
    picture = Spectrogram(torch.full((F, T), -40.0), torch.arange(1.0, F + 1), times, f"w{first}")
    one = Explanation(
        mask, picture, "rise", "dog", **{"score": 0.5, "n_queries": 7, "seconds": {}} | options
    )
    save_explanation(one, folder / f"w{first}")
    return Window(f"w{first}", first * FRAME, (first + T) * FRAME, first), folder / f"w{first}"


def test_a_window_alone_keeps_its_mask_at_its_place(tmp_path):
    mask = noise()
    found = stitch([stored(tmp_path, 40, mask)], "night", FRAME).explanation
    assert torch.allclose(found.mask, mask, atol=1e-6)
    assert np.allclose(found.spectrogram.times, (40 + np.arange(T)) * FRAME)
    assert found.spectrogram.recording_id == "night"


def test_overlapping_windows_of_one_mask_give_that_mask(tmp_path):
    places = [stored(tmp_path, first, torch.full((F, T), 0.3)) for first in (0, 5, 10)]
    found = stitch(places, "night", FRAME).explanation
    assert found.mask.shape == (F, 20)
    assert torch.allclose(found.mask, torch.tensor(0.3))


def test_a_frame_is_the_mean_of_windows_by_how_far_from_their_borders_it_lies(tmp_path):
    places = [stored(tmp_path, 0, torch.zeros(F, T)), stored(tmp_path, 5, torch.ones(F, T))]
    found = stitch(places, "night", FRAME).explanation.mask[0]
    weights = np.sin(np.pi * (np.arange(T) + 0.5) / T) ** 2
    by_hand = weights[:5] / (weights[:5] + weights[5:])
    assert np.allclose(found, [*np.zeros(5), *by_hand, *np.ones(5)], atol=1e-6)
    assert np.allclose(weights[:5] + weights[5:], 1)


def test_each_window_marks_by_its_own_threshold(tmp_path):
    """One with a faint mask marks as much as it does alone, beside one with a strong mask."""
    faint, strong = torch.full((F, T), 0.01), torch.full((F, T), 0.2)
    faint[:, 4:6], strong[:, 7:9] = 0.05, 1.0
    places = [stored(tmp_path, 0, faint), stored(tmp_path, 100, strong)]
    marked = stitch(places, "night", FRAME).marked
    alone = [load_explanation(folder).events() for _, folder in places]
    assert [len(events) for events in alone] == [1, 1]
    expected = [(alone[0][0].start, 0.0), (alone[1][0].start, 100 * FRAME)]
    assert [event.start for event in marked] == pytest.approx([a + b for a, b in expected])
    assert marked.labels == ("dog",)


def test_time_in_no_explained_window_is_not_there(tmp_path):
    places = [stored(tmp_path, first, noise()) for first in (0, 100)]
    found = stitch(places, "night", FRAME).explanation
    assert found.mask.shape == (F, 20)
    steps = np.diff(found.spectrogram.times) / FRAME
    assert sorted(np.round(steps).astype(int)) == [*[1] * 18, 91]


def test_too_many_frames_are_averaged_and_their_number_is_bounded(tmp_path):
    mask = noise()
    places = [stored(tmp_path, first, mask) for first in range(0, 100, T)]
    found = stitch(places, "night", FRAME, most_bins=75)
    assert found.together == 4
    assert found.explanation.mask.numel() <= 75
    assert found.explanation.spectrogram.hop == pytest.approx(4 * FRAME)
    assert float(found.explanation.mask.mean()) == pytest.approx(float(mask.mean()), abs=0.05)
    whole = stitch(places, "night", FRAME).explanation
    assert whole.mask.numel() == F * 100


def test_what_windows_cost_and_doubt_is_kept(tmp_path):
    places = [
        stored(tmp_path, 0, torch.rand(F, T), score=0.9, warnings=("Too few queries.",)),
        stored(tmp_path, 20, torch.rand(F, T), score=0.4),
    ]
    found = stitch(places, "night", FRAME)
    assert found.warned == ("w0",)
    assert (found.explanation.score, found.explanation.n_queries) == (0.9, 14)


def test_windows_of_two_classes_are_not_put_together(tmp_path):
    places = [stored(tmp_path, first, noise()) for first in (0, 20)]
    other = Explanation(torch.rand(F, T), picture(), "rise", "cat")
    save_explanation(other, places[1][1])
    with pytest.raises(ValueError, match="'cat'"):
        stitch(places, "night", FRAME)
    with pytest.raises(ValueError, match="no explained window"):
        stitch([], "night", FRAME)


def picture():
    return Spectrogram(torch.zeros(F, T), torch.arange(1.0, F + 1), torch.arange(T) * FRAME, "w20")
