"""`--out` is looked at before any work is done; what is read is never written over."""

import errno
import os

import pytest

from daxaudio.commands.outputs import prepare_folder, prepare_picture
from daxaudio.runs import files
from daxaudio.runs.files import describe_error, whole_file, write_text

FULL = os.strerror(errno.ENOSPC)


def test_a_folder_is_made_and_left_empty(tmp_path):
    out = prepare_folder(tmp_path / "a" / "b", {"AUDIO": "a.wav", "--events": None}, ["x.csv"])
    assert list(out.iterdir()) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(ValueError, match="is a file; name a folder"):
        prepare_folder(tmp_path / "a", {})
    with pytest.raises(ValueError, match=r"a/b cannot be written \(Not a directory\)"):
        prepare_folder(tmp_path / "a" / "b", {})
    assert (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_cannot_be_written_is_said_in_words(tmp_path, monkeypatch, number):
    def fail(*arguments, **settings):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.Path, "write_bytes", fail)
    with pytest.raises(ValueError, match=rf"cannot be written \({os.strerror(number)}\)"):
        prepare_folder(tmp_path / "out", {})
    assert list((tmp_path / "out").iterdir()) == []


def test_inputs_are_never_written_over(tmp_path):
    events = tmp_path / "results.csv"
    events.write_text("mine")
    with pytest.raises(ValueError, match=r"would overwrite .*results\.csv \(--events\)"):
        prepare_folder(tmp_path, {"--events": events}, ["results.csv"])
    with pytest.raises(ValueError, match="is DATA itself"):
        prepare_folder(tmp_path / "x" / "..", {"DATA": tmp_path})
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="is DATA itself"):
        prepare_folder(tmp_path / "link", {"DATA": tmp_path})
    assert events.read_text() == "mine"


def test_a_picture_is_a_file_that_ends_like_one(tmp_path):
    prepare_picture(tmp_path / "new" / "a.PNG", {})
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        prepare_picture(tmp_path, {})
    with pytest.raises(ValueError, match=r"pictures end in \.png, \.pdf or \.svg"):
        prepare_picture(tmp_path / "a.wav", {})
    with pytest.raises(ValueError, match="would overwrite"):
        prepare_picture(tmp_path / "a.png", {"--events": tmp_path / "a.png"})


def write_half(path, error):
    """A writer that breaks off."""
    with whole_file(path) as temporary:
        temporary.write_text("half")
        raise error(temporary)


def test_a_full_disk_is_named_whatever_the_writer_says(tmp_path, monkeypatch):
    write_text("old", tmp_path / "a")
    full = type("Usage", (), {"free": 0})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: full)
    with pytest.raises(OSError, match="No space left") as found:
        write_half(tmp_path / "a", lambda temporary: RuntimeError("StreamWriter failed"))
    assert describe_error(found.value) == f"{tmp_path / 'a'}: No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_an_error_names_the_file_and_not_its_temporary_one(tmp_path):
    for name in (str, lambda temporary: None):
        with pytest.raises(OSError, match="No space left") as found:
            write_half(
                tmp_path / "a", lambda path, name=name: OSError(errno.ENOSPC, FULL, name(path))
            )
        assert describe_error(found.value) == f"{tmp_path / 'a'}: {FULL}"


def test_other_failures_of_a_writer_stay_what_they_are(tmp_path):
    with pytest.raises(RuntimeError, match="broken"):
        write_half(tmp_path / "a", lambda temporary: RuntimeError("broken"))


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    for name in ("circle", "nowhere"):
        with pytest.raises(ValueError, match=f"{name} is a link that leads nowhere"):
            prepare_folder(tmp_path / name, {"AUDIO": tmp_path})
    assert not (tmp_path / "missing").exists()


def test_the_file_asked_for_is_named_and_not_the_temporary_one(tmp_path):
    path = tmp_path / f"{'a' * 251}.txt"  # fits, but for what is written beside it
    with pytest.raises(OSError, match="File name too long") as caught:
        write_text("x", path)
    assert caught.value.filename == str(path)
