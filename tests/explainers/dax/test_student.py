"""What the students of DAX V4 and V5 make of several resolutions."""

import pytest
import torch

from daxaudio.containers import Spectrogram
from daxaudio.explainers.dax.student import (
    correlate,
    find_fair_salience,
    find_salience,
    halvings,
)
from daxaudio.perturbation.sampling import MultiGridSampler

PICTURE = Spectrogram(
    torch.rand(32, 48, generator=torch.Generator().manual_seed(1)) + 1,
    torch.arange(32.0),
    torch.arange(48.0),
)
COARSE, FINE = (2, 6), (8, 12)


def one_band(inputs):
    return inputs[:, 9:12, 20:28].mean(dim=(1, 2))


def asked(grids, n_samples=800, score_fn=one_band):
    neighbourhood = MultiGridSampler(n_samples, grids)(PICTURE, score_fn)
    return neighbourhood, halvings(neighbourhood, 4, 0)


def test_one_resolution_counts_as_it_is():
    found = asked((FINE,))
    assert torch.equal(find_fair_salience(*found), find_salience(*found))


def test_large_cells_do_not_drown_what_small_ones_tell():
    fine = find_salience(*asked((FINE,)))[0]
    found = asked((COARSE, FINE), 1600)
    plain, fair = find_salience(*found)[0], find_fair_salience(*found)[0]
    assert correlate(fair, fine) > correlate(plain, fine)


def test_a_resolution_of_noise_counts_little():
    """Of the second resolution the answers are drawn, and tell nothing."""
    neighbourhood, parts = asked((FINE, COARSE), 1600)
    half = len(neighbourhood.scores) // 2
    truth = find_salience(*asked((FINE,)))[0]
    random = torch.Generator().manual_seed(0)
    spread = 20 * float(neighbourhood.scores[:half].std())
    neighbourhood.scores[half:] = spread * torch.randn(half, generator=random).to(
        neighbourhood.scores
    )
    plain, fair = (find(neighbourhood, parts)[0] for find in (find_salience, find_fair_salience))
    assert correlate(fair, truth) > 0.8
    assert correlate(plain, truth) < 0.5


def test_salience_keeps_the_size_of_what_a_bin_adds():
    found = asked((COARSE, FINE))
    plain, fair = find_salience(*found)[0], find_fair_salience(*found)[0]
    assert float(fair.std()) == pytest.approx(float(plain.std()), rel=0.5)


def test_noise_alone_is_left_as_it_is():
    neighbourhood, parts = asked((COARSE, FINE), 64)
    neighbourhood.scores[:] = 0
    assert not find_fair_salience(neighbourhood, parts).any()
