import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, BandEvent, Problem, Tier
from daxaudio.data.formats.annotated import event_or_problem, sort_out


@pytest.fixture
def recording():
    names = ("type", "number of cough", "type", "2")
    return AnnotatedRecording("a", tuple(Tier(name, ()) for name in names))


def test_tiers_are_found_by_name_then_by_number(recording):
    assert recording.tier("number of cough") is recording.tiers[1]
    assert recording.tier(3) is recording.tier("3") is recording.tiers[2]
    assert recording.tier("2") is recording.tiers[3]  # a name comes first
    assert recording.only(2).tiers == (recording.tiers[1],)
    assert recording.only(2).tier() is recording.tiers[1]


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("numberofcough", r"a: no tier 'numberofcough'; its tiers are 1 'type', 2 'number of"),
        ("type", "a: 2 tiers 'type'; its tiers are"),
        (0, "a: no tier 0"),
        ("5", "a: no tier '5'"),
        (None, "a: 4 tiers where one is needed: 1 'type'.*; choose one by name or number"),
    ],
)
def test_a_tier_that_is_not_clear_is_refused(recording, choice, reason):
    with pytest.raises(ValueError, match=reason):
        recording.tier(choice)


def test_no_tiers_are_said_to_be_none():
    with pytest.raises(ValueError, match="a: no tier where one is needed: none"):
        AnnotatedRecording("a", ()).events()


def test_points_have_no_duration():
    assert Tier("t", (Event(1, 1, "a"),), points=True).events
    with pytest.raises(ValueError, match="tier 't': a tier of points cannot hold"):
        Tier("t", (Event(1, 2, "a"),), points=True)


@pytest.mark.parametrize("band", [(-1.0, 2.0), (3.0, 2.0), (0.0, float("inf"))])
def test_a_band_needs_frequencies_in_order(band):
    with pytest.raises(ValueError, match="0 <= f_min <= f_max"):
        BandEvent(0, 1, "a", *band)
    assert event_or_problem("line 1", 0, 1, "a", f_min=band[0], f_max=band[1]).lost


def test_a_band_event_is_an_event_that_keeps_its_band():
    assert isinstance(BandEvent(0, 1, "a", f_max=9.0), Event)
    assert BandEvent(0, 1, "a", f_max=9.0) != BandEvent(0, 1, "a", f_max=8.0)
    with pytest.raises(ValueError, match="start=2"):
        BandEvent(2, 1, "a")


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        (None, 1.0, "not a time"),
        (1.0, None, "not a time"),
        (float("nan"), 1.0, "not a time"),
        (0.0, float("inf"), "not a time"),
        (-0.5, 1.0, "not a time"),
        (2.0, 1.0, "end before start"),
    ],
)
def test_wrong_times_are_a_problem_and_no_event(start, end, kind):
    found = event_or_problem("line 3", start, end, "dog")
    assert (found.kind, found.lost) == (kind, True)
    assert found.text.startswith("line 3: 'dog'")


def test_events_without_frequencies_are_plain():
    assert event_or_problem("x", 0, 1, "a", f_min=None, f_max=None) == Event(0, 1, "a")
    assert event_or_problem("x", 0, 1, "a", f_min=2.0, f_max=None) == BandEvent(0, 1, "a", 2.0)


def test_events_and_problems_are_sorted_out_in_order():
    found = [Event(2, 3), Problem("a", "b"), Event(0, 1), Problem("c", "d")]
    assert sort_out(iter(found)) == ((found[0], found[2]), (found[1], found[3]))
