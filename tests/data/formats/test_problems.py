import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, Problem, Tier, problems_of

CASES = {
    # 0 1 2 3 4 5
    # aaaa
    #   bbbb
    "overlap": (Event(0, 2, "a"), Event(1, 3, "b")),
    "not in order": (Event(2, 3, "a"), Event(0, 1, "b")),
    "no duration": (Event(1, 1, "a"),),
    "after the end": (Event(4, 6, "a"),),
    "no label": (Event(0, 1, ""),),
    "blanks around label": (Event(0, 1, " a"),),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_problem_is_found_alone(kind):
    recording = AnnotatedRecording("r", (Tier("t", CASES[kind]),), 5.0)
    (problem,) = problems_of(recording)
    assert problem.kind == kind
    assert problem.text.startswith("tier 1 't': ")


def test_good_events_have_no_problems():
    events = (Event(0, 1, "a"), Event(1 - 1e-9, 2, "a"), Event(3, 5 + 1e-9, "b"))
    points = Tier("p", (Event(1, 1, "a"), Event(1, 1, "b")), points=True)
    assert problems_of(AnnotatedRecording("r", (Tier("t", events), points), 5.0)) == []


def test_a_long_event_overlaps_all_within_it():
    # aaaaaaaaaa   two overlaps: b and c with a
    #  bb  cc
    events = (Event(0, 5, "a"), Event(0.5, 1.5, "b"), Event(2.5, 3.5, "c"))
    found = problems_of(AnnotatedRecording("r", (Tier("t", events),)))
    assert [problem.kind for problem in found] == ["overlap", "overlap"]
    assert "by 1.000 s" in found[0].text


def test_tiers_of_one_name_and_what_reading_found_are_kept():
    read = Problem("gap", "x")
    recording = AnnotatedRecording("r", (Tier("t", ()), Tier("t", ())), problems=(read,))
    assert [problem.kind for problem in problems_of(recording)] == ["gap", "same tier name"]
