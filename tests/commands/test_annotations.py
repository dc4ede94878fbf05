import argparse

import pytest

from daxaudio.commands import annotations
from daxaudio.commands.main import exit_code_of, main
from daxaudio.containers import Event
from daxaudio.data.formats import (
    FORMATS,
    AnnotatedRecording,
    Tier,
    read_annotations,
    read_folder,
    write_annotations,
)


def run(*words):
    parser = argparse.ArgumentParser()
    annotations.configure(parser)
    arguments = parser.parse_args([str(word) for word in words])
    return exit_code_of("daxaudio annotations", lambda: annotations.run(arguments))


@pytest.fixture
def grids(tmp_path):
    """Two grids of phases, one with a misspelt label, an odd one and a misspelt tier."""
    for name, labels, tier in (
        ("x/a", ("cough", "noise"), "number of cough"),
        ("b", ("Coughing", " noise", "4", "cough"), "numberofcough"),
    ):
        events = tuple(Event(i / 3, (i + 1) / 3, label) for i, label in enumerate(labels))
        count = Tier(tier, (Event(0, 2, "1"),))
        recording = AnnotatedRecording(name, (Tier("type", events), count), 2.0)
        write_annotations([recording], tmp_path / "in" / f"{name}.TextGrid")
    return tmp_path / "in"


@pytest.fixture
def label_map(tmp_path):
    (tmp_path / "map.yaml").write_text("cough: [coughing]\nnoise:\n")
    return tmp_path / "map.yaml"


def test_check_counts_labels_and_marks_the_odd_ones(grids, label_map, capsys):
    assert run("check", grids, "--tier", "type", "--map", label_map) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["2", "files,", "2", "recordings,", "2", "tiers,", "6", "events"] in lines
    assert ["2", "2", "'cough'"] in lines
    assert ["1", "1", "'Coughing'", "=", "'cough'"] in lines
    assert ["1", "1", "'4'", "<--", "not", "in", "the", "map"] in lines
    assert ["not", "in", "the", "map:", "1", "events", "('4'", "1)"] in lines
    assert ["1", "blanks", "around", "label", "(in", "1", "files)"] in lines


def test_check_names_the_tiers_and_misses_none(grids, capsys):
    assert run("check", grids) == 0
    out = capsys.readouterr().out
    assert "tier 1, named 'type' 2: 6 events" in out
    assert "tier 2, named 'numberofcough' 1, 'number of cough' 1: 2 events" in out
    assert run("check", grids, "--tier", "number of cough") == 0
    assert "b.TextGrid: tier not found: b: no tier 'number of cough'" in capsys.readouterr().out


def test_check_goes_on_after_bad_files_and_ends_with_2(grids, capsys):
    (grids / "bad.TextGrid").write_text("nothing")
    (grids / "README.txt").write_text("about\n")
    (grids / "late.txt").write_text("2\t1\tdog\n" + "1\t1\tcat\n" * 5)
    assert run("check", grids) == 2
    out, err = capsys.readouterr()
    assert "left aside, look like no annotations: README.txt" in out
    assert f"{grids / 'bad.TextGrid'}: is no TextGrid" in out
    assert "late.txt: end before start (left out): line 1: 'dog'" in out
    assert "late.txt: no duration: 2 more" in out
    assert err == "daxaudio annotations: 1 of 4 files cannot be read; see above\n"


@pytest.mark.parametrize("to", FORMATS)
def test_convert_gives_the_same_events_in_any_format(grids, tmp_path, to):
    only_cough = tmp_path / "map.yaml"
    only_cough.write_text("cough: [coughing, noise, '4']\n")
    form = FORMATS[to]
    out = tmp_path / "out" if form.write_one else tmp_path / "out" / f"segments{form.ending}"
    arguments = ("--out", out, "--to", to, "--tier", 1, "--map", only_cough)
    assert run("convert", grids, *arguments) == 0
    found = read_folder(tmp_path / "out", to).recordings.values()
    events = {r.recording_id: r.events() for recordings in found for r in recordings}
    assert events == {
        "x/a": tuple(Event(i / 3, (i + 1) / 3, "cough") for i in range(2)),
        "b": tuple(Event(i / 3, (i + 1) / 3, "cough") for i in range(4)),
    }


def test_convert_keeps_all_tiers_where_the_format_can(grids, tmp_path):
    assert run("convert", grids, "--out", tmp_path / "out", "--to", "textgrid") == 0
    (old,) = read_annotations(grids / "b.TextGrid")
    (new,) = read_annotations(tmp_path / "out" / "b.TextGrid")
    assert (new.tiers, new.duration) == (old.tiers, old.duration)


def test_convert_of_one_file_writes_one_file(grids, tmp_path):
    out = tmp_path / "labels.txt"
    words = ("--out", out, "--to", "audacity", "--tier", "type")
    assert run("convert", grids / "b.TextGrid", *words) == 0
    assert len(read_annotations(out)[0].events()) == 4


