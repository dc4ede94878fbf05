"""Time lines: one character is 100 ms and one frame, `#` is event, digits are a profile."""

import math

import dcase_util
import numpy as np
import pytest
import sed_eval
import torch

from daxaudio.containers import Event
from daxaudio.metrics import (
    event_f1,
    event_frames,
    frame_f1,
    frames_to_events,
    iou,
    paper_threshold,
    psds,
)
from daxaudio.runs.seeds import generator


def time_line(reference, profile):
    """Profile, times and events."""
    times = (np.arange(len(profile)) + 0.5) / 10
    truth = np.array([character == "#" for character in reference])
    return np.array([float(digit) for digit in profile]), times, frames_to_events(truth, times)


def psds_of(*lines, **options):
    """Of several time lines."""
    return psds(*map(list, zip(*(time_line(*line) for line in lines), strict=True)), **options)


@pytest.mark.parametrize("metric", [frame_f1, event_f1])
def test_a_perfect_mask_has_one_and_one_far_beside_the_event_nothing(metric):
    assert metric(*time_line("..###.........", "00999000000000")) == 1
    assert metric(*time_line("..###.........", "00000000000999")) == 0
    assert metric(*time_line("..............", "00000000000000")) == 1
    assert metric(*time_line("..............", "00000000000999")) == 0
    assert metric(*time_line("..###.........", "00000000000000")) == 0


def test_frame_f1_follows_from_the_iou():
    line = time_line("..####..........", "0009999900000000")
    share = iou(*line)
    assert frame_f1(*line) == pytest.approx(2 * share / (1 + share)) == 2 * 3 / (4 + 5)


def test_an_onset_may_be_two_hundred_milliseconds_off_and_no_more():
    for profile, value in (
        ("0000999990000000000000", 1.0),  # exactly 200 ms late, rounding or not
        ("9999999000000000000000", 1.0),
        ("0000099900000000000000", 0.0),
    ):
        assert event_f1(*time_line("..#####...............", profile)) == value


def test_the_offset_of_a_long_event_may_be_off_by_a_fifth_of_it():
    reference = "." * 5 + "#" * 20 + "." * 65
    for n_late, value in ((4, 1.0), (5, 0.0)):
        profile = "0" * 5 + "9" * (20 + n_late) + "0" * (65 - n_late)
        assert event_f1(*time_line(reference, profile)) == value
    profile = "0" * 5 + "9" * 25 + "0" * 60
    assert event_f1(*time_line(reference, profile), offset_share=0.25) == 1
    assert event_f1(*time_line(reference, profile), collar=0.5) == 1


def test_events_are_paired_one_to_one_so_that_most_are_found():
    # the run that fits both events must take the later one, or the first run has no partner
    reference = "#..#....................."
    assert event_f1(*time_line(reference, "0990990000000000000000000")) == 1
    # two runs within the collar of one event: one of them is too many
    assert event_f1(*time_line("..#......................", "0909000000000000000000000")) == (
        pytest.approx(2 / 3)
    )


def test_a_tolerance_is_not_negative():
    with pytest.raises(ValueError, match="at least 0, got -1 and"):
        event_f1([1, 2], [0.5, 1.5], [Event(0, 1)], collar=-1)


def test_psds_is_one_for_perfect_masks_whatever_their_levels():
    assert psds_of(("..##..", "229922"), (".#....", "010000")) == 1


def test_psds_is_nothing_where_all_that_is_marked_is_wrong():
    assert psds_of(("..##......", "9900000000")) == 0
    assert psds_of(("..##......", "5555555555")) == 0


def test_psds_is_undefined_without_a_true_event():
    assert math.isnan(psds_of(("......", "990000")))
    assert psds_of(("......", "000000"), ("..##..", "009900")) == 1


def test_false_alarms_are_counted_an_hour():
    # 72 s: the false alarm that comes first is one in 72 s, 50 an hour, half of the way to 100
    n = 720 - 10
    profile, truth = "9" + "0" * 4 + "7" * 3 + "0" * 2 + "0" * n, "." * 5 + "###" + ".." + "." * n
    assert psds_of((truth, profile)) == pytest.approx(0.5)
    assert psds_of((truth, profile), most_per_hour=200) == pytest.approx(0.75)
    assert psds_of((truth, profile), most_per_hour=50) == 0


def test_a_detection_must_lie_in_events_and_cover_them_by_a_share():
    line = ("####......", "9988000000")
    assert psds_of(line) == 1  # the lower threshold covers it
    half_in = ("##........", "9999000000")
    assert psds_of(half_in) == 0
    assert psds_of(half_in, detection_share=0.5) == 1
    half_covered = ("####......", "9900000000")
    assert psds_of(half_covered) == 0
    assert psds_of(half_covered, truth_share=0.5) == 1


