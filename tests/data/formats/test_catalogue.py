import itertools
import logging

import numpy as np
import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import (
    FORMATS,
    AnnotatedRecording,
    BandEvent,
    Tier,
    read_annotations,
    write_annotations,
)
from daxaudio.data.formats.catalogue import format_of, may_be, recording_id_of

NAMES = {name: f"a{form.ending}" if form.ending else "segments" for name, form in FORMATS.items()}


def one(events, duration=None):
    return AnnotatedRecording("a", (Tier("events", tuple(events)),), duration)


@pytest.fixture
def awkward_events():
    """Random times that need all their digits, side by side, with labels of one kind."""
    drawn = np.random.default_rng(0).uniform(0, 30, 200).tolist()
    times = sorted([*drawn, drawn[0] + 1e-12, 1 / 3, 1e-7])
    return [Event(start, end, ' "noise" é') for start, end in itertools.pairwise(times)]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("given", [True, False])
def test_reading_back_what_was_written_gives_the_same_events(tmp_path, awkward_events, name, given):
    path = tmp_path / NAMES[name]
    write_annotations([one(awkward_events)], path, name if given else None)
    assert format_of(path) == name
    (found,) = read_annotations(path, name if given else None)
    assert found.recording_id == "a"
    assert found.events() == tuple(awkward_events)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_events_go_through_any_two_formats(tmp_path, awkward_events, source, target):
    first, second = tmp_path / "1" / NAMES[source], tmp_path / "2" / NAMES[target]
    write_annotations([one(awkward_events)], first)
    write_annotations(read_annotations(first), second)
    assert read_annotations(second)[0].events() == tuple(awkward_events)


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.txt", "0.5\t1\tdog\n", "audacity"),
        ("a.txt", "\n0.5\t1\n", "audacity"),
        ("a.txt", "", "audacity"),
        ("a.tsv", "0.5\t1\tdog\n", "audacity"),
        ("a.txt", "Selection\tBegin Time (s)\tEnd Time (s)\n", "raven"),
        ("a.txt", 'File type = "ooTextFile"\n', "textgrid"),
        ("a.TEXTGRID", "", "textgrid"),
        ("a.csv", "event_label,onset,offset,filename\n", "dcase"),
        ("a.json", '{"stage" : "cough"}', "coswara"),
        ("a.json", '{"start_1": 3', "coswara"),
        ("segments", "u a 0 1\n", "segments"),
        ("README.txt", "About the annotations:\n1. 564 recordings\n", None),
        ("a.json", '{"a": 1}', None),
        ("labels.csv", "FILENAME, QUALITY\nx,2\n", None),
        ("a.tsv", "", None),
    ],
)
def test_formats_are_told_by_name_and_content(tmp_path, name, text, format):
    (tmp_path / name).write_text(text)
    assert format_of(tmp_path / name) == format
    assert may_be(name)


def test_text_in_another_encoding_still_has_a_format(tmp_path):
    (tmp_path / "a.txt").write_bytes("0\t1\tcafé\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes("0\t1\tcafé\n".encode("utf-16"))
    assert format_of(tmp_path / "a.txt") == format_of(tmp_path / "b.txt") == "audacity"


def test_ids_are_names_without_ending():
    assert recording_id_of("a/b.wav.TextGrid") == "a/b.wav"
    assert recording_id_of("b.Table.1.selections.txt") == "b"
    assert recording_id_of("b.selections.txt") == "b"
    assert recording_id_of("b.1.txt") == "b.1"


def test_entries_that_make_no_event_are_warned_of(tmp_path, caplog):
    (tmp_path / "a.txt").write_text("2\t1\tdog\n")
    assert read_annotations(tmp_path / "a.txt")[0].events() == ()
    assert "left out: line 1: 'dog' ends at 1.0 s" in caplog.text


@pytest.mark.parametrize("name", FORMATS)
def test_frequencies_are_kept_or_warned_of(tmp_path, caplog, name):
    events = [BandEvent(0, 1, "a", 100, 200), Event(1, 2, "a")]
    with caplog.at_level(logging.WARNING):
        write_annotations([one(events)], tmp_path / NAMES[name], name)
    (found,) = read_annotations(tmp_path / NAMES[name], name)
    kept = list(found.events()) == events
    assert kept == (name in ("audacity", "raven"))
    assert kept != ("the frequencies of 1 events are left out" in caplog.text)


def test_formats_that_cannot_be_told_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("hello\n")
    with pytest.raises(ValueError, match=r"a\.txt: no known format; say which of textgrid, aud"):
        read_annotations(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"format must be one of textgrid.*, got 'elan'"):
        read_annotations(tmp_path / "a.txt", "elan")
    with pytest.raises(ValueError, match=r"a\.eaf: no format by this ending"):
        write_annotations([one([])], tmp_path / "a.eaf")
    with pytest.raises(ValueError, match=r"none\.json: no such file"):
        read_annotations(tmp_path / "none.json")


def test_a_file_of_one_recording_holds_no_two(tmp_path):
    with pytest.raises(ValueError, match="holds one recording, got 2"):
        write_annotations([one([]), one([])], tmp_path / "a.txt")
