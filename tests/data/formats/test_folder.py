import pytest

from daxaudio.data.formats import read_folder


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "1/a.txt": "0\t1\tdog\n",
        "2/a.txt": "0\t2\tcat\n",
        "2/b.TextGrid": "nothing",
        "2/c.json": '{"stage": ',
        "README.txt": "about\n",
        "a.wav": "",
        ".hidden.txt": "0\t1\tx\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "3.txt").mkdir()
    return tmp_path


def test_a_bad_file_is_listed_and_never_ends_the_run(folder):
    reading = read_folder(folder)
    ids = [r.recording_id for of_file in reading.recordings.values() for r in of_file]
    assert ids == ["1/a", "2/a"]
    assert list(reading.unreadable) == [folder / "2" / "b.TextGrid", folder / "2" / "c.json"]
    assert all("\n" not in reason for reason in reading.unreadable.values())
    assert reading.left_aside == (folder / "README.txt",)


def test_a_format_that_is_given_reads_all_files_of_its_ending(folder):
    reading = read_folder(folder, "audacity")
    assert len(reading.recordings) == 2
    assert list(reading.unreadable) == [folder / "README.txt"]
    assert reading.left_aside == ()


def test_one_file_is_a_folder_of_one(folder):
    reading = read_folder(folder / "1" / "a.txt")
    assert [r.recording_id for r in reading.recordings[folder / "1" / "a.txt"]] == ["a"]
    assert "no known format" in read_folder(folder / "a.wav").unreadable[folder / "a.wav"]


def test_paths_without_annotations_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no file has a name that annotations have"):
        read_folder(tmp_path)
    with pytest.raises(ValueError, match="none: no such file or folder"):
        read_folder(tmp_path / "none")
