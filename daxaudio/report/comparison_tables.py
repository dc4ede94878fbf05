"""Tables of a comparison: means by measure, tests, costs, and what the measures are.

Conventions: rows are methods in the order of `METHODS`, unknown ones last; a mean stands before its
standard deviation in brackets; the arrow behind a measure says which way is better; the best mean
of those that are no references is bold; what is missing or undefined is "-".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from daxaudio.experiments.paired import (
    SIGNIFICANT,
    ComparisonRow,
    by_recording,
    is_better,
)
from daxaudio.explainers.catalogue import order_methods, references
from daxaudio.metrics import paired_comparison
from daxaudio.metrics.catalogue import MEASURES, Measure
from daxaudio.metrics.significance import unpaired_comparison
from daxaudio.plot.measures import head_of
from daxaudio.report.model import MISSING, Table
from daxaudio.report.tables import tabulate_summary

Paper = Mapping[str, Mapping[str, str]]
"""The paper's figures, by measure and method."""


def tabulate_measures(summary: pd.DataFrame, metrics: Sequence[str], paper: Paper) -> Table:
    """Mean and deviation of some measures, one row a method that has any of them.

    Args:
        summary: columns `method`, `metric`, `mean`, `std`, `n`.
        metrics: columns and their order, names of `MEASURES`.
        paper: a column for each measure that it holds, behind that of ours.

    Example:
        >>> rows = [("rise", "iou", 0.37, 0.1, 30), ("lime", "iou", 0.2, 0.1, 30)]
        >>> summary = pd.DataFrame(rows, columns=["method", "metric", "mean", "std", "n"])
        >>> table = tabulate_measures(summary, ["iou"], {"iou": {"lime": "0.17"}})
        >>> table.header, table.rows[1]
        (('method', 'iou ↑', 'iou, paper', 'n'), ('rise', '**0.370 (0.100)**', '-', '30'))
    """
    own = summary[summary["metric"].isin(metrics)]
    methods = order_methods(own["method"])
    header, columns = ["method"], [methods]
    for metric in metrics:
        digits = MEASURES[metric].decimals
        cells = tabulate_summary(own, methods, [metric], decimals=digits)
        best = _best(own[own["metric"] == metric], metric)
        header.append(head_of(metric))
        columns.append([f"**{row[1]}**" if row[0] in best else row[1] for row in cells.rows])
        if metric in paper:
            header.append(f"{metric}, paper")
            columns.append([paper[metric].get(method, MISSING) for method in methods])
    counts = tabulate_summary(own, methods, metrics).rows
    columns.append([row[-1] for row in counts])
    return Table((*header, "n"), tuple(zip(*columns, strict=True)), marked=True)


def tabulate_tests(tests: Sequence[ComparisonRow], metrics: Sequence[str]) -> Table:
    """Mean difference and p-value of each other method by each measure.

    Args:
        tests: of one leader.
        metrics: columns and their order.

    Returns:
        Bold where the leader is better and p is below `SIGNIFICANT`, italic where it is worse. The
        last column is the number of recordings, "3 to 10" where it differs between the measures.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.0004)
        >>> tabulate_tests([ComparisonRow("dax_v4", "lime", "iou", found)], ["iou"]).rows
        (('lime', '**+0.050 (<0.001)**', '30'),)
    """
    found = {(row.method_b, row.metric): row for row in tests if row.metric in metrics}
    rows = []
    for method in order_methods(name for name, _ in found):
        cells = [found.get((method, metric)) for metric in metrics]
        counts = sorted({row.result.n for row in cells if row is not None})
        n = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        rows.append((method, *map(_test_cell, cells), n))
    return Table(("method", *map(head_of, metrics), "n"), tuple(rows), marked=True)


def tabulate_fall(results: pd.DataFrame, other: str) -> Table | None:
    """IoU for the true class against another measure of the same recordings, by method.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`.
        other: for instance "wrong_label_iou".

    Returns:
        One row a method that has both on a recording; the means are over the recordings that have
        both. None when no method does.
    """
    rows = []
    for method in order_methods(results["method"]):
        wide = by_recording(results[results["method"] == method], "metric")
        if not {"iou", other} <= set(wide.columns):
            continue
        both = wide[["iou", other]].dropna()
        if len(both):
            found = paired_comparison(both["iou"].to_numpy(), both[other].to_numpy())
            means = [_number(both[name].mean()) for name in ("iou", other)]
            difference = (_signed(found.mean_difference), _interval(found.low, found.high))
            rows.append((method, *means, *difference, _p_value(found.p_value), str(found.n)))
    header = ("method", "iou", other, "difference", "95 % interval", "Wilcoxon p", "n")
    return Table(header, tuple(rows)) if rows else None


