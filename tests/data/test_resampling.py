import numpy as np
import pytest
import soundfile
import torch
import torchaudio.functional

from daxaudio.containers import Recording
from daxaudio.data.audio import read_recording
from daxaudio.data.resampling import _LARGEST_KERNEL, _kernel_size, resample
from daxaudio.features.frontends import LogMel

ODD = [(44101, 16000), (16001, 16000), (384001, 16000), (16000, 44101), (8000, 96001)]
USUAL = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000, 384000]


def tone(rate, seconds, frequency):
    times = torch.arange(round(rate * seconds), dtype=torch.float64) / rate
    return torch.sin(2 * torch.pi * frequency * times).float()


@pytest.mark.parametrize("from_rate", USUAL)
@pytest.mark.parametrize("to_rate", USUAL)
def test_usual_rates_give_the_numbers_of_torchaudio(from_rate, to_rate):
    assert _kernel_size(from_rate, to_rate) <= _LARGEST_KERNEL
    waveform = torch.randn(2, 500, generator=torch.Generator().manual_seed(0))
    wanted = torchaudio.functional.resample(waveform, from_rate, to_rate)
    assert torch.equal(resample(waveform, from_rate, to_rate), wanted)


@pytest.mark.parametrize(("from_rate", "to_rate"), ODD)
def test_a_tone_at_an_odd_rate_is_the_tone_at_the_new_rate(from_rate, to_rate, monkeypatch):
    monkeypatch.setattr(torchaudio.functional, "resample", None)  # gigabytes
    waveform = torch.stack([tone(from_rate, 0.5, 1000), tone(from_rate, 0.5, 440)])
    found = resample(waveform, from_rate, to_rate)
    wanted = torch.stack([tone(to_rate, 0.5, 1000), tone(to_rate, 0.5, 440)])
    assert abs(found.shape[1] - wanted.shape[1]) <= 1
    inside = slice(to_rate // 20, -to_rate // 20)
    assert float((found[:, : wanted.shape[1]] - wanted)[:, inside].abs().max()) < 0.002


def test_what_is_above_the_new_nyquist_frequency_is_gone_at_an_odd_rate_too():
    found = resample(tone(44101, 0.5, 9000), 44101, 16000)
    assert float(found[1000:-1000].abs().max()) < 0.001


@pytest.mark.parametrize(("from_rate", "to_rate"), [*ODD, (44100, 16000)])
@pytest.mark.parametrize("n", [1, 777, 16001])
def test_the_length_is_that_of_torchaudio_at_every_rate(from_rate, to_rate, n):
    found = resample(torch.ones(n), from_rate, to_rate)
    assert found.shape == (-(-n * to_rate // from_rate),)
    assert torch.isfinite(found).all()


def test_files_and_recordings_of_odd_rates_are_read(tmp_path):
    rate = 44101
    samples = 0.5 * tone(rate, 0.5, 1000)
    soundfile.write(tmp_path / "a.wav", samples.numpy(), rate, subtype="FLOAT")
    found = read_recording(tmp_path / "a.wav", 16000)
    assert found.waveform.shape == (1, 8000)
    front_end = LogMel(16000)
    from_python = front_end.spectrogram(Recording(samples[None], rate))
    assert torch.equal(from_python.values, front_end.spectrogram(found).values)
    loudest = front_end.frequencies[from_python.values.mean(dim=1).argmax()]
    assert float(loudest) == pytest.approx(1000, rel=0.1)


def test_a_double_stays_a_double_and_its_device():
    found = resample(torch.ones(100, dtype=torch.float64), 44101, 16000)
    assert found.dtype == torch.float64
    assert np.isclose(float(found[18]), 1, atol=0.05)
