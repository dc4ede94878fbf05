"""Flat masks, masks of one bin, and masks whose numbers are known by hand."""

import math

import numpy as np
import pytest
import torch

from daxaudio.metrics import (
    complexity,
    histogram_entropy,
    rank_correlation,
    sparseness,
    structural_similarity,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (64, 247)])
def test_flat_mask_is_least_sparse_and_most_complex(shape):
    flat = np.full(shape, 0.1)
    assert sparseness(flat) == pytest.approx(0, abs=1e-12)
    assert sparseness(flat) >= 0
    assert complexity(flat) == pytest.approx(math.log(flat.size))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (64, 247)])
def test_mask_of_one_bin_is_most_sparse_and_least_complex(shape):
    single = np.zeros(shape)
    single[-1, 0] = 0.4
    assert sparseness(single) == pytest.approx(1 - 1 / single.size)
    assert complexity(single) == pytest.approx(0)


def test_a_few_equal_bins_by_hand():
    mask = np.zeros((4, 5))
    mask[1, 1:5] = 0.7
    # Lorenz curve: 0 up to 16 of 20 bins, then straight to 1: Gini 1 - 4/20
    assert sparseness(mask) == pytest.approx(1 - 4 / 20)
    assert complexity(mask) == pytest.approx(math.log(4))


def test_unequal_bins_by_hand():
    # mean absolute difference of all pairs over twice the mean
    values = [1, 2, 3, 6]
    pairs = [abs(a - b) for a in values for b in values]
    assert sparseness(values) == pytest.approx(np.mean(pairs) / (2 * np.mean(values)))
    # shares 1/12, 1/6, 1/4, 1/2
    shares = np.array([1, 2, 3, 6]) / 12
    assert complexity(values) == pytest.approx(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("measure", [sparseness, complexity])
def test_scale_sign_and_order_do_not_matter(measure):
    mask = RNG.random((6, 7))
    signs = np.where(RNG.random((6, 7)) < 0.5, -1, 1)
    shuffled = RNG.permutation(mask.ravel()).reshape(7, 6)
    for other in (1e-3 * mask, 1e3 * mask, signs * mask, shuffled, torch.from_numpy(mask)):
        assert measure(other) == pytest.approx(measure(mask))


@pytest.mark.parametrize("measure", [sparseness, complexity])
def test_an_empty_mask_has_no_form(measure):
    assert math.isnan(measure(np.zeros((3, 4))))


@pytest.mark.parametrize("measure", [sparseness, complexity])
def test_masks_that_are_not_finite_are_refused(measure):
    with pytest.raises(ValueError, match="mask holds NaN or infinite values"):
        measure([0.1, math.nan])
    with pytest.raises(ValueError, match="at least one value"):
        measure([])


def test_the_same_order_correlates_fully_and_the_opposite_order_oppositely():
    mask = RNG.random((5, 8))
    assert rank_correlation(mask, mask**3 + 7) == pytest.approx(1)
    assert rank_correlation(mask, -mask) == pytest.approx(-1)


def test_ranks_by_hand():
    # d = 0, 0, 1, -1: 1 - 6 x 2 / (4 x 15)
    assert rank_correlation([1, 2, 3, 4], [10, 20, 99, 30]) == pytest.approx(0.8)


@pytest.mark.parametrize("seed", range(5))
def test_tied_bins_share_the_mean_of_their_ranks(seed):
    a, b = np.random.default_rng(seed).integers(0, 5, (2, 6, 9))
    ranks = [
        [(values < one).sum() + ((values == one).sum() + 1) / 2 for one in values.ravel()]
        for values in (a, b)
    ]
    assert rank_correlation(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1])


def test_unrelated_masks_do_not_correlate():
    a, b = np.random.default_rng(1).random((2, 64, 240))
    assert abs(rank_correlation(a, b)) < 0.03


