import csv

import numpy as np
import pytest
import soundfile
from conftest import prepare_command

from daxaudio.containers import Event
from daxaudio.data.evidence import read_evidence
from daxaudio.data.kaldi import read_data_folder
from daxaudio_data_prep.synthetic.cough_files import (
    NEGATIVE,
    POSITIVE,
    fold_label,
    read_phases,
    read_truth,
    write_phases,
)
from daxaudio_data_prep.synthetic.cough_recordings import Plant, make_recording
from daxaudio_data_prep.synthetic.planted_coughs import choose_participants, find_timings

main = prepare_command("planted_coughs")

LABELS = ("noise", "inhale", "compres", "cough", " noise", "throatclear", "other", "4", "cough", "")
BREAKS = (0.0, 0.3, 0.7, 0.95, 1.3, 1.5, 1.8, 2.05, 2.3, 2.6, 3.0)


def textgrid(labels=LABELS, breaks=BREAKS):
    """A TextGrid as Praat writes it, with the tiers of the real files."""
    tiers = [("type", list(zip(breaks, breaks[1:], labels, strict=False)))]
    tiers += [("numberofcough", [(0, breaks[-1], "2")]), ("numberofinhale", [(0, breaks[-1], "1")])]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 "]
    lines += [f"xmax = {breaks[-1]} ", "tiers? <exists> ", "size = 3 ", "item []: "]
    for number, (name, rows) in enumerate(tiers, start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ']
        lines += [f'        name = "{name}" ', "        xmin = 0 ", f"        xmax = {breaks[-1]} "]
        lines += [f"        intervals: size = {len(rows)} "]
        for place, (start, end, label) in enumerate(rows, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start} "]
            lines += [f"            xmax = {end} ", f'            text = "{label}" ']
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path):
    """Three timings of their own, one without a cough."""
    path = tmp_path / "timings"
    path.mkdir()
    for k, name in enumerate(("AAA", "BBB", "CCC")):
        breaks = (0.0, *(round(b + 0.1 * k, 6) for b in BREAKS[1:]))
        (path / f"{name}.TextGrid").write_text(textgrid(breaks=breaks))
    (path / "DDD.TextGrid").write_text(textgrid(("noise",), (0.0, 2.0)))
    return path


def test_a_folder_of_another_corpus_is_refused(folder, tmp_path, capsys):
    """Names and timings would be the same: models of the old sounds would be taken for new ones."""
    out = tmp_path / "made"
    assert run(folder, out, "--n", "2", "--strength", "0.5") == 0
    assert run(folder, out, "--n", "4", "--strength", "0.5") == 0
    assert run(folder, out, "--n", "4", "--strength", "1") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "holds a corpus made with strength 0.5; remove it" in line


def run(folder, out, *more):
    words = [
        "--textgrids",
        str(folder),
        "--out",
        str(out),
        "--annotations",
        str(out) + "_textgrids",
    ]
    return main([*words, *more])


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# what is planted, and where


# the sounds


# the class


def test_two_that_share_a_timing_are_of_both_classes():
    people = choose_participants([f"T{k}" for k in range(30)], 60, 0.5, seed=3)
    for first, second in zip(people[::2], people[1::2], strict=True):
        assert first.textgrid == second.textgrid
        assert first.positive != second.positive
    assert len({person.textgrid for person in people}) == 30
    # a coin decides which comes first
    assert 5 < sum(person.positive for person in people[::2]) < 25


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.7])
def test_the_share_of_positives_is_kept(share):
    people = choose_participants(["A", "B", "C"], 40, share, seed=0)
    assert sum(person.positive for person in people) == 40 * share


def test_the_first_participants_do_not_depend_on_how_many_follow():
    names = ["B", "A", "C"]
    assert (
        choose_participants(names, 40, 0.5, seed=1)[:9]
        == choose_participants(names[::-1], 10, 0.5, seed=1)[:9]
    )


# the files


