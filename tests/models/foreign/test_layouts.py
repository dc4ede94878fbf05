"""Every value of an input comes to the place that the layout says."""

import pytest
import torch

from daxaudio.models.foreign.description import INPUT_LAYOUTS, Description
from daxaudio.models.foreign.inputs import laid_out

SIZES = {"N": 2, "C": 3, "S": 5, "F": 4, "T": 6}
NUMBERS = {"output": "regression"}
PICTURES = {**NUMBERS, "input": "spectrogram", "front_end": {"kind": "log_mel"}}


def by_letters(inputs, order, layout):
    """Inputs whose dimensions are `order`, picked value by value into those of a layout."""
    letters = layout.split()
    found = torch.empty([SIZES.get(letter, 1) for letter in letters])
    for place in torch.cartesian_prod(*(torch.arange(size) for size in found.shape)).tolist():
        at = dict(zip(letters, place, strict=True))
        found[tuple(place)] = inputs[tuple(at.get(letter, 0) for letter in order)]
    return found


@pytest.mark.parametrize("layout", [one for one in INPUT_LAYOUTS["waveform"] if one != "S"])
def test_samples_of_a_waveform(layout):
    n_channels = SIZES["C"] if "C" in layout else 1
    told = Description(["a"], 8000, **NUMBERS, layout=layout, channels=n_channels)
    sounds = torch.arange(2.0 * n_channels * 5).reshape(2, n_channels, 5)
    assert torch.equal(laid_out(sounds, told), by_letters(sounds, "NCS", layout))


def test_samples_of_one_waveform_without_a_batch():
    told = Description(["a"], 8000, **NUMBERS, layout="S", batch_size=1)
    sound = torch.arange(5.0).reshape(1, 1, 5)
    assert torch.equal(laid_out(sound, told), torch.arange(5.0))


@pytest.mark.parametrize("layout", INPUT_LAYOUTS["spectrogram"])
def test_bins_and_frames_of_a_spectrogram(layout):
    told = Description(["a"], 8000, **PICTURES, layout=layout)
    pictures = torch.arange(2.0 * 4 * 6).reshape(2, 4, 6)
    assert torch.equal(laid_out(pictures, told), by_letters(pictures, "NFT", layout))
