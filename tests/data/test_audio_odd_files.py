"""What is given as an audio file and is none, and samples that are no audio."""

import os
import socket

import numpy as np
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.data.audio import duration_of, read_recording
from daxaudio.data.decoding import reader

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")
RATE = 8000


def assert_refused(path, reason):
    for ask in (read_recording, duration_of):
        with pytest.raises(ValueError, match=reason) as error:
            ask(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)


@posix
def test_a_pipe_is_called_a_pipe_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert_refused(tmp_path / "a.wav", "is a pipe, which cannot be read twice")


@posix
def test_a_device_is_called_a_device():
    assert_refused("/dev/null", "is a device")
    assert_refused("/dev/zero", "is a device")


@posix
def test_a_socket_is_called_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.wav")
        assert_refused("a.wav", "is a socket")


@posix
def test_process_substitution_is_a_pipe_but_a_redirected_file_is_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.ones(RATE), RATE)
    with open(tmp_path / "a.wav", "rb") as file:  # as /dev/stdin is after `< a.wav`
        assert duration_of(f"/dev/fd/{file.fileno()}") == 1
        assert read_recording(f"/dev/fd/{file.fileno()}").duration == 1
    ends = os.pipe()
    try:
        assert_refused(f"/dev/fd/{ends[0]}", "is a pipe")
    finally:
        for end in ends:
            os.close(end)


@posix
def test_a_command_says_so_in_one_line(tmp_path, capsys):
    os.mkfifo(tmp_path / "a.wav")
    assert main(["pad", str(tmp_path / "a.wav"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "a.wav: is a pipe" in said


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.ones(RATE), RATE)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reader, "open", refuse, raising=False)  # the tests may run as root
    assert_refused(tmp_path / "a.wav", r"cannot be opened \(permission denied\)")


def write_floats(path, samples, subtype="FLOAT"):
    soundfile.write(path, samples, RATE, subtype=subtype)
    return path


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("sign", [1, -1])
def test_samples_that_can_be_no_sound_are_refused(tmp_path, subtype, sign):
    samples = 0.1 * np.ones(RATE)
    samples[5] = sign * 1e30
    path = write_floats(tmp_path / "a.wav", samples, subtype)
    with pytest.raises(ValueError, match=r"a\.wav: holds samples as large as 1e\+30, where 1 is"):
        read_recording(path)


def test_whole_numbers_stored_as_floats_are_read_with_a_warning(tmp_path, caplog):
    path = write_floats(tmp_path / "a.wav", 32767 * np.ones(RATE))
    assert float(read_recording(path).waveform.max()) == 32767
    assert "a.wav: holds samples as large as 3.28e+04, where 1 is full scale" in caplog.text
    assert "whole numbers stored as floats" in caplog.text


def test_samples_a_little_beyond_full_scale_are_nothing_odd(tmp_path, caplog):
    path = write_floats(tmp_path / "a.wav", 3.0 * np.ones(RATE))
    assert float(read_recording(path).waveform.max()) == 3
    assert caplog.text == ""