def test_the_layout_is_that_of_coswara(folder, tmp_path):
    out = tmp_path / "out"
    assert run(folder, out, "--n", "6", "--phase", "inhale", "--evidence", "wheeze") == 0
    people = rows_of(out / "combined_data.csv")
    assert list(people[0])[:6] == ["id", "a", "covid_status", "record_date", "ep", "g"]
    assert len(people[0]) == 36
    assert sum(row["covid_status"] in POSITIVE for row in people) == 3
    assert sum(row["covid_status"] in NEGATIVE for row in people) == 3
    for row in people:
        assert len(row["id"]) == 28
        path = out / row["record_date"].replace("-", "") / row["id"] / "cough-heavy.wav"
        about = soundfile.info(path)
        assert (about.samplerate, about.channels, about.subtype) == (44100, 1, "PCM_16")
        source = next(t for t in read_truth(out / "planted.csv") if t.participant == row["id"])
        copied = tmp_path / "out_textgrids" / f"{row['id']}.TextGrid"
        assert copied.read_bytes() == (folder / f"{source.textgrid}.TextGrid").read_bytes()
        assert about.frames == round(read_phases(copied)[-1].end * 44100)
    header, *labels, end = (
        (out / "annotations" / "cough-heavy_labels.csv").read_bytes().decode().split("\r\n")
    )
    assert (header, end) == ("FILENAME, QUALITY", "")
    assert {line.rsplit(",")[0] for line in labels} == {
        f"{row['id']}_cough-heavy" for row in people
    }
    assert {line.rsplit(",")[1] for line in labels} <= {"1", "2"}
    assert "DDD" not in {truth.textgrid for truth in read_truth(out / "planted.csv")}


def test_the_truth_is_what_was_written(folder, tmp_path):
    out = tmp_path / "out"
    words = ("--n", "4", "--phase", "inhale", "--evidence", "hum", "--strength", "0.5")
    assert run(folder, out, *words, "--confounder", "hum") == 0
    truths = read_truth(out / "planted.csv")
    assert len(truths) == 4
    for truth in truths:
        plant = Plant("inhale", "hum", 0.5, "hum") if truth.positive else None
        events = read_phases(folder / f"{truth.textgrid}.TextGrid")
        samples, intervals = make_recording(truth.participant, events, plant)
        path = next(out.glob(f"*/{truth.participant}/cough-heavy.wav"))
        written, _ = soundfile.read(path, dtype="int16")
        assert np.array_equal(written, np.rint(samples * 32767))
        assert np.allclose(truth.intervals, intervals, rtol=0, atol=1e-6)
        expected = ("inhale", "hum", 0.5, "hum") if plant else ("none", "none", 0.0, "none")
        assert (truth.phase, truth.evidence, truth.strength, truth.confounder) == expected
        assert len(truth.intervals) == (1 if plant else 0)


