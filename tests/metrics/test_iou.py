"""Time lines: one character is one second and one frame, `#` is event or salient, `.` is not."""

import numpy as np
import pytest
import torch

from daxaudio.containers import Event
from daxaudio.metrics import (
    best_threshold_iou,
    event_iou,
    frames_to_events,
    iou,
    marking_threshold,
    paper_threshold,
)


def frames(line):
    return np.array([character == "#" for character in line], dtype=float)


def levels(line):
    """A profile from digits, one a frame."""
    return [float(character) for character in line]


def centres(line):
    return np.arange(len(line)) + 0.5


def events(line):
    return frames_to_events(frames(line), centres(line))


def scores(metric, reference, profile):
    values = levels(profile) if profile[0].isdigit() else frames(profile)
    return metric(values, centres(profile), events(reference))


@pytest.mark.parametrize("metric", [iou, best_threshold_iou, event_iou])
@pytest.mark.parametrize("line", ["..##......", "#........#", ".#..##...."])
def test_the_event_itself_scores_one(metric, line):
    assert scores(metric, line, line) == 1


@pytest.mark.parametrize("metric", [iou, event_iou])
def test_another_place_scores_zero(metric):
    reference = "##........"
    predicted = ".....##..."
    assert scores(metric, reference, predicted) == 0


def test_shared_over_united_frames():
    reference = "..####......"
    predicted = "....###....."
    # they share 2 frames and take 5 together
    assert scores(iou, reference, predicted) == 2 / 5
    assert scores(best_threshold_iou, reference, predicted) == 2 / 5
    assert scores(event_iou, reference, predicted) == pytest.approx(2 / 5)


def test_threshold_is_mean_plus_population_deviation():
    # mean 2, squared distances 4 + 1 + 0 + 9, variance 14 / 4
    assert paper_threshold([0, 1, 2, 5]) == pytest.approx(2 + np.sqrt(14 / 4))
    assert paper_threshold([[0, 1], [2, 5]]) == pytest.approx(2 + np.sqrt(14 / 4))


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.7, 1e-9, 12345.678])
@pytest.mark.parametrize("n", [3, 10, 479])
def test_a_constant_profile_predicts_nothing(value, n):
    assert not (np.full(n, value) > paper_threshold(np.full(n, value))).any()


# of the last pair, low + (high - low) is below high in floating point
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.1, 0.4), (5.3, 5.4), (-1.0, -0.34)])
def test_half_of_the_time_is_never_above_the_threshold_at_any_scale(low, high):
    profile = np.where(frames("..##..##") > 0, high, low)
    assert not (profile > paper_threshold(profile)).any()


@pytest.mark.parametrize(("scale", "offset"), [(0.3, 0.1), (1e-6, -2.0), (1e5, 3.0)])
def test_scale_and_offset_change_no_metric(scale, offset):
    profile = np.random.default_rng(0).random(50)
    times, truth = np.arange(50) * 0.01, [Event(0.1, 0.3)]
    for metric in (iou, best_threshold_iou, event_iou):
        assert metric(profile, times, truth) == metric(scale * profile + offset, times, truth)


def test_perfect_mask_over_most_of_the_time_scores_zero_but_its_best_threshold_one():
    line = "..######.."
    # p = 0.6: mean + std = 0.6 + sqrt(0.24) = 1.09, above every value
    assert paper_threshold(frames(line)) == pytest.approx(0.6 + np.sqrt(0.24))
    assert scores(iou, line, line) == 0
    assert scores(event_iou, line, line) == 0
    assert scores(best_threshold_iou, line, line) == 1


def test_tied_frames_pass_a_threshold_together():
    reference = ".##..."
    profile = "066610"
    # above 5: 3 frames, 2 of them true, union 3; above 0: 4 frames, union 4
    assert scores(best_threshold_iou, reference, profile) == 2 / 3


def brute_force_best(profile, truth):
    predictions = [profile >= value for value in profile]
    return max((p & truth).sum() / (p | truth).sum() for p in predictions)


