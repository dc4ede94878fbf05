"""Formats that libsndfile does not know, by ffmpeg: the real one, and pretended ones."""

import os
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from daxaudio.commands.main import main
from daxaudio.data.audio import channels_of, duration_of, read_recording
from daxaudio.data.decoding import ffmpeg, read_samples

RATE = 48000
with_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
posix = pytest.mark.skipif(os.name != "posix", reason="the pretended ffmpeg is a script")

# ending: what makes such a file, and samples by which a codec may shift or lengthen it
FORMATS = {
    "m4a": (["-c:a", "aac"], 2048),
    "aac": (["-c:a", "aac"], 2048),
    "webm": (["-c:a", "libopus"], 1000),
    "wma": (["-c:a", "wmav2"], 4096),
    "3gp": (["-c:a", "aac"], 2048),
    "mkv": (["-c:a", "flac"], 0),
    "caf": (["-c:a", "alac"], 0),
    "mp4": (["-c:a", "alac"], 0),
}


def convert(folder, ending, n_channels=1, name="a", more=()):
    """A file of two seconds of a tone, made by ffmpeg; samples that it may differ by."""
    times = np.arange(2 * RATE) / RATE
    tone = 0.5 * np.sin(2 * np.pi * 1000 * times)
    soundfile.write(folder / "source.wav", np.stack([tone] * n_channels, axis=1), RATE)
    options, allowed = FORMATS[ending]
    path = folder / f"{name}.{ending}"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(folder / "source.wav"), *options, *more]
    made = subprocess.run([*command, f"file:{path}"], capture_output=True, text=True)
    if "ncoder" in made.stderr:
        pytest.skip(f"this ffmpeg does not write {ending}: {made.stderr.strip()[:80]}")
    assert made.returncode == 0, made.stderr
    return path, allowed


