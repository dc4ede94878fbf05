"""Tests of a comparison: one method against the others, and two groups of recordings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from daxaudio.metrics import paired_comparison
from daxaudio.metrics.catalogue import MEASURES
from daxaudio.report.tables import ComparisonRow

SIGNIFICANT = 0.05
"""A p-value below this is marked."""

_N_BOOTSTRAP = 10_000


def by_recording(results: pd.DataFrame, columns: str) -> pd.DataFrame:
    """Values with a row a recording.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`; of one method or one metric.
        columns: "metric" or "method", which of them the columns are.
    """
    return results.pivot(index="recording_id", columns=columns, values="value")


def compare_methods(
    results: pd.DataFrame, leader: str, others: Sequence[str], metrics: Sequence[str]
) -> list[ComparisonRow]:
    """Paired comparisons of one method with others on the recordings that both have.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`.
        leader: the method whose values come first in the difference.
        others: methods to compare it with.
        metrics: which to compare by.

    Returns:
        One row for each metric and other method that have a recording in common.

    Example:
        >>> rows = [("a", "rise", "iou", 0.5), ("a", "lime", "iou", 0.2)]
        >>> results = pd.DataFrame(rows, columns=["recording_id", "method", "metric", "value"])
        >>> row, = compare_methods(results, "rise", ["lime"], ["iou"])
        >>> round(row.result.mean_difference, 3), row.result.n
        (0.3, 1)
    """
    rows = []
    for metric in metrics:
        wide = by_recording(results[results["metric"] == metric], "method")
        for other in others if leader in wide else ():
            if other in wide and other != leader:
                result = paired_comparison(wide[leader].to_numpy(), wide[other].to_numpy())
                if result.n:
                    rows.append(ComparisonRow(leader, other, metric, result))
    return rows


def is_better(row: ComparisonRow) -> bool | None:
    """Whether the first method is better, by the mean; None when equal or without a direction."""
    difference, better = row.result.mean_difference, MEASURES[row.metric].better
    if better == "neither" or math.isnan(difference) or difference == 0:
        return None
    return (difference > 0) == (better == "higher")


def frame_of_tests(tests: Sequence[ComparisonRow]) -> pd.DataFrame:
    """Every test with its interval, one row each, for a CSV file."""
    rows = [
        {
            "method_a": row.method_a,
            "method_b": row.method_b,
            "metric": row.metric,
            **dataclasses.asdict(row.result),
        }
        for row in tests
    ]
    return pd.DataFrame(rows).round(6)


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
    a: Sequence[float], b: Sequence[float], seed: int = 0
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
    groups = [np.asarray(values, dtype=np.float64) for values in (a, b)]
    if any(len(group) == 0 or np.isnan(group).any() for group in groups):
        raise ValueError("a and b must have values, and none of them NaN; leave those out")
    rng = np.random.default_rng(seed)
    first, second = (
        rng.choice(group, size=(_N_BOOTSTRAP, len(group))).mean(axis=1) for group in groups
    )
    low, high = np.quantile(first - second, [0.025, 0.975])
    alike = len(np.unique(np.concatenate(groups))) == 1
    p_value = 1.0 if alike else float(mannwhitneyu(*groups).pvalue)
    difference = float(groups[0].mean() - groups[1].mean())
    counts = (len(groups[0]), len(groups[1]))
    return UnpairedComparison(*counts, difference, float(low), float(high), p_value)
