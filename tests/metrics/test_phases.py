import math

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.metrics.phase_events import (
    BACKGROUND,
    fill_jumps,
    find_events,
    marked_outside,
)
from daxaudio.metrics.phases import (
    mass_over_chance,
    measure_phases,
    phase_iou,
    phase_mass,
    phase_share,
)

# seconds   0   1   2   3   4   5   6   7   8   9   10
# inhale        [---)
# cough             [-------)   [---)
# noise     [---)           [---)       [---)
# (none)                                    [-------)
EVENTS = [
    Event(0, 1, "noise"),
    Event(1, 2, "inhale"),
    Event(2, 4, "cough"),
    Event(4, 5, "noise"),
    Event(5, 6, "cough"),
    Event(6, 7, "noise"),
]
TIMES = np.arange(10) + 0.5
NAN = float("nan")


def profile(*marked, low=0.0):
    """1 at the marked frames; up to three of ten are above mean + std."""
    values = np.full(10, low)
    values[list(marked)] = 1.0
    return values


def explanation(values, name="a", method="rise", target="p", times=TIMES):
    mask = torch.tensor(np.tile(values, (3, 1)), dtype=torch.float32)
    picture = Spectrogram(torch.zeros(mask.shape), torch.arange(3.0), torch.as_tensor(times), name)
    return Explanation(mask, picture, method, target)


# IoU of a class


@pytest.mark.parametrize(
    ("marked", "label", "value"),
    [
        ((2, 3, 5), "cough", 1.0),
        ((7, 8, 9), "cough", 0.0),
        ((2, 3), "cough", 2 / 3),  # of 2, 3, 5
        ((1, 2, 3), "cough", 2 / 4),  # of 1, 2, 3, 5
        ((1, 2, 3), "inhale", 1 / 3),
        ((0, 9), "noise", 1 / 4),  # of 0, 4, 6, 9
    ],
)
def test_iou_is_of_all_events_of_the_class(marked, label, value):
    assert phase_iou(profile(*marked), TIMES, EVENTS, label) == pytest.approx(value)


def test_a_class_without_a_frame_has_no_iou_and_no_share():
    between = [*EVENTS, Event(2.6, 3.4, "click")]  # frames are at 2.5 and 3.5
    for label in ("throatclear", "click"):
        assert math.isnan(phase_iou(profile(2), TIMES, between, label))
        assert math.isnan(phase_share(TIMES, between, label))
    assert math.isnan(phase_mass(profile(2), TIMES, between)["click"])
    assert math.isnan(mass_over_chance(profile(2), TIMES, between)["click"])


def test_a_profile_that_marks_nothing_has_an_iou_of_0_not_nan():
    assert phase_iou(np.ones(10), TIMES, EVENTS, "cough") == 0.0


# shares of time and mass


def test_shares_of_the_time_are_counted_in_frames():
    shares = {n: phase_share(TIMES, EVENTS, n) for n in ("cough", "inhale", "noise", "unlabelled")}
    assert shares == {"cough": 0.3, "inhale": 0.1, "noise": 0.3, "unlabelled": 0.3}


def test_mass_is_the_share_of_the_sum():
    values = np.array([0, 2, 3, 0, 1, 3, 0, 0, 1, 0])
    assert phase_mass(values, TIMES, EVENTS) == pytest.approx(
        {"cough": 0.6, "inhale": 0.2, "noise": 0.1, "unlabelled": 0.1}
    )
    assert mass_over_chance(values, TIMES, EVENTS) == pytest.approx(
        {"cough": 2.0, "inhale": 2.0, "noise": 1 / 3, "unlabelled": 1 / 3}
    )


def test_masses_of_events_that_do_not_overlap_sum_to_1():
    values = np.random.default_rng(0).random(10)
    assert sum(phase_mass(values, TIMES, EVENTS).values()) == pytest.approx(1)


