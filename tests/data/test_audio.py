import logging

import numpy as np
import pytest
import soundfile
import torch

from daxaudio.containers import Recording
from daxaudio.data.audio import duration_of, read_recording, write_recording

RATES = (8000, 16000, 44100, 48000)
SUFFIXES = ("wav", "flac", "ogg", "mp3")


def tone(rate, seconds=1.0, frequency=1000.0, amplitude=0.5):
    times = np.arange(int(rate * seconds)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def noise(n, amplitude=0.1):
    return (amplitude * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


def peak_frequency(recording):
    power = torch.fft.rfft(recording.waveform[0] * torch.hann_window(recording.waveform.shape[1]))
    return float(power.abs().argmax()) * recording.sample_rate / recording.waveform.shape[1]


def cut(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    return path


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_tone_keeps_its_frequency_level_and_length(tmp_path, suffix, n_channels, rate):
    path = tmp_path / f"a.b.{suffix}"
    soundfile.write(path, np.stack([tone(rate)] * n_channels, axis=1), rate)
    recording = read_recording(path, sample_rate=16000)
    assert recording.waveform.shape == (1, 16000)
    assert (recording.sample_rate, recording.recording_id) == (16000, "a.b")
    assert peak_frequency(recording) == pytest.approx(1000, abs=2)
    rms = float(recording.waveform.square().mean().sqrt())
    assert rms == pytest.approx(0.5 / 2**0.5, rel=0.03)
    assert duration_of(path) == pytest.approx(1.0)


def test_without_a_sample_rate_the_samples_are_those_of_the_file(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(44100), 44100, subtype="FLOAT")
    recording = read_recording(tmp_path / "a.wav", recording_id="mine")
    assert (recording.sample_rate, recording.recording_id) == (44100, "mine")
    assert torch.equal(recording.waveform[0], torch.from_numpy(tone(44100)))


def test_a_tone_above_the_new_nyquist_frequency_is_gone_not_folded(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(44100, frequency=7000.0), 44100)
    recording = read_recording(tmp_path / "a.wav", sample_rate=8000)
    assert float(recording.waveform[0, 200:-200].abs().max()) < 0.005


def test_channels_are_averaged_and_this_is_logged(tmp_path, caplog):
    samples = np.stack([np.full(100, 0.75), np.full(100, -0.25), np.full(100, 0.25)], axis=1)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with caplog.at_level(logging.INFO, logger="daxaudio.data.channels"):
        recording = read_recording(tmp_path / "a.wav")
    assert torch.allclose(recording.waveform, torch.full((1, 100), 0.25))
    assert "averaged 3 channels" in caplog.text


def test_opposite_channels_cancel_and_are_refused(tmp_path):
    samples = np.stack([tone(8000), -tone(8000)], axis=1)
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"a\.wav: its 2 channels cancel .* all zeros"):
        read_recording(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [*SUFFIXES, "aiff"])
@pytest.mark.parametrize("part", [0.5, 0.9])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_file_cut_short_is_refused(tmp_path, suffix, part, n_channels):
    path = tmp_path / f"a.{suffix}"
    samples = np.stack([tone(16000, 4) + noise(64000)] * n_channels, axis=1)
    soundfile.write(path, samples, 16000)
    read_recording(path)
    with pytest.raises(ValueError, match=rf"a\.{suffix}: .*cut short.*copy it again"):
        read_recording(cut(path, part))


def test_one_missing_byte_of_a_wav_file_is_noticed(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(16000), 16000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-1])
    with pytest.raises(ValueError, match="1 bytes missing"):
        read_recording(tmp_path / "a.wav")


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_file_written_to_a_pipe_is_read_to_its_end(tmp_path, length):
    soundfile.write(tmp_path / "a.wav", tone(16000), 16000, subtype="PCM_16")
    data = bytearray((tmp_path / "a.wav").read_bytes())
    assert data[36:40] == b"data"
    data[40:44] = length.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert read_recording(tmp_path / "a.wav").duration == 1.0


def test_an_ogg_file_cut_between_two_pages_is_read_with_a_warning(tmp_path, caplog):
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(16000, 8) + noise(128000), 16000)
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"OggS")])
    assert 1 < read_recording(path).duration < 8
    assert "no page is marked as its last" in caplog.text


