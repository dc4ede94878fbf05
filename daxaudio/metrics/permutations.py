"""Permutation tests where several recordings are of one participant, who is the unit.

What is shuffled goes from participant to participant as a whole, so that recordings of one person
are never taken for evidence from several. Draws follow from the seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Values = NDArray[np.float64]

_CELLS = 2**22
"""Shuffled labels that are held at once, however large the corpus."""


def permute_labels(
    labels: NDArray[np.bool_], clusters: Sequence[Any] | NDArray[Any], n: int, seed: int = 0
) -> Iterator[NDArray[np.bool_]]:
    """Labels shuffled among participants.

    Participants whose recordings all have one label exchange it; within one who has both, the
    recordings exchange them. Under the hypothesis that nothing about a participant goes with the
    label, every such order is as likely as the one that was found.

    Args:
        labels: `[n]`, bool.
        clusters: `[n]`, the participant of each.
        n: orders to draw, at least 1.
        seed: of the draws.

    Yields:
        `[B, n]`, bool; B summed over all is `n`.

    Raises:
        ValueError: when the two are not equally long or empty, or `n` is below 1.

    Example:
        >>> (orders,) = permute_labels(np.array([True, True, False]), ["a", "a", "b"], 4)
        >>> orders.shape, bool((orders[:, 0] == orders[:, 1]).all())
        ((4, 3), True)
    """
    if len(labels) != len(clusters) or len(labels) == 0 or n < 1:
        raise ValueError(
            f"need as many labels as clusters, one at least, and n of 1 or more; got {len(labels)} "
            f"labels, {len(clusters)} clusters and n = {n}"
        )
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(place)
    shares = np.bincount(place, weights=labels) / sizes
    whole = (shares == 0) | (shares == 1)
    mixed = np.flatnonzero(~whole[place])
    by_cluster = mixed[np.argsort(place[mixed], kind="stable")]
    random = np.random.default_rng(seed)
    size = max(1, _CELLS // len(labels))
    for first in range(0, n, size):
        n_now = min(size, n - first)
        of_cluster = np.zeros((n_now, len(names)), dtype=bool)
        own = np.tile(shares[whole] == 1, (n_now, 1))
        of_cluster[:, whole] = random.permuted(own, axis=1)
        orders = of_cluster[:, place]
        if len(mixed):
            keys = place[by_cluster] + random.random((n_now, len(mixed)))
            orders[:, by_cluster] = labels[by_cluster][np.argsort(keys, axis=1)]
        yield orders


def label_association(
    values: Values,
    labels: NDArray[np.bool_],
    clusters: Sequence[Any] | NDArray[Any],
    n_permutations: int = 1999,
    *,
    seed: int = 0,
) -> tuple[Values, Values]:
    """How well each of several numbers, by itself, tells two classes apart.

    Source: the test of Mann and Whitney 1947, its distribution drawn by shuffling participants.

    Args:
        values: `[n, k]`; NaN where a recording lacks a number, which then counts without it.
        labels: `[n]`, bool.
        clusters: `[n]`, the participant of each.
        n_permutations: orders to draw.
        seed: of the draws.

    Returns:
        `[k]` areas under the ROC curve, above 0.5 where positives have the higher number, and `[k]`
        two-sided p-values. Both are NaN of a number that has one value only, or one class.

    Example:
        >>> values = np.arange(8.0)[:, None]
        >>> auc, p = label_association(values, values[:, 0] > 3, list("abcdefgh"), 999)
        >>> auc.tolist(), bool(p[0] < 0.05)
        ([1.0], True)
    """
    there = ~np.isnan(values)
    ranks = np.zeros_like(values)
    for k, known in enumerate(there.T):
        ranks[known, k] = scipy.stats.rankdata(values[known, k])
    varies = np.array([len(np.unique(values[known, k])) > 1 for k, known in enumerate(there.T)])
    found = _areas(labels[None].astype(np.float64), ranks, there)[0]
    defined = varies & ~np.isnan(found)
    distance = np.abs(found - 0.5)
    n_as_far = np.zeros(values.shape[1])
    for orders in permute_labels(labels, clusters, n_permutations, seed):
        drawn = np.abs(_areas(orders.astype(np.float64), ranks, there) - 0.5)
        n_as_far += (np.nan_to_num(drawn) >= distance - 1e-12).sum(axis=0)
    p_values = (1 + n_as_far) / (1 + n_permutations)
    return np.where(defined, found, np.nan), np.where(defined, p_values, np.nan)


def _areas(labels: Values, ranks: Values, there: NDArray[np.bool_]) -> Values:
    """`[B, k]` areas of `[B, n]` labels by the sum of the positives' ranks."""
    n_positive = labels @ there
    n_negative = there.sum(axis=0) - n_positive
    pairs = n_positive * n_negative
    above = labels @ ranks - n_positive * (n_positive + 1) / 2
    return np.where(pairs > 0, above / np.where(pairs > 0, pairs, 1), np.nan)


