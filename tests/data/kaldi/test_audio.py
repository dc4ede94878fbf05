import os
import shlex
import sys
import time

import numpy as np
import pytest
import soundfile
import torch
import torchaudio.functional

from daxaudio.containers import Recording
from daxaudio.data import padding
from daxaudio.data.audio import read_recording
from daxaudio.data.kaldi import DataFolder, RecordingSegment, read_utterance, write_data_folder
from daxaudio.data.kaldi.audio import source_duration
from daxaudio.data.padding import NoisePadding

RATE = 8000
SECONDS = 6.0

posix = pytest.mark.skipif(os.name != "posix", reason="commands of a POSIX shell")


@pytest.fixture(params=["wav", "flac", "ogg", "mp3"])
def tape(request, tmp_path):
    """Two channels of noise whose level says the second."""
    path = tmp_path / f"tape 1.{request.param}"
    draws = np.random.default_rng(0)
    levels = np.repeat([0.01, 0.02, 0.05, 0.1, 0.2, 0.3], RATE)[:, None]
    soundfile.write(path, levels * draws.uniform(-1, 1, (len(levels), 2)), RATE)
    return path


def folder(source, segments=None, **options):
    names = list(segments or {"r": None})
    labels = {name: name for name in names}
    durations = dict.fromkeys(names, 1.0)
    return DataFolder({"r": str(source)}, labels, labels, durations, segments, **options)


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 1.0), (2.0, 3.0), (1.23456, 4.56789), (5.5, None), (0.0, None)]
)
def test_a_segment_has_the_very_samples_of_its_recording(tape, start, end):
    data = folder(tape, {"u": RecordingSegment("r", start, end)})
    found, whole = read_utterance(data, "u"), read_recording(tape)
    first, last = round(start * RATE), whole.waveform.shape[1] if end is None else round(end * RATE)
    assert found.recording_id == "u"
    # an MP3 decoder that starts in the middle rounds otherwise
    torch.testing.assert_close(found.waveform, whole.waveform[:, first:last], atol=1e-6, rtol=0)


def test_only_the_segment_is_decoded(tape, monkeypatch):
    n_read, read = [], soundfile.SoundFile.read

    def counted(self, *args, **options):
        samples = read(self, *args, **options)
        n_read.append(len(samples))
        return samples

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    read_utterance(folder(tape, {"u": RecordingSegment("r", 5.0, 5.5)}), "u")
    # an MP3 decoder needs what stands before
    assert sum(n_read) == RATE // 2 + (32 * 1152 if tape.suffix == ".mp3" else 0)


def test_a_whole_recording_is_read_as_ever(tape):
    found, whole = read_utterance(folder(tape), "r", 16000), read_recording(tape, 16000)
    assert torch.equal(found.waveform, whole.waveform)
    assert found.recording_id == "r"


def test_a_segment_is_resampled(tape):
    data = folder(tape, {"u": RecordingSegment("r", 1.0, 2.0)})
    native, found = read_utterance(data, "u"), read_utterance(data, "u", 16000)
    wanted = torchaudio.functional.resample(native.waveform, RATE, 16000)
    assert torch.equal(found.waveform, wanted)
    assert found.sample_rate == 16000


@pytest.fixture
def short(tmp_path):
    """A second and a half of which the first second is silent."""
    path = tmp_path / "short.wav"
    soundfile.write(path, np.repeat([0.0, 0.0, 0.5], RATE // 2), RATE)
    return path


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (
            RecordingSegment("r", 1.0, 1.52),
            r"goes from 1 s to 1\.52 s, but the recording lasts 1\.5",
        ),
        (
            RecordingSegment("r", 1.6),
            r"goes from 1\.6 s to the end, but the recording lasts 1\.5 s",
        ),
        (RecordingSegment("r", 0.0, 0.9), "is silent, all zeros"),
        (RecordingSegment("r", 1.0, 1.00001), r"is empty \(0 samples\)"),
        (RecordingSegment("r", 1.2, 1.3), r"lasts 0\.1 s, expected at least 0\.25 s"),
    ],
)
def test_a_segment_that_is_no_audio_is_refused_in_one_line(short, segment, reason):
    with pytest.raises(ValueError, match=rf"short\.wav: segment 'u': {reason}") as error:
        read_utterance(folder(short, {"u": segment}), "u", min_duration=0.25)
    assert "\n" not in str(error.value)


def test_a_rounded_end_may_go_a_little_too_far(short):
    found = read_utterance(folder(short, {"u": RecordingSegment("r", 1.0, 1.505)}), "u")
    assert found.duration == 0.5


def test_samples_that_are_no_numbers_are_refused_in_the_segment_alone(tmp_path):
    samples = np.full(RATE, 0.5, dtype="float32")
    samples[10] = np.nan
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    parts = {"bad": RecordingSegment("r", 0, 0.5), "good": RecordingSegment("r", 0.5, 1)}
    data = folder(tmp_path / "a.wav", parts)
    assert read_utterance(data, "good").duration == 0.5
    with pytest.raises(ValueError, match="segment 'bad': holds 1 NaN or infinite samples"):
        read_utterance(data, "bad")


