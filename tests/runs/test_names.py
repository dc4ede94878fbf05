"""Ids of recordings become names of files: they stay in the folder, fit, and are not cut."""

import os

import pytest

from daxaudio.data.audio_folders import read_audio_folder
from daxaudio.data.kaldi import DataFolder, fix_data_folder, read_data_folder, validate_data_folder
from daxaudio.runs.names import (
    LONGEST,
    as_id,
    check_id,
    check_length,
    find_alike,
    without_audio_ending,
)

ESCAPING = ["/abs/x", "../../x", "a/b", "a/", "..\\x", ".", "..", "a\0b", "a\x07", "a\x9b"]


def write_lines(folder, ids):
    folder.mkdir(exist_ok=True)
    for name, value in {"wav.scp": "x.wav", "text": "dog", "utt2spk": "s", "utt2dur": "1"}.items():
        lines = "".join(f"{key} {value}\n" for key in sorted(ids))
        (folder / name).write_text(lines, encoding="utf-8")
    (folder / "spk2utt").write_text(f"s {' '.join(sorted(ids))}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ESCAPING)
def test_ids_that_lead_out_of_a_folder_are_refused_where_they_enter(tmp_path, name):
    folder = write_lines(tmp_path / "data", ["a", name])
    line = sorted(["a", name]).index(name) + 1
    with pytest.raises(ValueError, match=rf"data/wav\.scp:{line}: the id .* rename it"):
        read_data_folder(folder)
    with pytest.raises(ValueError, match=r"wav\.scp: the id .* rename it"):
        DataFolder({name: "x"}, {name: "x"}, {name: "x"}, {name: 1.0})


@pytest.mark.parametrize("name", ESCAPING)
def test_validate_names_such_ids_and_fix_drops_them(tmp_path, name):
    folder = write_lines(tmp_path / "data", ["a", name])
    places = [p for p in validate_data_folder(folder) if "the id" in p.what and not p.warning]
    assert [p.file.rsplit("/")[-1] for p in places] == ["wav.scp", "text", "utt2spk", "utt2dur"]
    changes = fix_data_folder(folder, tmp_path / "fixed")
    assert any("rename it" in change for change in changes)
    assert read_data_folder(tmp_path / "fixed").ids == ["a"]


@pytest.mark.parametrize("name", ["...", "..a", ".a", "~", "*", "a:b", "犬", "a" * LONGEST])
def test_other_ids_stay_as_they_are(tmp_path, name):
    assert read_data_folder(write_lines(tmp_path / "data", [name])).ids == [name]
    check_id("", name)
    check_length(name)


def test_a_long_id_fits_or_is_named(tmp_path):
    longest = "é" * (LONGEST // 2)
    target = tmp_path / f"{longest}.TextGrid"
    target.write_text("it fits")
    with pytest.raises(ValueError, match=f"{LONGEST + 1} bytes"):
        check_length(longest + "a")
    folder = write_lines(tmp_path / "data", ["a", longest + "a"])
    (found,) = (p for p in validate_data_folder(folder) if "bytes" in p.what)
    assert found.warning
    assert found.line == 2


def test_validate_names_ids_that_are_one_file_on_other_systems(tmp_path):
    assert find_alike(["Ä", "b", "ä", "A\u0308"]) == [("Ä", "ä"), ("Ä", "A\u0308")]
    folder = write_lines(tmp_path / "data", ["A_1", "a_1", "b"])
    (found,) = (p for p in validate_data_folder(folder) if "alone" in p.what)
    assert "'a_1' and 'A_1'" in found.what
    assert found.warning


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.wav", "a"),
        ("x.y/a.b.FLAC", "a.b"),
        ("Yabc_30.000_40.000", "Yabc_30.000_40.000"),
        ("Yabc_30.000_40.000.wav", "Yabc_30.000_40.000"),
        ("a.wav.wav", "a.wav"),
        ("a.m4a", "a"),
        (".wav", ".wav"),
        ("a.", "a."),
    ],
)
def test_only_the_ending_of_an_audio_file_is_no_part_of_a_name(file, name):
    assert without_audio_ending(file) == name


@pytest.mark.parametrize(
    "text", [*ESCAPING[:-5], "a\\b", "a\0b", "a b", "\ufeffa", "a\udcff", "a\u2028"]
)
def test_any_file_name_makes_an_id(text):
    name = as_id(text)
    assert len(name) == len(text)
    assert DataFolder({name: "x"}, {name: "x"}, {name: "x"}, {name: 1.0}).ids == [name]
    assert as_id("Yabc_30.000-犬") == "Yabc_30.000-犬"


def test_a_file_whose_path_cannot_be_written_is_left_out_with_a_warning(tmp_path, caplog):
    for name in (b"a b.wav", b"\xff.wav", b"c\nd.wav"):
        (tmp_path / os.fsdecode(name)).touch()
    assert read_audio_folder(tmp_path).ids == ["a_b"]
    assert caplog.text.count("is left out: ") == 2
