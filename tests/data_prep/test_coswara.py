import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import prepare_command

from daxaudio.containers import Event
from daxaudio.data.events import read_events
from daxaudio.data.formats import AnnotatedRecording, Tier, load_label_map, write_annotations
from daxaudio.data.kaldi import read_data_folder, validate_data_folder
from daxaudio_data_prep.coswara import (
    find_folders,
    prepare,
    read_quality,
    read_sources,
    read_statuses,
)
from daxaudio_data_prep.cough_data import DEFAULT_MAP
from daxaudio_data_prep.cough_labels import find_annotations, read_phases_of

main = prepare_command("coswara")

PHASES = (
    Event(0.0, 0.3, "noise"),
    Event(0.3, 0.7, "inhale"),
    Event(0.7, 0.8, "comoress"),
    Event(0.8, 1.1, "Cough "),
    Event(1.1, 1.2, "4"),
)
SOUND = "cough-heavy"


def textgrid(path, events=PHASES):
    """Phases as in the real files, in the first of two tiers that are named alike."""
    tiers = (Tier("type", events), Tier("type", (Event(0.0, events[-1].end, "1"),)))
    write_annotations([AnnotatedRecording(path.stem, tiers, events[-1].end)], path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Twelve recordings in the layout of Coswara, six of them positive, made once."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("AAA", "BBB", "CCC"):
        textgrid(folder / "timings" / f"{name}.TextGrid")
    words = ["--textgrids", folder / "timings", "--out", folder / "corpus"]
    words += ["--annotations", folder / "phases", "--n", "12", "--labels", "original"]
    assert prepare_command("planted_coughs")(words) == 0
    return folder


@pytest.fixture
def corpus(made, tmp_path):
    """A copy to spoil: `corpus/`, `phases/` and where to write, `data/`."""
    for name in ("corpus", "phases"):
        shutil.copytree(made / name, tmp_path / name)
    (tmp_path / "corpus" / "planted.csv").unlink()
    return Corpus(tmp_path)


class Corpus:
    def __init__(self, root):
        self.root, self.out = root, root / "data"
        self.path, self.phases = root / "corpus", root / "phases"
        self.table = self.path / "combined_data.csv"
        self.labels = self.path / "annotations" / f"{SOUND}_labels.csv"
        self.people = [row["id"] for row in rows_of(self.table)]

    def audio(self, participant):
        (path,) = self.path.glob(f"*/{participant}/{SOUND}.wav")
        return path

    def replace(self, path, old, new):
        text = path.read_bytes().decode()
        assert old in text
        path.write_bytes(text.replace(old, new).encode())

    def set_status(self, participant, status):
        row = next(r for r in rows_of(self.table) if r["id"] == participant)
        age, old = row["a"], row["covid_status"]
        self.replace(self.table, f"{participant},{age},{old}", f"{participant},{age},{status}")

    def run(self, *more):
        words = ["--corpus", self.path, "--annotations", self.phases, "--out", self.out]
        return main([*map(str, words), *more])

    def listed(self, name="bad_files.txt"):
        return [line.split("\t") for line in (self.out / name).read_text().splitlines()]


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values_of(path):
    return dict(line.split() for line in Path(path).read_text().splitlines())


# the whole


def test_a_corpus_becomes_a_valid_data_folder(corpus, capsys):
    assert corpus.run("--folds", "3") == 0
    data = read_data_folder(corpus.out)
    assert [p for p in validate_data_folder(corpus.out) if "spk" in str(p)] == []
    assert len(data.ids) == 12
    statuses = read_statuses(corpus.table)
    for utterance in data.ids:
        participant = utterance.removesuffix(f"_{SOUND}")
        assert data.utt2spk[utterance] == participant
        assert data.wav_scp[utterance] == str(corpus.audio(participant))
        positive = statuses[participant].startswith("positive")
        assert data.text[utterance] == ("p" if positive else "n")
    events = read_events(corpus.out / "events.tsv")
    assert set(events) == {f"{name}.wav" for name in data.ids}
    labels = [event.label for event in events[f"{data.ids[0]}.wav"]]
    assert labels == ["noise", "inhale", "compress", "cough", "4"]
    assert all(events[name][-1].end <= 1.21 for name in events)
    said = capsys.readouterr().out
    assert "labels that the map does not know, kept as they are: '4' 12" in said
    assert corpus.listed() == corpus.listed("without_annotation.txt") == []
    assert corpus.listed("other_formats.txt") == []


def test_everything_that_is_wrong_is_listed_and_the_run_ends_well(corpus, capsys):
    missing, empty, header, broken, odd, stranger, lowest, unlabelled, bare, stereo, slow, left = (
        corpus.people
    )
    corpus.audio(missing).unlink()
    corpus.audio(empty).write_bytes(b"")
    soundfile.write(corpus.audio(header), np.zeros(0), 44100)
    corpus.audio(broken).write_bytes(b"no audio")
    corpus.set_status(odd, "maybe")
    corpus.replace(corpus.table, stranger, "someone_else")
    quality = read_quality(corpus.labels)[f"{lowest}_{SOUND}"]
    corpus.replace(corpus.labels, f"{lowest}_{SOUND},{quality}", f"{lowest}_{SOUND},0")
    corpus.replace(corpus.labels, f"{unlabelled}_{SOUND}", f"x{unlabelled}_{SOUND}")
    (corpus.phases / f"{bare}.TextGrid").unlink()
    tone = 0.1 * np.sin(np.arange(24000))
    soundfile.write(corpus.audio(stereo), np.stack([tone, tone], axis=1), 16000)
    soundfile.write(corpus.audio(slow), tone, 8000)
    # one of each class is left, whoever the twelve are
    corpus.set_status(bare, "positive_mild")
    corpus.set_status(left, "healthy")
    for name in (missing, empty, header, broken, lowest, unlabelled, stereo, slow):
        corpus.set_status(name, "healthy")
    corpus.set_status(slow, "positive_mild")
    assert corpus.run("--folds", "2") == 0

    paths = {name: str(next(corpus.path.glob(f"*/{name}"))) for name in corpus.people}
    someone = str(corpus.path / "*" / "someone_else")
    reasons = {str(Path(path).parent): reason for path, reason in corpus.listed()}
    assert reasons == {
        paths[missing]: "missing file",
        paths[empty]: "zero-length: 0 bytes",
        paths[header]: "zero-length: 0 samples",
        paths[broken]: reasons[paths[broken]],
        paths[odd]: "unknown status: 'maybe'",
        paths[stranger]: "unknown status: no row in combined_data.csv",
        someone: "missing file",
        paths[lowest]: "low quality: 0",
        paths[unlabelled]: "no quality label",
    }
    assert reasons[paths[broken]].startswith("unreadable: cannot be read as audio")
    assert set(read_data_folder(corpus.out).ids) == {
        f"{name}_{SOUND}" for name in (bare, stereo, slow, left)
    }
    assert corpus.listed("without_annotation.txt") == [[f"{bare}_{SOUND}", "no annotation"]]
    formats = dict(corpus.listed("other_formats.txt"))
    assert "2 channels" in formats[f"{stereo}_{SOUND}"]
    assert "16000 Hz, not 44100 Hz" in formats[f"{stereo}_{SOUND}"]
    assert "8000 Hz" in formats[f"{slow}_{SOUND}"]
    assert len(formats) == 2
    said = capsys.readouterr().out
    assert "missing file 2, unknown status 2, zero-length 2" in said
    assert "maybe 1 -> unknown, left out" in said
    assert "of 1: 3, of 2: 1" in said


def test_statuses_become_classes_and_are_counted(corpus, capsys):
    given = ["recovered_full", "under_validation", "positive_moderate", "positive_asymp"]
    given += ["no_resp_illness_exposed", "resp_illness_not_identified", "healthy", "positive_mild"]
    for name, status in zip(corpus.people, given, strict=False):
        corpus.set_status(name, status)
    assert corpus.run("--folds", "2") == 0
    text = values_of(corpus.out / "text")
    found = [text.get(f"{name}_{SOUND}") for name in corpus.people[:8]]
    assert found == [None, None, "p", "p", "n", "n", "n", "p"]
    # left out on purpose, not bad
    assert corpus.listed() == []
    said = capsys.readouterr().out
    assert "recovered_full 1 -> left out" in said
    assert "under_validation 1 -> left out" in said
    n = Counter(read_statuses(corpus.table).values())["healthy"]
    assert f"  healthy {n} -> n, {n} kept" in said


# the tables


def test_the_quality_file_has_a_space_in_its_header(corpus):
    assert corpus.labels.read_bytes().startswith(b"FILENAME, QUALITY\r\n")
    quality = read_quality(corpus.labels)
    assert set(quality) == {f"{name}_{SOUND}" for name in corpus.people}
    assert set(quality.values()) <= {"1", "2"}


def test_the_lowest_quality_to_take_is_a_choice(corpus):
    people = corpus.people
    rows = "".join(f"{name}_{SOUND},{k % 3}\r\n" for k, name in enumerate(people))
    corpus.labels.write_bytes(("FILENAME, QUALITY\r\n" + rows).encode())
    corpus.set_status(people[2], "healthy")
    corpus.set_status(people[5], "positive_mild")
    corpus.set_status(people[8], "healthy")
    corpus.set_status(people[11], "positive_mild")
    for least, kept in ((0, {0, 1, 2}), (1, {1, 2}), (2, {2})):
        assert corpus.run("--folds", "2", "--min_quality", str(least)) == 0
        assert set(values_of(corpus.out / "text")) == {
            f"{name}_{SOUND}" for k, name in enumerate(people) if k % 3 in kept
        }
    corpus.labels.unlink()
    assert corpus.run("--folds", "2", "--min_quality", "0") == 0
    assert corpus.run("--folds", "2") == 2


def test_someone_with_two_statuses_has_none(tmp_path):
    table = tmp_path / "combined_data.csv"
    table.write_text("id,covid_status\na,healthy\na,positive_mild\nb,healthy\nb, healthy\n")
    assert read_statuses(table) == {"a": "healthy/positive_mild", "b": "healthy"}


def test_recordings_lie_below_extracted_data_too_and_are_taken_once(corpus):
    (corpus.path / "Extracted_data").mkdir()
    date = next(path for path in corpus.path.iterdir() if path.name.isdigit())
    moved = shutil.move(date, corpus.path / "Extracted_data" / date.name)
    name = next(path.name for path in Path(moved).iterdir())
    (corpus.path / "20990101" / name).mkdir(parents=True)
    (corpus.path / "20200413").mkdir()
    (corpus.path / "20200413" / "._x").touch()
    assert set(find_folders(corpus.path)) == set(corpus.people)
    assert len(find_folders(corpus.path)[name]) == 2
    assert corpus.run("--folds", "2") == 0
    reasons = sorted(reason.split(":")[0] for _, reason in corpus.listed())
    assert reasons == ["missing file", "second folder"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c.table.unlink(), "combined_data.csv: no such file"),
        (lambda c: c.table.write_text("id,status\n"), "lacks the columns covid_status"),
        (lambda c: c.table.write_bytes(b"\xff\xfe\x00"), "is not UTF-8 text"),
        (lambda c: c.labels.write_text("FILENAME\n"), "lacks the columns QUALITY"),
        (lambda c: shutil.rmtree(c.phases), "give the folder of the annotations"),
        (lambda c: [c.audio(name).unlink() for name in c.people], "no usable recording of class n"),
        (lambda c: shutil.rmtree(c.path), "no such folder"),
    ],
)
def test_a_corpus_that_is_none_ends_with_one_line(corpus, capsys, spoil, message):
    spoil(corpus)
    assert corpus.run() == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("daxaudio prepare: ")
    assert message in said[-1]


