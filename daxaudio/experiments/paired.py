"""One method against others: paired tests on the recordings (and seeds) that both have.

Conventions: results are long tables with the columns `recording_id`, `method`, `metric`, `value`,
and perhaps `seed`. Values of one recording are averaged over the seeds that both methods have, so
that n counts recordings.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import pandas as pd

from daxaudio.explainers.catalogue import floors, learned_masks, order_methods, references
from daxaudio.metrics import PairedComparison, holm, paired_comparison
from daxaudio.metrics.catalogue import MEASURES

SIGNIFICANT = 0.05
"""A p-value below this is marked."""


@dataclasses.dataclass(frozen=True)
class ComparisonRow:
    """Two methods compared by one metric on the same recordings.

    Args:
        method_a: the method whose scores come first in the difference.
        method_b: the method whose scores are subtracted.
        metric: name of the metric.
        result: what `paired_comparison` found.
    """

    method_a: str
    method_b: str
    metric: str
    result: PairedComparison


def by_recording(results: pd.DataFrame, columns: str) -> pd.DataFrame:
    """Values with a row a recording.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`; of one method or one metric.
        columns: "metric" or "method", which of them the columns are.
    """
    return results.pivot(index="recording_id", columns=columns, values="value")


def paired_values(results: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """Values of two methods by recording; NaN for both where not both have one.

    Args:
        results: of one metric.
        a: the first column.
        b: the second.

    Example:
        >>> rows = [("x", "rise", 0, 0.5), ("x", "rise", 1, 0.9), ("x", "lime", 1, 0.2)]
        >>> results = pd.DataFrame(rows, columns=["recording_id", "method", "seed", "value"])
        >>> paired_values(results, "rise", "lime").to_dict("list")
        {'rise': [0.9], 'lime': [0.2]}
    """
    keys = ["recording_id", *(["seed"] if "seed" in results else [])]
    wide = results.pivot(index=keys, columns="method", values="value").reindex(columns=[a, b])
    return wide.where(wide.notna().all(axis=1)).groupby("recording_id").mean()


def compare_methods(
    results: pd.DataFrame, leader: str, others: Sequence[str], metrics: Sequence[str]
) -> list[ComparisonRow]:
    """Paired comparisons of one method with others on the recordings that both have.

    Args:
        results: see the conventions above.
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
        own = results[results["metric"] == metric]
        for other in (name for name in others if name != leader):
            pair = paired_values(own, leader, other)
            result = paired_comparison(pair[leader].to_numpy(), pair[other].to_numpy())
            if result.n:
                rows.append(ComparisonRow(leader, other, metric, result))
    return rows


def paired_tests(results: pd.DataFrame, metrics: Sequence[str]) -> list[ComparisonRow]:
    """Every learned mask against every other method, each pair once.

    Of the references, those that a method has to beat are among the others.

    Args:
        results: see the conventions above.
        metrics: which to test.

    Returns:
        One row for each metric and pair that have a recording in common.
    """
    too_good = set(references()) - set(floors())
    others = [name for name in order_methods(results["method"]) if name not in too_good]
    masks = learned_masks()
    rows: list[ComparisonRow] = []
    for metric in metrics:
        for place, learned in enumerate(masks):
            rivals = [name for name in others if name not in masks[: place + 1]]
            rows += compare_methods(results, learned, rivals, [metric])
    return rows


def is_better(row: ComparisonRow) -> bool | None:
    """Whether the first method is better, by the mean; None when equal or without a direction."""
    difference, better = row.result.mean_difference, MEASURES[row.metric].better
    if better == "neither" or math.isnan(difference) or difference == 0:
        return None
    return (difference > 0) == (better == "higher")


def frame_of_tests(tests: Sequence[ComparisonRow]) -> pd.DataFrame:
    """Every test with its interval, one row each, for a CSV file.

    Args:
        tests: of one question; `p_holm` is corrected for all of them.
    """
    rows = [
        {
            "method_a": row.method_a,
            "method_b": row.method_b,
            "metric": row.metric,
            **dataclasses.asdict(row.result),
        }
        for row in tests
    ]
    corrected = holm([row.result.p_value for row in tests])
    return pd.DataFrame(rows).assign(p_holm=corrected).round(6)
