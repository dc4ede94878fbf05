"""Events in any format are read as the table that `daxaudio annotations convert` writes of them."""

import pytest

from daxaudio.commands.arguments import events_by_recording
from daxaudio.containers import Event, Events
from daxaudio.data.formats.annotated import AnnotatedRecording, BandEvent, Tier
from daxaudio.data.formats.catalogue import FORMATS, write_annotations

COUGHS = (Event(0.5, 1.0, "cough"), Event(1.5, 2.25, "cough"))


def write(path, *tiers, format=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_annotations([AnnotatedRecording("a", tiers, 3.0)], path, format)
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_events(format, tmp_path):
    name = "segments" if format == "segments" else f"a{FORMATS[format].ending}"
    path = write(tmp_path / name, Tier("events", COUGHS), format=format)
    assert events_by_recording(path) == {"a": Events(COUGHS)}


def test_a_folder_gives_the_events_of_each_file_and_lists_what_cannot_be_read(tmp_path, caplog):
    write(tmp_path / "one" / "a.TextGrid", Tier("events", COUGHS))
    band = BandEvent(0.5, 1.0, "cough", f_min=100.0, f_max=900.0)
    write(tmp_path / "two" / "b.wav.txt", Tier("events", (band, band)))
    (tmp_path / "two" / "c.TextGrid").write_text("ooTextFile, and no more")
    (tmp_path / "README.txt").write_text("Coughs of two people.")
    found = events_by_recording(tmp_path)
    assert found == {"a": Events(COUGHS), "b": Events(COUGHS[:1])}
    assert type(found["b"][0]) is Event
    assert "left out" in caplog.text
    assert "c.TextGrid" in caplog.text


def test_one_recording_in_two_folders_is_refused(tmp_path):
    for folder in ("one", "two"):
        write(tmp_path / folder / "a.TextGrid", Tier("events", COUGHS))
    with pytest.raises(ValueError, match="two files are named 'a'"):
        events_by_recording(tmp_path)


def test_several_tiers_are_refused_and_it_is_said_what_to_do(tmp_path):
    path = write(tmp_path / "a.TextGrid", Tier("type", COUGHS), Tier("number", COUGHS))
    with pytest.raises(ValueError, match=r"a\.TextGrid: a: 2 tiers .*--tier.*annotations convert"):
        events_by_recording(path)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.TextGrid", "nothing", r"a\.TextGrid"),
        ("README.txt", "Coughs of two people.", "no known format.*annotations convert"),
        ("a.csv", "name,sex\n", r"a\.csv:1: lacks the column"),
    ],
)
def test_what_holds_no_annotations_is_one_clear_line(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=problem) as caught:
        events_by_recording(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no such file or folder"):
        events_by_recording(tmp_path / "none")


def test_a_folder_without_annotations_names_what_lies_there(tmp_path):
    (tmp_path / "README.txt").write_text("Coughs of two people.")
    with pytest.raises(ValueError, match=r"holds no annotations; README\.txt look like none"):
        events_by_recording(tmp_path)