def test_options_out_of_range_are_refused(corpus, capsys):
    for words, message in (
        (("--folds", "1"), "folds must be at least 2"),
        (("--folds", "7"), "folds is 7, but"),
        (("--min_quality", "3"), "min_quality must be 0, 1 or 2"),
        (("--map", "nowhere.yaml"), "nowhere.yaml"),
        (("--sound", "cough-light"), "cough-light_labels.csv: no such file"),
    ):
        assert corpus.run(*words) == 2
        assert message in capsys.readouterr().err


# folds


def test_folds_are_stratified_and_twins_stay_together(made, tmp_path):
    prepare(made / "corpus", made / "phases", tmp_path, n_folds=3)
    folds, text = values_of(tmp_path / "folds"), values_of(tmp_path / "text")
    assert folds.keys() == text.keys()
    sources = read_sources(made / "corpus" / "planted.csv")
    groups = {(sources[name.split("_")[0]], fold) for name, fold in folds.items()}
    assert len(groups) == len(set(sources.values())) == 3
    counts = Counter((fold, text[name]) for name, fold in folds.items())
    assert counts == {(fold, label): 2 for fold in "012" for label in "np"}


# annotations


def regions(path, stage=SOUND, **bounds):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"vol": "y", "stage": stage, **bounds}))


