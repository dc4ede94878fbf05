import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import DATA, prepare_command

from daxaudio_data_prep.esc10 import choose_folds, find_clips, prepare

main = prepare_command("esc10")

RATE = 8000


def write_audio(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * RATE))
    soundfile.write(path, samples, RATE)


@pytest.fixture
def esc10(tmp_path):
    corpus = tmp_path / "ESC-10"
    for fold in (1, 2, 3, 4):
        write_audio(corpus / "001 - Dog bark" / f"{fold}-100{fold}-A.ogg", 0.1 * fold)
        write_audio(corpus / "001 - Dog bark" / f"{fold}-100{fold}-B.ogg")
        write_audio(corpus / "010 - Fire crackling" / f"{fold}-200{fold}-A.ogg")
    (corpus / "README.txt").write_text("about")
    (corpus / "001 - Dog bark" / "notes.txt").write_text("not audio")
    return corpus


@pytest.fixture
def esc50(tmp_path):
    corpus = tmp_path / "ESC-50"
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in (1, 2, 3, 4, 5):
        for target, category, ten in ((0, "dog", True), (5, "cat", False), (12, "sea waves", True)):
            name = f"{fold}-{target + 100}-A-{target}.wav"
            write_audio(corpus / "audio" / name)
            rows.append(f"{name},{fold},{target},{category},{ten},{target + 100},A")
    (corpus / "meta").mkdir()
    (corpus / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    return corpus


def lines(path):
    return path.read_text().splitlines()


def test_esc10_layout_becomes_sorted_kaldi_folders(esc10, tmp_path):
    assert main(["--corpus", str(esc10), "--out", str(tmp_path / "data")]) == 0
    train, test = tmp_path / "data" / "train", tmp_path / "data" / "test"
    assert lines(test / "text") == [
        "4-1004-A dog_bark",
        "4-1004-B dog_bark",
        "4-2004-A fire_crackling",
    ]
    assert lines(test / "utt2spk") == [
        "4-1004-A 4-1004",
        "4-1004-B 4-1004",
        "4-2004-A 4-2004",
    ]
    assert len(lines(train / "text")) == 9
    key, path = lines(test / "wav.scp")[0].split(maxsplit=1)
    assert (key, Path(path)) == ("4-1004-A", esc10 / "001 - Dog bark" / "4-1004-A.ogg")
    key, duration = lines(test / "utt2dur")[0].split()
    assert (key, float(duration)) == ("4-1004-A", pytest.approx(0.4, abs=1e-3))
    assert lines(tmp_path / "data" / "bad_files.txt") == []


def test_esc50_layout_takes_only_the_rows_of_esc10(esc50, tmp_path):
    prepare(esc50, tmp_path / "data", [1, 5], [4])
    assert lines(tmp_path / "data" / "train" / "text") == [
        "1-100-A-0 dog",
        "1-112-A-12 sea_waves",
        "5-100-A-0 dog",
        "5-112-A-12 sea_waves",
    ]
    assert lines(tmp_path / "data" / "test" / "utt2spk") == ["4-100-A-0 4-100", "4-112-A-12 4-112"]


def test_folds_can_be_chosen_on_the_command_line(esc10, tmp_path):
    out = tmp_path / "data"
    code = main(
        ["--corpus", str(esc10), "--out", str(out), "--train_folds", "4", "--test_folds", "1,2"]
    )
    assert code == 0
    assert {line[0] for line in lines(out / "train" / "text")} == {"4"}
    assert {line[0] for line in lines(out / "test" / "text")} == {"1", "2"}


@pytest.mark.parametrize(
    ("train", "test", "reason"),
    [
        ("1 2 3", "5", r"no clip in fold 5; the corpus has fold\(s\) 1 2 3 4"),
        ("1 2 3", "3 4", "fold 3 is in train_folds and in test_folds"),
        ("one", "4", "expected fold numbers.*got 'one'"),
        (" ", "4", "expected fold numbers"),
    ],
)
def test_bad_folds_give_one_line_and_exit_code_2(esc10, tmp_path, capsys, train, test, reason):
    options = ["--corpus", str(esc10), "--out", str(tmp_path / "o"), "--train_folds", train]
    assert main([*options, "--test_folds", test]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(reason, line)
    assert not (tmp_path / "o").exists()


def test_bad_files_are_listed_and_left_out(esc10, tmp_path, capsys):
    text, zeros = esc10 / "001 - Dog bark" / "1-1001-A.ogg", esc10 / "001 - Dog bark" / "4-9-A.wav"
    text.write_text("no audio")
    soundfile.write(zeros, np.zeros(100), RATE)
    assert main(["--corpus", str(esc10), "--out", str(tmp_path / "data")]) == 0
    listed = dict(line.split("\t") for line in lines(tmp_path / "data" / "bad_files.txt"))
    assert list(listed) == [str(text), str(zeros)]
    assert listed[str(text)].startswith("cannot be read as audio")
    assert "all zeros" in listed[str(zeros)]
    assert "2 bad file(s)" in capsys.readouterr().out
    assert len(lines(tmp_path / "data" / "train" / "text")) == 8
    assert "4-9-A" not in (tmp_path / "data" / "test" / "text").read_text()


def test_a_file_that_the_table_names_but_nobody_has_is_a_bad_file(esc50, tmp_path):
    (esc50 / "audio" / "4-100-A-0.wav").unlink()
    prepare(esc50, tmp_path / "data", [1], [4])
    assert "no such file" in (tmp_path / "data" / "bad_files.txt").read_text()


def test_no_readable_file_left_is_an_error(esc10, tmp_path):
    for path in esc10.glob("*/4-*"):
        path.write_text("no audio")
    with pytest.raises(ValueError, match=r"no readable file is left for test; see .*bad_files"):
        prepare(esc10, tmp_path / "data", [1], [4])
    assert len(lines(tmp_path / "data" / "bad_files.txt")) == 3


def test_a_folder_of_neither_layout_says_what_was_expected(tmp_path):
    with pytest.raises(ValueError, match=r"expected meta/esc50\.csv and audio/, or class folders"):
        find_clips(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        find_clips(tmp_path / "nowhere")


def test_a_table_without_its_columns_is_refused(esc50):
    (esc50 / "meta" / "esc50.csv").write_text("filename,fold\n1-100-A-0.wav,1\n")
    with pytest.raises(ValueError, match=r"esc50\.csv: lacks the columns category, esc10"):
        find_clips(esc50)


def test_two_files_of_one_name_are_refused(esc10):
    write_audio(esc10 / "001 - Dog bark" / "1-1001-A.wav")
    with pytest.raises(ValueError, match="have the same name"):
        find_clips(esc10)


@pytest.mark.skipif(
    not (DATA / "esc10").is_dir(), reason=f"no ESC-10 in {DATA}; set DAXAUDIO_DATA to its folder"
)
def test_the_real_corpus_has_ten_classes_with_eight_clips_a_fold():
    clips = find_clips(DATA / "esc10")
    for fold in sorted({clip.fold for clip in clips}):
        labels = [clip.label for clip in choose_folds(clips, [fold])]
        assert {label: labels.count(label) for label in labels} == dict.fromkeys(labels, 8)
        assert len(set(labels)) == 10
