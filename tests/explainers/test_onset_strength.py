"""The reference that marks where sounds begin."""

import librosa
import numpy as np
import torch

from daxaudio.containers import Event, Spectrogram
from daxaudio.explainers.references import Energy, OnsetStrength
from daxaudio.metrics import frame_auc


def explain(method, values, unit="dB"):
    n_bins, n_frames = values.shape
    picture = Spectrogram(
        values, 100.0 * torch.arange(1, n_bins + 1), torch.arange(n_frames) * 0.02, "a", unit
    )
    return method(picture, lambda inputs: inputs.mean(dim=(1, 2)))


def test_a_soft_sound_that_begins_is_found_where_energy_finds_a_loud_one_that_swells():
    values = torch.full((12, 150), -80.0)
    swell = 1 - (torch.arange(60, 140) - 100).abs() / 40
    values[:, 60:140] = -80 + 70 * swell  # 1.75 dB louder in each frame, and softer again
    values[:, 20:23] = -50.0
    soft = [Event(0.39, 0.41)]  # frame 20
    onset, energy = (explain(method, values) for method in (OnsetStrength(), Energy()))
    times = onset.spectrogram.times
    assert frame_auc(onset.profile, times, soft) == 1
    assert frame_auc(energy.profile, times, soft) < 0.8


def test_it_is_librosas_at_all_frequencies_alike_and_scaled():
    values = 10 * torch.randn(12, 50, generator=torch.Generator().manual_seed(0))
    found = explain(OnsetStrength(), values)
    rises = np.maximum(np.diff(values.numpy(), axis=1), 0).mean(axis=0)
    np.testing.assert_allclose(found.attribution[3, 1:], rises, rtol=1e-5)
    theirs = librosa.onset.onset_strength(S=values.numpy(), center=False)
    np.testing.assert_allclose(found.attribution[7], theirs, rtol=1e-5)
    assert (found.mask == found.mask[:1]).all()
    assert (float(found.mask.min()), float(found.mask.max())) == (0.0, 1.0)
    assert found.n_queries == 1


def test_nothing_begins_in_a_flat_spectrogram_or_a_single_frame():
    assert not explain(OnsetStrength(), torch.full((4, 9), -80.0)).mask.any()
    assert not explain(OnsetStrength(), torch.rand(4, 1)).mask.any()
