"""Ids that are replaced by keyed hashes: nothing that an audit writes tells who was recorded."""

import dataclasses
import functools
import json

import pandas as pd
import pytest
import torch
from made_coughs import EVENTS, RATE, SECONDS, made, open_ears
from pyarrow import parquet

from daxaudio.audit.hidden_ids import (
    COMMAND_FAILED,
    KEY_VARIABLE,
    HiddenIds,
    read_key,
    without_names,
)
from daxaudio.audit.known import read_known
from daxaudio.audit.questions import Questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.commands.main import main
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder, RecordingSegment, read_utterance, write_data_folder
from daxaudio.features.mel import LogMel
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.resnet import SpectrogramResNet

KEY = "correct horse battery staple"
PEOPLE = [f"{name}sson" for name in ("Anna", "Bertil", "Cecilia", "David", "Erika", "Filip")]
ABSENT = "Gunvorsson"
QUESTIONS = """positive: p
split: fold
left_out: why
subgroups: [sex]
match_on: [sex]
n_explained: 1
n_errors: 1
n_donors: 1
n_controls: 1
n_bootstrap: 100
n_permutations: 99
queries: 30
method: occlusion
"""
HIDDEN = HiddenIds(KEY.encode())


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A corpus of people with names, two recordings each; of one the audio is gone."""
    folder = tmp_path_factory.mktemp("plain")
    paths, text, speakers, rows = {}, {}, {}, []
    for k, who in enumerate(PEOPLE):
        for visit in "12":
            name = f"{who}-visit{visit}"
            paths[name] = str(folder / "audio" / who / f"{name} raw.wav")
            text[name], speakers[name] = "pn"[k % 2], who
            hum = {"hum": 0.01} if text[name] == "p" else {}
            write_recording(made(name, seed=len(paths), **hum), paths[name])
            why = "too noisy" if name == "Filipsson-visit2" else ""
            rows.append(f"{name},{who},{'fm'[k % 2]},{visit},{why}")
    paths["Davidsson-visit1"] = str(folder / "gone" / "Davidsson-visit1.wav")
    data = DataFolder(paths, text, speakers, dict.fromkeys(text, SECONDS))
    write_data_folder(data, folder / "data")
    header = "recording_id,participant,sex,fold,why"
    absent = f"{ABSENT}-visit1,{ABSENT},f,1,"
    (folder / "known.csv").write_text("\n".join([header, *rows, absent]) + "\n")
    (folder / "questions.yaml").write_text(QUESTIONS)
    (folder / "key.txt").write_text(f"{KEY}\n")
    events = [f"{name}\t{e.start}\t{e.end}\t{e.label}" for name in paths for e in EVENTS]
    (folder / "events.tsv").write_text("\n".join(["filename\tonset\toffset\tevent_label", *events]))
    torch.manual_seed(0)
    network = SpectrogramResNet(2, depth=10, width=4, mean=-60.0, std=20.0)
    black_box = BlackBox(network, LogMel(RATE, n_fft=256, n_mels=16), ["n", "p"])
    save_black_box(black_box, folder / "model")
    return folder, data


def give(folder, out, *more):
    words = ["audit", "--model", folder / "model", "--data", folder / "data", "--out", out]
    words += ["--table", folder / "known.csv", "--questions", folder / "questions.yaml"]
    words += ["--events", folder / "events.tsv", "--quiet", *more]
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def hidden(plain, tmp_path_factory):
    folder, _ = plain
    out = tmp_path_factory.mktemp("hidden")
    assert give(folder, out, "--hash_ids", folder / "key.txt") == 0
    return out


def contents(out):
    """Texts of everything below a folder, by path; of Parquet files all cells and all facts."""
    found = {}
    for path in sorted(one for one in out.rglob("*") if one.is_file()):
        text = path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            file = parquet.ParquetFile(path)
            text += file.read().to_pandas().to_csv() + str(file.schema_arrow.metadata)
        found[path.relative_to(out).as_posix()] = text
    return found


def test_no_file_and_no_name_of_a_file_tells_who_was_recorded(plain, hidden):
    folder, data = plain
    files = contents(hidden)
    assert {path.rsplit(".", 1)[-1] for path in files} >= {"html", "json", "parquet", "csv", "npz"}
    telling = {*data.ids, *PEOPLE, ABSENT, *(f"{who.lower()}" for who in PEOPLE), "visit"}
    telling |= {str(folder / "audio"), str(folder / "gone"), " raw.wav", KEY, HIDDEN.key.hex()}
    leaks = {
        (path, name) for path, text in files.items() for name in telling if name in f"{path} {text}"
    }
    assert not leaks


def test_what_went_wrong_is_still_told(hidden):
    left_out = pd.read_parquet(hidden / "tables" / "left_out.parquet")
    name = HIDDEN.recording("Davidsson-visit1")
    problems = set(left_out["problem"][left_out["recording_id"] == name])
    assert problems
    assert all(text.startswith("its audio: no such") for text in problems), problems


def test_who_has_the_key_finds_everybody(plain, hidden):
    table = pd.read_parquet(hidden / "tables" / "recordings.parquet")
    _, data = plain
    asked = set(data.ids) - {"Filipsson-visit2"}
    assert set(table["recording_id"]) == {HIDDEN.recording(name) for name in asked}
    assert set(table["participant"]) == {HIDDEN.participant(name) for name in PEOPLE}
    document = json.loads((hidden / "audit.json").read_text())
    assert document["data"]["ids_hashed"]
    sides = next(s for s in document["sections"] if s["name"] == "participants")
    assert HIDDEN.participant("Annasson") in sides["answer"]


def test_the_page_still_plays_what_it_shows(hidden):
    page = (hidden / "audit.html").read_text()
    assert page.count("data:audio/flac") >= 2
    assert "replaced by keyed hashes" in page


def test_the_model_says_the_same_of_hidden_recordings(plain, hidden, tmp_path):
    folder, _ = plain
    assert give(folder, tmp_path / "plain", "--sound_mb", "0") == 0
    scores = [
        sorted(pd.read_parquet(out / "tables" / "recordings.parquet")["score"].dropna())
        for out in (hidden, tmp_path / "plain")
    ]
    assert scores[0] == scores[1]
    assert "data:audio" not in (tmp_path / "plain" / "audit.html").read_text()


def test_a_folder_with_plain_ids_is_refused(plain, tmp_path, capsys):
    folder, data = plain
    (tmp_path / "out" / "answers" / data.ids[0]).mkdir(parents=True)
    assert give(folder, tmp_path / "out", "--hash_ids", folder / "key.txt") == 2
    assert "holds an audit under plain ids" in capsys.readouterr().err


def test_a_column_that_tells_who_it_is_is_refused(plain, tmp_path):
    _, data = plain
    table = tmp_path / "known.csv"
    for cell in ("Annasson", "/x/Annasson.wav", "sister of Bertilsson", "a,Annasson-visit1.flac"):
        table.write_text(f'participant,sex,note\nAnnasson,f,"{cell}"\nBertilsson,m,-\n')
        known = read_known(table, data.utt2spk)
        with pytest.raises(ValueError, match="'note' of the table holds ids"):
            HIDDEN.known(known)
    table.write_text("participant,sex,note\nAnnasson,f,tall\nBertilsson,m,-\n")
    assert HIDDEN.known(read_known(table, data.utt2spk)).columns == ("sex", "note")


@pytest.mark.parametrize("cells", ["1001,1002,", "1001_cough.wav,,", ",,see_P3b", "annasson_2,,"])
def test_numbers_and_joined_names_that_tell_who_it_is_are_refused(tmp_path, cells):
    people = ("1001", "1002", "P3b", "annasson")
    table = tmp_path / "known.csv"
    rows = zip(people, [*cells.split(","), ""], strict=True)
    table.write_text("participant,note\n" + "\n".join(map(",".join, rows)) + "\n")
    known = read_known(table, {f"{who}-2": who for who in people})
    with pytest.raises(ValueError, match="'note' of the table holds ids"):
        HIDDEN.known(known)


def test_numbers_in_ids_are_refused_unless_ids_share_them(tmp_path):
    """The number of a visit stands in ids of recordings, too, and says nothing of who it is."""
    table = tmp_path / "known.csv"
    names = [f"{who}-{visit}" for who in ("P17", "P18", "P19") for visit in (1, 2)]
    rows = "\n".join(f"{name},{name[-1]},{name[1:3]}" for name in names)
    table.write_text(f"recording_id,visit,number\n{rows}\n")
    known = read_known(table, {name: name[:3] for name in names})
    with pytest.raises(ValueError, match="'number' of the table holds ids"):
        HIDDEN.known(known)
    visits = dataclasses.replace(known, columns=("visit",))
    assert HIDDEN.known(visits).columns == ("visit",)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cat /nowhere/anna_svensson/rec.sph |", "cat: /nowhere/anna_svensson/rec.sph: No such"),
        ("cat 'the list' |", "cannot open /nowhere/anna_svensson.wav"),
    ],
)
def test_what_a_command_says_names_nobody(command, said, tmp_path):
    tables = ({"r": command}, {"r": "p"}, {"r": "anna"}, {"r": 1.0})
    data = DataFolder(*tables, allow_pipes=True)
    found = HIDDEN.data(data)
    (name,) = found.ids
    with pytest.raises(ValueError, match="ended with code 1") as caught:
        read_utterance(found, name)
    for text in (str(caught.value), f"wav.scp: {name!r}: the command 'x' ended ({said}); run it"):
        assert without_names(text, name, found) == COMMAND_FAILED
    assert "anna" not in without_names(f"{command}: its output: too short", name, found)
    assert without_names("took more than 5 s", name, found) == "took more than 5 s"


def test_people_of_the_table_without_a_recording_are_hidden_too(tmp_path):
    table = tmp_path / "known.csv"
    table.write_text(f"participant,sex\nAnnasson,f\n{ABSENT},m\n")
    known = read_known(table, {"a": "Annasson"})
    assert known.unknown == (ABSENT,)
    assert HIDDEN.known(known).unknown == (HIDDEN.participant(ABSENT),)


def test_a_number_that_is_also_an_id_is_no_reason_to_refuse(tmp_path):
    table = tmp_path / "known.csv"
    table.write_text("participant,age\n31,31\n32,55\n")
    known = read_known(table, {"a": "31", "b": "32"})
    assert HIDDEN.known(known).table["age"].tolist() == [31.0, 55.0]


def test_segments_and_their_recordings_are_hidden_and_read_the_same():
    data = DataFolder(
        {"tape": "a tape.wav"},
        {"u1": "p", "u2": "n"},
        {"u1": "ann", "u2": "bo"},
        {"u1": 1.0, "u2": 2.0},
        {"u1": RecordingSegment("tape", 0.0, 1.0), "u2": RecordingSegment("tape", 1.0, 3.0)},
        {"tape": 3.0},
    )
    found = HIDDEN.data(data)
    assert not {"tape", "u1", "u2", "ann", "bo"} & {*found.wav_scp, *found.ids, *found.utt2spk}
    place = found.segment(HIDDEN.recording("u2"))
    assert (place.start, place.end) == (1.0, 3.0)
    assert found.wav_scp[place.recording_id] == "a tape.wav"
    text = without_names("a tape.wav: segment: bad; a tape is bad", found.ids[0], found)
    assert "tape" not in text


def test_other_keys_give_other_ids_and_kinds_differ():
    other = HiddenIds(b"another key that is long")
    assert HIDDEN.recording("a") != other.recording("a")
    assert HIDDEN.recording("a")[1:] != HIDDEN.participant("a")[1:]


def test_a_bad_key_is_one_clear_line(plain, tmp_path, capsys, monkeypatch):
    folder, _ = plain
    short = tmp_path / "short.txt"
    short.write_text("secret\n")
    assert give(folder, tmp_path / "out", "--hash_ids", short) == 2
    assert "short.txt: the key of hashed ids needs 16 bytes, got 6" in capsys.readouterr().err
    assert give(folder, tmp_path / "out", "--hash_ids", tmp_path / "none") == 2
    assert "no such file with the key" in capsys.readouterr().err
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="DAXAUDIO_HASH_KEY is not set"):
        read_key(None)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert read_key(None) == HIDDEN


def test_shards_under_one_key_give_the_bytes_of_the_whole(plain, tmp_path):
    from daxaudio.runs.shards import Shard

    _, data = plain
    asked = Questions(positive="p", n_explained=0, n_donors=0, n_controls=0, n_bootstrap=100)
    corpus = Corpus(dataclasses.replace(data), "made", dict.fromkeys(data.ids, EVENTS))
    opened = functools.partial(open_ears, low=290, high=310, threshold=-23.5)
    audit(opened, corpus, tmp_path / "whole", asked, hidden=HIDDEN)
    for k in (1, 2):
        audit(opened, corpus, tmp_path / "parts", asked, hidden=HIDDEN, shard=Shard(k, 2))
    audit(opened, corpus, tmp_path / "parts", asked, hidden=HIDDEN)
    names = ["audit.json", "tables/recordings.parquet", "tables/index.parquet"]
    for name in names:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
