"""Intervals and tests where several recordings are of one participant, who is the unit.

Recordings of one participant are alike; who resamples or shuffles recordings takes them for so many
people, and finds intervals that are too narrow and differences that are not there. Here whole
participants are drawn. Draws follow from the seed alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CELLS = 2**22
"""Weights that are held at once, 32 MiB, however large the corpus."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """Where a value lies, by resampling.

    Args:
        low: lower end; NaN when no resample has a value.
        high: upper end.
        n_undefined: resamples in which the value was undefined, such as those of one class.
    """

    low: float
    high: float
    n_undefined: int = 0


def cluster_weights(
    clusters: Sequence[Any] | NDArray[Any], n_resamples: int, seed: int = 0
) -> Iterator[NDArray[np.float64]]:
    """Resamples of whole clusters, with replacement: how often each item is in each of them.

    Args:
        clusters: `[n]`, the cluster of each item, such as the participant of a recording.
        n_resamples: at least 1.
        seed: of the draws.

    Yields:
        `[B, n]` weights; B summed over all is `n_resamples`. Items of one cluster weigh the same.

    Raises:
        ValueError: when there is no item, or `n_resamples` is below 1.

    Example:
        >>> (weights,) = cluster_weights(["a", "a", "b"], 3)
        >>> weights.shape, bool((weights[:, 0] == weights[:, 1]).all())
        ((3, 3), True)
    """
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
    if len(clusters) == 0:
        raise ValueError("clusters must have at least one item")
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    random = np.random.default_rng(seed)
    chances = np.full(len(names), 1 / len(names))
    size = max(1, _CELLS // len(place))
    for first in range(0, n_resamples, size):
        n = min(size, n_resamples - first)
        counts = random.multinomial(len(names), chances, size=n)
        yield counts[:, place].astype(np.float64)


def cluster_bootstrap(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    clusters: Sequence[Any] | NDArray[Any],
    n_resamples: int = 1000,
    seed: int = 0,
    *,
    confidence: float = 0.95,
) -> list[Interval]:
    """Percentile bootstrap interval of statistics of items that come in clusters.

    Source: Davison and Hinkley 1997, section 3.8: clusters are drawn with replacement, all of the
    items of one go with it. Of fewer than about 20 clusters such intervals are too narrow, and so
    is that of a value at the end of its range.

    Args:
        statistic: weights `[B, n]` in, values `[B]` or `[B, k]` out, NaN where undefined.
        clusters: `[n]`, the cluster of each item.
        n_resamples: at least 1.
        seed: of the draws.
        confidence: level of the interval, in (0, 1).

    Returns:
        One interval a value, k of them.

    Raises:
        ValueError: when there is no item or a setting is out of range.

    Example:
        >>> values = np.array([1.0, 1.0, 5.0, 6.0])
        >>> def mean(weights):
        ...     return weights @ values / weights.sum(axis=1)
        >>> (interval,) = cluster_bootstrap(mean, ["a", "a", "b", "c"])
        >>> interval.low, interval.high
        (1.0, 6.0)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    found = [statistic(weights) for weights in cluster_weights(clusters, n_resamples, seed)]
    values = np.concatenate(found)
    values = values[:, None] if values.ndim == 1 else values
    return [_interval_of(column, confidence) for column in values.T]


def _interval_of(values: NDArray[np.float64], confidence: float) -> Interval:
    kept = values[~np.isnan(values)]
    if len(kept) == 0:
        return Interval(float("nan"), float("nan"), len(values))
    low, high = np.quantile(kept, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), len(values) - len(kept))
