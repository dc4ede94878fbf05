import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, Tier
from daxaudio.data.formats.segments import read_segments, write_segments


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "segments").write_text("u2 b 0.98 11.56\nu1 a 1 -1\nu3 b 3\t2\n")
    (tmp_path / "text").write_text("u1 dog bark\nu2\tcat\nu3\n")
    (tmp_path / "reco2dur").write_text("a 5.5\nb 20\nc 1\n")
    return tmp_path


def by_id(folder):
    return {found.recording_id: found for found in read_segments(folder / "segments", "")}


def test_labels_and_durations_come_from_beside(folder):
    found = by_id(folder)
    assert found["b"].events() == (Event(0.98, 11.56, "cat"),)
    assert found["a"].events() == (Event(1.0, 5.5, "dog bark"),)  # -1 is the end
    assert (found["c"].events(), found["c"].duration) == ((), 1.0)
    assert [(p.kind, p.lost) for p in found["b"].problems] == [("end before start", True)]


def test_without_text_labels_are_empty_and_without_duration_the_end_is_unknown(folder):
    (folder / "text").unlink()
    (folder / "reco2dur").unlink()
    found = by_id(folder)
    assert found["b"].events() == (Event(0.98, 11.56, ""),)
    assert [problem.kind for problem in found["a"].problems] == ["not a time"]


def test_a_channel_is_told(folder):
    (folder / "segments").write_text("u1 a 0 1 2\nu2 a 1 2\nu3 a 2 3\n")
    assert [problem.kind for problem in by_id(folder)["a"].problems] == ["channel"]


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ("u1 a 0\n", r"segments:1: expected utterance, recording, start and end"),
        ("u1 a 0 1\nu1 a 1 2\n", r"segments:2: 'u1' is there twice"),
        ("u1 a 0 1\nu9 a 1 2\n", r"segments:2: 'u9' is not in .*text"),
        ("u1 a 0 one\n", r"segments:1: a time in seconds must be a number"),
        ("u1 a 0 1\n", r"segments: lacks 'u2', which is in .*text"),
    ],
)
def test_tables_that_do_not_fit_are_refused(folder, segments, reason):
    (folder / "segments").write_text(segments)
    with pytest.raises(ValueError, match=reason):
        read_segments(folder / "segments", "")


def test_what_is_written_reads_back_exactly_and_is_sorted_by_bytes(tmp_path):
    events = tuple(Event(i / 3, i / 3 + 0.1, f" {i}") for i in reversed(range(12)))
    recordings = [
        AnnotatedRecording("b", (Tier("events", (Event(0, 1),)),)),
        AnnotatedRecording("a_1", (Tier("events", events),), 1 / 3),
        AnnotatedRecording("a-1", (Tier("events", ()),), 4.0),
    ]
    write_segments(recordings, tmp_path / "segments")
    found = {r.recording_id: r for r in read_segments(tmp_path / "segments", "")}
    assert found == {r.recording_id: r for r in recordings}
    for name in ("segments", "text", "reco2dur"):
        ids = [line.split()[0] for line in (tmp_path / name).read_text().splitlines()]
        assert ids == sorted(ids), name


def test_a_recording_that_leaves_no_trace_is_named(tmp_path, caplog):
    write_segments([AnnotatedRecording("gone", (Tier("events", ()),))], tmp_path / "segments")
    assert "gone has no events and no duration" in caplog.text


def test_data_folders_and_ids_with_blanks_are_left_alone(tmp_path):
    with pytest.raises(ValueError, match="one word"):
        write_segments([AnnotatedRecording("a b", (Tier("events", ()),))], tmp_path / "segments")
    (tmp_path / "wav.scp").write_text("a a.wav\n")
    with pytest.raises(ValueError, match="is a data folder"):
        write_segments([], tmp_path / "segments")
    assert [path.name for path in tmp_path.iterdir()] == ["wav.scp"]
