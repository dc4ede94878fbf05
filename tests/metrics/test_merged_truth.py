"""True events of one class that touch, overlap, lie in each other or are there twice are one."""

import numpy as np
import pytest
import torch

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.experiments.phases import count_events
from daxaudio.metrics import event_frames, event_iou, frames_to_events, perturbation_curves
from daxaudio.metrics.phase_events import find_events
from daxaudio.metrics.phases import phase_iou, phase_mass, phase_share

TIMES = np.arange(20) + 0.5
# seconds          0123456789
FORMS = {
    "apart": ([(1, 3), (5, 7)], [(1, 3), (5, 7)]),
    "touching": ([(1, 3), (3, 5)], [(1, 5)]),
    "touching but for rounding": ([(1, 3), (3 + 1e-12, 5)], [(1, 5)]),
    "overlapping": ([(1, 4), (3, 6)], [(1, 6)]),
    "twice": ([(1, 4), (1, 4)], [(1, 4)]),
    "one in the other": ([(1, 6), (2, 3)], [(1, 6)]),
    "apart by less than a frame": ([(1, 3), (3.2, 5)], [(1, 5)]),
    "in a chain": ([(4, 6), (1, 3), (2, 5)], [(1, 6)]),
}


def coughs(rows):
    return [Event(start, end, "cough") for start, end in rows]


def perfect(events, times=TIMES):
    return event_frames(events, times).astype(float)


@pytest.mark.parametrize("form", FORMS)
def test_a_perfect_profile_finds_all_of_it(form):
    events, merged = map(coughs, FORMS[form])
    profile = perfect(events)
    assert event_iou(profile, TIMES, events) == 1
    found = find_events(profile, TIMES, events)
    assert [one.event for one in found] == merged
    assert {(one.iou, one.verdict) for one in found} == {(1.0, "found")}


@pytest.mark.parametrize("form", FORMS)
def test_half_a_profile_scores_as_with_the_truth_drawn_at_once(form):
    events, merged = map(coughs, FORMS[form])
    profile = perfect(events) * (TIMES > 2)
    assert event_iou(profile, TIMES, events) == event_iou(profile, TIMES, merged) < 1
    assert find_events(profile, TIMES, events) == find_events(profile, TIMES, merged)


def test_an_event_at_the_first_frame_of_a_recording_stays_itself():
    # the run of the frame at 0 s starts at 0 s, too, and not half a hop before
    events, times = coughs([(0, 1), (5, 7)]), np.arange(20.0)
    found = find_events(perfect(events, times), times, events)
    assert [(one.event, one.iou) for one in found] == [(event, 1) for event in events]


def draw(seed):
    """Events that often touch, overlap, repeat or lie in each other, in a tenth of the time."""
    rng = np.random.default_rng(seed)
    starts = rng.choice([3.0, 3.5, 4.0, 5.25, 40.0, 41.0, 41.5], 6)
    events = coughs((start, start + rng.choice([0.5, 1.0, 1.3])) for start in starts)
    return events, np.arange(100) * rng.choice([0.5, 0.9]) + rng.random() / 2


@pytest.mark.parametrize("seed", range(40))
def test_a_perfect_profile_scores_one_however_the_truth_lies(seed):
    events, times = draw(seed)
    profile = perfect(events, times)
    assert profile.any()
    assert event_iou(profile, times, events) == 1
    found = [one for one in find_events(profile, times, events) if one.verdict != "no frame"]
    assert found
    assert {one.iou for one in found} == {1.0}


@pytest.mark.parametrize("seed", range(20))
def test_neither_order_nor_repetition_nor_merging_twice_changes_what_is_found(seed):
    events, times = draw(seed)
    rng = np.random.default_rng(seed)
    profile = rng.random(len(times)) ** 4
    first = find_events(profile, times, events)
    shuffled = [events[i] for i in rng.permutation(len(events))] + events[:2]
    merged = [one.event for one in first]
    for others in (shuffled, merged):
        again = find_events(profile, times, others)
        assert [(a.event, a.marked) for a in again] == [(a.event, a.marked) for a in first]
        assert [a.iou for a in again] == pytest.approx([a.iou for a in first], nan_ok=True)
        assert event_iou(profile, times, others) == event_iou(profile, times, events)


def test_events_of_two_classes_stay_two_and_one_run_finds_one_of_them():
    events = [Event(1, 3, "inhale"), Event(3, 6, "cough")]
    found = find_events(perfect(events), TIMES, events)
    assert [(one.event, one.iou) for one in found] == [(events[0], 0), (events[1], 3 / 5)]
    # labels play no part here: what touches is one
    assert event_iou(perfect(events), TIMES, events) == 1


def test_a_cough_that_is_listed_twice_is_counted_once():
    mask = torch.tensor(perfect(coughs([(1, 3)])))[None]
    picture = Spectrogram(mask, torch.ones(1), torch.tensor(TIMES), "a")
    once, twice = (
        count_events(Explanation(mask, picture, "rise"), coughs([(1, 3)] * n)) for n in (1, 2)
    )
    assert once == twice
    assert (once["events"], once["found_at_0.5"]) == (1, 1)


def test_an_event_without_a_frame_is_there_once_and_stays_no_frame():
    sliver = Event(1.6, 2.4, "cough")
    found = find_events(perfect([Event(2, 3)]), TIMES, [sliver, sliver, Event(2, 3, "cough")])
    assert [(one.event, one.verdict) for one in found] == [
        (sliver, "no frame"),
        (Event(2, 3, "cough"), "found"),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_measures_of_phases_do_not_know_how_the_truth_is_drawn(form):
    events, merged = map(coughs, FORMS[form])
    if form == "apart by less than a frame":
        merged = frames_to_events(perfect(events), TIMES, "cough")
    profile = np.random.default_rng(0).random(len(TIMES))
    for measure in (phase_mass, lambda *given: phase_iou(*given, "cough")):
        assert measure(profile, TIMES, events) == measure(profile, TIMES, merged)
    assert phase_share(TIMES, events, "cough") == phase_share(TIMES, merged, "cough")


def test_events_that_meet_but_for_rounding_are_cut_at_one_border():
    # the centre at 0.3 lies in [0.3, 0.1 + 0.2), which is no stretch of its own
    times = np.array([0.1, 0.2, 0.3, 0.4])
    masks, values = torch.tensor([[[0.1, 0.2, 0.3, 0.4]]]), torch.ones(1, 4)
    given = {"unit": "events", "times": times}
    curves = [
        perturbation_curves(
            masks,
            values,
            0 * values,
            lambda x: x.mean(dim=(1, 2)),
            direction="deletion",
            events=events,
            **given,
        )[0]
        for events in ([Event(0, 0.3), Event(0.3, 1)], [Event(0, 0.3), Event(0.1 + 0.2, 1)])
    ]
    assert curves[0].shares.tolist() == curves[1].shares.tolist() == [0, 0.5, 1]
