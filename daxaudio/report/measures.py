"""Tables of a comparison: means by measure, tests, and what the measures are.

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
from daxaudio.metrics.significance import (
    PairedComparison,
    UnpairedComparison,
    holm,
    unpaired_comparison,
)
from daxaudio.plot.measures import head_of
from daxaudio.report.model import MISSING, Table
from daxaudio.report.tables import interval_of, number, p_value, tabulate_summary

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
    """Mean difference and p-values of each other method by each measure.

    Args:
        tests: of one leader; all are corrected together.
        metrics: columns and their order.

    Returns:
        Cells hold the difference, p and p (Holm); bold where the leader is better and p (Holm) is
        below `SIGNIFICANT`, italic where it is worse. The last column is the number of recordings,
        "3 to 10" where it differs between the measures.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.0004)
        >>> tabulate_tests([ComparisonRow("dax_v4", "lime", "iou", found)], ["iou"]).rows
        (('lime', '**+0.050 (<0.001; <0.001)**', '30'),)
    """
    corrected = zip(tests, holm([row.result.p_value for row in tests]), strict=True)
    cells = {(row.method_b, row.metric): _test_cell(row, float(p)) for row, p in corrected}
    rows = []
    for method in order_methods(row.method_b for row in tests):
        counts = sorted({row.result.n for row in tests if row.method_b == method})
        n = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        rows.append((method, *(cells.get((method, metric), MISSING) for metric in metrics), n))
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
        both = wide.reindex(columns=["iou", other]).dropna()
        if len(both):
            found = paired_comparison(both["iou"].to_numpy(), both[other].to_numpy())
            means = [number(both[name].mean()) for name in ("iou", other)]
            rows.append(((method, *means), found, (str(found.n),)))
    return _tabulate_differences(("method", "iou", other), rows, "Wilcoxon p", ("n",))


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
        found = unpaired_comparison(right, wrong)
        means = (number(right.mean()), str(found.n_a), number(wrong.mean()), str(found.n_b))
        rows.append(((method, *means), found, ()))
    heads = ("method", "predicted rightly", "n", "wrongly", "n")
    return _tabulate_differences(heads, rows, "Mann-Whitney p")


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
    return Table(("measure", "what it says", "better", "range", "source"), tuple(rows), marked=True)


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


def _tabulate_differences(
    heads: Sequence[str],
    rows: Sequence[tuple[tuple[str, ...], PairedComparison | UnpairedComparison, tuple[str, ...]]],
    test: str,
    last: Sequence[str] = (),
) -> Table | None:
    """Differences with their tests between the first cells of each row and the last ones."""
    if not rows:
        return None
    corrected = holm([found.p_value for _, found, _ in rows])
    cells = tuple(
        (
            *before,
            number(found.mean_difference, sign="+"),
            interval_of(found.low, found.high),
            p_value(found.p_value),
            p_value(float(p_holm)),
            *behind,
        )
        for (before, found, behind), p_holm in zip(rows, corrected, strict=True)
    )
    return Table((*heads, "difference", "95 % interval", test, "p (Holm)", *last), cells)


def _test_cell(row: ComparisonRow, p_holm: float) -> str:
    difference = number(row.result.mean_difference, MEASURES[row.metric].decimals, "+")
    text = f"{difference} ({p_value(row.result.p_value)}; {p_value(p_holm)})"
    better = is_better(row)
    if better is None or not p_holm < SIGNIFICANT:
        return text
    return f"**{text}**" if better else f"*{text}*"


def _range(measure: Measure) -> str:
    if math.isinf(measure.high):
        return f"from {measure.low:g}"
    return f"{measure.low:g} to {measure.high:g}"
