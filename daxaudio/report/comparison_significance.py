"""Tests of a comparison: one method against the others."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import pandas as pd

from daxaudio.metrics import paired_comparison
from daxaudio.metrics.catalogue import MEASURES
from daxaudio.report.tables import ComparisonRow

SIGNIFICANT = 0.05
"""A p-value below this is marked."""


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
