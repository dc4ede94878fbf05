"""Time lines: one character is one second and one frame, `#` is event, digits are a profile."""

import math

import numpy as np
import pytest
import torch

from daxaudio.containers import Event
from daxaudio.metrics import (
    average_precision,
    frame_auc,
    frames_to_events,
    mask_auc,
    mask_average_precision,
    mask_iou,
    pointing_game,
    relevance_mass,
    score_profile,
)

NAMES = [
    *("iou", "best_threshold_iou", "frame_auc", "average_precision", "event_iou"),
    *("relevance_rank_accuracy", "top_k_intersection", "frame_f1", "event_f1"),
]


def grid(*lines):
    """Digits give values, `#` and `.` give truth."""
    if lines[0][0].isdigit():
        return np.array([[float(character) for character in line] for line in lines])
    return np.array([[character == "#" for character in line] for line in lines])


def time_line(reference, profile):
    """Profile, times and events."""
    times = np.arange(len(profile)) + 0.5
    return grid(profile)[0], times, frames_to_events(grid(reference)[0], times)


@pytest.mark.parametrize("metric", [frame_auc, average_precision])
def test_every_event_frame_above_all_others_is_one(metric):
    assert metric(*time_line("..##..", "019821")) == 1


def test_ranking_by_hand():
    line = time_line(
        "..###...",
        "01952703",
    )
    # event frames have 9, 5, 2; the others 7, 3, 1, 0, 0. Of 15 pairs 2 wins 3, 5 wins 4, 9 all 5
    assert frame_auc(*line) == pytest.approx(12 / 15)
    # from the top: 9 yes (1/1), 7 no, 5 yes (2/3), 3 no, 2 yes (3/5)
    assert average_precision(*line) == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3)


def test_ties_count_half_in_auc_and_come_in_together_in_precision():
    line = time_line(
        ".##..",
        "44210",
    )
    # pairs: 4 ties 4 (half), beats 1 and 0; 2 loses to 4, beats 1 and 0: 4.5 of 6
    assert frame_auc(*line) == pytest.approx(4.5 / 6)
    # at 4: 1 of 2; at 2: 2 of 3
    assert average_precision(*line) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_constant_profile_is_at_chance():
    line = time_line("..##......", "5555555555")
    assert frame_auc(*line) == 0.5
    assert average_precision(*line) == pytest.approx(0.2)


def test_the_event_at_the_bottom_scores_zero_auc():
    assert frame_auc(*time_line("..##..", "990099")) == 0


def test_the_opposite_profile_has_the_opposite_auc():
    profile, times, truth = time_line("..###...", "01952703")
    total = frame_auc(profile, times, truth) + frame_auc(-profile, times, truth)
    assert total == pytest.approx(1)


@pytest.mark.parametrize("reference", ["......", "######"])
@pytest.mark.parametrize("metric", [frame_auc, average_precision])
def test_ranking_is_nan_when_the_event_is_nowhere_or_everywhere(metric, reference):
    assert math.isnan(metric(*time_line(reference, "012345")))


@pytest.mark.parametrize("seed", range(10))
def test_ranking_is_that_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    profile = rng.integers(0, 6, 40) if seed % 2 else rng.random(40)
    truth, times = rng.random(40) < 0.4, np.arange(40.0)
    found = frames_to_events(truth, times)
    more = profile[truth][:, None] - profile[~truth]
    assert frame_auc(profile, times, found) == pytest.approx(
        ((more > 0) + 0.5 * (more == 0)).mean()
    )
    above = [profile >= level for level in sorted(set(profile), reverse=True)]
    precision = [truth[chosen].mean() for chosen in above]
    recall = [truth[chosen].sum() / truth.sum() for chosen in above]
    expected = (np.diff(recall, prepend=0) * precision).sum()
    assert average_precision(profile, times, found) == pytest.approx(expected)


def test_evaluate_gives_all_metrics_by_name():
    line = time_line(
        ".##.....",
        "09000000",
    )
    scores = score_profile(*line)
    assert list(scores) == NAMES
    # one of two frames found; AUC: 6 pairs won, 6 tied of 12; AP: 1/1, then all 8 frames at once
    expected = [1 / 2, 1 / 2, 9 / 12, (1 + 2 / 8) / 2, 1 / 2]
    # of the top two one and one in seven; of the top one, one; the event ends a second too early
    expected += [(1 + 1 / 7) / 2, 1, 2 / 3, 0]
    assert list(scores.values()) == pytest.approx(expected)
    assert all(type(value) is float for value in scores.values())


def test_evaluate_of_a_perfect_short_mask_is_one_throughout():
    assert set(score_profile(*time_line("..##......", "0099000000")).values()) == {1.0}


def test_a_perfect_long_mask_fails_only_at_the_paper_threshold():
    scores = score_profile(*time_line("..######..", "0099999900"))
    above = {"iou", "event_iou", "frame_f1", "event_f1"}
    assert scores == {name: float(name not in above) for name in NAMES}


def test_mask_metrics_by_hand():
    truth = grid(
        "...##...",
        "...#....",
    )
    mask = grid(
        "00090001",
        "00080000",
    )
    # mean 18/16 = 1.1, deviation 2.8, threshold 3.9: predicts the 9 and the 8, 2 of 3 points
    assert mask_iou(mask, truth) == pytest.approx(2 / 3)
    # 9 and 8 each win 13 pairs; the 0 ties 12 and loses 1
    assert mask_auc(mask, truth) == pytest.approx((13 + 13 + 6) / 39)
    # 9 and 8 at precision 1; then the 1; then all 16 points
    assert mask_average_precision(mask, truth) == pytest.approx((1 + 1 + 3 / 16) / 3)


