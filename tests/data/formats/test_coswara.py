import json

import pytest

from daxaudio.containers import Event
from daxaudio.data.formats import AnnotatedRecording, Tier
from daxaudio.data.formats.coswara import read_coswara, write_coswara


def read(tmp_path, facts, name="cough-heavy_v2.json"):
    text = facts if isinstance(facts, str) else json.dumps(facts)
    (tmp_path / name).write_text(text)
    return read_coswara(tmp_path / name, "a")[0]


CLEAN = {"vol": "y", "cont": "y", "quality": "clean_audio", "stage": "cough-heavy"}


def test_regions_stand_in_the_order_of_their_numbers(tmp_path):
    times = {"start_10": 1, "end_10": 2.5, "start_2": 3, "end_2": 4, "start_1": 3.5, "end_1": 6}
    recording = read(tmp_path, {**CLEAN, **times})
    assert recording.events() == (
        Event(3.5, 6.0, "cough-heavy"),
        Event(3.0, 4.0, "cough-heavy"),
        Event(1.0, 2.5, "cough-heavy"),
    )
    assert recording.problems == ()


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ({"start_1": None, "end_1": 2}, "not a time"),
        ({"start_1": 1, "end_1": None}, "not a time"),
        ({"start_1": 1}, "not a time"),
        ({"start_1": "1", "end_1": 2}, "not a time"),
        ({"start_1": True, "end_1": 2}, "not a time"),
        ({"start_1": 3, "end_1": 2}, "end before start"),
    ],
)
def test_regions_without_two_times_are_left_out_with_a_word(tmp_path, times, kind):
    recording = read(tmp_path, {**CLEAN, **times, "start_2": 5, "end_2": 5})
    assert recording.events() == (Event(5.0, 5.0, "cough-heavy"),)
    (problem,) = recording.problems
    assert (problem.kind, problem.lost) == (kind, True)
    assert "region 1" in problem.text


def test_remarks_of_the_annotator_are_told(tmp_path):
    facts = {**CLEAN, "stage": "vowel-a", "quality": "bad_audio", "comments": "check\n sync"}
    problems = read(tmp_path, facts).problems
    assert [(p.kind, p.lost) for p in problems] == [
        ("other stage", False),
        ("quality", False),
        ("comment", False),
    ]
    assert problems[2].text == "check sync"


def test_without_a_stage_the_file_name_is_the_label(tmp_path):
    assert read(tmp_path, {"start_1": 1, "end_1": 2}).events() == (Event(1, 2, "cough-heavy"),)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ("", "is no JSON"),
        ('{"stage": "a", ', "is no JSON"),
        ('{"start_1": 1, "end_1": 2, "start_1": 3}', "'start_1' is there twice; remove one"),
        ([1, 2], "neither stage nor start_1"),
        ({"filename": "a"}, "neither stage nor start_1"),
    ],
)
def test_other_files_are_refused(tmp_path, facts, reason):
    with pytest.raises(ValueError, match=reason):
        read(tmp_path, facts)


@pytest.mark.parametrize("times", [[(1 / 3, 2 / 3), (0.1, 0.1 + 0.2), (0, 0)], []])
def test_what_is_written_reads_back_exactly(tmp_path, times):
    events = tuple(Event(start, end, 'große "Pause"') for start, end in times)
    write_coswara(AnnotatedRecording("a", (Tier("events", events),)), tmp_path / "a.json")
    assert read_coswara(tmp_path / "a.json", "a")[0].events() == events


@pytest.mark.parametrize("labels", [("a", "b"), ("",)])
def test_two_labels_or_none_are_refused(tmp_path, labels):
    events = tuple(Event(0, 1, label) for label in labels)
    with pytest.raises(ValueError, match="one label a file"):
        write_coswara(AnnotatedRecording("a", (Tier("events", events),)), tmp_path / "a.json")