def association_within_classes(
    values: Values,
    scores: Values,
    labels: NDArray[np.bool_],
    clusters: Sequence[Any] | NDArray[Any],
    *,
    n_permutations: int = 1999,
    seed: int = 0,
) -> tuple[Values, Values]:
    """Whether scores go with numbers among recordings of one class.

    Where a score depends on the class alone, nothing goes with it inside a class. The mean of each
    participant's recordings of a class counts as one; ranks are taken within the class, both
    classes are pooled, and scores are shuffled within the class.

    Args:
        values: `[n, k]`; NaN where a recording lacks a number.
        scores: `[n]`, finite.
        labels: `[n]`, bool.
        clusters: `[n]`, the participant of each.
        n_permutations: orders to draw.
        seed: of the draws.

    Returns:
        `[k]` rank correlations (Spearman's, pooled), above 0 where higher numbers have higher
        scores, and `[k]` one-sided p-values against 0 or less. Both are NaN of a number or a score
        that has one value only within each class.

    Example:
        >>> values, scores = np.arange(8.0)[:, None], np.array([1, 2, 3, 4, 6, 7, 8, 9.0])
        >>> rho, p = association_within_classes(values, scores, scores > 5, list("abcdefgh"))
        >>> rho.tolist(), bool(p[0] < 0.01)
        ([1.0], True)
    """
    units, of_class = _units(labels, clusters)
    mean_scores = _means(scores[:, None], units)[:, 0]
    mean_values = _means(values, units)
    of_scores = _centred_ranks(mean_scores[:, None], of_class)[:, 0]
    of_values = _centred_ranks(mean_values, of_class)
    there = ~np.isnan(mean_values)
    spread = np.sqrt(np.square(of_values).sum(axis=0) * (np.square(of_scores) @ there))
    products = of_scores @ of_values
    random = np.random.default_rng(seed)
    n_as_high, size = np.zeros(values.shape[1]), max(1, _CELLS // len(of_class))
    for first in range(0, n_permutations, size):
        drawn = np.tile(of_scores, (min(size, n_permutations - first), 1))
        for one in (True, False):
            members = np.flatnonzero(of_class == one)
            drawn[:, members] = random.permuted(drawn[:, members], axis=1)
        n_as_high += (drawn @ of_values >= products - 1e-9).sum(axis=0)
    defined = spread > 0
    rho = np.where(defined, products / np.where(defined, spread, 1), np.nan)
    return rho, np.where(defined, (1 + n_as_high) / (1 + n_permutations), np.nan)


def _units(
    labels: NDArray[np.bool_], clusters: Sequence[Any] | NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number of the unit of each recording, a participant's recordings of a class; their class."""
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    kinds, units = np.unique(2 * place + labels, return_inverse=True)
    return units, kinds % 2 == 1


def _means(values: Values, units: NDArray[np.int64]) -> Values:
    """Mean of what is known of each unit; NaN where nothing is."""
    n_units = int(units.max()) + 1
    sums, counts = np.zeros((n_units, values.shape[1])), np.zeros((n_units, values.shape[1]))
    np.add.at(sums, units, np.nan_to_num(values))
    np.add.at(counts, units, ~np.isnan(values))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _centred_ranks(values: Values, of_class: NDArray[np.bool_]) -> Values:
    """Ranks within the class as shares of it, their mean 0; 0 where nothing is known."""
    found = np.zeros_like(values)
    for one in (True, False):
        for k in range(values.shape[1]):
            known = np.flatnonzero((of_class == one) & ~np.isnan(values[:, k]))
            if len(known):
                ranks = scipy.stats.rankdata(values[known, k])
                found[known, k] = (ranks - ranks.mean()) / len(known)
    return found
