"""Which of many methods come first over many blocks: Friedman, Nemenyi, Holm.

Conventions: values are `[B, K]`, a row a block (a recording, or a measure on a set of recordings)
and a column a method; a block's best method has rank 1, and tied ones share the mean of their
ranks. Blocks count as independent: several measures of the same recordings are not, so that
p-values over such blocks are too small, and such a ranking is a summary more than a test.

A missing value (NaN) is a method that gave nothing where others did, and what it would have been
worth is not known. `missing` says what is done:

- `"last"`: it shares the last ranks of its block, as a method that fails is worth less there than
  any that does not. A method cannot gain by refusing what is hard.
- `"leave_out"`: the block is left out for all methods.

A block that no method has a value for was not measured, and is left out either way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from daxaudio.metrics.measure import Better
from daxaudio.metrics.significance import holm, signed_rank_p_value

Missing = Literal["last", "leave_out"]
"""What is done with a block where a method has no value (see above)."""


@dataclasses.dataclass(frozen=True, eq=False)
class RankComparison:
    """What `rank_methods` found.

    Args:
        methods: K names, in the order of the columns.
        ranks: `[B, K]` of the blocks that were kept; 1 is the best.
        n_left_out: blocks that were left out.
        n_missing: missing values that were ranked last, by method.
        statistic: Friedman's chi square with K - 1 degrees of freedom, corrected for ties.
        p_value: of "all methods are alike".
        kendall_w: how far the blocks agree, 0 (not at all) to 1 (all rank alike).
        critical_difference: Nemenyi's: mean ranks that are further apart differ.
        alpha: chance that one pair or more of equal methods is told apart.
    """

    methods: tuple[str, ...]
    ranks: NDArray[np.float64]
    _: dataclasses.KW_ONLY
    n_left_out: int
    n_missing: tuple[int, ...]
    statistic: float
    p_value: float
    kendall_w: float
    critical_difference: float
    alpha: float

    @property
    def n_blocks(self) -> int:
        """Blocks that were kept."""
        return len(self.ranks)

    @property
    def mean_ranks(self) -> dict[str, float]:
        """Mean rank by method, the best first."""
        means = self.ranks.mean(axis=0)
        order = np.argsort(means, kind="stable")
        return {self.methods[place]: float(means[place]) for place in order}

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Nemenyi's p-value of each pair of methods, `[K, K]`, in the order of `methods`."""
        means, n_methods = self.ranks.mean(axis=0), len(self.methods)
        apart = np.abs(means[:, None] - means[None, :])
        studentised = apart * np.sqrt(2) / _standard_error(self.n_blocks, n_methods)
        return np.asarray(scipy.stats.studentized_range.sf(studentised, n_methods, np.inf))

    @property
    def alike(self) -> list[tuple[str, ...]]:
        """The largest groups of methods of which no two are told apart, the best first.

        A method that is told apart from every other is in none.
        """
        found: list[tuple[str, ...]] = []
        names, means = list(self.mean_ranks), list(self.mean_ranks.values())
        last_end = 0
        for start, mean in enumerate(means):
            end = sum(other <= mean + self.critical_difference for other in means)
            if end - start > 1 and end > last_end:
                found.append(tuple(names[start:end]))
                last_end = end
        return found