def test_a_share_of_events_found_is_over_all_recordings():
    assert psds_of(("##........", "9900000000"), ("##........", "0000000099")) == 0
    quiet = psds_of(("##........", "9900000000"), ("##........", "0000000077"), most_per_hour=2000)
    # one of two from the first threshold on, where the wrong one is a false alarm in 2 s
    assert quiet == pytest.approx(0.5 * (1 - 1800 / 2000))


def test_numbers_out_of_range_and_lists_of_other_lengths_are_refused():
    profile, times, events = time_line("##..", "9900")
    with pytest.raises(ValueError, match="got 2, 1 and 1"):
        psds([profile, profile], [times], [events])
    with pytest.raises(ValueError, match="got 0, 0 and 0"):
        psds([], [], [])
    for options in ({"detection_share": 0}, {"truth_share": 1.5}, {"most_per_hour": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            psds([profile], [times], [events], **options)


def made_set(seed, n=5):
    """Profiles, times and events as drawn numbers, the same on every machine."""
    random = generator(seed, "a set of recordings")
    found = []
    for _ in range(n):
        profile = torch.rand(100, generator=random)
        borders = torch.randperm(90, generator=random)[:4].sort().values.tolist()
        truth = torch.zeros(100)
        for start, end in zip(borders[::2], borders[1::2], strict=True):
            truth[start + 3 : end + 6] = 1
        smooth = torch.nn.functional.avg_pool1d(profile[None], 7, 1, 3)[0]
        values = ((smooth + 0.5 * truth * torch.rand(1, generator=random)) * 200).round()
        times = (np.arange(100) + 0.5) / 10
        found.append((values.numpy(), times, frames_to_events(truth.numpy() > 0, times)))
    return tuple(map(list, zip(*found, strict=True)))


@pytest.mark.parametrize(
    ("seed", "shares", "most", "value"),
    [
        (0, (0.7, 0.7), 500, 0.108444),
        (2, (0.5, 0.3), 500, 0.363556),
        (3, (0.7, 0.7), 2000, 0.692889),
        (5, (0.5, 0.3), 2000, 0.7524),
        (6, (0.7, 0.7), 100, 0.506667),
        (8, (0.5, 0.3), 100, 0.2),
        (9, (0.7, 0.7), 500, 0.283556),
        (11, (0.5, 0.3), 500, 0.904),
    ],
)
def test_psds_is_that_of_sed_scores_eval(seed, shares, most, value):
    """Values of sed_scores_eval 0.0.4, which needs an older pandas than ours: see its call below.

    intersection_based.psds(scores, ground_truth, audio_durations, dtc_threshold=shares[0],
        gtc_threshold=shares[1], cttc_threshold=None, alpha_ct=0, alpha_st=0, max_efpr=most), of
    profiles scaled to [0, 1] by their own ends.
    """
    found = psds(
        *made_set(seed), detection_share=shares[0], truth_share=shares[1], most_per_hour=most
    )
    assert found == pytest.approx(value, abs=1e-6)


def listed(events, shrink=0.0):
    """As sed_eval takes them."""
    return dcase_util.containers.MetaDataContainer(
        [
            {"event_label": "x", "file": "a", "onset": e.start + shrink, "offset": e.end - shrink}
            for e in events
        ]
    )


def f_measure(metrics, reference, detected):
    metrics.evaluate(reference, detected)
    value = metrics.results_overall_metrics()["f_measure"]["f_measure"]
    return 0.0 if math.isnan(value) else value  # it has none without a hit


@pytest.mark.parametrize("seed", range(12))
def test_f1_of_frames_and_of_events_is_that_of_sed_eval(seed):
    for profile, times, events in zip(*made_set(seed), strict=True):
        reference = frames_to_events(event_frames(events, times), times)
        detected = frames_to_events(profile > paper_threshold(profile), times)
        # collars as we round them
        by_event = sed_eval.sound_event.EventBasedMetrics(
            ["x"], t_collar=0.2 + 1e-9, percentage_of_length=0.2 + 1e-10
        )
        expected = f_measure(by_event, listed(reference), listed(detected))
        assert event_f1(profile, times, events) == pytest.approx(expected)
        # a segment is marked when an event touches it, to the last bit: keep off the borders
        by_frame = sed_eval.sound_event.SegmentBasedMetrics(["x"], time_resolution=0.1)
        expected = f_measure(by_frame, listed(reference, 0.02), listed(detected, 0.02))
        assert frame_f1(profile, times, events) == pytest.approx(expected)
