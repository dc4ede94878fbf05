"""Time lines: one character is one second and one frame, `#` is event, digits are a profile."""

import math

import numpy as np
import pytest

from daxaudio.containers import Event
from daxaudio.metrics import (
    frames_to_events,
    mask_rank_accuracy,
    mask_top_k_intersection,
    relevance_rank_accuracy,
    top_k_intersection,
    worst_event_margin,
)


def time_line(reference, profile):
    """Profile, times and events."""
    times = np.arange(len(profile)) + 0.5
    truth = np.array([character == "#" for character in reference])
    return np.array([float(digit) for digit in profile]), times, frames_to_events(truth, times)


RANKED = [relevance_rank_accuracy, top_k_intersection]


@pytest.mark.parametrize("metric", [*RANKED, worst_event_margin])
def test_a_perfect_profile_has_one_and_no_event_nothing(metric):
    assert metric(*time_line("..##..#", "0099009")) == 1
    assert math.isnan(metric(*time_line(".......", "0099009")))


@pytest.mark.parametrize("metric", RANKED)
def test_a_profile_beside_the_event_has_nothing_and_a_flat_one_is_at_chance(metric):
    assert metric(*time_line("..##..", "990000")) == 0
    assert metric(*time_line("..##..", "555555")) == pytest.approx(1 / 3)


def test_rank_accuracy_counts_as_many_frames_as_there_are_true_ones():
    # the four highest are 9, 8, 7 and one of the three 5s, of which two are true
    value = relevance_rank_accuracy(*time_line("####....", "95510875"))
    assert value == pytest.approx((1 + 2 / 3) / 4)


def test_the_top_is_a_fiftieth_of_the_frames_or_the_number_that_is_asked_for():
    profile, truth = np.arange(200.0), np.zeros(200, bool)
    truth[[199, 197, 195, 100, 99]] = True
    times = np.arange(200) + 0.5
    events = frames_to_events(truth, times)
    assert top_k_intersection(profile, times, events) == 2 / 4
    assert top_k_intersection(profile, times, events, k=5) == 3 / 5
    # of more frames than there are true ones, only as many could be true
    assert top_k_intersection(profile, times, events, k=50) == 3 / 5


def test_the_top_must_hold_something_and_not_more_than_all():
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"from 1 to the number of values, 3, got {k}"):
            top_k_intersection([1, 2, 3], [0.5, 1.5, 2.5], [Event(0, 1)], k=k)


def test_the_margin_is_that_of_the_event_that_stands_out_least():
    assert worst_event_margin(*time_line(".##..#.", "0890560")) == pytest.approx((6 - 5) / 9)
    assert worst_event_margin(*time_line(".##..#.", "0890620")) == pytest.approx((2 - 6) / 9)


def test_the_margin_is_undefined_where_nothing_is_marked_or_nothing_is_outside():
    assert math.isnan(worst_event_margin(*time_line("..##..", "000000")))
    assert math.isnan(worst_event_margin(*time_line("######", "012345")))
    with pytest.raises(ValueError, match="profile holds negative values"):
        worst_event_margin([-1, 2], [0.5, 1.5], [Event(0, 1)])


def test_a_mask_is_ranked_over_all_points():
    mask = [[0.9, 0.8, 0.1], [0.7, 0.0, 0.2]]
    truth = [[True, False, False], [True, False, True]]
    assert mask_rank_accuracy(mask, truth) == pytest.approx(2 / 3)
    assert mask_top_k_intersection(mask, truth) == 1
    assert mask_top_k_intersection(mask, truth, k=2) == 0.5
    assert math.isnan(mask_rank_accuracy(mask, np.zeros((2, 3), bool)))


def test_the_top_is_that_of_quantus():
    """Values of RelevanceRankAccuracy and TopKIntersection of Quantus 0.6.0, without ties."""
    profile = np.modf(np.arange(1, 61) * 0.618034)[0]
    line = profile, np.arange(60) + 0.5, [Event(5, 17), Event(30, 41)]
    assert relevance_rank_accuracy(*line) == pytest.approx(0.39130435)
    for k, value in ((5, 0.2), (10, 0.3), (20, 0.35)):
        assert top_k_intersection(*line, k=k) == pytest.approx(value)