def rank_methods(
    values: ArrayLike,
    methods: Sequence[str],
    *,
    better: Better | Sequence[Better] = "higher",
    missing: Missing = "last",
    alpha: float = 0.05,
) -> RankComparison:
    """Rank methods in each block, and test whether their mean ranks differ.

    Source: Friedman 1937; Nemenyi 1963 as Demsar 2006 ("Statistical comparisons of classifiers over
    multiple data sets") describes it. The statistic is corrected for ties, as in
    `scipy.stats.friedmanchisquare`. Differs from both in what is done with missing values (see the
    conventions of this file). Where all methods tie in all blocks the p-value is 1.

    Args:
        values: `[B, K]`, finite, or NaN where a method gave nothing.
        methods: K names, at least two.
        better: which way is better, "higher" or "lower"; of all blocks, or one a block.
        missing: see the conventions of this file.
        alpha: level of the critical difference, between 0 and 1.

    Returns:
        Ranks and tests.

    Raises:
        ValueError: when the shapes do not fit, a value is infinite, a name stands twice, another
            argument is unknown, or no block is left.

    Example:
        >>> found = rank_methods([[0.9, 0.5, 0.1], [0.8, 0.8, 0.2]], ["ours", "rise", "random"])
        >>> found.mean_ranks
        {'ours': 1.25, 'rise': 1.75, 'random': 3.0}
        >>> round(found.kendall_w, 3)
        0.929
    """
    oriented = _oriented(values, methods, better)
    if missing not in ("last", "leave_out"):
        raise ValueError(f"missing must be 'last' or 'leave_out', got {missing!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    absent = np.isnan(oriented)
    kept = ~absent.any(axis=1) if missing == "leave_out" else ~absent.all(axis=1)
    if not kept.any():
        raise ValueError("no block is left in which methods have values to rank")
    last = np.where(absent[kept], -np.inf, oriented[kept])  # the best is the greatest here
    ranks = scipy.stats.rankdata(-last, axis=1)
    n_blocks, n_methods = ranks.shape
    statistic = _friedman(ranks)
    quantile = scipy.stats.studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return RankComparison(
        tuple(methods),
        ranks,
        n_left_out=int((~kept).sum()),
        n_missing=tuple(absent[kept].sum(axis=0).tolist()),
        statistic=statistic,
        p_value=float(scipy.stats.chi2.sf(statistic, n_methods - 1)),
        kendall_w=statistic / (n_blocks * (n_methods - 1)),
        critical_difference=float(quantile * _standard_error(n_blocks, n_methods)),
        alpha=alpha,
    )


@dataclasses.dataclass(frozen=True)
class PairTest:
    """Two methods over blocks.

    Args:
        a: the first method.
        b: the second.
        n_better: blocks in which the first is better.
        n_worse: blocks in which it is worse.
        p_value: two-sided Wilcoxon signed-rank test.
        p_holm: the same, corrected for all tests that were made together.
    """

    a: str
    b: str
    n_better: int
    n_worse: int
    p_value: float
    p_holm: float


def compare_pairs(
    values: ArrayLike,
    methods: Sequence[str],
    *,
    better: Better | Sequence[Better] = "higher",
    leader: str | None = None,
) -> list[PairTest]:
    """Wilcoxon's signed-rank test of pairs of methods, corrected together by Holm's procedure.

    Differently from Nemenyi's test, what is found of two methods does not depend on which others
    are in the table. The sizes of differences count, so the blocks must be of one scale; blocks of
    several measures have none, and are given as ranks with `better="lower"`.

    A method that gave nothing where the other did loses that block by more than any other block;
    where both gave nothing the block says nothing. Differences of exactly 0 are dropped.

    Args:
        values: `[B, K]`, finite, or NaN where a method gave nothing.
        methods: K names, at least two.
        better: which way is better, "higher" or "lower"; of all blocks, or one a block.
        leader: the method that the others are tested against; every pair when None.

    Returns:
        One test a pair, in the order of `methods`.

    Raises:
        ValueError: when the shapes do not fit, a value is infinite, a name stands twice, or the
            leader is none of them.

    Example:
        >>> values = [[0.9, 0.5], [0.8, 0.7], [0.6, 0.3], [0.7, float("nan")]]
        >>> compare_pairs(values, ["ours", "rise"])[0]
        PairTest(a='ours', b='rise', n_better=4, n_worse=0, p_value=0.125, p_holm=0.125)
    """
    oriented = _oriented(values, methods, better)
    if leader is not None and leader not in methods:
        raise ValueError(f"leader {leader!r} is none of the methods {', '.join(methods)}")
    n_methods = len(methods)
    pairs = [(i, j) for i in range(n_methods) for j in range(i + 1, n_methods)]
    if leader is not None:
        place = list(methods).index(leader)
        pairs = [(place, other) for other in range(n_methods) if other != place]
    differences = [_differences(oriented[:, i], oriented[:, j]) for i, j in pairs]
    p_values = [signed_rank_p_value(own) if len(own) else 1.0 for own in differences]
    return [
        PairTest(
            methods[i],
            methods[j],
            int((own > 0).sum()),
            int((own < 0).sum()),
            p_value,
            float(corrected),
        )
        for (i, j), own, p_value, corrected in zip(
            pairs, differences, p_values, holm(p_values), strict=True
        )
    ]


def _oriented(
    values: ArrayLike, methods: Sequence[str], better: Better | Sequence[Better]
) -> NDArray[np.float64]:
    """The values such that the greatest of a block is the best."""
    table = np.array(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(methods) or len(methods) < 2 or not len(table):
        raise ValueError(
            "values must be [B, K], a row a block and a column for each of at least two methods; "
            f"got shape {table.shape} and {len(methods)} names"
        )
    if len(set(methods)) < len(methods):
        raise ValueError(f"each method must stand once, got {', '.join(methods)}")
    if np.isinf(table).any():
        raise ValueError("values must be finite, or NaN for no value; got infinite ones")
    ways: list[Any] = [better] * len(table) if isinstance(better, str) else list(better)
    if len(ways) != len(table) or not set(ways) <= {"higher", "lower"}:
        raise ValueError(
            f"better must be 'higher' or 'lower', once or for each of {len(table)} blocks, got "
            f"{better!r}"
        )
    return table * np.where(np.array(ways) == "higher", 1.0, -1.0)[:, None]


def _friedman(ranks: NDArray[np.float64]) -> float:
    """Friedman's chi square, corrected for ties: the spread of rank sums over that of ranks."""
    n_blocks, n_methods = ranks.shape
    spread = float(((ranks - (n_methods + 1) / 2) ** 2).sum())
    if spread == 0:
        return 0.0
    sums = ranks.sum(axis=0) - n_blocks * (n_methods + 1) / 2
    return float((n_methods - 1) * (sums**2).sum() / spread)


def _standard_error(n_blocks: int, n_methods: int) -> float:
    """Of a difference of two mean ranks, where all methods are alike."""
    return float(np.sqrt(n_methods * (n_methods + 1) / (6 * n_blocks)))


def _differences(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences a - b without zeros; where one is missing, more than where both are there."""
    difference = a - b
    present = np.abs(difference[~np.isnan(difference)])
    most = 2 * float(present.max(initial=0)) or 1.0
    difference = np.where(np.isnan(a) & ~np.isnan(b), -most, difference)
    difference = np.where(np.isnan(b) & ~np.isnan(a), most, difference)
    return difference[~np.isnan(difference) & (difference != 0)]