def test_a_flat_mask_has_no_order():
    mask = RNG.random((3, 4))
    assert math.isnan(rank_correlation(mask, np.full((3, 4), 0.1)))
    assert math.isnan(rank_correlation(np.zeros((3, 4)), mask))


@pytest.mark.parametrize("shape", [(3, 3), (3, 50), (4, 6), (6, 4), (7, 7), (64, 247)])
def test_a_map_looks_like_itself_in_any_unit_and_size(shape):
    mask = np.random.default_rng(2).random(shape)
    assert structural_similarity(mask, mask) == pytest.approx(1)
    assert structural_similarity(mask, 30 * mask - 80) == pytest.approx(1)
    assert structural_similarity(mask, torch.from_numpy(mask)) == pytest.approx(1)


def test_unrelated_maps_do_not_look_alike_and_negatives_look_opposite():
    a, b = np.random.default_rng(3).random((2, 64, 240))
    assert abs(structural_similarity(a, b)) < 0.05
    assert structural_similarity(a, 1 - a) < -0.5


def test_similarity_of_one_window_by_hand():
    # One window of 3 x 3 at the centre: SSIM = (2 ma mb + c1)(2 cov + c2) / (...)(...)
    a, b = np.eye(3), np.eye(3)[::-1]
    mean, variance, covariance = 1 / 3, 2 / 8, (1 - 3 * 3 * (1 / 3) ** 2) / 8
    c1, c2 = 0.01**2, 0.03**2
    expected = (2 * mean**2 + c1) * (2 * covariance + c2)
    expected /= (2 * mean**2 + c1) * (2 * variance + c2)
    assert structural_similarity(a, b) == pytest.approx(expected)


def test_flat_maps_look_the_same_and_unlike_a_map_with_a_spot():
    spot = np.zeros((9, 9))
    spot[4, 4] = 1
    flat = np.full((9, 9), 0.3)
    assert structural_similarity(flat, 2 * flat) == pytest.approx(1)
    assert structural_similarity(flat, spot) < 0.5


@pytest.mark.parametrize("measure", [rank_correlation, structural_similarity])
def test_malformed_pairs_are_refused(measure):
    with pytest.raises(ValueError, match=r"must have one shape, got \(3, 4\) and \(4, 3\)"):
        measure(np.ones((3, 4)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="b holds NaN"):
        measure(np.ones((3, 4)), np.full((3, 4), np.nan))


@pytest.mark.parametrize("shape", [(12,), (2, 9), (9, 1), (3, 3, 3)])
def test_what_is_no_map_has_no_look(shape):
    with pytest.raises(ValueError, match="3 x 3 or more, got shape"):
        structural_similarity(np.ones(shape), np.ones(shape))


def test_entropy_of_a_histogram_is_that_of_quantus():
    """Values of `discrete_entropy` of Quantus 0.6.0."""
    values = np.sin(np.arange(48) * 0.7).reshape(6, 8) ** 3
    assert histogram_entropy(values) == pytest.approx(3.23199421893)
    assert histogram_entropy(values, 10) == pytest.approx(2.08601620286)
    assert histogram_entropy(np.cos(np.arange(48) * 1.3)) == pytest.approx(2.693589077594)


def test_entropy_of_a_histogram_is_of_how_values_are_spread_and_not_of_their_size():
    noise = np.modf(np.arange(1, 2001) * 0.618034)[0]
    assert histogram_entropy(noise) == pytest.approx(math.log(100), abs=0.01)
    assert histogram_entropy(3 - 1e-30 * noise) == 0  # no difference is left to see
    assert histogram_entropy(1e-30 * noise) == pytest.approx(histogram_entropy(5 * noise), abs=0.01)
    peak = np.where(np.arange(2000) == 7, 1.0, 0.0)
    assert 0 < histogram_entropy(peak) < 0.01
    with pytest.raises(ValueError, match="n_bins must be at least 2, got 1"):
        histogram_entropy(noise, 1)
