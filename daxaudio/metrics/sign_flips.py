"""Whether differences that come in participants are about 0: their mean, interval and test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daxaudio.metrics.clusters import cluster_bootstrap

_CELLS = 2**22  # signs that are held at once


class MeanDifference(NamedTuple):
    """What was found of differences.

    Args:
        mean: of the participants' own means; NaN without any.
        low: lower end of its bootstrap interval.
        high: upper end.
        p_value: two-sided, of the hypothesis that each participant's mean is as likely to have the
            other sign.
        n: differences that there are.
        n_participants: whom they come from.
    """

    mean: float
    low: float
    high: float
    p_value: float
    n: int
    n_participants: int


def mean_difference(
    differences: NDArray[np.float64],
    participants: Sequence[Any] | NDArray[Any],
    *,
    n_bootstrap: int = 1000,
    n_permutations: int = 1999,
    confidence: float = 0.95,
    seed: int = 0,
) -> MeanDifference:
    """Mean of differences by participant, with a bootstrap interval and a test of flipped signs.

    Source: the randomisation test of Fisher 1935, section 21, drawn at random where there are many
    participants. Participants count alike, however many recordings they have.

    Args:
        differences: `[n]`; NaN where there is none.
        participants: `[n]`, whose each is.
        n_bootstrap: resamples of participants.
        n_permutations: of signs.
        confidence: level of the interval.
        seed: of the draws.

    Returns:
        What was found; all NaN without a difference.

    Example:
        >>> found = mean_difference(np.array([0.1, 0.3, 0.2, 0.4]), ["a", "a", "b", "c"])
        >>> round(found.mean, 3), found.n_participants, found.p_value > 0.2  # of 8 signs
        (0.267, 3, True)
    """
    there = ~np.isnan(differences)
    names, place = np.unique(np.asarray(participants)[there].astype(str), return_inverse=True)
    if not len(names):
        nan = float("nan")
        return MeanDifference(nan, nan, nan, nan, 0, 0)
    means = np.bincount(place, weights=differences[there]) / np.bincount(place)

    def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(weights @ means / weights.sum(axis=1))

    (interval,) = cluster_bootstrap(mean, names, n_bootstrap, seed, confidence=confidence)
    p_value = _p_value(means, n_permutations, seed)
    n = int(there.sum())
    return MeanDifference(float(means.mean()), interval.low, interval.high, p_value, n, len(names))


def _p_value(means: NDArray[np.float64], n_permutations: int, seed: int) -> float:
    random, found = np.random.default_rng(seed), abs(means.sum())
    n_as_far, size = 0, max(1, _CELLS // len(means))
    for first in range(0, n_permutations, size):
        signs = random.choice([-1.0, 1.0], size=(min(size, n_permutations - first), len(means)))
        n_as_far += int((np.abs(signs @ means) >= found - 1e-12).sum())
    return (1 + n_as_far) / (1 + n_permutations)
