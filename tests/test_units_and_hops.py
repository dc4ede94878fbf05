"""A spectrogram knows the unit of its values and the time from one frame to the next."""

import dataclasses

import pytest
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.explainers.storage import load_explanation, save_explanation
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.storage import load_neighbourhood, save_neighbourhood


@pytest.fixture
def spectrogram():
    return Spectrogram(torch.rand(4, 6), 100.0 * torch.arange(1, 5), 0.1 * torch.arange(6.0))


def test_the_unit_is_stored_with_an_explanation_and_with_queries(spectrogram, tmp_path):
    in_pcen = dataclasses.replace(spectrogram, unit="PCEN")
    for given in (spectrogram, in_pcen):
        save_explanation(Explanation(given.values, given, "energy"), tmp_path / "a")
        assert load_explanation(tmp_path / "a").spectrogram.unit == given.unit
        asked = GridSampler(4, cells=(2, 2))(given, lambda inputs: inputs.mean(dim=(1, 2)))
        save_neighbourhood(asked, tmp_path / "b")
        assert load_neighbourhood(tmp_path / "b").spectrogram.unit == given.unit


@pytest.mark.parametrize("n_single", [1, 5, 30])
def test_jumps_over_deleted_silence_are_no_hops_however_many(spectrogram, n_single):
    # two frames 0.1 s apart, then single frames 5 s apart
    times = torch.tensor([0.2, 0.3, *(5.0 * n for n in range(1, n_single + 1))])
    jumping = Spectrogram(torch.zeros(1, len(times)), torch.ones(1), times)
    assert jumping.hop == pytest.approx(0.1)