def broken_files(folder):
    def write(name, samples):
        soundfile.write(folder / name, samples, 8000, subtype="FLOAT")

    (folder / "bytes.wav").touch()
    (folder / "folder.wav").mkdir()
    (folder / "text.wav").write_text("no audio\n" * 50)
    (folder / "text.raw").write_text("no audio\n" * 50)
    (folder / "film.xyz").write_bytes(bytes(range(256)) * 20)
    write("samples.wav", np.zeros((0, 1)))
    write("zeros.wav", np.zeros(8000))
    write("nan.wav", np.where(np.arange(8000) == 5, np.nan, 0.1))
    write("inf.wav", np.where(np.arange(8000) < 2, np.inf, 0.1))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.wav", "no such file"),
        ("folder.wav", "is a folder"),
        ("bytes.wav", "0 bytes"),
        ("samples.wav", "0 samples"),
        ("text.wav", "cannot be read as audio"),
        ("text.raw", "cannot be read as audio"),
        ("film.xyz", "cannot be read as audio"),
        ("zeros.wav", "all zeros"),
        ("nan.wav", "1 NaN or infinite"),
        ("inf.wav", "2 NaN or infinite"),
    ],
)
def test_a_broken_file_gives_one_line_that_names_it(tmp_path, name, reason):
    broken_files(tmp_path)
    with pytest.raises(ValueError, match=reason) as error:
        read_recording(tmp_path / name, sample_rate=16000)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_the_shortest_duration_counts_before_resampling(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(8000, 0.025), 8000)
    assert read_recording(tmp_path / "a.wav", 16000, min_duration=0.025).duration == 0.025
    with pytest.raises(ValueError, match=r"a\.wav: lasts 0\.025 s, expected at least 0\.03 s"):
        read_recording(tmp_path / "a.wav", 16000, min_duration=0.03)


def test_a_sample_rate_of_zero_is_refused(tmp_path):
    with pytest.raises(ValueError, match="sample_rate must be at least 1, got 0"):
        read_recording(tmp_path / "a.wav", sample_rate=0)


def test_wav_keeps_every_sample_even_beyond_full_scale_and_the_same_bytes(tmp_path):
    waveform = torch.randn(2, 999, generator=torch.Generator().manual_seed(0)) * 3
    for name in ("a.wav", "b.WAV"):
        write_recording(Recording(waveform, 22050), tmp_path / "new" / name)
    samples, rate = soundfile.read(tmp_path / "new" / "a.wav", dtype="float32")
    assert rate == 22050
    assert np.array_equal(samples, waveform.numpy().T)
    assert soundfile.info(tmp_path / "new" / "a.wav").subtype == "FLOAT"
    assert (tmp_path / "new" / "a.wav").read_bytes() == (tmp_path / "new" / "b.WAV").read_bytes()


def test_flac_keeps_24_bits(tmp_path):
    waveform = torch.from_numpy(tone(48000))[None]
    write_recording(Recording(waveform, 48000), tmp_path / "a.flac")
    assert soundfile.info(tmp_path / "a.flac").subtype == "PCM_24"
    read = read_recording(tmp_path / "a.flac").waveform
    assert float((read - waveform).abs().max()) <= 2**-23


@pytest.mark.parametrize(
    ("name", "recording", "reason"),
    [
        ("a.mp3", Recording(torch.ones(1, 9), 8000), r"can write \.wav and \.flac, got '\.mp3'"),
        ("a.flac", Recording(torch.full((1, 9), 1.5), 8000), "would clip.*largest is 1.5"),
        ("a.flac", Recording(torch.ones(9, 9), 8000), "does not hold 9 channels"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_and_leaves_no_file(tmp_path, name, recording, reason):
    with pytest.raises(ValueError, match=reason):
        write_recording(recording, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_duration_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        duration_of(tmp_path / "a.wav")
