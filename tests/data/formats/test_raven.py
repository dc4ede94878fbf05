import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, BandEvent, Tier
from daxaudio.data.formats.raven import read_raven, write_raven

HEADER = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies"
)


def read(tmp_path, *lines):
    (tmp_path / "a.selections.txt").write_text("\n".join(lines) + "\n")
    return read_raven(tmp_path / "a.selections.txt", "a")[0]


def test_a_selection_of_two_views_is_one_event_with_its_band(tmp_path):
    recording = read(
        tmp_path,
        HEADER,
        "1\tWaveform 1\t1\t0.5\t1.5\t\t\towl",
        "1\tSpectrogram 1\t1\t0.5\t1.5\t100\t900.5\towl",
        "2\tWaveform 1\t1\t1\t2\t\t\tfox",
    )
    assert recording.events() == (BandEvent(0.5, 1.5, "owl", 100, 900.5), Event(1, 2, "fox"))


def test_rows_without_a_number_are_never_the_same(tmp_path):
    recording = read(tmp_path, "End Time (s)\tBegin Time (s)\tLabel", "2\t1\ta", "2\t1\ta")
    assert recording.events() == (Event(1, 2, "a"), Event(1, 2, "a"))


def test_fields_stripped_from_the_end_of_a_line_are_empty(tmp_path):
    assert read(tmp_path, HEADER, "1\tWaveform 1\t1\t1\t2").events() == (Event(1, 2, ""),)


def test_a_table_without_labels_says_so(tmp_path):
    recording = read(tmp_path, "Begin Time (s)\tEnd Time (s)\tPeak Freq (Hz)", "1\t2\t3")
    assert recording.events() == (Event(1, 2, ""),)
    assert [problem.kind for problem in recording.problems] == ["no label column"]


def test_impossible_selections_are_left_out_with_a_word(tmp_path):
    recording = read(tmp_path, HEADER, "1\tS\t1\t2\t1\t\t\towl", "2\tS\t1\t1\t2\t900\t100\towl")
    assert recording.events() == ()
    kinds = [problem.kind for problem in recording.problems]
    assert kinds == ["end before start", "wrong frequencies"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Selection\tBegin Time (s)"], r":1: lacks the column\(s\) End Time \(s\)"),
        ([HEADER, "1\tS\t1\tx\t2\t\t\towl"], r":2: Begin Time \(s\) must be a number"),
        ([HEADER, "1\tS\t1\t1\t2\tx\t\towl"], r":2: Low Freq \(Hz\) must be a number"),
        ([HEADER, "1\tS\t1\t1\t2\t\t\towl\tmore"], ":2: expected 8 fields, got 9"),
        (
            ["Begin File\tBegin Time (s)\tEnd Time (s)", "a.wav\t1\t2", "b.wav\t1\t2"],
            "has selections of 2 sound files",
        ),
    ],
)
def test_what_is_no_table_of_one_recording_is_refused(tmp_path, lines, reason):
    with pytest.raises(ValueError, match=reason):
        read(tmp_path, *lines)


def test_what_is_written_reads_back_exactly(tmp_path):
    events = (BandEvent(1 / 3, 2 / 3, " b ", 1 / 7, None), Event(0.1, 0.1 + 0.2), Event(0, 1, "a"))
    path = tmp_path / "a.selections.txt"
    write_raven(AnnotatedRecording("a", (Tier("events", events),)), path)
    assert read_raven(path, "a")[0].events() == events
    write_raven(AnnotatedRecording("a", (Tier("events", ()),)), path)
    assert read_raven(path, "a")[0].events() == ()


def test_labels_with_tabs_are_refused(tmp_path):
    recording = AnnotatedRecording("a", (Tier("events", (Event(0, 1, "a\tb"),)),))
    with pytest.raises(ValueError, match="tab"):
        write_raven(recording, tmp_path / "a.selections.txt")
