"""MP3 files with and without the frame that says their length; words of the decoder."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

from daxaudio.data.audio import duration_of, read_recording
from daxaudio.data.decoding import mp3, read_samples, reader
from daxaudio.data.decoding.mp3 import _Frame, promise_of_mp3
from daxaudio.data.decoding.quiet import without_words_of_libmpg123


def samples_of(kind, rate):
    draws = np.random.default_rng(0)
    silence, loud = np.zeros(3 * rate), 0.3 * draws.standard_normal(3 * rate)
    return {
        "loud": loud,
        "silence first": np.r_[silence, loud],
        "loud first": np.r_[loud, silence],
    }[kind]


def write(path, kind="loud", rate=16000, n_channels=1, mode="VARIABLE"):
    options = {"subtype": "MPEG_LAYER_III", "bitrate_mode": mode, "compression_level": 0.5}
    samples = np.stack([samples_of(kind, rate)] * n_channels, axis=1)
    with soundfile.SoundFile(path, "w", rate, n_channels, format="MP3", **options) as file:
        file.write(samples.astype(np.float32))
    return path.read_bytes()


def frames(data):
    """The frames of an MP3 file, found by the lengths in their headers."""
    found = []
    while _Frame(data[:4]).is_whole:
        found.append(data[: _Frame(data[:4]).size])
        data = data[len(found[-1]) :]
    assert not data
    return found


def n_samples_in(data):
    return len(frames(data)) * (1152 if _Frame(data[:4]).version == 3 else 576)


@pytest.mark.parametrize("kind", ["loud", "silence first", "loud first"])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_without_a_length_all_frames_are_read(tmp_path, kind, rate, n_channels, mode):
    path = tmp_path / "a.mp3"
    data = write(path, kind, rate, n_channels, mode)
    bare = data[_Frame(data[:4]).size :]
    for before, behind in ((b"", b""), (b"ID3\x03\x00\x00\x00\x00\x00\x14" + bytes(20), b"")):
        path.write_bytes(before + bare + behind)
        assert len(read_samples(path)[0]) == n_samples_in(bare)
        assert duration_of(path) == n_samples_in(bare) / rate


def test_a_tag_at_the_end_is_no_audio(tmp_path):
    data = write(tmp_path / "a.mp3")
    bare = data[_Frame(data[:4]).size :]
    (tmp_path / "a.mp3").write_bytes(bare + b"TAG" + bytes(125))
    assert len(read_samples(tmp_path / "a.mp3")[0]) == n_samples_in(bare)


def test_without_a_length_the_samples_of_a_constant_bit_rate_are_those_of_libsndfile(tmp_path):
    data = write(tmp_path / "a.mp3", mode="CONSTANT")
    (tmp_path / "a.mp3").write_bytes(data[_Frame(data[:4]).size :])
    with without_words_of_libmpg123(), soundfile.SoundFile(tmp_path / "a.mp3") as file:
        wanted = file.read(file.frames, dtype="float32", always_2d=True)
    found = read_samples(tmp_path / "a.mp3")[0]
    assert np.array_equal(found[: len(wanted)], wanted)


def test_a_frame_that_says_no_number_is_none(tmp_path):
    data = write(tmp_path / "a.mp3", "silence first")
    at = data.index(b"Xing") + 7
    (tmp_path / "a.mp3").write_bytes(data[:at] + bytes([data[at] & ~1]) + data[at + 1 :])
    assert duration_of(tmp_path / "a.mp3") == pytest.approx(6, abs=0.15)


def test_two_files_one_after_the_other_are_read_to_the_end_and_this_is_said(tmp_path, caplog):
    data = write(tmp_path / "a.mp3")
    (tmp_path / "a.mp3").write_bytes(data + b"ID3\x03\x00\x00\x00\x00\x00\x14" + bytes(20) + data)
    assert read_recording(tmp_path / "a.mp3").duration == pytest.approx(6, abs=0.2)
    assert f"its header promises {len(data)} bytes of audio" in caplog.text


def test_a_file_that_promises_more_frames_than_it_has_is_cut_short(tmp_path):
    data = write(tmp_path / "a.mp3")
    (tmp_path / "a.mp3").write_bytes(b"".join(frames(data)[:50]))
    with pytest.raises(ValueError, match=r"cut short \(\d+ samples promised, \d+ read\)"):
        read_recording(tmp_path / "a.mp3")


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("start", [0.1, 2.9, 3.0, 3.1, 4.0])
def test_a_part_is_that_part_of_the_whole_even_right_after_silence(tmp_path, bare, start):
    data = write(tmp_path / "a.mp3", "silence first")
    (tmp_path / "a.mp3").write_bytes(data[_Frame(data[:4]).size :] if bare else data)
    whole, first = read_samples(tmp_path / "a.mp3")[0], round(16000 * start)
    part = read_samples(tmp_path / "a.mp3", start, start + 1)[0]
    np.testing.assert_allclose(part, whole[first : first + 16000], atol=1e-6)


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_blocks_join_without_a_seam(tmp_path, monkeypatch, mode):
    write(tmp_path / "a.mp3", "silence first", mode=mode)
    whole = read_samples(tmp_path / "a.mp3")[0]
    monkeypatch.setattr(reader, "_BLOCK", 48000 + 700)  # right after the silence
    np.testing.assert_array_equal(read_samples(tmp_path / "a.mp3")[0], whole)


def damaged(path):
    """An MP3 file over which the decoder complains."""
    data = bytearray(write(path, mode="CONSTANT"))
    for frame in range(10, 30):
        at = sum(map(len, frames(bytes(data))[:frame])) + 4
        data[at : at + 30] = b"\xff" * 30
    path.write_bytes(data)
    return path


def test_the_decoder_says_nothing_beside_us(tmp_path, capfd):
    path = damaged(tmp_path / "a.mp3")
    with soundfile.SoundFile(path) as file:
        file.read()
    assert "libmpg123" in capfd.readouterr().err
    read_samples(path)
    assert capfd.readouterr().err == ""


def test_what_others_write_meanwhile_is_kept(capfd):
    words = b"[src/libmpg123/layer3.c:3] error: x\nWARNING: a.wav: odd\n\nNote: Illegal header\n"

    def from_another_thread():
        with without_words_of_libmpg123():
            os.write(2, b"from a thread\n")

    with without_words_of_libmpg123():
        os.write(2, words)
        thread = threading.Thread(target=from_another_thread)
        thread.start()
        thread.join()
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'a child\\n')"], check=True)
    assert capfd.readouterr().err == "WARNING: a.wav: odd\nfrom a thread\na child\n"
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_a_process_without_standard_error_reads_all_the_same(tmp_path):
    write(tmp_path / "a.mp3")
    code = (
        "import os, sys; os.close(2); "
        "from daxaudio.data.decoding import duration_of, read_samples; "
        "print(duration_of(sys.argv[1]), len(read_samples(sys.argv[1])[0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.mp3")], capture_output=True, text=True
    )
    assert done.stdout == "3.0 48000\n"


def test_an_error_inside_gives_standard_error_back(capfd):
    with pytest.raises(ValueError, match="x"), without_words_of_libmpg123():
        raise ValueError("x")
    os.write(2, b"seen\n")
    assert capfd.readouterr().err == "seen\n"


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_what_is_no_frame_between_frames_is_said(tmp_path, caplog, mode):
    path, data = tmp_path / "a.mp3", write(tmp_path / "a.mp3", mode=mode)
    parts = frames(data)[1:]  # without the length, which would be found too short
    begin = len(b"".join(parts[:9]))
    end = begin + len(parts[9])
    data = b"".join(parts)
    path.write_bytes(data[:begin] + bytes(end - begin) + data[end:])
    read_recording(path)
    assert f"{end - begin} bytes in its middle, from byte {begin} on" in caplog.text


def test_tags_between_and_behind_frames_are_no_gap(tmp_path):
    path, data = tmp_path / "a.mp3", write(tmp_path / "a.mp3")
    parts = frames(data)
    tag, old = b"ID3\x03\x00\x00\x00\x00\x00\x14" + bytes(20), b"TAG" + bytes(125)
    for text in (
        data,
        b"".join(parts[:9]) + tag + b"".join(parts[9:]),
        data + old,
        data + b"APETAGEX" + bytes(300),
        data[:-100],
    ):
        path.write_bytes(text)
        assert not promise_of_mp3(path).odd


def test_an_ending_without_an_mp3_is_said_so(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match=r"a\.mp3: cannot be read as audio \(No MP3 in it\)"):
        read_samples(path)


def test_a_file_of_many_windows_is_looked_through_once(tmp_path, monkeypatch):
    looked = []
    find_gap = mp3._find_gap
    monkeypatch.setattr(mp3, "_find_gap", lambda *what: looked.append(what) or find_gap(*what))
    path = tmp_path / "long.mp3"
    soundfile.write(path, 0.1 * np.random.default_rng(0).normal(size=5 * 16000), 16000)
    parts = [read_samples(path, start, start + 1.0)[0] for start in (0.0, 1.0, 2.0, 3.0)]
    assert len(looked) == 1
    assert np.allclose(np.concatenate(parts), read_samples(path, 0.0, 4.0)[0], atol=1e-4)
    soundfile.write(path, 0.1 * np.random.default_rng(1).normal(size=6 * 16000), 16000)
    read_samples(path, 0.0, 1.0)
    assert len(looked) == 2
