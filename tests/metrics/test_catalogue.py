"""The rows of the measures: complete, and in agreement with what the functions compute."""

import pytest

from daxaudio import metrics
from daxaudio.containers import Event
from daxaudio.metrics.catalogue import GROUPS, MEASURES, groups_that_need


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_every_measure_says_what_it_is_and_where_it_comes_from(measure):
    assert measure.low < measure.high
    assert measure.source
    assert len(measure.definition) > len(measure.text) > 0
    assert "\n" not in measure.text + measure.definition


def test_every_measure_is_in_one_group():
    names = [name for members in GROUPS.values() for name in members]
    assert sorted(names) == sorted(MEASURES)


def test_what_one_call_measures_against_events_is_in_the_catalogue():
    scores = metrics.score_profile([0, 9, 0], [0.5, 1.5, 2.5], [Event(1.0, 2.0)])
    assert set(scores) <= {*GROUPS["localisation"], *GROUPS["event_detection"]}


def test_groups_need_what_all_their_measures_need():
    assert groups_that_need("events") == (
        *("localisation", "event_detection", "focus", "wrongly_predicted"),
    )
    # some of these do without: bins and frames go and come with no event known
    assert "events" in MEASURES["deletion_auc_events"].needs
    assert "events" not in MEASURES["deletion_auc"].needs
    assert set(groups_that_need("explainer")) < set(groups_that_need("queries"))


def test_a_name_in_a_definition_is_that_of_a_measure():
    for measure in MEASURES.values():
        for name in (measure.definition + measure.source).split("`")[1::2]:
            assert name in MEASURES
