"""Times off by a rounding error are taken; times off by more are refused as before."""

import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import BandEvent, read_annotations
from daxaudio.data.formats.annotated import event_or_problem
from daxaudio.data.kaldi import RecordingSegment
from daxaudio.runs.tolerances import TIME_TOLERANCE


@pytest.mark.parametrize("start", [-1e-17, -2.2e-16, -1e-7, -0.9e-6])
def test_a_start_below_zero_by_rounding_is_zero(start):
    assert Event(start, 1.0) == Event(0.0, 1.0)
    assert BandEvent(start, 1.0, "owl", 100.0) == BandEvent(0.0, 1.0, "owl", 100.0)
    assert RecordingSegment("r", start, 1.0) == RecordingSegment("r", 0.0, 1.0)
    assert event_or_problem("line 1", start, 1.0, "a") == Event(0.0, 1.0, "a")


def test_an_end_before_the_start_by_rounding_is_the_start():
    assert Event(0.1 + 0.2, 0.3) == Event(0.1 + 0.2, 0.1 + 0.2)
    assert event_or_problem("line 1", 0.1 + 0.2, 0.3, "a").duration == 0


@pytest.mark.parametrize(
    "times", [(-2 * TIME_TOLERANCE, 1.0), (1.0, 1.0 - 2 * TIME_TOLERANCE), (float("nan"), 1.0)]
)
def test_more_than_rounding_is_refused(times):
    with pytest.raises(ValueError, match="0 <= start <= end"):
        Event(*times)
    with pytest.raises(ValueError, match="0 <= start < end"):
        RecordingSegment("r", *times)
    assert event_or_problem("line 1", *times, "a").lost


def test_times_that_are_right_stay_as_they_are():
    event = Event(0, 5e-324)
    assert (event.start, event.end) == (0, 5e-324)
    assert isinstance(event.start, int)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "-0.0000001\t1.0\tcough\n1.0\t2.0\tinhale\n"),
        ("a.tsv", "filename\tonset\toffset\tevent_label\na\t-1e-17\t1\tcough\na\t1\t2\tinhale\n"),
        ("a.json", '{"start_1": -1e-17, "end_1": 1, "start_2": 1, "end_2": 2}'),
        ("a.selections.txt", "Begin Time (s)\tEnd Time (s)\n-1e-17\t1\n1\t2\n"),
        ("segments", "a-1 a -1e-17 1\na-2 a 1 2\n"),
    ],
)
def test_every_format_keeps_an_event_that_starts_at_zero_but_for_rounding(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (recording,) = read_annotations(tmp_path / name)
    assert [(event.start, event.end) for event in recording.events()] == [(0, 1), (1, 2)]
    assert not any(problem.lost for problem in recording.problems)
