"""Results as tables of plain text; how cells write numbers.

Conventions: one row a method; a mean stands before its standard deviation in brackets; what is
missing or not a number is "-".
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from daxaudio.experiments.paired import ComparisonRow
from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics.significance import holm
from daxaudio.report.model import MISSING, Table
from daxaudio.runs.tables import check_columns

_PACKAGES = ("daxaudio", "torch", "torchaudio", "torchvision", "numpy")
_COLUMNS = ("method", "metric", "mean", "std", "n")


def tabulate_summary(
    summary: pd.DataFrame,
    methods: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    paper: Mapping[str, str] | None = None,
    *,
    decimals: int = 2,
) -> Table:
    """Mean and standard deviation of each metric, one row a method.

    Args:
        summary: columns `method`, `metric`, `mean`, `std`, `n`, as in summary.csv.
        methods: rows and their order; those of the summary when None.
        metrics: columns and their order; those of the summary when None.
        paper: what the paper reports, by method; a column of its own when given.
        decimals: digits after the point.

    Returns:
        A table whose last column is the number of recordings: one number, or "28 to 30" where it
        differs between the metrics.

    Raises:
        ValueError: when a column is missing or a method has two rows for one metric.

    Example:
        >>> rows = [("rise", "iou", 0.374, 0.1, 30)]
        >>> summary = pd.DataFrame(rows, columns=["method", "metric", "mean", "std", "n"])
        >>> tabulate_summary(summary, ["rise", "lime"], ["iou"], paper={"lime": "25.1"}).rows
        (('rise', '-', '0.37 (0.10)', '30'), ('lime', '25.1', '-', '-'))
    """
    _check_summary(summary)
    methods = list(summary["method"].unique()) if methods is None else list(methods)
    metrics = list(summary["metric"].unique()) if metrics is None else list(metrics)
    found = {
        (str(method), str(metric)): (float(mean), float(std), int(n))
        for method, metric, mean, std, n in summary[list(_COLUMNS)].itertuples(index=False)
    }
    rows = []
    for method in methods:
        scores = [found.get((method, metric)) for metric in metrics]
        cells = [_mean_and_deviation(score, decimals) for score in scores]
        paper_cell = [] if paper is None else [paper.get(method, MISSING)]
        rows.append((method, *paper_cell, *cells, _count(scores)))
    paper_name = [] if paper is None else ["paper"]
    return Table(("method", *paper_name, *metrics, "n"), tuple(rows))


def tabulate_comparisons(comparisons: Sequence[ComparisonRow], decimals: int = 3) -> Table:
    """Paired tests, one row each; "p (Holm)" is corrected for the number of rows.

    Args:
        comparisons: any number of them.
        decimals: digits after the point of differences; p-values have three.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.0004)
        >>> tabulate_comparisons([ComparisonRow("dax_v2", "lime", "iou", found)]).rows[0][3:]
        ('30', '0.050', '0.010 to 0.090', '<0.001', '<0.001')
    """
    corrected = holm([row.result.p_value for row in comparisons])
    rows = []
    for row, p_holm in zip(comparisons, corrected, strict=True):
        result = row.result
        names = (row.method_a, row.method_b, row.metric)
        difference = number(result.mean_difference, decimals)
        interval = interval_of(result.low, result.high, decimals)
        tests = (p_value(result.p_value), p_value(float(p_holm)))
        rows.append((*names, str(result.n), difference, interval, *tests))
    header = ("A", "B", "metric", "n", "mean of A - B", "95 % interval", "Wilcoxon p", "p (Holm)")
    return Table(header, tuple(rows))


def tabulate_cost(cost: pd.DataFrame) -> Table:
    """What a method costs a recording, one row a method, in the order of tables.

    Args:
        cost: `method`, and means by recording: `queries`, `gradients`, and seconds.

    Example:
        >>> cost = pd.DataFrame([("rise", 502.0, 0.0, 1.234)])
        >>> cost.columns = ["method", "queries", "gradients", "query_seconds"]
        >>> tabulate_cost(cost).rows
        (('rise', '502', '0', '1.234'),)
    """
    names = [str(name) for name in cost.columns]
    digits = [3 if "seconds" in name else 0 if _is_whole(cost[name]) else 1 for name in names[1:]]
    found = {
        str(method): tuple(map(number, values, digits))
        for method, *values in cost.itertuples(index=False)
    }
    rows = tuple((method, *found[method]) for method in order_methods(found))
    return Table(tuple(name.replace("_", " ") for name in names), rows)


def tabulate_environment() -> Table:
    """What a result may depend on: versions, machine, and the commit when run from a checkout.

    Holds no date, so that the same machine writes the same table.

    Example:
        >>> [name for name, _ in tabulate_environment().rows][:3]
        ['Python', 'daxaudio', 'torch']
    """
    facts = {"Python": platform.python_version()}
    facts.update({package: importlib.metadata.version(package) for package in _PACKAGES})
    facts["platform"] = platform.platform()
    facts["CPU cores"] = str(os.cpu_count() or MISSING)
    if torch.cuda.is_available():
        facts["GPU"] = torch.cuda.get_device_name()
    commit = _commit()
    if commit:
        facts["commit"] = commit
    return Table(("what", "value"), tuple(facts.items()))


def _check_summary(summary: pd.DataFrame) -> None:
    check_columns(summary, _COLUMNS, "a summary")
    twice = summary[summary.duplicated(["method", "metric"])]
    if len(twice):
        raise ValueError(
            f"method {twice['method'].iloc[0]!r} has two rows for metric "
            f"{twice['metric'].iloc[0]!r}; a summary has one"
        )


def _is_whole(values: pd.Series) -> bool:
    return bool((values.dropna() % 1 == 0).all())


def _mean_and_deviation(score: tuple[float, float, int] | None, decimals: int) -> str:
    if score is None or not math.isfinite(score[0]):
        return MISSING
    mean, deviation, _ = score
    if not math.isfinite(deviation):
        return f"{mean:.{decimals}f}"
    return f"{mean:.{decimals}f} ({deviation:.{decimals}f})"


def _count(scores: Sequence[tuple[float, float, int] | None]) -> str:
    counts = [score[2] for score in scores if score is not None]
    if not counts:
        return MISSING
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def number(value: float, decimals: int = 3, sign: str = "") -> str:
    """A number as cells have it.

    Example:
        >>> number(-0.0001), number(0.25, 1, "+"), number(float("nan"))
        ('0.000', '+0.2', '-')
    """
    rounded = round(value, decimals) + 0.0  # no "-0.000"
    return f"{rounded:{sign}.{decimals}f}" if math.isfinite(value) else MISSING


def p_value(value: float) -> str:
    """A p-value as cells have it; below 0.001 the digits say nothing."""
    return "<0.001" if value < 0.001 else number(value)


def interval_of(low: float, high: float, decimals: int = 3) -> str:
    """An interval as cells have it.

    Example:
        >>> interval_of(0.01, 0.09), interval_of(0.01, float("nan"))
        ('0.010 to 0.090', '-')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return f"{number(low, decimals)} to {number(high, decimals)}"


def _commit() -> str:
    """Commit that this file is tracked in, marked "-dirty" after local changes; "" when none."""
    here = Path(__file__)
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        # a package installed below someone else's checkout is not tracked by it
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        return _git(here.parent, *describe)
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
