import math

import numpy as np
import pytest

from daxaudio.containers import Event
from daxaudio.metrics import focus

TIMES = [0.5, 1.5, 2.5, 3.5, 4.5]
DOG, CAT, BOTH = Event(0, 2, "dog"), Event(1, 4, "cat"), [Event(0, 2, "dog"), Event(1, 4, "cat")]


def test_a_mask_in_its_own_class_alone_is_one_and_in_another_nothing():
    assert focus([[9, 9, 0, 0, 0]], TIMES, BOTH, "dog") == 1
    assert focus([[9, 9, 0, 0, 0]], TIMES, BOTH, "cat") == 0


def test_a_flat_mask_is_at_the_share_of_the_class():
    assert focus([[1, 1, 1, 1, 1]], TIMES, BOTH, "dog") == pytest.approx(1 / 3)


def test_what_both_share_and_what_lies_outside_does_not_count():
    values = [
        focus([[2, shared, 1, 1, outside]], TIMES, BOTH, "dog")
        for shared, outside in ((0, 0), (9, 0), (0, 9))
    ]
    assert values == [0.5, 0.5, 0.5]


def test_several_events_and_frequencies_are_one_sum():
    events = [Event(0, 1, "dog"), Event(2, 3, "dog"), Event(1, 2, "cat"), Event(3, 4, "cow")]
    mask = [[1, 1, 0, 1, 0], [2, 0, 3, 0, 0]]
    assert focus(mask, TIMES, events, "dog") == pytest.approx(6 / 8)


@pytest.mark.parametrize(
    ("mask", "events", "label"),
    [
        ([[1, 1, 1, 1, 1]], [DOG], "dog"),  # no other class
        ([[1, 1, 1, 1, 1]], [CAT], "dog"),  # not that class
        ([[1, 1, 1, 1, 1]], [Event(1, 2, "dog"), CAT], "dog"),  # never by itself
        ([[0, 1, 0, 0, 1]], BOTH, "dog"),  # nothing marked in either
    ],
)
def test_without_two_classes_to_tell_apart_it_is_undefined(mask, events, label):
    assert math.isnan(focus(mask, TIMES, events, label))


def test_a_signed_mask_is_refused():
    with pytest.raises(ValueError, match="mask holds negative values"):
        focus([[-1, 1, 0, 0, 0]], TIMES, BOTH, "dog")


def test_focus_is_that_of_quantus_where_events_fill_the_recording():
    """Value of Focus of Quantus 0.6.0, for a mosaic whose left half is of the class."""
    mask = np.arange(64.0).reshape(8, 8) % 13
    halves = [Event(0, 4, "dog"), Event(4, 8, "cat")]
    assert focus(mask, np.arange(8) + 0.5, halves, "dog") == pytest.approx(0.5026455)