def test_evidence_is_named_as_the_data_folder_names_recordings(folder, tmp_path):
    corpus, annotations = tmp_path / "out", tmp_path / "out_textgrids"
    words = ["--phase", "inhale", "--evidence", "wheeze", "--confounder", "hum", "--n", "4"]
    assert run(folder, corpus, *words) == 0
    words = ["--corpus", corpus, "--annotations", annotations, "--folds", 2]
    assert prepare_command("coswara")([*words, "--out", tmp_path / "data"]) == 0
    data, evidence = read_data_folder(tmp_path / "data"), read_evidence(corpus / "evidence.csv")
    assert set(evidence) == {name for name in data.ids if data.text[name] == "p"}
    planted = {f"{row.participant}_cough-heavy": row for row in read_truth(corpus / "planted.csv")}
    for name, parts in evidence.items():
        assert {part.label for part in parts} == {"p"}
        wheeze, *hum = parts
        ((start, end),) = planted[name].intervals
        assert (wheeze.start, wheeze.end) == pytest.approx((start, end), abs=1e-5)
        assert 400 < wheeze.f_min < wheeze.f_max < 800
        assert [(part.start, part.end) for part in hum] == [(0, data.utt2dur[name])] * 2
        assert 260 < hum[0].f_min < hum[0].f_max < 2 * 280 - 20 < hum[1].f_max < 701


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(folder, tmp_path):
    contents = []
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        out = tmp_path / name
        assert run(folder, out, "--n", "4", "--seed", seed) == 0
        files = [path for path in sorted(out.rglob("*")) if path.is_file()]
        contents.append({str(path.relative_to(out)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert contents[0].keys() != contents[2].keys()


def test_clean_labels_have_one_spelling_and_the_same_times(folder, tmp_path):
    out = tmp_path / "out"
    assert run(folder, out, "--n", "2", "--labels", "clean") == 0
    (truth, _) = read_truth(out / "planted.csv")
    source = read_phases(folder / f"{truth.textgrid}.TextGrid")
    clean = read_phases(tmp_path / "out_textgrids" / f"{truth.participant}.TextGrid")
    assert [(e.start, e.end) for e in clean] == [(e.start, e.end) for e in source]
    assert [fold_label(e.label) for e in clean] == [fold_label(e.label) for e in source]
    known = {"noise", "inhale", "compress", "cough", "throatclear", "other"}
    assert {e.label for e in clean} == known


def test_a_written_textgrid_has_the_form_of_the_real_ones(tmp_path):
    labels = ("noise", "inhale", "compress", "cough")
    events = [Event(float(k), k + 1.0, label) for k, label in enumerate(labels)]
    write_phases(events, tmp_path / "a.TextGrid")
    written = [line.strip() for line in (tmp_path / "a.TextGrid").read_text().splitlines()]
    expected = [line.strip() for line in textgrid(labels, (0, 1, 2, 3, 4)).splitlines()]
    expected = [line.replace('"2"', '"1"').removesuffix(".0") for line in expected]
    assert [line.removesuffix(".0") for line in written] == expected


@pytest.mark.parametrize(
    ("label", "phase"),
    [
        ("compres", "compression"),
        ("comoress", "compression"),
        ("commpress", "compression"),
        (" noise", "background"),
        ("silence", "background"),
        ("", "background"),
        ("4", "background"),
        ("throatclear", "throat"),
        ("Cough ", "cough"),
    ],
)
def test_labels_are_folded(label, phase):
    assert fold_label(label) == phase


# bad input


def test_unreadable_textgrids_are_listed_and_skipped(folder, tmp_path, capsys):
    (folder / "bad1.TextGrid").write_bytes(b"\xff\xfe\x00not text")
    (folder / "bad2.TextGrid").write_text("nothing\n")
    (folder / "bad3.TextGrid").write_text(textgrid(breaks=(0, 2, 1, *BREAKS[3:])))
    (folder / "bad4.TextGrid").write_text(textgrid().replace("xmax = 0.7", "xmax = soon"))
    out = tmp_path / "out"
    assert run(folder, out, "--n", "2") == 0
    assert "of 3 usable TextGrid(s); 4 bad file(s)" in capsys.readouterr().out
    lines = (out / "bad_files.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        str(folder / f"bad{k}.TextGrid") for k in range(1, 5)
    ]
    assert "is neither UTF-8 nor UTF-16" in lines[0]
    assert "is no TextGrid in text form" in lines[1]
    assert all(line.split("\t")[1] for line in lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--phase", "sneeze"], "phase must be one of cough, inhale"),
        (["--evidence", "song"], "evidence must be one of resonance"),
        (["--confounder", "dog"], "confounder must be one of none, hum"),
        (["--labels", "odd"], "labels must be one of original, clean"),
        (["--strength", "-1"], "strength must be a factor of at least 0, got -1"),
        (["--strength", "nan"], "strength must be a factor of at least 0, got nan"),
        (["--n", "1"], "n must be at least 2"),
        (["--positive_share", "1"], "positive_share above 0 and below 1, got 120 and 1.0"),
        (["--n", "2", "--positive_share", "0.01"], "leaves a class empty"),
    ],
)
def test_bad_arguments_give_one_line_and_exit_code_2(folder, tmp_path, capsys, words, message):
    assert run(folder, tmp_path / "out", *words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_folders_that_do_not_serve_give_one_line_and_exit_code_2(folder, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    silent = tmp_path / "silent"
    silent.mkdir()
    (silent / "a.TextGrid").write_text(textgrid(("noise", "cough"), (0, 1, 2)))
    for path, message in (
        (empty, "holds no *.TextGrid"),
        (tmp_path / "nowhere", "no such folder"),
        (silent, "no TextGrid has a cough and 0.2 s of inhale"),
    ):
        assert run(path, tmp_path / "out", "--phase", "inhale") == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert message in lines[0]
    words = ["--textgrids", str(folder), "--out", str(tmp_path / "out"), "--annotations"]
    assert main([*words, str(folder)]) == 2
    assert "is the folder of the timings" in capsys.readouterr().err


def test_timings_without_the_phase_are_left_out(folder):
    (folder / "EEE.TextGrid").write_text(textgrid(("noise", "cough"), (0, 1, 2)))
    assert sorted(find_timings(folder, "inhale", {})) == ["AAA", "BBB", "CCC"]
    assert sorted(find_timings(folder, "cough", {})) == ["AAA", "BBB", "CCC", "EEE"]


def test_a_malformed_truth_is_refused(tmp_path):
    path = tmp_path / "planted.csv"
    with pytest.raises(ValueError, match="no such file"):
        read_truth(path)
    path.write_text("participant,status\n")
    with pytest.raises(ValueError, match="expected columns participant,status,textgrid"):
        read_truth(path)
    header = "participant,status,textgrid,phase,evidence,strength,confounder,intervals\n"
    path.write_text(header + "p,healthy,A,none,none,much,none,\n")
    with pytest.raises(ValueError, match="line 2: could not convert"):
        read_truth(path)