def test_a_flat_profile_is_at_chance_even_where_classes_overlap():
    overlapping = [*EVENTS, Event(3, 6, "speech")]
    flat = phase_mass(np.full(10, 0.3), TIMES, overlapping)
    assert flat == pytest.approx(
        {"cough": 0.3, "inhale": 0.1, "noise": 0.3, "speech": 0.3, "unlabelled": 0.3}
    )
    for value in mass_over_chance(np.full(10, 0.3), TIMES, overlapping).values():
        assert value == pytest.approx(1)


def test_a_frame_of_two_classes_counts_for_both():
    overlapping = [*EVENTS, Event(3, 4, "speech")]
    found = phase_mass(profile(3), TIMES, overlapping)
    assert (found["cough"], found["speech"], found["unlabelled"]) == (1.0, 1.0, 0.0)


def test_an_empty_profile_has_no_mass_and_a_negative_one_is_refused():
    assert all(math.isnan(v) for v in phase_mass(np.zeros(10), TIMES, EVENTS).values())
    with pytest.raises(ValueError, match="negative"):
        phase_mass(profile(1, low=-0.1), TIMES, EVENTS)


def test_without_unlabelled_frames_the_rest_has_no_mass_and_no_density():
    whole = [Event(0, 10, "noise")]
    assert phase_mass(profile(1), TIMES, whole) == {"noise": 1.0, "unlabelled": 0.0}
    assert math.isnan(mass_over_chance(profile(1), TIMES, whole)["unlabelled"])


def test_the_name_of_the_rest_is_no_label():
    with pytest.raises(ValueError, match="'unlabelled'"):
        phase_mass(profile(1), TIMES, [Event(0, 1, "unlabelled")])


# the long table


def value_of(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table["value"].iloc[0]


def test_the_table_has_the_values_of_every_method_and_of_chance():
    events = {"a": EVENTS, "b": [Event(0, 5, "cough")]}
    table = measure_phases(
        [
            explanation(profile(2, 3, 5)),
            explanation(profile(7, 8), method="energy"),
            explanation(profile(0, 1), "b", target="n"),
        ],
        events,
    )
    of_a = {"recording_id": "a", "metric": "iou", "phase": "cough"}
    assert value_of(table, method="rise", **of_a) == 1.0
    assert value_of(table, method="energy", **of_a) == 0.0
    assert value_of(table, method="chance", **of_a) == 0.3
    of_b = {"recording_id": "b", "phase": "cough", "target": "n"}
    assert value_of(table, method="rise", metric="mass", **of_b) == 1.0
    assert value_of(table, method="rise", metric="mass_over_chance", **of_b) == 2.0
    assert value_of(table, method="chance", metric="mass", **of_b) == 0.5
    assert value_of(table, method="chance", metric="mass_over_chance", **of_b) == 1.0
    # a phase that a recording does not have is no row, and the rest has no IoU
    assert set(table[table["recording_id"] == "b"]["phase"]) == {"cough", "unlabelled"}
    assert "unlabelled" not in set(table[table["metric"] == "iou"]["phase"])
    assert not table.duplicated(["recording_id", "method", "phase", "metric"]).any()


def test_the_mass_of_the_profile_is_that_of_the_mask():
    mask = torch.rand(3, 10, generator=torch.Generator().manual_seed(0))
    picture = Spectrogram(torch.zeros(3, 10), torch.arange(3.0), torch.as_tensor(TIMES), "a")
    table = measure_phases([Explanation(mask, picture, "rise")], {"a": EVENTS})
    found = value_of(table, method="rise", phase="cough", metric="mass")
    assert found == pytest.approx(float(mask[:, [2, 3, 5]].sum() / mask.sum()), abs=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([explanation(profile(1), "b")], "name no recording 'b'"),
        ([explanation(profile(1)), explanation(profile(2))], "twice by 'rise'"),
        ([explanation(profile(1), method="chance")], "cannot be named 'chance'"),
    ],
)
def test_explanations_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        measure_phases(given, {"a": EVENTS})


def test_no_explanation_gives_an_empty_table():
    table = measure_phases([], {})
    assert isinstance(table, pd.DataFrame)
    assert table.empty
    assert "phase" in table


