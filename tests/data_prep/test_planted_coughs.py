import csv
import math

import numpy as np
import pytest
import soundfile
import torch
from conftest import prepare_command

from daxaudio.containers import Event
from daxaudio.features.frontends import LogMel
from daxaudio_data_prep.synthetic.cough_evidence import EVIDENCE, add_evidence
from daxaudio_data_prep.synthetic.cough_files import (
    NEGATIVE,
    POSITIVE,
    fold_label,
    read_phases,
    read_truth,
    write_phases,
)
from daxaudio_data_prep.synthetic.cough_recordings import PHASES, Plant, make_recording
from daxaudio_data_prep.synthetic.cough_sounds import (
    MAKERS,
    SAMPLE_RATE,
    draw_speaker,
    root_mean_square,
)
from daxaudio_data_prep.synthetic.planted_coughs import choose_participants, describe, find_timings

main = prepare_command("planted_coughs")

LABELS = ("noise", "inhale", "compres", "cough", " noise", "throatclear", "other", "4", "cough", "")
BREAKS = (0.0, 0.3, 0.7, 0.95, 1.3, 1.5, 1.8, 2.05, 2.3, 2.6, 3.0)
TIMING = [Event(a, b, label) for a, b, label in zip(BREAKS, BREAKS[1:], LABELS, strict=False)]


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


