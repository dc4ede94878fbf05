"""Time lines: one character is one second and one frame, `#` is an active frame."""

import numpy as np
import pytest
import torch

from daxaudio.containers import Event
from daxaudio.metrics import event_frames, frames_to_events, interval_iou, match_events


def test_matching_is_best_for_all_together_not_greedy():
    # event 0    ##########.
    # event 1    .......####
    # run 0      ...########   7 of 11 s with event 0, 4 of 8 with event 1
    # run 1      #####......   5 of 10 s with event 0, none with event 1
    reference = [Event(0, 10), Event(7, 11)]
    predicted = [Event(3, 11), Event(0, 5)]
    # greedy would take 7/11 first and leave event 1 alone: 0.64 in all instead of 1
    assert match_events(reference, predicted) == [(0, 1, 0.5), (1, 0, 0.5)]


def test_events_that_share_no_time_have_no_partner():
    assert match_events([Event(0, 1)], [Event(1, 2), Event(5, 6)]) == []
    assert match_events([], [Event(0, 1)]) == match_events([Event(0, 1)], []) == []


def test_interval_iou_by_hand():
    #  0123456789
    #  ....####..
    #  ...##.....
    assert interval_iou(Event(4, 8), Event(3, 5)) == 1 / 5
    assert interval_iou(Event(0.1, 0.7), Event(0.1, 0.7)) == 1
    assert interval_iou(Event(0, 1), Event(1, 2)) == 0
    assert interval_iou(Event(1, 1), Event(0, 2)) == 0
    assert interval_iou(Event(1, 1), Event(1, 1)) == 1
    assert interval_iou(Event(1, 1), Event(2, 2)) == 0


def test_a_frame_belongs_to_the_event_that_its_centre_lies_in():
    times = [0.0, 0.5, 1.0, 1.5]
    assert event_frames([Event(0.5, 1.5)], times).tolist() == [False, True, True, False]
    assert event_frames([Event(0.51, 0.99)], times).tolist() == [False] * 4
    assert event_frames([Event(0, 0.1), Event(1.2, 9)], times).tolist() == [
        True, False, False, True,
    ]  # fmt: skip
    assert not event_frames([], times).any()


def test_runs_become_events_with_edges_half_a_hop_from_the_centres():
    active = [character == "#" for character in "##..#.###"]
    assert frames_to_events(active, np.arange(9) + 0.5, "dog") == [
        Event(0, 2, "dog"),
        Event(4, 5, "dog"),
        Event(6, 9, "dog"),
    ]


def test_an_event_never_starts_before_the_recording():
    assert frames_to_events([True, False, True], [0.0, 0.25, 0.5]) == [
        Event(0, 0.125),
        Event(0.375, 0.625),
    ]
    assert frames_to_events([True], [0.5]) == [Event(0.5, 0.5)]


@pytest.mark.parametrize("seed", range(5))
def test_events_of_frames_give_the_frames_back(seed):
    active = np.random.default_rng(seed).random(100) < 0.5
    times = 0.02 + 0.0116 * np.arange(100)
    assert (event_frames(frames_to_events(active, times), times) == active).all()


def test_frames_may_be_a_tensor():
    active, times = torch.tensor([False, True, True, False]), torch.tensor([0.5, 1.5, 2.5, 3.5])
    assert frames_to_events(active, times) == [Event(1, 3)]
    assert event_frames([Event(1, 3)], times).tolist() == active.tolist()


def test_uneven_frames_meet_half_way():
    assert frames_to_events([True, False, True], [1.0, 2.0, 5.0]) == [
        Event(0.5, 1.5),
        Event(3.5, 6.5),
    ]


def test_malformed_frames_are_refused():
    with pytest.raises(ValueError, match=r"both be \[T\], got shapes \(1,\) and \(2,\)"):
        frames_to_events([True], [0.5, 1.5])
    with pytest.raises(ValueError, match="times must increase"):
        frames_to_events([True, True], [1.5, 0.5])
    with pytest.raises(ValueError, match="times must hold at least one value"):
        event_frames([], [])