# event by event


def test_events_are_found_in_part_or_missed():
    # seconds   0   1   2   3   4   5   6   7   8   9   10
    # marked            [-------)   [---)
    events = [Event(2, 4, "cough"), Event(5, 8, "cough"), Event(0, 1, "inhale")]
    found = find_events(profile(2, 3, 5), TIMES, events)
    assert [(one.event.start, one.verdict) for one in found] == [
        (0, "missed"),
        (2, "found"),
        (5, "partly"),
    ]
    assert [one.iou for one in found] == pytest.approx([0, 1, 1 / 3])
    assert [one.marked for one in found] == [None, Event(2, 4), Event(5, 6)]


def test_one_run_finds_one_event_only():
    found = find_events(profile(2, 3, 4), TIMES, [Event(2, 3, "inhale"), Event(3, 5, "cough")])
    assert [one.iou for one in found] == pytest.approx([0, 2 / 3])


def test_the_edges_of_events_are_rounded_to_frames():
    (found,) = find_events(profile(2, 3), TIMES, [Event(1.9, 4.3, "cough")])
    assert found.iou == 1.0


def test_an_event_between_two_frames_is_no_frame_to_be_found():
    short, long = find_events(profile(2), TIMES, [Event(1.6, 2.4, "cough"), Event(2, 3, "cough")])
    assert (short.verdict, long.verdict) == ("no frame", "found")


def test_background_is_neither_found_nor_counts_as_inside():
    #  marked: 0 (noise), 2 (cough), 8 (nothing)
    assert {
        one.event.label for one in find_events(profile(0, 2, 8), TIMES, EVENTS, BACKGROUND)
    } == {
        "cough",
        "inhale",
    }
    outside = marked_outside(profile(0, 2, 8), TIMES, EVENTS, BACKGROUND)
    assert outside == [Event(0, 1), Event(8, 9)]
    assert marked_outside(profile(0, 2, 8), TIMES, EVENTS) == [Event(8, 9)]


def test_the_part_of_a_run_that_reaches_out_of_an_event_is_outside():
    assert marked_outside(profile(5, 6), TIMES, [Event(5, 6, "cough")]) == [Event(6, 7)]


def test_without_events_all_is_outside():
    assert find_events(profile(5), TIMES, []) == []
    assert marked_outside(profile(5), TIMES, []) == [Event(5, 6)]


# silence that was deleted: frames at 0.5, 1.5 | 6.5, 7.5, 8.5, 9.5


JUMPING = np.array([0.5, 1.5, 6.5, 7.5, 8.5, 9.5])


def test_runs_end_where_silence_was_deleted():
    values = [0, 1, 1, 0, 0, 0]
    assert marked_outside(values, JUMPING, []) == [Event(1, 2), Event(6, 7)]
    found = find_events(values, JUMPING, [Event(1, 2, "cough"), Event(3, 4, "click")])
    assert [one.verdict for one in found] == ["found", "no frame"]


def test_an_event_across_deleted_silence_stays_one():
    (found,) = find_events([0, 1, 0, 0, 0, 0], JUMPING, [Event(1, 7, "cough")])
    assert found.iou == pytest.approx(1 / 6)


def test_jumps_are_filled_and_small_unevenness_is_not():
    times, real = fill_jumps(JUMPING)
    assert times.tolist() == TIMES.tolist()
    assert np.flatnonzero(~real).tolist() == [2, 3, 4, 5]
    uneven = [0.0, 1.0, 2.3, 3.3, 4.2]
    assert fill_jumps(uneven)[0].tolist() == uneven
    assert fill_jumps([2.0])[0].tolist() == [2.0]


def test_from_one_and_a_half_hops_on_a_step_is_a_jump():
    assert fill_jumps([0, 1, 2, 3.6, 4.6])[0] == pytest.approx([0, 1, 2, 2.8, 3.6, 4.6])
    assert fill_jumps([0, 1, 2, 3.4, 4.4])[0] == pytest.approx([0, 1, 2, 3.4, 4.4])