@pytest.mark.parametrize(
    ("policy", "labels"), [("keep", ["4"]), ("noise", []), (None, ["4"])]
)  # fmt: skip
def test_unknown_labels_go_where_they_are_told_and_are_counted(
    grids, tmp_path, label_map, capsys, policy, labels
):
    words = ("--tier", 1, "--map", label_map, "--out", tmp_path / "out.tsv", "--to", "dcase")
    assert run("convert", grids, *words, *(("--unknown", policy) if policy else ())) == 0
    events = [e for r in read_annotations(tmp_path / "out.tsv") for e in r.events()]
    assert len(events) == 6
    assert [e.label for e in events if e.label not in ("cough", "noise")] == labels
    assert "labels not in the map" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--to", "dcase"], "2 tiers where one is needed"),
        (["--to", "dcase", "--tier", "phases"], "no tier 'phases'"),
        (
            ["--to", "dcase", "--tier", "1", "--map", "{map}", "--unknown", "error"],
            "the map: '4' 1",
        ),
        (["--to", "dcase", "--tier", "1", "--map", "{map}", "--unknown", "dog"], "unknown must be"),
        (["--to", "dcase", "--tier", "1", "--unknown", "keep"], "give both"),
        (["--to", "textgrid", "--map", "{map}"], "2 tiers where one is needed"),
        (["--to", "textgrid", "--out", "{in}"], "would overwrite"),
    ],
)
def test_convert_refuses_before_it_writes(grids, tmp_path, label_map, capsys, words, reason):
    words = [word.format(map=label_map, **{"in": grids}) for word in words]
    out = tmp_path / "new"
    assert run("convert", grids, "--out", out, *words) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_what_a_format_cannot_hold_is_listed_and_the_rest_written(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("0\t2\tx\n1\t3\ty\n")
    (tmp_path / "in" / "b.txt").write_text("0\t2\tx\n2\t1\ty\n")
    assert run("convert", tmp_path / "in", "--out", tmp_path / "out", "--to", "textgrid") == 2
    out, err = capsys.readouterr()
    assert "not written:" in out
    assert "overlaps the one before" in out
    assert "entries that make no events are left out: 'end before start' 1" in out
    assert "1 of 2 files cannot be written" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.TextGrid"]


def test_ids_never_lead_out_of_the_folder(tmp_path, capsys):
    recordings = [AnnotatedRecording(name, (Tier("events", ()),)) for name in ("../a", "b")]
    write_annotations(recordings, tmp_path / "e.tsv")
    words = ("--out", tmp_path / "out", "--to", "audacity")
    assert run("convert", tmp_path / "e.tsv", *words) == 2
    assert "the id '..' can name no file" in capsys.readouterr().err
    assert not (tmp_path / "a.txt").exists()


def test_two_files_of_one_recording_are_refused(tmp_path, capsys):
    for name in ("a.txt", "a.tsv"):
        (tmp_path / name).write_text("0\t1\tx\n")
    words = ("--out", tmp_path / "out", "--to", "raven")
    assert run("convert", tmp_path, *words) == 2
    assert "'a' is in another file too" in capsys.readouterr().err


def test_an_unreadable_file_alone_gives_its_reason(tmp_path, capsys):
    (tmp_path / "a.TextGrid").write_text("nothing")
    words = ("--out", tmp_path / "out.txt", "--to", "audacity")
    assert run("convert", tmp_path / "a.TextGrid", *words) == 2
    assert "nothing to convert: " in capsys.readouterr().err


def test_convert_overwrites_no_file(grids, tmp_path, capsys):
    out = tmp_path / "data"
    out.mkdir()
    (out / "text").write_text("a-0001 dog\n")
    words = ("--to", "segments", "--tier", "1", "--out", out)
    assert run("convert", grids, *words) == 2
    assert "text: is there already" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["text"]
    table = tmp_path / "events.tsv"
    words = ("--to", "dcase", "--tier", "1", "--out", table)
    assert run("convert", grids, *words) == 0
    before = table.read_bytes()
    assert run("convert", grids, *words) == 2
    assert table.read_bytes() == before


def test_an_id_that_is_too_long_ends_no_conversion(tmp_path, capsys):
    recordings = [AnnotatedRecording(name, (Tier("events", ()),)) for name in ("a" * 300, "b")]
    write_annotations(recordings, tmp_path / "e.tsv")
    words = ("--out", tmp_path / "out", "--to", "audacity")
    assert run("convert", tmp_path / "e.tsv", *words) == 2
    out, err = capsys.readouterr()
    assert "not written: the id 'aaa" in out
    assert "1 of 2 files cannot be written" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("action", [["check"], ["convert", "--to", "dcase", "--out", "o.tsv"]])
def test_a_folder_of_nothing_but_other_files_is_not_called_free_of_problems(
    tmp_path, capsys, action
):
    (tmp_path / "a.txt").write_text("hello\n")
    assert main(["annotations", action[0], str(tmp_path), *action[1:]]) == 2
    text = capsys.readouterr().err
    assert f"nothing to {action[0]}: 1 files look like no annotations" in text
    assert "a.txt first; see --format" in text
