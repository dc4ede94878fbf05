"""With fills that add no energy, no masked sound is louder than the recording in any band."""

from types import MappingProxyType

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.experiments.explain import for_model
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.perturbation.fills import FILLS
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler

RATE = 8000
QUIETING = [name for name, row in FILLS.items() if not (row.adds_energy or row.in_sound)]


class Loudness:
    described = MappingProxyType({})

    def __call__(self, inputs):
        return inputs.abs().mean(dim=1, keepdim=True)

    def digest(self):
        return "loudness"


@pytest.fixture(params=[None, {"kind": "linear_stft", "n_fft": 256, "hop_length": 128}])
def asked(request):
    """A model about noise that rises and falls in time and frequency, so that no band is alike."""
    random = torch.Generator().manual_seed(0)
    spectrum = torch.fft.rfft(torch.randn(2 * RATE, generator=random))
    slope = torch.linspace(0, -40, len(spectrum))
    waveform = torch.fft.irfft(spectrum * 10 ** (slope / 20), n=2 * RATE)
    waveform = waveform * (0.05 + torch.sin(torch.linspace(0, 9, 2 * RATE)).square())
    front_end = {"front_end": request.param} if request.param else {}
    heard = Description(["loud"], RATE, output="regression", **front_end)
    return ForeignModel(Loudness(), heard).about(Recording(waveform[None], RATE, "a"))


def energy_in_bands(waveforms):
    power = torch.fft.rfft(waveforms[:, 0].double()).abs().square()
    return torch.stack([band.sum(dim=1) for band in power.chunk(20, dim=1)], dim=1)


@pytest.mark.parametrize("fill", QUIETING)
@pytest.mark.parametrize("sampler", [GridSampler(24, (3, 8)), MultiGridSampler(24)])
def test_removal_adds_no_energy(asked, sampler, fill):
    inputs = type(sampler)(**{**vars(sampler), "fill": fill}).draw(asked.spectrogram).inputs
    own = energy_in_bands(asked.waveform[None])
    found = energy_in_bands(asked.sounds(inputs(slice(None))))
    # what a change within a window spreads into neighbouring bands is far below the recording
    assert bool((found <= own * 1.001 + 1e-6 * own.sum()).all())
    assert float((found.sum(dim=1) / own.sum()).mean()) < 0.9


def test_the_mean_does_add_energy_and_so_is_not_the_default_of_such_a_model(asked):
    sampler = GridSampler(24, (3, 8), fill="global_mean")
    inputs = sampler.draw(asked.spectrogram).inputs(slice(None))
    own = energy_in_bands(asked.waveform[None])
    assert bool((energy_in_bands(asked.sounds(inputs)) > 1.5 * own).any())
    assert not FILLS[for_model(MethodSettings(), asked).fill].adds_energy