def read(folder, sound=SOUND, duration=2.0, names=("a",)):
    durations = {f"{name}_{sound}": (name, duration) for name in names}
    return read_phases_of(folder, durations, load_label_map(DEFAULT_MAP), sound)


def test_regions_of_coswara_exp_are_coughs_in_order_of_time(tmp_path):
    regions(
        tmp_path / "20200525" / "a" / "cough-heavy_v2.json",
        **{"start_1": 1.2, "end_1": 1.5, "start_2": 0.25, "end_2": 0.75},
    )
    regions(tmp_path / "20200525" / "a" / "vowel-a_v2.json", "vowel-a", start_1=0, end_1=1)
    found = read(tmp_path)
    assert found.events == {"a_cough-heavy": [Event(0.25, 0.75, "cough"), Event(1.2, 1.5, "cough")]}
    assert not found.unknown
    assert found.n_unused == 0


def test_the_best_annotation_is_taken_and_the_others_are_counted(tmp_path):
    regions(tmp_path / "a" / "cough-heavy.json", quality="clean_audio")
    regions(tmp_path / "a" / "cough-heavy_v2.json", start_1=0, end_1=1)
    regions(tmp_path / "b" / "cough-heavy_v2.json", start_1=0, end_1=1)
    textgrid(tmp_path / "a.TextGrid")
    (tmp_path / "._a.TextGrid").write_bytes(b"\x00")
    names = [path.name for path in find_annotations(tmp_path, SOUND)["a"]]
    assert names == ["a.TextGrid", "cough-heavy_v2.json", "cough-heavy.json"]
    found = read(tmp_path)
    assert [event.label for event in found.events["a_cough-heavy"]][1:3] == ["inhale", "compress"]
    assert (found.n_unused, dict(found.unknown)) == (3, {"4": 1})


