"""Events of one recording: cropped, merged, their gaps, at which times; drawn as time lines.

seconds  0   1   2   3   4   5   6   7   8   9
dog          |-------|   |-------|
cat              |-----------|
point                                |
"""

import copy
import pickle

import numpy as np
import pytest
import torch

from daxaudio.containers import Event, Events
from daxaudio.data.formats.annotated import BandEvent
from daxaudio.explainers.references import Oracle
from daxaudio.runs.provenance import describe

DOG_1, DOG_2 = Event(1, 3, "dog"), Event(4, 6, "dog")
CAT, POINT = Event(2, 5, "cat"), Event(7, 7, "point")
ALL = Events([POINT, DOG_2, CAT, DOG_1])


def test_events_stand_in_order_of_time_whatever_order_they_came_in():
    assert list(ALL) == [DOG_1, CAT, DOG_2, POINT]
    assert Events(reversed(ALL)) == ALL == Events(ALL)
    same = [Event(1, 2, "b"), Event(1, 2, "a"), Event(1, 1, "c")]
    assert [event.label for event in Events(same)] == ["c", "a", "b"]
    mixed = Events([BandEvent(2, 3, "bird", 100.0, 200.0), Event(1, 2), Event(2, 3, "bird")])
    assert mixed[0] == Event(1, 2)


def test_they_are_a_sequence_that_never_changes():
    assert len(ALL) == 4
    assert ALL[1:3] == Events([CAT, DOG_2])
    assert isinstance(ALL[1:3], Events)
    assert CAT in ALL
    assert ALL.index(DOG_2) == 2
    with pytest.raises(TypeError):
        ALL[0] = CAT
    with pytest.raises(AttributeError):
        ALL.other = 1
    assert not Events()


def test_they_equal_a_list_or_tuple_of_the_same_and_nothing_else():
    assert Events([CAT]) == [CAT] == Events([CAT])
    assert Events([CAT]) == (CAT,)
    assert hash(Events([CAT])) == hash((CAT,))
    assert ALL != [CAT]
    assert Events() != ""
    assert Events() != 0


def test_what_is_typed_again_is_the_same():
    assert eval(repr(ALL)) == ALL
    assert repr(Events([Event(1.5, 3)])) == "Events([Event(1.5, 3.0)])"
    assert pickle.loads(pickle.dumps(ALL)) == copy.deepcopy(ALL) == ALL


@pytest.mark.parametrize("other", [(1, 3), "dog", None, {"start": 1}])
def test_what_is_no_event_is_refused_in_one_line(other):
    with pytest.raises(TypeError, match=r"^events are made of Event\(start, end, label\), got "):
        Events([CAT, other])


def test_labels_are_chosen_and_left_out():
    assert ALL.labels == ("cat", "dog", "point")
    assert ALL.of("dog") == [DOG_1, DOG_2]
    assert ALL.of("dog", "point").without("dog") == [POINT]
    assert ALL.of("bird") == Events() == ALL.without("cat", "dog", "point")


def test_cropping_keeps_what_lies_inside_and_cuts_what_reaches_out():
    assert ALL.crop(2.5, 4.5) == [
        Event(2.5, 3, "dog"),
        Event(2.5, 4.5, "cat"),
        Event(4, 4.5, "dog"),
    ]
    assert ALL.crop(3, 4) == [Event(3, 4, "cat")]  # what only touches is not inside
    assert ALL.crop(6.5, 9) == ALL.crop(7, 9) == [POINT]
    assert ALL.crop(6, 7) == []  # [start, end)
    assert ALL.crop(0, 9) == ALL


def test_the_union_neither_touches_nor_overlaps():
    assert ALL.union("any") == [Event(1, 6, "any"), Event(7, 7, "any")]
    assert ALL.of("dog").union() == [Event(1, 3), Event(4, 6)]
    assert Events([Event(0, 1), Event(1, 2), Event(0, 0.5)]).union() == [Event(0, 2)]


def test_lengths_add_up_and_overlap_counts_once_in_the_union():
    assert ALL.duration == 2 + 2 + 3
    assert ALL.union().duration == 5
    assert Events().duration == 0


def test_gaps_and_union_fill_the_extent_without_overlap():
    assert ALL.without("point").gaps(0, 9) == [Event(0, 1), Event(6, 9)]
    assert ALL.of("dog").gaps(2, 5) == [Event(3, 4)]
    assert Events().gaps(2, 5) == [Event(2, 5)]
    assert ALL.gaps(2, 5) == []
    draws = np.random.default_rng(0)
    for _ in range(50):
        starts = draws.integers(0, 20, 5)
        events = Events(
            Event(s, s + n) for s, n in zip(starts, draws.integers(1, 5, 5), strict=True)
        )
        inside, outside = events.crop(3, 17).union(), events.gaps(3, 17)
        assert inside.duration + outside.duration == 14
        times = np.arange(3, 17) + 0.5
        assert (inside.at(times) ^ outside.at(times)).all()


def test_a_time_is_in_an_event_from_its_start_to_before_its_end():
    times = [0.5, 1.0, 3.0, 4.999, 5.999, 6.0, 7.0]
    right = [False, True, True, True, True, False, False]
    for given in (times, np.array(times), torch.tensor(times)):
        assert ALL.at(given).tolist() == right
    assert ALL.at([]).tolist() == []


def test_single_precision_of_times_moves_no_border():
    # 0.7 in float32 is 0.69999999 and lies before 0.7
    times = torch.tensor([0.7])
    assert times.dtype == torch.float32
    assert Events([Event(0.0, 0.7)]).at(times).tolist() == [True]


def test_borders_and_end():
    assert ALL.borders == (1, 2, 3, 4, 5, 6, 7)
    assert ALL.end == 7
    assert Events([Event(0, 9), Event(1, 2)]).end == 9
    assert Events().end == 0
    assert Events().borders == ()


def test_events_in_settings_are_stored_as_plain_values():
    assert describe(Oracle(Events([CAT])))["events"] == describe(Oracle([CAT]))["events"]
    assert describe(Oracle(Events([CAT])))["events"][0]["label"] == "cat"