@pytest.mark.parametrize("metric", [mask_iou, mask_auc, mask_average_precision])
def test_the_true_mask_scores_one(metric):
    truth = grid("..#...", ".##...", "......")
    assert metric(truth, truth) == 1
    assert metric(torch.from_numpy(truth).float(), torch.from_numpy(truth)) == 1


def test_a_mask_on_one_row_is_not_taken_for_another():
    truth, mask = grid("..##..", "......", "......"), grid("000000", "000000", "009900")
    assert mask_iou(mask, truth) == 0
    assert mask_auc(mask, truth) < 0.5


def test_mask_metrics_of_empty_input_have_the_documented_result():
    blank, spot = np.zeros((2, 3)), np.eye(2, 3)
    assert mask_iou(blank, blank) == 1
    assert mask_iou(spot, blank) == mask_iou(blank, spot) == 0
    for metric in (mask_auc, mask_average_precision):
        assert math.isnan(metric(spot, blank))
        assert math.isnan(metric(spot, blank + 1))


@pytest.mark.parametrize(
    ("mask", "truth", "reason"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), r"got shapes \(2, 3\) and \(3, 2\)"),
        (np.ones(3), np.ones(3), r"must both be \[F, T\]"),
        (np.ones((2, 3)), np.full((2, 3), 0.5), "truth must be bool"),
        (np.full((2, 3), np.nan), np.ones((2, 3)), "mask holds NaN"),
        (np.ones((0, 3)), np.ones((0, 3)), "at least one value"),
    ],
)
@pytest.mark.parametrize("metric", [mask_iou, mask_auc, mask_average_precision])
def test_malformed_masks_are_refused(metric, mask, truth, reason):
    with pytest.raises(ValueError, match=reason):
        metric(mask, truth)


@pytest.mark.parametrize("metric", [frame_auc, average_precision, score_profile])
def test_malformed_profiles_are_refused(metric):
    with pytest.raises(ValueError, match="profile holds NaN"):
        metric([1, float("nan")], [0.5, 1.5], [Event(0, 1)])
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        metric([1, 2], [0.5, 1.5, 2.5], [Event(0, 1)])


def mask_over_time(reference, *lines):
    """Mask, times and events."""
    times = np.arange(len(reference)) + 0.5
    return grid(*lines), times, frames_to_events(grid(reference)[0], times)


def test_peak_and_mass_by_hand():
    line = mask_over_time(
        "..###...",
        "00190020",
        "00211000",
    )
    assert pointing_game(*line) == 1
    # 1 + 9 and 2 + 1 + 1 of 16
    assert relevance_mass(*line) == pytest.approx(14 / 16)


def test_a_peak_beside_the_event_misses():
    assert pointing_game(*mask_over_time("..##..", "098811")) == 0


def test_of_several_peaks_the_share_inside_counts():
    line = mask_over_time(
        "..##..",
        "099000",
        "000091",
    )
    assert pointing_game(*line) == pytest.approx(1 / 3)


@pytest.mark.parametrize("metric", [pointing_game, relevance_mass])
def test_peak_and_mass_of_a_perfect_and_an_opposite_mask(metric):
    assert metric(*mask_over_time("..##..", "005500")) == 1
    assert metric(*mask_over_time("..##..", "550055")) == 0


@pytest.mark.parametrize("metric", [pointing_game, relevance_mass])
def test_peak_and_mass_of_a_flat_mask_are_the_share_of_the_event(metric):
    assert metric(*mask_over_time("..##......", "3333333333", "3333333333")) == pytest.approx(0.2)


@pytest.mark.parametrize("metric", [pointing_game, relevance_mass])
def test_peak_and_mass_are_nan_without_an_event_frame_and_one_everywhere(metric):
    mask, times, _ = mask_over_time("......", "012345")
    assert math.isnan(metric(mask, times, []))
    assert math.isnan(metric(mask, times, [Event(2.6, 3.4)]))  # between two centres
    assert metric(mask, times, [Event(0, 6)]) == 1


def test_an_empty_mask_has_no_mass_and_its_peak_is_at_chance():
    line = mask_over_time("..##......", "0000000000")
    assert math.isnan(relevance_mass(*line))
    assert pointing_game(*line) == pytest.approx(0.2)


@pytest.mark.parametrize("metric", [pointing_game, relevance_mass])
def test_tensors_are_taken_as_arrays_are(metric):
    mask, times, truth = mask_over_time("..###...", "00190020", "00211000")
    tensors = torch.from_numpy(mask).float(), torch.from_numpy(times)
    assert metric(*tensors, truth) == metric(mask, times, truth)


@pytest.mark.parametrize(
    ("mask", "times", "reason"),
    [
        (np.ones((2, 3)), [0.5, 1.5], r"got shapes \(2, 3\) and \(2,\)"),
        (np.ones(2), [0.5, 1.5], r"mask must be \[F, T\] and times \[T\]"),
        (np.full((1, 2), np.nan), [0.5, 1.5], "mask holds NaN"),
        (np.ones((1, 2)), [1.5, 0.5], "times must increase"),
    ],
)
@pytest.mark.parametrize("metric", [pointing_game, relevance_mass])
def test_malformed_masks_over_time_are_refused(metric, mask, times, reason):
    with pytest.raises(ValueError, match=reason):
        metric(mask, times, [Event(0, 1)])


def test_negative_mass_is_refused():
    with pytest.raises(ValueError, match="negative values; scale it by scale_to_mask"):
        relevance_mass([[1.0, -1.0]], [0.5, 1.5], [Event(0, 1)])
