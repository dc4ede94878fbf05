"""Measures against their best-known public implementations.

Captum and pytorch-grad-cam run here. Quantus brings a second build of OpenCV; its values were
computed with version 0.6.0, `normalise=False`, `perturb_baseline=0.0`,
`softmax=False`, on the same input.
"""

import numpy as np
import pytest
import torch
from captum.metrics import infidelity as captum_infidelity
from pytorch_grad_cam.metrics.road import ROADCombined
from scipy.integrate import trapezoid

from daxaudio.metrics import (
    correlation_measures,
    faithfulness_correlation,
    infidelity,
    perturbation_curves,
    road,
    symmetric_relevance_gain,
)
from daxaudio.metrics.relevance_gain import ROAD_STEPS
from daxaudio.perturbation.linear_imputation import LinearImputation

N_BINS, N_FRAMES = 6, 8
PLACES = np.arange(N_BINS * N_FRAMES, dtype=np.float64)
VALUES = torch.from_numpy(np.sin(0.7 * PLACES).reshape(N_BINS, N_FRAMES) + 1.5)
MASK = torch.from_numpy(((PLACES * 29) % 48 / 47).reshape(N_BINS, N_FRAMES))
WEIGHTS = torch.from_numpy(np.cos(0.3 * PLACES).reshape(N_BINS, N_FRAMES)) + MASK
ZEROS = torch.zeros_like(VALUES)

QUANTUS_BEST_FIRST = [
    0.750114,
    0.704130,
    0.605837,
    0.549226,
    0.498053,
    0.461826,
    0.417515,
    0.390556,
    0.373623,
    0.312001,
    0.304396,
    0.310026,
]
QUANTUS_WORST_FIRST = [
    0.801571,
    0.795836,
    0.747702,
    0.733932,
    0.711498,
    0.673198,
    0.640487,
    0.591978,
    0.534904,
    0.426205,
    0.370626,
    0.310026,
]
"""Scores of `PixelFlipping(features_in_step=4)` for the mask, and for less the mask."""

QUANTUS_CORRELATION = 0.338854
"""`FaithfulnessCorrelation(nr_runs=50, subset_size=12)` after `numpy.random.seed(0)`."""


def score(inputs):
    return torch.sigmoid((inputs.double() * WEIGHTS).sum(dim=(1, 2)) / 20 - 0.8)


def test_gain_is_between_the_curves_of_quantus():
    both = [
        perturbation_curves(MASK[None], VALUES, ZEROS, score, direction=direction, n_steps=12)[0]
        for direction in ("deletion", "insertion")
    ]
    deletion, insertion = both
    # theirs have no score of the whole input
    np.testing.assert_allclose(deletion.scores[1:], QUANTUS_BEST_FIRST, atol=1e-6)
    np.testing.assert_allclose(insertion.scores[-2::-1], QUANTUS_WORST_FIRST, atol=1e-6)
    whole = [float(score(VALUES[None]))]
    areas = [
        trapezoid([*whole, *curve], dx=1 / 12)
        for curve in (QUANTUS_BEST_FIRST, QUANTUS_WORST_FIRST)
    ]
    assert symmetric_relevance_gain(*both) == pytest.approx(areas[1] - areas[0], abs=1e-6)


def test_faithfulness_correlation_is_that_of_quantus():
    random = np.random.RandomState(0)
    subsets = np.zeros((50, N_BINS * N_FRAMES), dtype=bool)
    for row in subsets:
        row[random.choice(N_BINS * N_FRAMES, 12, replace=False)] = True
    taken = torch.from_numpy(subsets).view(-1, N_BINS, N_FRAMES)
    drops = score(VALUES[None]) - score(torch.where(taken, 0.0, VALUES))
    sums = (MASK * taken).sum(dim=(1, 2))
    found = faithfulness_correlation(sums.numpy(), drops.numpy())
    assert found == pytest.approx(QUANTUS_CORRELATION, abs=1e-6)


def test_infidelity_is_that_of_captum_over_the_mean_square():
    asked = []

    def notes(inputs):
        asked.append(inputs)
        return score(inputs)

    (found,) = correlation_measures(MASK[None], VALUES, ZEROS, notes, n_subsets=30)
    inputs = torch.cat(asked)[1:31]
    taken = (inputs != VALUES).double()  # no value of the input is 0
    theirs = captum_infidelity(
        score,
        lambda given: (taken, inputs),
        VALUES[None],
        MASK[None],
        n_perturb_samples=30,
        normalize=True,
    )
    drops = score(VALUES[None]) - score(inputs)
    expected = float(theirs) / float((drops**2).mean())
    assert 0.01 < expected < 0.9
    assert found["infidelity"] == pytest.approx(expected, abs=1e-6)
    sums = (MASK * taken).sum(dim=(1, 2))
    assert infidelity(sums.numpy(), drops.numpy()) == pytest.approx(expected, abs=1e-6)


def test_gap_of_road_is_twice_that_of_grad_cam():
    random = torch.Generator().manual_seed(0)
    values = torch.randn(24, 60, generator=random)
    mask, weights = torch.rand(2, 24, 60, generator=random)
    weights = weights * values * mask / 50  # what the mask marks speaks for the class

    class Heard(torch.nn.Module):
        def forward(self, inputs):
            return torch.sigmoid((inputs[:, 0] * weights).sum(dim=(1, 2)))[:, None]

    heard = Heard()
    curves = [
        perturbation_curves(
            mask[None],
            values,
            torch.zeros_like(values),
            lambda inputs: heard(inputs[:, None])[:, 0],
            direction=direction,
            n_steps=ROAD_STEPS,
            mix=LinearImputation(),
        )[0]
        for direction in ("deletion", "insertion")
    ]
    half = ROADCombined()(values[None, None], mask[None].numpy(), [lambda output: output[0]], heard)
    assert road(*curves) > 0.1
    assert road(*curves) == pytest.approx(2 * float(half[0]), abs=0.01)