def test_a_missing_file_is_named(tmp_path):
    for parts in (None, {"r": RecordingSegment("r", 1.0, 2.0)}):
        with pytest.raises(ValueError, match=r"none\.wav: no such file"):
            read_utterance(folder(tmp_path / "none.wav", parts), "r")


def printing(path):
    return f"cat {shlex.quote(str(path))} |"


@posix
def test_the_output_of_a_command_is_audio(tape):
    whole = read_recording(tape)
    data = folder(printing(tape), allow_pipes=True)
    assert torch.equal(read_utterance(data, "r").waveform, whole.waveform)
    parts = {"u": RecordingSegment("r", 1.0, 2.0)}
    found = read_utterance(folder(printing(tape), parts, allow_pipes=True), "u")
    torch.testing.assert_close(
        found.waveform, whole.waveform[:, RATE : 2 * RATE], atol=1e-6, rtol=0
    )
    assert source_duration("r", printing(tape), allow_pipes=True) == pytest.approx(SECONDS, abs=0.1)


@posix
def test_a_pipe_of_two_commands_with_unknown_length_is_audio(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(RATE, 0.5), RATE, subtype="PCM_16")
    header = (tmp_path / "a.wav").read_bytes()[:44]
    # as programs write it that cannot go back to fill in the length
    (tmp_path / "head").write_bytes(header[:40] + b"\xff\xff\xff\xff")
    (tmp_path / "body").write_bytes((tmp_path / "a.wav").read_bytes()[44:])
    head, body = (shlex.quote(str(tmp_path / name)) for name in ("head", "body"))
    data = folder(f"cat {head} {body} | cat |", allow_pipes=True)
    assert read_utterance(data, "r").duration == 1.0


@posix
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("echo oh no >&2; exit 3 |", r"ended with code 3 \(oh no\); run it by hand"),
        ("exit 1 |", r"ended with code 1 \(no message\)"),
        (
            "no-such-program-here x.sph |",
            r"ended with code 127 \(.*no-such-program-here.*not found",
        ),
        ("true |", "its output: is empty"),
        ("echo hello |", "its output: cannot be read as audio"),
    ],
)
def test_a_command_that_fails_is_named_with_its_entry(command, reason):
    with pytest.raises(ValueError, match=rf"wav\.scp: 'r': the command '.*{reason}") as error:
        read_utterance(folder(command, allow_pipes=True), "r")
    assert "\n" not in str(error.value)


@posix
def test_a_command_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path):
    mark = tmp_path / "mark"
    command = f"(sleep 1; touch {shlex.quote(str(mark))}); true |"
    with pytest.raises(
        ValueError, match=r"wav\.scp: 'r': .* took longer than 0\.1 s and was stopped"
    ):
        read_utterance(folder(command, allow_pipes=True), "r", command_seconds=0.1)
    time.sleep(1.5)
    assert not mark.exists()


def test_a_command_that_is_not_allowed_is_never_run(tmp_path):
    mark = tmp_path / "mark"
    command = f"{shlex.quote(sys.executable)} -c 'open({str(mark)!r}, \"w\")' |"
    with pytest.raises(ValueError, match=r"'r': .* is a shell command, which is not run unless"):
        folder(command)
    with pytest.raises(ValueError, match="is a shell command, which is not run unless"):
        source_duration("r", command)
    assert not mark.exists()


def test_no_command_is_run_for_noise(tmp_path):
    mark = tmp_path / "mark"
    write_data_folder(folder(f"touch '{mark}' |", allow_pipes=True), tmp_path / "data")
    with pytest.raises(ValueError, match=r"wav\.scp: 'r': .* which is never run for noise"):
        NoisePadding(0.1, 0.2, noise=tmp_path / "data")
    assert not mark.exists()


def test_noise_may_come_from_segments_of_another_class(tmp_path, monkeypatch):
    draws = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", 0.1 * draws.standard_normal(4 * RATE), RATE)
    parts = {"dog": RecordingSegment("r", 0.0, 2.0), "rain": RecordingSegment("r", 2.0, 4.0)}
    write_data_folder(folder(tmp_path / "a.wav", parts), tmp_path / "data")
    crop, used = padding._crop, []

    def noted(noise, *others):
        used.append(noise)
        return crop(noise, *others)

    monkeypatch.setattr(padding, "_crop", noted)
    tone = Recording(torch.sin(torch.arange(RATE) / 5)[None], RATE, "tone")
    NoisePadding(0.1, 0.2, noise=tmp_path / "data")(tone, 0, "dog")
    rain = read_recording(tmp_path / "a.wav").waveform[0, 2 * RATE :]
    assert used
    assert all(torch.equal(noise, rain) for noise in used)