def test_an_annotation_named_by_the_utterance_is_found(tmp_path):
    textgrid(tmp_path / "a_cough-heavy.TextGrid")
    assert read(tmp_path).without == {}


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda f: regions(f / "a" / "cough-heavy_v2.json"), "holds no events"),
        (
            lambda f: regions(f / "a" / "cough-heavy_v2.json", "vowel-a", start_1=0, end_1=1),
            "stage is 'vowel-a'",
        ),
        (
            lambda f: regions(f / "a" / "cough-heavy_v2.json", start_1=0, end_1=2.1),
            "ends at 2.100 s, the recording at 2.000 s",
        ),
        (lambda f: (f / "a.TextGrid").write_text("x"), "is no TextGrid"),
        (lambda f: None, "no annotation"),
    ],
)
def test_why_a_recording_has_no_phases(tmp_path, write, reason):
    write(tmp_path)
    found = read(tmp_path)
    assert found.events == {}
    assert reason in found.without["a_cough-heavy"]


def test_an_unknown_label_cannot_break_the_table(tmp_path, corpus):
    odd = (Event(0.0, 0.5, "inhale\tloud"), Event(0.5, 1.0, "cough"))
    textgrid(corpus.phases / f"{corpus.people[0]}.TextGrid", odd)
    assert corpus.run("--folds", "2") == 0
    events = read_events(corpus.out / "events.tsv")[f"{corpus.people[0]}_{SOUND}.wav"]
    assert [event.label for event in events] == ["inhale loud", "cough"]
