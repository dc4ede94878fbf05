"""Utterances and speakers sort alike, as `sort -k2 utt2spk | cmp - utt2spk` asks in Kaldi."""

import os
import subprocess

import numpy as np
import pytest
import soundfile

from daxaudio.data.kaldi import fix_data_folder, validate_data_folder
from daxaudio.data.kaldi.lines import byte_sorted, find_speaker_disorder

# utterances and their speakers
ALIKE = {
    "hyphens": {"1-2": "1", "1-4": "1", "13-1": "13"},
    "one speaker": {"1_2": "1", "13_1": "1"},
    "speakers of one length": {"01_2": "01", "13_1": "13"},
    "each its own": {"1_2": "1_2", "1": "1", "13_1": "13_1"},
    "other names in the same order": {"a": "x", "b": "y"},
}
APART = {
    "a number that begins another": {"1_2": "1", "1_4": "1", "13_1": "13"},
    "a letter after a space": {"ann.1": "ann", "ann-b.1": "ann-b"},
    "other names": {"a": "y", "b": "x"},
    "one speaker in two places": {"a": "x", "b": "y", "c": "x"},
}


@pytest.fixture
def write(tmp_path):
    def write_folder(utt2spk):
        soundfile.write(tmp_path / "a.wav", np.full(8000, 0.1), 8000)
        ids = byte_sorted(utt2spk)
        values = {"wav.scp": str(tmp_path / "a.wav"), "text": "x", "utt2dur": "1.0"}
        tables = {name: dict.fromkeys(ids, value) for name, value in values.items()}
        for name, table in {**tables, "utt2spk": {key: utt2spk[key] for key in ids}}.items():
            lines = [f"{key} {value}\n" for key, value in table.items()]
            (tmp_path / name).write_text("".join(lines))
        speakers = {name: [k for k in ids if utt2spk[k] == name] for name in utt2spk.values()}
        lines = [f"{name} {' '.join(speakers[name])}\n" for name in byte_sorted(speakers)]
        (tmp_path / "spk2utt").write_text("".join(lines))
        return tmp_path

    return write_folder


def kaldi_is_content(folder):
    command = "sort -k2 utt2spk | cmp -s - utt2spk"
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, shell=True, cwd=folder, env=environment).returncode == 0


@pytest.mark.parametrize("utt2spk", [*ALIKE.values(), *APART.values()])
def test_what_kaldi_refuses_is_an_error_and_what_it_takes_is_none(write, utt2spk):
    folder = write(utt2spk)
    errors = [problem for problem in validate_data_folder(folder) if not problem.warning]
    assert bool(errors) is not kaldi_is_content(folder)
    assert all("it is not sorted by speaker" in str(error) for error in errors)


def test_the_error_names_the_line_and_what_to_do(write):
    folder = write(APART["a number that begins another"])
    (problem,) = validate_data_folder(folder)
    start = f"{folder / 'utt2spk'}:2: '1_2' of speaker '1' comes after '13_1' of speaker '13'"
    assert str(problem).startswith(start)
    assert "name utterances by speaker, hyphen and the rest" in str(problem)


@pytest.mark.parametrize("seed", range(20))
def test_disorder_is_what_sorting_by_speaker_then_utterance_would_change(seed):
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("1a_-é"), rng.integers(1, 4))) for _ in range(4)]
    utt2spk = {f"{name}{rng.choice(['-', '_'])}{i}": name for name in names for i in range(2)}
    by_id = byte_sorted(utt2spk)
    by_speaker = sorted(by_id, key=lambda key: (utt2spk[key].encode(), key.encode()))
    assert (find_speaker_disorder(utt2spk) is None) is (by_id == by_speaker)


def test_speakers_are_renamed_where_that_is_enough(write):
    folder = write(APART["a number that begins another"])
    assert "utt2spk: '_' put at the end of speakers, to sort as ids do" in fix_data_folder(folder)
    assert (folder / "utt2spk").read_text() == "13_1 13_\n1_2 1_\n1_4 1_\n"
    assert (folder / "spk2utt").read_text() == "13_ 13_1\n1_ 1_2 1_4\n"
    assert (folder / ".backup" / "utt2spk").read_text() == "13_1 13\n1_2 1\n1_4 1\n"
    assert kaldi_is_content(folder)
    assert validate_data_folder(folder) == fix_data_folder(folder) == []


@pytest.mark.parametrize(
    "utt2spk",
    [
        APART["other names"],
        APART["one speaker in two places"],
        {"a_z": "a", "a_b_1": "a_b"},  # a_ and a_b_ would be apart, too
        {"1_2": "1", "13-1": "13"},  # not one character
        {"_a": "y", "_b": "x"},  # ids that do not begin with their speaker
        {"19": "1", "139": "13"},  # 9 may be of the rest
    ],
)
def test_what_only_people_can_rename_is_said_and_stays(write, utt2spk):
    folder = write(utt2spk)
    before = (folder / "utt2spk").read_text()
    (remark,) = fix_data_folder(folder)
    assert "left as it is: speakers do not sort like utterances" in remark
    assert (folder / "utt2spk").read_text() == before
    assert not (folder / ".backup").exists()


@pytest.mark.parametrize("utt2spk", ALIKE.values())
def test_nothing_is_renamed_where_the_order_is_right(write, utt2spk):
    assert fix_data_folder(write(utt2spk)) == []
