import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, BandEvent, Tier
from daxaudio.data.formats.audacity import read_audacity, write_audacity


def read(tmp_path, text):
    (tmp_path / "a.txt").write_bytes(text.encode())
    return read_audacity(tmp_path / "a.txt", "a")[0]


def test_labels_with_and_without_frequencies(tmp_path):
    recording = read(
        tmp_path,
        "2.15\t2.15\tpoint\n"
        "1.0\t2.5\t region, with blanks \r\n"
        "\\\t100.5\t200.25\n"
        "3\t4\t\n"
        "\\\t-1.0\t6000\n"
        "5\t6\n"
        "\\\t-1\t-1\n"
        "7\t8\thigh\n"
        "\\\t9000",
    )
    assert recording.events() == (
        Event(2.15, 2.15, "point"),
        BandEvent(1.0, 2.5, " region, with blanks ", 100.5, 200.25),
        BandEvent(3.0, 4.0, "", None, 6000.0),
        Event(5.0, 6.0, ""),
        BandEvent(7.0, 8.0, "high", 9000.0, None),
    )
    assert recording.problems == ()


def test_an_empty_file_has_no_events(tmp_path):
    assert read(tmp_path, "").events() == ()


def test_impossible_labels_are_left_out_with_a_word(tmp_path):
    recording = read(tmp_path, "3\t2\ta\n1\t2\tb\n\\\t9\t3\n-1\t2\tc\n4\t5\td\n")
    assert recording.events() == (Event(4.0, 5.0, "d"),)
    kinds = ["end before start", "wrong frequencies", "not a time"]
    assert [problem.kind for problem in recording.problems] == kinds
    assert [problem.text[:7] for problem in recording.problems] == ["line 1:", "line 2:", "line 4:"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\\\t1\t2\n", r"a\.txt:1: expected start, end and label"),
        ("1\t2\ta\n\nhello\n", r"a\.txt:3: expected start, end and label"),
        ("1,5\t2,5\ta\n", r"a\.txt:1: a time in seconds must be a number with a decimal point"),
        ("1\t2\ta\n\\\tlow\t3\n", r"a\.txt:2: a frequency in Hz must be"),
    ],
)
def test_what_is_no_label_track_is_refused_with_its_line(tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        read(tmp_path, text)


def test_what_is_written_reads_back_exactly(tmp_path):
    events = (
        BandEvent(1 / 3, 2 / 3, "b\tc", 1 / 7, None),
        Event(0.1, 0.1 + 0.2, ""),
        BandEvent(0, 1, " a ", None, 1e4),
    )
    write_audacity(AnnotatedRecording("a", (Tier("events", events),)), tmp_path / "a.txt")
    assert read_audacity(tmp_path / "a.txt", "a")[0].events() == events


def test_labels_of_two_lines_are_refused(tmp_path):
    recording = AnnotatedRecording("a", (Tier("events", (Event(0, 1, "a\nb"),)),))
    with pytest.raises(ValueError, match="line break"):
        write_audacity(recording, tmp_path / "a.txt")


def test_a_frequency_of_zero_is_a_bound_and_one_below_is_none(tmp_path):
    (tmp_path / "a.txt").write_text("1\t2\towl\n\\\t0\t100\n3\t4\tfox\n\\\t-1\t0\n")
    events = read_audacity(tmp_path / "a.txt", "a")[0].events()
    assert events == (BandEvent(1, 2, "owl", 0.0, 100.0), BandEvent(3, 4, "fox", None, 0.0))
