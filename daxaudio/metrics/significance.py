"""Is one method better than another, or was it luck: paired comparisons over recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

_EXACT_UP_TO = 50


@dataclasses.dataclass(frozen=True)
class PairedComparison:
    """What `paired_comparison` found about the differences a - b.

    Args:
        n: pairs that were compared.
        n_dropped: pairs that were left out because one of the two values is NaN.
        mean_difference: mean of a - b.
        low: lower end of the 95 % bootstrap interval of the mean difference.
        high: upper end of it.
        p_value: two-sided Wilcoxon signed-rank test of "a - b is symmetric about 0".
    """

    n: int
    n_dropped: int
    mean_difference: float
    low: float
    high: float
    p_value: float


def paired_comparison(
    a: Sequence[float] | NDArray[Any],
    b: Sequence[float] | NDArray[Any],
    seed: int = 0,
    n_bootstrap: int = 10_000,
) -> PairedComparison:
    """Compare two methods by one metric on the same recordings.

    The interval is the percentile bootstrap of the mean difference, resampling recordings. The
    test drops differences of exactly 0 (Wilcoxon's own rule) and is exact, ties included, for up
    to 50 other differences, normal approximation above. With no pair left all numbers are NaN;
    with all differences 0 the p-value is 1.

    Args:
        a: one value a recording.
        b: one value a recording, in the same order.
        seed: seed of the resampling; the same seed gives the same result.
        n_bootstrap: number of resamples, at least 2.

    Returns:
        The comparison; positive differences mean that a is higher.

    Raises:
        ValueError: when a and b are not equally long lists, hold infinite values, or
            `n_bootstrap` is below 2.

    Example:
        >>> found = paired_comparison([0.5, 0.6, 0.9], [0.3, 0.5, float("nan")])
        >>> found.n, found.n_dropped, round(found.mean_difference, 3)
        (2, 1, 0.15)
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"a and b must be equally long lists, got shapes {first.shape} and {second.shape}"
        )
    if np.isinf(first).any() or np.isinf(second).any():
        raise ValueError("a and b must be finite (or NaN for no value), got infinite values")
    if n_bootstrap < 2:
        raise ValueError(f"n_bootstrap must be at least 2, got {n_bootstrap}")
    differences = first - second
    kept = differences[~np.isnan(differences)]
    n_dropped = len(differences) - len(kept)
    if len(kept) == 0:
        return PairedComparison(0, n_dropped, *[float("nan")] * 4)
    # About a million draws at a time, so that memory does not grow with the corpus.
    low, high = _interval([kept], np.mean, seed, n_bootstrap, batch=max(1, 2**20 // len(kept)))
    p_value = signed_rank_p_value(kept[kept != 0])
    return PairedComparison(len(kept), n_dropped, float(kept.mean()), low, high, p_value)


@dataclasses.dataclass(frozen=True)
class UnpairedComparison:
    """What `unpaired_comparison` found about two groups of recordings.

    Args:
        n_a: values of the first group.
        n_b: values of the second.
        mean_difference: mean of a minus mean of b.
        low: lower end of its 95 % bootstrap interval.
        high: upper end of it.
        p_value: two-sided Mann-Whitney test of "both are distributed alike".
    """

    n_a: int
    n_b: int
    mean_difference: float
    low: float
    high: float
    p_value: float


def unpaired_comparison(
    a: Sequence[float] | NDArray[Any], b: Sequence[float] | NDArray[Any], seed: int = 0
) -> UnpairedComparison:
    """Compare one measure on two groups of different recordings.

    The interval is the percentile bootstrap of the difference of means; each group is resampled by
    itself.

    Args:
        a: values of the first group, at least one.
        b: values of the second, at least one.
        seed: of the resampling.

    Returns:
        The comparison; with all values equal the p-value is 1.

    Raises:
        ValueError: when a group is empty or holds NaN.

    Example:
        >>> found = unpaired_comparison([0.5, 0.7, 0.6], [0.1, 0.2])
        >>> round(found.mean_difference, 3), found.p_value
        (0.45, 0.2)
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (a, b))
    if any(len(group) == 0 or np.isnan(group).any() for group in (first, second)):
        raise ValueError("a and b must have values, and none of them NaN; leave those out")
    low, high = _interval([first, second], _difference_of_means, seed, 10_000)
    alike = len(np.unique([*first, *second])) == 1
    p_value = 1.0 if alike else float(scipy.stats.mannwhitneyu(first, second).pvalue)
    difference = float(_difference_of_means(first, second))
    return UnpairedComparison(len(first), len(second), difference, low, high, p_value)


def _difference_of_means(a: NDArray[np.float64], b: NDArray[np.float64], axis: int = -1) -> Any:
    return a.mean(axis=axis) - b.mean(axis=axis)


def holm(p_values: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """P-values of many tests, corrected so that one false alarm among all is as rare as in one.

    Of twenty tests of nothing one is below 0.05 on average; corrected, any of them is in one table
    of twenty. A table of many tests shows both: a test that was planned as the only one may be read
    as it is.

    Source: Holm 1979, as statsmodels computes it. It assumes nothing about how the tests depend on
    each other. Differs in that a test without a value (NaN) is no test: it stays NaN, and the
    others are corrected as if it were not there.

    Args:
        p_values: `[n]` in [0, 1] or NaN, all the tests of one question; none is legal.

    Returns:
        `[n]` in the same order, none below the p-value itself, at most 1.

    Raises:
        ValueError: when they are no list, or one lies outside [0, 1].

    Example:
        >>> holm([0.01, 0.04, float("nan"), 0.03]).round(4).tolist()  # times 3, 1 and 2
        [0.03, 0.06, nan, 0.06]
    """
    corrected = np.array(p_values, dtype=np.float64)
    tested = ~np.isnan(corrected)
    if corrected.ndim != 1:
        raise ValueError(f"p_values must be a list, got shape {corrected.shape}")
    if ((corrected < 0) | (corrected > 1)).any():
        raise ValueError(f"p_values must lie in [0, 1] or be NaN, got {corrected.tolist()}")
    # as `statsmodels.stats.multitest.multipletests`, which collects garbage for a third of a second
    order = np.argsort(np.where(tested, corrected, np.inf), kind="stable")[: tested.sum()]
    scaled = corrected[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected


def _interval(
    samples: Sequence[NDArray[np.float64]],
    statistic: Callable[..., Any],
    seed: int,
    n_bootstrap: int,
    batch: int | None = None,
) -> tuple[float, float]:
    """95 % percentile bootstrap of a statistic of samples, each resampled by itself."""
    # SciPy asks for two values; one value twice is resampled to itself, as it would be alone.
    samples = [np.resize(values, max(2, len(values))) for values in samples]
    found = scipy.stats.bootstrap(
        samples,
        statistic,
        n_resamples=n_bootstrap,
        batch=batch,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def signed_rank_p_value(differences: NDArray[np.float64]) -> float:
    """Two-sided p-value; no difference may be 0."""
    n = len(differences)
    if n > _EXACT_UP_TO:
        return float(scipy.stats.wilcoxon(differences).pvalue)
    # Midranks are halves, so twice the rank is whole. SciPy is exact only without ties, or slow.
    ranks = np.rint(2 * scipy.stats.rankdata(np.abs(differences))).astype(np.int64)
    total = int(ranks.sum())
    n_patterns = np.zeros(total + 1)
    n_patterns[0] = 1.0
    for rank in ranks:
        # Each rank is in the sum of the positive ones or not: n_patterns[s] of 2^n give sum s.
        n_patterns[rank:] += n_patterns[: total + 1 - rank].copy()
    positive = int(ranks[differences > 0].sum())
    tail = n_patterns[: min(positive, total - positive) + 1].sum() / 2.0**n
    return min(1.0, 2.0 * float(tail))
