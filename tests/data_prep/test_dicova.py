import numpy as np
import pytest
import soundfile
from conftest import prepare_command

from daxaudio.containers import Event
from daxaudio.data.events import read_events
from daxaudio.data.formats import AnnotatedRecording, Tier, write_annotations
from daxaudio.data.kaldi import read_data_folder
from daxaudio_data_prep.dicova import read_lists, read_metadata

main = prepare_command("dicova")

IDS = [f"ID{k}" for k in range(6)]
RATE = 44100
PHASES = (Event(0, 0.1, "noise"), Event(0.1, 0.2, "inhale"), Event(0.2, 0.4, "compres"))


@pytest.fixture
def corpus(tmp_path):
    """Six subjects, three of them positive, in the layout of the release, two folds."""
    path = tmp_path / "corpus"
    (path / "AUDIO" / "cough").mkdir(parents=True)
    (path / "LISTS").mkdir()
    rows = [f"{name} {'pn'[k % 2]} {'mf'[k % 2]}" for k, name in enumerate(IDS)]
    (path / "metadata.csv").write_text("\n".join(["SUB_ID COVID_STATUS Gender", *rows]) + "\n")
    (tmp_path / "phases").mkdir()
    for k, name in enumerate(IDS):
        noise = 0.1 * np.random.default_rng(k).standard_normal(RATE // 2)
        soundfile.write(path / "AUDIO" / "cough" / f"{name}.flac", noise, RATE)
        tiers = (Tier("type", PHASES),)
        annotation = AnnotatedRecording(name, tiers, 0.4)
        write_annotations([annotation], tmp_path / "phases" / f"{name}.TextGrid")
    write_list(path, "val_0", IDS[:3])
    write_list(path, "train_0", IDS[3:])
    write_list(path, "val_1", IDS[3:])
    write_list(path, "train_1", IDS[:3])
    return path


def write_list(corpus, name, ids):
    (corpus / "LISTS" / f"{name}.csv").write_text("\n".join(ids) + "\n")


def run(corpus):
    out = corpus.parent / "data"
    words = ["--corpus", corpus, "--annotations", corpus.parent / "phases", "--out", out]
    return main(list(map(str, words))), out


def lines(path):
    return path.read_text().splitlines()


def test_the_release_becomes_a_data_folder_with_its_folds(corpus, capsys):
    code, out = run(corpus)
    assert code == 0
    data = read_data_folder(out)
    assert data.text == {name: "pn"[k % 2] for k, name in enumerate(IDS)}
    assert data.utt2spk == {name: name for name in IDS}
    assert data.utt2dur["ID0"] == 0.5
    assert lines(out / "lists" / "val_0") == IDS[:3]
    assert lines(out / "lists" / "train_0") == IDS[3:]
    assert lines(out / "folds") == [f"{name} {k // 3}" for k, name in enumerate(IDS)]
    events = read_events(out / "events.tsv")
    assert [event.label for event in events["ID3.flac"]] == ["noise", "inhale", "compress"]
    assert lines(out / "bad_files.txt") == lines(out / "without_annotation.txt") == []
    said = capsys.readouterr().out
    assert "fold 0: train 3 (1 p), 0 left out; val 3 (2 p), 0 left out" in said
    assert "in no validation list: 0" in said


def test_bad_files_are_listed_and_leave_the_lists(corpus, capsys):
    audio = corpus / "AUDIO" / "cough"
    (audio / "ID0.flac").unlink()
    (audio / "ID3.flac").write_bytes(b"")
    (audio / "ID9.flac").touch()
    table = corpus / "metadata.csv"
    table.write_text(table.read_text().replace("ID4 p", "ID4 r"))
    (corpus.parent / "phases" / "ID1.TextGrid").unlink()
    code, out = run(corpus)
    assert code == 0
    reasons = {
        line.split("\t")[0][-8:-5]: line.split("\t")[1] for line in lines(out / "bad_files.txt")
    }
    assert reasons == {
        "ID0": "missing file",
        "ID3": "zero-length: 0 bytes",
        "ID4": "unknown status: 'r'",
        "ID9": "unknown status: no row in metadata.csv",
    }
    assert read_data_folder(out).ids == ["ID1", "ID2", "ID5"]
    assert lines(out / "lists" / "train_0") == ["ID5"]
    assert lines(out / "lists" / "val_0") == ["ID1", "ID2"]
    assert lines(out / "without_annotation.txt") == ["ID1\tno annotation"]
    said = capsys.readouterr().out
    assert "p 2 -> 1 kept" in said
    assert "r 1 -> unknown, left out" in said


def test_overlapping_validation_lists_stay_lists(corpus, capsys):
    run(corpus)
    write_list(corpus, "val_1", IDS[2:])
    write_list(corpus, "train_1", IDS[:2])
    code, out = run(corpus)
    assert code == 0
    assert not (out / "folds").exists()
    assert lines(out / "lists" / "val_1") == IDS[2:]
    assert "in two validation lists: 1" in capsys.readouterr().out


def test_ids_in_no_validation_list_have_no_fold(corpus, capsys):
    write_list(corpus, "val_1", IDS[3:5])
    code, out = run(corpus)
    assert code == 0
    assert [line.split()[0] for line in lines(out / "folds")] == IDS[:5]
    assert "in no validation list: 1" in capsys.readouterr().out


def test_metadata_may_have_tabs_and_capitals(tmp_path):
    table = tmp_path / "metadata.csv"
    table.write_text("sub_id\tGender\tCOVID_STATUS\r\n\r\nX  m   P\r\n")
    assert read_metadata(table) == {"X": "p"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: (c / "metadata.csv").unlink(), "metadata.csv: no such file"),
        (lambda c: (c / "metadata.csv").write_text(""), "lacks the columns SUB_ID, COVID_STATUS"),
        (
            lambda c: (c / "metadata.csv").write_text("SUB_ID COVID_STATUS\nX\n"),
            "metadata.csv:2: expected",
        ),
        (
            lambda c: (c / "metadata.csv").write_text("SUB_ID COVID_STATUS\nX p\nX n\n"),
            "'X' is there twice",
        ),
        (lambda c: (c / "LISTS" / "val_1.csv").unlink(), "no train_1.csv or no val_1.csv"),
        (lambda c: write_list(c, "val_1", IDS), "'ID0' is in both lists of fold 1"),
        (lambda c: [p.unlink() for p in (c / "LISTS").iterdir()], "holds no train_<fold>.csv"),
        (
            lambda c: [p.unlink() for p in (c / "AUDIO" / "cough").glob("ID[135].flac")],
            "no usable recording of class n",
        ),
    ],
)
def test_a_release_that_is_none_ends_with_one_line(corpus, capsys, spoil, message):
    spoil(corpus)
    assert run(corpus)[0] == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("daxaudio prepare: ")
    assert message in said[-1]


def test_lists_may_have_blank_lines(corpus):
    write_list(corpus, "val_0", [*IDS[:3], "", " "])
    assert read_lists(corpus / "LISTS")["0"]["val"] == IDS[:3]
