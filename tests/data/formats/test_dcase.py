import pytest

from daxaudio.containers import Event
from daxaudio.data.events import read_events
from daxaudio.data.formats import AnnotatedRecording, Tier
from daxaudio.data.formats.dcase import read_dcase, write_dcase


@pytest.mark.parametrize("suffix", [".tsv", ".csv"])
def test_what_is_written_is_what_read_events_reads(tmp_path, suffix):
    recordings = [
        AnnotatedRecording("b.wav", (Tier("events", (Event(1 / 3, 2, " noise"),)),)),
        AnnotatedRecording("a.wav", (Tier("events", ()),)),
    ]
    write_dcase(recordings, tmp_path / f"e{suffix}")
    assert read_events(tmp_path / f"e{suffix}") == {
        "b.wav": [Event(1 / 3, 2, " noise")],
        "a.wav": [],
    }
    assert read_dcase(tmp_path / f"e{suffix}", "") == recordings


def test_two_tiers_are_refused(tmp_path):
    recording = AnnotatedRecording("a", (Tier("x", ()), Tier("y", ())))
    with pytest.raises(ValueError, match="a: 2 tiers where one is needed"):
        write_dcase([recording], tmp_path / "e.tsv")
