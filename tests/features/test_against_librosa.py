"""Front ends of torch give what librosa gives; the tolerances are those of single precision."""

import librosa
import numpy as np
import pytest
import torch

from daxaudio.features.frontends import LinearStft, LogMel

RATE, N_FFT, HOP = 16000, 512, 160


@pytest.fixture(params=["noise", "tone", "odd"])
def wave(request):
    noise = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    if request.param == "tone":
        return torch.sin(2 * torch.pi * 440 * torch.arange(RATE) / RATE) + 1e-3 * noise
    return noise if request.param == "noise" else noise[:12347]


def decibels(power):
    return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=80.0)


def test_levels_of_the_fourier_transform(wave):
    power = np.abs(librosa.stft(wave.numpy(), n_fft=N_FFT, hop_length=HOP, pad_mode="reflect")) ** 2
    front_end = LinearStft(RATE, N_FFT, HOP)
    # 0.02 dB: bins 60 dB below the loudest are sums that all but cancel in single precision
    np.testing.assert_allclose(front_end(wave).numpy(), decibels(power), atol=0.02, rtol=0)
    bins = librosa.fft_frequencies(sr=RATE, n_fft=N_FFT)
    np.testing.assert_allclose(front_end.frequencies, bins, rtol=1e-12)


def test_levels_of_mel_bands(wave):
    power = librosa.feature.melspectrogram(
        y=wave.numpy(),
        sr=RATE,
        n_fft=N_FFT,
        hop_length=HOP,
        n_mels=40,
        fmin=50.0,
        htk=True,
        norm=None,
        pad_mode="reflect",
    )
    front_end = LogMel(RATE, N_FFT, HOP, 40, f_min=50.0)
    np.testing.assert_allclose(front_end(wave).numpy(), decibels(power), atol=2e-3, rtol=0)


@pytest.mark.parametrize(("f_min", "f_max"), [(0.0, 8000.0), (50.0, 7000.0)])
def test_mel_bands_are_those_of_the_htk_scale_without_a_norm(f_min, f_max):
    front_end = LogMel(RATE, 1024, HOP, 40, f_min=f_min, f_max=f_max)
    ours = front_end.transform.transform.mel_scale.fb.numpy().T
    settings = {"sr": RATE, "n_fft": 1024, "n_mels": 40, "fmin": f_min, "fmax": f_max}
    theirs = librosa.filters.mel(**settings, htk=True, norm=None)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)  # single precision, on slopes of 1 / 30 Hz
    centres = librosa.mel_frequencies(42, fmin=f_min, fmax=f_max, htk=True)[1:-1]
    np.testing.assert_allclose(front_end.frequencies, centres, rtol=1e-6)
    # Slaney's scale and norm are other ones: a model trained on them needs its own front end
    assert np.abs(librosa.filters.mel(**settings) - ours).max() > 0.5


def test_frames_are_centred_where_librosa_says():
    front_end = LinearStft(RATE, N_FFT, HOP)
    times = librosa.frames_to_time(np.arange(101), sr=RATE, hop_length=HOP)
    np.testing.assert_allclose(front_end.times(101), times, rtol=1e-12)