@with_ffmpeg
@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_formats_of_phones_are_read(tmp_path, ending, n_channels):
    path, allowed = convert(tmp_path, ending, n_channels)
    recording = read_recording(path)
    assert recording.sample_rate == RATE
    assert channels_of(path) == n_channels
    assert abs(recording.waveform.shape[1] - 2 * RATE) <= allowed
    assert duration_of(path) == recording.duration
    middle = recording.waveform[0, RATE // 2 : -RATE // 2]
    assert float(middle.square().mean().sqrt()) == pytest.approx(0.5 / 2**0.5, rel=0.03)
    spectrum = np.abs(np.fft.rfft(middle.numpy() * np.hanning(len(middle))))
    assert spectrum.argmax() * RATE / len(middle) == pytest.approx(1000, abs=2)


@with_ffmpeg
def test_a_part_is_the_same_part_of_the_whole(tmp_path):
    path, _ = convert(tmp_path, "m4a")
    whole, _ = read_samples(path)
    part, rate = read_samples(path, 0.5, 1.25)
    assert rate == RATE
    assert np.array_equal(part, whole[RATE // 2 : RATE * 5 // 4])
    assert np.array_equal(read_samples(path, 1.5)[0], whole[RATE * 3 // 2 :])


@with_ffmpeg
@pytest.mark.parametrize("name", ["-i", "http:x", "concat:a|b", "a'b $HOME;%d", "-y -f null"])
def test_a_name_is_no_option_and_no_protocol(tmp_path, monkeypatch, name):
    path, _ = convert(tmp_path, "m4a", name=name)
    monkeypatch.chdir(tmp_path)
    assert duration_of(path.name) == pytest.approx(2, abs=0.1)


@with_ffmpeg
@pytest.mark.parametrize("ending", ["m4a", "webm", "wma", "mkv"])
def test_a_file_cut_short_is_refused(tmp_path, ending):
    path, _ = convert(tmp_path, ending, more=["-movflags", "+faststart"] * (ending == "m4a"))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=rf"a\.{ending}: .*(cut short|damaged).*copy it again"):
        read_recording(path)


@with_ffmpeg
def test_damage_in_the_middle_is_refused(tmp_path):
    path, _ = convert(tmp_path, "m4a", more=["-movflags", "+faststart"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = bytes(500)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.m4a: is damaged or no audio \(ffmpeg: "):
        read_recording(path)


@with_ffmpeg
@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile {}\n",
        "#EXTM3U\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
        "no audio\n" * 50,
    ],
)
def test_a_playlist_opens_no_other_file(tmp_path, text):
    other, _ = convert(tmp_path, "m4a", name="other")
    (tmp_path / "a.m4a").write_text(text.format(other))
    with pytest.raises(ValueError, match=r"a\.m4a: cannot be read as audio \(Format not recog"):
        read_recording(tmp_path / "a.m4a")


@with_ffmpeg
def test_an_m4a_file_is_padded_by_the_command(tmp_path, capsys):
    path, _ = convert(tmp_path, "m4a", n_channels=2)
    assert main(["pad", str(path), "--out", str(tmp_path / "padded"), "--quiet"]) == 0
    assert soundfile.info(tmp_path / "padded" / "a.wav").samplerate == RATE
    assert capsys.readouterr().err == ""


def make_m4a(path):
    """Bytes that libsndfile does not know, and any pretended ffmpeg does."""
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(500))
    return path


def test_without_ffmpeg_the_command_that_converts_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = make_m4a(tmp_path / "a b.m4a")
    for ask in (read_recording, duration_of, channels_of):
        with pytest.raises(ValueError, match="install ffmpeg") as error:
            ask(path)
        assert "`ffmpeg -i 'a b.m4a' 'a b.wav'` converts it" in str(error.value)
        assert str(error.value).startswith(f"{path}: cannot be read as audio (Format not recog")
        assert "\n" not in str(error.value)


def test_the_command_to_convert_by_writes_over_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    path = tmp_path / "a.wav"
    path.write_bytes(b"no audio at all")
    with pytest.raises(ValueError, match=r"ffmpeg -i a\.wav a-converted\.wav"):
        read_samples(path)


def test_without_ffmpeg_a_folder_lists_such_files_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    soundfile.write(tmp_path / "b.wav", 0.1 * np.ones(RATE), RATE)
    lines = {"a": make_m4a(tmp_path / "a.m4a"), "b": tmp_path / "b.wav"}
    (tmp_path / "wav.scp").write_text("".join(f"{k} {v}\n" for k, v in lines.items()))
    for name, value in {"text": "x", "utt2spk": "s", "utt2dur": "1"}.items():
        (tmp_path / name).write_text(f"a {value}\nb {value}\n")
    assert main(["pad", str(tmp_path), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "1 recordings padded, 1 left out" in capsys.readouterr().out
    assert "install ffmpeg" in (tmp_path / "out" / "bad_files.txt").read_text()


def pretend(folder, monkeypatch, n_samples=0, words="", code=0, then=""):
    """Put a program in the way that is called ffmpeg, prints a WAV file and says these words."""
    head = struct.pack("<4sI8sIHHIIHH", b"RIFF", 0xFFFFFFFF, b"WAVEfmt ", 16, 3, 2, 8000, 0, 8, 32)
    audio = np.linspace(-0.5, 0.5, 2 * n_samples, dtype=np.float32).tobytes()
    data = head + struct.pack("<4sI", b"data", 0xFFFFFFFF) + audio if n_samples else b""
    (folder / "output").write_bytes(data)
    (folder / "bin").mkdir()
    script = folder / "bin" / "ffmpeg"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, sys, time\n"
        f"json.dump(sys.argv[1:], open({str(folder / 'arguments')!r}, 'w'))\n"
        f"sys.stdout.buffer.write(open({str(folder / 'output')!r}, 'rb').read())\n"
        f"sys.stdout.flush(); sys.stderr.write({words!r}); sys.stderr.flush()\n"
        f"{then}\n"
        f"sys.exit({code})\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))


@posix
def test_what_ffmpeg_decodes_is_what_is_read(tmp_path, monkeypatch):
    pretend(tmp_path, monkeypatch, 40000, "[info]   Duration: 00:00:05.00, start: 0.0\n")
    samples, rate = read_samples(make_m4a(tmp_path / "a.m4a"))
    assert rate == 8000
    assert np.array_equal(samples.reshape(-1), np.linspace(-0.5, 0.5, 80000, dtype=np.float32))
    arguments = (tmp_path / "arguments").read_text()
    assert f'"-i", "file:{tmp_path / "a.m4a"}"' in arguments
    assert '"-protocol_whitelist", "file"' in arguments


@posix
@pytest.mark.parametrize(
    ("words", "code", "n_samples", "reason"),
    [
        ("[info]   Duration: 00:01:05.00, start: 0.0\n", 0, 8000, r"65 s promised, 1 s read"),
        ("[aac @ 0x5] [error] channel element 0.0\n", 0, 8000, r"\(ffmpeg: channel element 0\.0\)"),
        ("[in#0 @ 0x5] [error] Invalid data\n", 183, 0, r"Format not.*\(ffmpeg: Invalid data\)"),
        ("", 1, 8000, r"\(ffmpeg: no message\)"),
        ("", 0, 0, "holds no audio"),
    ],
)
def test_a_bad_end_is_an_error(tmp_path, monkeypatch, words, code, n_samples, reason):
    pretend(tmp_path, monkeypatch, n_samples, words, code)
    with pytest.raises(ValueError, match=reason) as error:
        read_samples(make_m4a(tmp_path / "a.m4a"))
    assert str(error.value).startswith(f"{tmp_path / 'a.m4a'}: ")
    assert "\n" not in str(error.value)


@posix
@pytest.mark.parametrize(
    "words",
    [
        "[info]   Duration: N/A, start: 0.0\n",
        "[warning] Estimating duration from bitrate, this may be inaccurate\n"
        "[info]   Duration: 00:00:09.00\n",
        "[info]   Duration: 00:00:09.00\n[info]   Stream #0:0: Video: h264\n",
        "[info]   Duration: 00:00:01.05\n",
        "[info]   Duration: 00:00:00.50\n",
    ],
)
def test_a_length_that_is_unknown_guessed_or_less_is_no_error(tmp_path, monkeypatch, words):
    pretend(tmp_path, monkeypatch, 8000, words)
    assert duration_of(make_m4a(tmp_path / "a.m4a")) == 1


@posix
@pytest.mark.parametrize("n_samples", [0, 8000])
def test_a_program_that_does_not_end_is_stopped(tmp_path, monkeypatch, n_samples):
    pretend(tmp_path, monkeypatch, n_samples, then="time.sleep(600)")
    with (
        pytest.raises(ValueError, match="ffmpeg took too long and was stopped"),
        ffmpeg.open_by_ffmpeg(make_m4a(tmp_path / "a.m4a"), "why", seconds=0.3) as audio,
    ):
        list(audio.blocks())


@posix
def test_a_program_whose_output_is_not_wanted_any_more_is_ended(tmp_path, monkeypatch):
    pretend(tmp_path, monkeypatch, 8000, then="time.sleep(600)")
    with ffmpeg.open_by_ffmpeg(make_m4a(tmp_path / "a.m4a"), "why") as audio:
        assert audio.n_channels == 2
    assert audio.process.poll() is not None
