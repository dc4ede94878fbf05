"""The form of a mask by itself, and how alike two masks are; nothing is asked of the black box.

Conventions: values of any shape are taken; only those of `structural_similarity` must be maps
`[F, T]`. How sparse or complex a mask is describes it and is no merit: evidence may be
short or long. Where a number is undefined it is NaN; leave NaN out of means and count it.

| function | undefined |
|---|---|
| `sparseness`, `complexity` | a mask that is 0 everywhere: it has no share to give to any bin |
| `histogram_entropy` | never; 0 where all values are the same |
| `rank_correlation` | one of the two is flat: it has no order |
| `structural_similarity` | never; two flat maps look the same and give 1 |
"""

from __future__ import annotations

import numpy as np
import scipy
import skimage
import torch
from numpy.typing import NDArray

from daxaudio.metrics.events import Numbers, to_array
from daxaudio.runs.real_numbers import scale_to_mask

WINDOW = 7
"""Side of the windows that are compared, in bins and frames; scikit-image's own default."""


def _magnitudes(mask: Numbers) -> NDArray[np.float64]:
    return np.abs(to_array(mask, "mask").astype(np.float64)).ravel()


def _pair(a: Numbers, b: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = to_array(a, "a").astype(np.float64), to_array(b, "b").astype(np.float64)
    if first.shape != second.shape:
        raise ValueError(f"masks must have one shape, got {first.shape} and {second.shape}")
    return first, second


def sparseness(mask: Numbers) -> float:
    """Gini index of the absolute values: how unequally the mask is spread over its n bins.

    Source: Chalasani et al. 2020, as Quantus and the L-MAC paper compute it. Differs in that
    nothing is added to the values (Quantus adds 1e-7, which lowers it slightly), so that the mask
    of zeros has no value instead of 0.

    Args:
        mask: any shape, any unit.

    Returns:
        From 0, all bins the same, to 1 - 1/n, all in one bin; NaN when every bin is 0.

    Raises:
        ValueError: when there is no value, or one is not finite.

    Example:
        >>> sparseness([[0, 0], [0, 3]]), sparseness([[3, 3], [3, 3]])
        (0.75, 0.0)
    """
    values = np.sort(_magnitudes(mask))
    n, total = len(values), values.sum()
    if total == 0:
        return float("nan")
    weights = 2 * np.arange(1, n + 1) - n - 1
    return max(0.0, float((weights * values).sum() / (n * total)))


def complexity(mask: Numbers) -> float:
    """Entropy of each bin's share of the mask: how many bins it takes to tell the story.

    Source: Bhatt et al. 2020, with the natural logarithm as in Quantus and the L-MAC paper.

    Args:
        mask: any shape, any unit; absolute values are taken.

    Returns:
        In nats, from 0, all in one bin, to log(n), all n bins the same; NaN when every bin is 0.

    Raises:
        ValueError: when there is no value, or one is not finite.

    Example:
        >>> complexity([[0, 0], [0, 3]]), round(complexity([[3, 3], [3, 3]]), 4)  # log(4)
        (0.0, 1.3863)
    """
    values = _magnitudes(mask)
    total = values.sum()
    return float(scipy.special.entr(values / total).sum()) if total > 0 else float("nan")


def histogram_entropy(values: Numbers, n_bins: int = 100) -> float:
    """Entropy of the histogram of the values: how many different ones there are, and how evenly.

    Unlike `complexity` it does not look at the size of the values but at how they are spread, and
    does not change when they are scaled or moved. Many bins alike and a few that stand out have
    little of it; noise has much.

    Source: the complexity of Hedström et al. 2024, as Quantus computes it (`discrete_entropy`).

    Args:
        values: any shape, any unit; signs count.
        n_bins: of equal width, from the least to the greatest value; at least 2.

    Returns:
        In nats, from 0, all values the same, to log(n_bins).

    Raises:
        ValueError: when there is no value, one is not finite, or `n_bins` is below 2.

    Example:
        >>> round(histogram_entropy([0, 0, 1, 1]), 3)  # log(2)
        0.693
    """
    if n_bins < 2:
        raise ValueError(f"n_bins must be at least 2, got {n_bins}")
    found = to_array(values, "values").astype(np.float64).ravel()
    low, high = found.min(), found.max()
    if low == high:
        return 0.0
    # scaled first, so that no width of a bin is too small for floats
    counts, _ = np.histogram((found - low) / (high - low), bins=n_bins, range=(0.0, 1.0))
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def rank_correlation(a: Numbers, b: Numbers) -> float:
    """Spearman's rank correlation of two masks over all their bins; tied bins share a rank.

    Args:
        a: any shape, any unit.
        b: the same shape.

    Returns:
        From 1, the same order, over 0, none in common, to -1, the opposite order; NaN when one of
        the two is flat.

    Raises:
        ValueError: when the shapes differ, there is no value, or one is not finite.

    Example:
        >>> round(rank_correlation([[0.1, 0.2], [0.5, 0.9]], [[0.1, 0.2], [0.9, 0.5]]), 3)
        0.8
    """
    first, second = _pair(a, b)
    if min(np.ptp(first), np.ptp(second)) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(first.ravel(), second.ravel()).statistic)


def structural_similarity(a: Numbers, b: Numbers) -> float:
    """How alike two masks look: the mean of SSIM over windows.

    Each map is first scaled to [0, 1] by its own least and greatest value, so that two methods
    with other units compare. A flat map becomes zeros.

    Source: Wang et al. 2004 in scikit-image, with uniform windows of 7 x 7, or of the greatest odd
    side that fits; for explanations, Adebayo et al. 2018.

    Args:
        a: `[F, T]`, any unit; at least 3 bins and 3 frames.
        b: the same shape.

    Returns:
        In [-1, 1]; 1 when they are the same.

    Raises:
        ValueError: when the shapes differ or are no maps of 3 x 3 or more, or a value is not
            finite.

    Example:
        >>> ramp = np.linspace(0, 1, 12).reshape(3, 4)
        >>> round(structural_similarity(ramp, 20 * ramp - 60), 6)
        1.0
    """
    first, second = _pair(a, b)
    if first.ndim != 2 or min(first.shape) < 3:
        raise ValueError(f"maps must be [F, T] of 3 x 3 or more, got shape {first.shape}")
    side = min(WINDOW, *first.shape)
    window = side if side % 2 else side - 1
    scaled = (scale_to_mask(torch.from_numpy(map_)).numpy() for map_ in (first, second))
    return float(skimage.metrics.structural_similarity(*scaled, win_size=window, data_range=1.0))