@pytest.mark.parametrize("seed", range(20))
def test_best_threshold_is_that_of_a_search_over_all(seed):
    rng = np.random.default_rng(seed)
    profile, truth = rng.integers(0, 8, 30).astype(float), rng.random(30) < 0.3
    times = np.arange(30.0)
    found = best_threshold_iou(profile, times, frames_to_events(truth, times))
    assert found == pytest.approx(brute_force_best(profile, truth))
    assert iou(profile, times, frames_to_events(truth, times)) <= found


def test_nothing_known_scores_the_share_of_the_event():
    assert scores(best_threshold_iou, "..##......", "5555555555") == 0.2


@pytest.mark.parametrize(
    ("reference", "profile", "expected"),
    [
        ("..##..", "555555", (0.0, 2 / 6, 0.0)),
        ("......", "555555", (1.0, 1.0, 1.0)),
        ("......", "090000", (0.0, 1.0, 0.0)),
    ],
)
def test_empty_reference_or_prediction_has_the_documented_result(reference, profile, expected):
    metrics = (iou, best_threshold_iou, event_iou)
    assert tuple(scores(metric, reference, profile) for metric in metrics) == expected


def test_an_event_between_two_frame_centres_counts_as_no_event():
    profile, times = [0, 9, 0, 0], [0.5, 1.5, 2.5, 3.5]
    whole, sliver = Event(1, 2), Event(2.6, 3.4)
    assert event_iou(profile, times, [whole, sliver]) == 1
    assert event_iou(profile, times, [sliver]) == 0


def test_each_event_is_scored_with_its_own_run():
    reference = "####....####...."
    predicted = "..##......##...#"
    # each run has 2 of 4 s of its event; the run left over has no event and costs nothing here
    assert scores(event_iou, reference, predicted) == pytest.approx((2 / 4 + 2 / 4) / 2)
    assert scores(iou, reference, predicted) == 4 / 9


def test_one_run_over_two_events_serves_only_one():
    reference = "#.##......"
    predicted = "####......"
    # the run shares 1 of 4 s with the first event, 2 of 4 s with the second
    assert scores(event_iou, reference, predicted) == pytest.approx((0 + 2 / 4) / 2)


def test_of_several_runs_in_one_event_the_best_counts():
    reference = "..#####........."
    predicted = "..#.###........."
    assert scores(event_iou, reference, predicted) == pytest.approx(3 / 5)


def test_lists_arrays_and_tensors_give_the_same():
    times, truth = [0.5, 1.5, 2.5, 3.5], [Event(1, 3)]
    profile = torch.tensor([0.0, 1.0, 0.25, 0.0], requires_grad=True)
    for metric in (iou, best_threshold_iou, event_iou):
        expected = metric([0, 1, 0.25, 0], times, truth)
        assert metric(profile, torch.tensor(times), truth) == expected
        assert metric(profile.bfloat16(), np.array(times), truth) == expected


@pytest.mark.parametrize(
    ("profile", "times", "reason"),
    [
        ([1, 2], [0.5], r"both be \[T\], got shapes \(2,\) and \(1,\)"),
        ([[1, 2]], [[0.5, 1.5]], r"both be \[T\], got shapes \(1, 2\)"),
        ([], [], "profile must hold at least one value"),
        ([1, float("nan")], [0.5, 1.5], "profile holds NaN or infinite"),
        ([1, 2], [0.5, float("inf")], "times holds NaN or infinite"),
        ([1, 2], [0.5, 0.5], "times must increase"),
    ],
)
@pytest.mark.parametrize("metric", [iou, best_threshold_iou, event_iou])
def test_malformed_input_is_refused(metric, profile, times, reason):
    with pytest.raises(ValueError, match=reason):
        metric(profile, times, [Event(0, 1)])


def test_a_plateau_over_more_than_half_is_marked_though_the_paper_marks_nothing_of_it():
    plateau = np.r_[np.full(4, 0.1), np.full(6, 0.9), np.full(2, 0.85)]
    assert not (plateau > paper_threshold(plateau)).any()
    assert np.flatnonzero(plateau > marking_threshold(plateau)).tolist() == list(range(4, 12))


def test_where_the_paper_marks_something_that_is_what_is_marked():
    peak = np.r_[np.zeros(8), 0.4, 0.9, 1.0]
    assert marking_threshold(peak) == paper_threshold(peak)
    assert not (np.full(5, 0.3) > marking_threshold(np.full(5, 0.3))).any()
