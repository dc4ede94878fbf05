"""What a change of a front end's values means for the level of the sound."""

import pytest
import torch

from daxaudio.containers import Recording
from daxaudio.features.front_end import QUIETEST, FrontEnd
from daxaudio.features.frontends import LogMel, Pcen
from daxaudio.features.sound_masks import SoundMasks

RATE = 16000


def noise(seed=0):
    return 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(seed))


def test_of_decibels_it_is_the_difference():
    front_end = LogMel(RATE, 512, 256, 20)
    original = front_end(noise()[0])
    perturbed = torch.stack([original, original - 12.5])
    gains = front_end.gains(perturbed, original)
    assert float(gains[0].abs().max()) == 0
    torch.testing.assert_close(gains[1], torch.full_like(original, -12.5), atol=1e-4, rtol=0)


@pytest.mark.parametrize("settings", [{}, {"gain": 0.5, "bias": 10.0, "power": 0.25}, {"power": 1}])
def test_of_pcen_it_is_what_gives_these_values_where_the_average_stays(settings):
    front_end = Pcen(RATE, 512, 256, 20, **settings)
    module = front_end.compress
    generator = torch.Generator().manual_seed(0)
    energy = 10 ** (2 * torch.rand(20, 50, generator=generator) - 2)
    wanted = 60 * torch.rand(20, 50, generator=generator) - 40  # dB

    def values(level):
        return (level + module.bias) ** module.power - module.bias**module.power

    original, perturbed = values(energy), values(energy * 10 ** (wanted / 20))
    audible = energy * 10 ** (wanted / 20) > 10 ** (QUIETEST / 20)
    found = front_end.gains(perturbed, original)
    torch.testing.assert_close(found[audible], wanted[audible], atol=0.3, rtol=0)
    assert float(front_end.gains(original, original).abs().max()) == 0


def test_of_pcen_a_value_of_0_removes_the_sound_and_no_more_than_that():
    front_end = Pcen(RATE, 512, 256, 20)
    waveform = noise()
    spectrogram = front_end.spectrogram(Recording(waveform, RATE))
    gains = front_end.gains(torch.zeros(1, *spectrogram.values.shape), spectrogram.values)
    assert bool(gains.isfinite().all())
    assert float(gains.min()) >= QUIETEST
    masks = SoundMasks(waveform, RATE, spectrogram.frequencies, spectrogram.times)
    assert float(masks.apply(gains).square().mean()) < 1e-6 * float(waveform.square().mean())


def test_units_that_cannot_be_turned_back_are_refused():
    settings = {"kind": "own", "sample_rate": RATE, "hop_length": 256}
    front_end = FrontEnd(torch.abs, torch.sqrt, torch.ones(1), settings, window=1, unit="sones")
    with pytest.raises(ValueError, match="'own': a change of values in sones cannot be made"):
        front_end.gains(torch.ones(1, 1, 1), torch.ones(1, 1))