def tabulate_wrongly_predicted(results: pd.DataFrame) -> Table | None:
    """IoU of rightly against that of wrongly predicted recordings, by method.

    Args:
        results: columns `recording_id`, `method`, `metric`, `value`.

    Returns:
        One row a method that has both; None when none has.
    """
    rows = []
    values = results.dropna(subset="value").groupby(["method", "metric"])["value"]
    groups = {key: group.to_numpy(float) for key, group in values}
    for method in order_methods(results["method"]):
        right, wrong = groups.get((method, "iou")), groups.get((method, "wrongly_predicted_iou"))
        if right is None or wrong is None:
            continue
        found = unpaired_comparison(right.tolist(), wrong.tolist())
        means = (_number(right.mean()), str(found.n_a), _number(wrong.mean()), str(found.n_b))
        difference = (_signed(found.mean_difference), _interval(found.low, found.high))
        rows.append((method, *means, *difference, _p_value(found.p_value)))
    heads = ("predicted rightly", "n", "wrongly", "n", "difference", "95 % interval")
    return Table(("method", *heads, "Mann-Whitney p"), tuple(rows)) if rows else None


def tabulate_cost(cost: pd.DataFrame) -> Table:
    """What a method costs a recording.

    Args:
        cost: columns `method`, `queries`, `gradients`, `seconds`.
    """
    columns = ["method", "queries", "gradients", "seconds"]
    found = {
        str(method): (_number(queries, 0), _number(gradients, 0), _number(seconds))
        for method, queries, gradients, seconds in cost[columns].itertuples(index=False)
    }
    rows = [(method, *found[method]) for method in order_methods(found)]
    return Table(("method", "queries", "gradients", "seconds"), tuple(rows))


def tabulate_legend(metrics: Iterable[str]) -> Table:
    """What the measures say, in the order of `MEASURES`.

    Example:
        >>> tabulate_legend(["complexity"]).rows
        (('complexity', 'entropy of the mask, nats', 'neither', 'from 0', 'Bhatt et al. 2020'),)
    """
    chosen = set(metrics)
    rows = [
        (name, measure.text, measure.better, _range(measure), measure.source or MISSING)
        for name, measure in MEASURES.items()
        if name in chosen
    ]
    return Table(("measure", "what it says", "better", "range", "source"), tuple(rows))


def _sign(measure: Measure) -> float:
    return {"higher": 1.0, "lower": -1.0, "neither": math.nan}[measure.better]


def _best(rows: pd.DataFrame, metric: str) -> set[str]:
    """Methods whose mean, as it is shown, is the best of two or more that are no references."""
    digits, sign = MEASURES[metric].decimals, _sign(MEASURES[metric])
    merits = {
        str(method): round(float(mean), digits) * sign
        for method, mean in zip(rows["method"], rows["mean"], strict=True)
        if method not in references() and math.isfinite(mean * sign)
    }
    if len(merits) < 2:
        return set()
    return {method for method, merit in merits.items() if merit == max(merits.values())}


def _test_cell(row: ComparisonRow | None) -> str:
    if row is None:
        return MISSING
    digits = MEASURES[row.metric].decimals
    text = f"{_signed(row.result.mean_difference, digits)} ({_p_value(row.result.p_value)})"
    better = is_better(row)
    if better is None or not row.result.p_value < SIGNIFICANT:
        return text
    return f"**{text}**" if better else f"*{text}*"


def _number(value: float, decimals: int = 3, sign: str = "") -> str:
    rounded = round(value, decimals) + 0.0  # no "-0.000"
    return f"{rounded:{sign}.{decimals}f}" if math.isfinite(value) else MISSING


def _signed(value: float, decimals: int = 3) -> str:
    return _number(value, decimals, "+")


def _p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else _number(value)


def _interval(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)}"


def _range(measure: Measure) -> str:
    return (
        f"from {measure.low:g}"
        if math.isinf(measure.high)
        else (f"{measure.low:g} to {measure.high:g}")
    )