def inside(intervals, n):
    """Which samples some intervals cover."""
    covered = np.zeros(n, dtype=bool)
    for start, end in intervals:
        covered[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    return covered


def auc(scores, labels):
    """The share of pairs of a positive and a negative that are in the right order."""
    difference = scores[labels][:, None] - scores[~labels][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


# what is planted, and where


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("phase", PHASES[:-1])
def test_evidence_is_only_in_the_planted_intervals(phase, evidence):
    without, none = make_recording("a", TIMING, Plant(phase, evidence, 0.0))
    planted, intervals = make_recording("a", TIMING, Plant(phase, evidence, 1.0))
    covered = inside(intervals, len(planted))
    assert none == ()
    assert np.array_equal(planted[~covered], without[~covered])
    assert np.abs(planted - without)[covered].mean() > 0
    right = [e for e in TIMING if fold_label(e.label) == phase]
    assert len(intervals) == len(right)
    for (start, end), event in zip(intervals, right, strict=True):
        # exact to half a sample
        assert event.start - 1.2e-5 <= start < end <= event.end + 1.2e-5


@pytest.mark.parametrize("evidence", EVIDENCE)
@pytest.mark.parametrize("phase", PHASES[:-1])
def test_the_peak_of_a_recording_does_not_tell_the_class(phase, evidence):
    for name in "abcdef":
        without, _ = make_recording(name, TIMING, None)
        planted, _ = make_recording(name, TIMING, Plant(phase, evidence, 2.0))
        assert np.abs(planted).max() == pytest.approx(np.abs(without).max(), rel=1e-12)


def test_a_negative_recording_is_that_of_strength_0():
    negative, intervals = make_recording("a", TIMING, None)
    assert intervals == ()
    assert np.array_equal(negative, make_recording("a", TIMING, Plant(strength=0.0))[0])
    assert np.array_equal(negative, make_recording("a", TIMING, Plant("none"))[0])


@pytest.mark.parametrize(
    ("evidence", "f_min", "f_max"),
    [("resonance", 2700, 3200), ("wheeze", 400, 800), ("hum", 260, 720)],
)
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_evidence_has_its_level_and_its_band(evidence, f_min, f_max, strength):
    own = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    rng = np.random.default_rng(1)
    mixed, span = add_evidence(own, evidence, strength, 0.3, 99.0, rng)
    assert span == (0, len(own))
    assert np.abs(mixed).max() == pytest.approx(np.abs(own).max())
    # what is left when own sound, scaled as it was, is taken away: project it out at high Hz
    spectra = [np.fft.rfft(samples) for samples in (own, mixed)]
    frequencies = np.fft.rfftfreq(len(own), 1 / SAMPLE_RATE)
    high = frequencies > 8000
    scale = np.abs(np.vdot(spectra[0][high], spectra[1][high])) / np.sum(
        np.abs(spectra[0][high]) ** 2
    )
    added = np.abs(spectra[1] / scale - spectra[0]) ** 2
    level = math.sqrt(2 * added.sum()) / len(own)
    assert level == pytest.approx(strength * root_mean_square(own), rel=0.03)
    band = (frequencies >= f_min) & (frequencies <= f_max)
    assert added[band].sum() / added.sum() > 0.95


def test_a_second_burst_is_short_and_late():
    own = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    mixed, (first, last) = add_evidence(
        own, "second_burst", 1.0, 0.3, 99.0, np.random.default_rng(1)
    )
    assert 0.5 < first / len(own) < last / len(own) < 0.75
    burst = (mixed - own)[first:last]
    # 6 dB above the level of the phase
    assert root_mean_square(burst) == pytest.approx(2 * root_mean_square(own), rel=1e-6)
    assert (last - first) / SAMPLE_RATE == pytest.approx(0.05, abs=1e-3)


def test_the_confounder_is_in_every_phase_and_is_no_evidence():
    negative, _ = make_recording("a", TIMING, None)
    confounded, intervals = make_recording("a", TIMING, Plant("none", confounder="hum"))
    hum = confounded - negative
    assert intervals == ()
    parts = [hum[round(e.start * SAMPLE_RATE) : round(e.end * SAMPLE_RATE)] for e in TIMING]
    levels = [root_mean_square(part) for part in parts]
    assert max(levels) / min(levels) < 1.1


def test_intervals_that_are_too_short_hold_no_evidence():
    timing = [Event(0, 1, "noise"), Event(1, 1.01, "cough"), Event(1.01, 1.5, "cough")]
    _, intervals = make_recording("a", timing, Plant("cough"))
    assert len(intervals) == 1
    assert intervals[0][0] == pytest.approx(1.01, abs=1e-4)


# the sounds


def test_phases_differ_in_level_and_spectrum():
    speaker, n = draw_speaker(np.random.default_rng(0)), SAMPLE_RATE // 3
    level, centre = {}, {}
    for phase, make in MAKERS.items():
        sounds = [make(n, speaker, np.random.default_rng(k)) for k in range(8)]
        level[phase] = np.mean([20 * np.log10(root_mean_square(s)) for s in sounds])
        power = np.mean([np.abs(np.fft.rfft(s)) ** 2 for s in sounds], axis=0)
        centre[phase] = np.sum(power * np.fft.rfftfreq(n, 1 / SAMPLE_RATE)) / power.sum()
    assert level["cough"] > level["throat"] - 6
    assert min(level["cough"], level["throat"]) > level["inhale"] + 3
    assert level["inhale"] > level["compression"] + 6
    assert centre["inhale"] > centre["cough"] > 2 * centre["throat"]
    assert centre["throat"] > centre["compression"]


def test_a_cough_begins_loud_and_dies_away():
    speaker = draw_speaker(np.random.default_rng(2))
    sound = MAKERS["cough"](SAMPLE_RATE // 2, speaker, np.random.default_rng(0))
    tenths = [root_mean_square(part) for part in np.array_split(sound, 10)]
    assert tenths[0] > 2 * tenths[3] > 2 * tenths[9]


def test_speakers_differ():
    speakers = [draw_speaker(np.random.default_rng(k)) for k in range(30)]
    assert {s.gender for s in speakers} == {"male", "female"}
    pitch = {g: np.mean([s.pitch for s in speakers if s.gender == g]) for g in ("male", "female")}
    assert pitch["female"] > 1.3 * pitch["male"]


def test_recordings_and_seeds_differ_and_repeat():
    first, _ = make_recording("a", TIMING, None, 0)
    assert np.array_equal(first, make_recording("a", TIMING, None, 0)[0])
    assert not np.array_equal(first, make_recording("b", TIMING, None, 0)[0])
    assert not np.array_equal(first, make_recording("a", TIMING, None, 1)[0])


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


def test_only_status_and_test_know_the_class():
    for person in choose_participants(["A"], 40, 0.5, seed=2):
        other = type(person)(person.participant, person.textgrid, not person.positive)
        (row, quality), (row_of_other, quality_of_other) = (
            describe(p, seed=2) for p in (person, other)
        )
        different = {name for name in row if row[name] != row_of_other[name]}
        assert different == {"covid_status", "test_status"}
        assert quality == quality_of_other


@pytest.mark.parametrize(
    ("phase", "evidence"), [("cough", "resonance"), ("inhale", "wheeze"), ("background", "hum")]
)
def test_the_class_is_decoded_from_the_planted_phase_and_from_nothing_else(phase, evidence):
    """Mean spectra of the phase, and of all else, along the line between the classes' means."""
    front_end, plant, spectra, labels = (
        LogMel(SAMPLE_RATE, 1102, 441, 64),
        Plant(phase, evidence),
        [],
        [],
    )
    for person in choose_participants(["T"], 40, 0.5, seed=0):
        samples, _ = make_recording(person.participant, TIMING, plant if person.positive else None)
        peak = np.abs(samples).max()
        values = front_end(torch.from_numpy(samples / peak).float()).numpy()
        times = np.arange(values.shape[1]) / 100
        here, near = np.zeros((2, len(times)), dtype=bool)
        for event in TIMING:
            if fold_label(event.label) == phase:
                here |= (times >= event.start) & (times < event.end)
                # a window of 25 ms reaches over the border
                near |= (times > event.start - 0.0126) & (times < event.end + 0.0126)
        spectra.append([values[:, here].mean(axis=1), values[:, ~near].mean(axis=1)])
        labels.append(person.positive)
    parts, labels = np.array(spectra).transpose(1, 0, 2), np.array(labels)
    planted, others = (decode(part - part.mean(axis=1, keepdims=True), labels) for part in parts)
    assert planted > 0.9
    assert 0.3 < others < 0.7


def decode(spectra, labels):
    """AUC of a line between class means, fitted without the pair that it scores."""
    scores = np.zeros(len(labels))
    for first in range(0, len(labels), 2):
        rest = np.ones(len(labels), dtype=bool)
        rest[first : first + 2] = False
        positive, negative = (spectra[rest & (labels == c)] for c in (True, False))
        spread = spectra[rest].std(axis=0)
        line = (positive.mean(axis=0) - negative.mean(axis=0)) / spread**2
        scores[~rest] = spectra[~rest] @ line
    return auc(scores, labels)


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
    write_phases(tmp_path / "a.TextGrid", events)
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
