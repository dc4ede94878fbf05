"""Tables of a RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from daxaudio.experiments.paired import ComparisonRow
from daxaudio.report.tables import (
    Table,
    tabulate_comparisons,
    tabulate_environment,
    tabulate_summary,
)


def to_markdown(table: Table) -> str:
    r"""A table in GitHub's Markdown, without a line break at the end.

    Example:
        >>> print(to_markdown(Table(("method", "iou"), (("rise", "0.37"), ("a|b", "-")))))
        | method | iou |
        |---|---|
        | rise | 0.37 |
        | a\|b | - |
    """
    rule = "|" + "---|" * len(table.header)
    return "\n".join([_line(table.header), rule, *map(_line, table.rows)])


def summary_table(
    summary: pd.DataFrame,
    methods: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    paper: Mapping[str, str] | None = None,
    decimals: int = 2,
) -> str:
    """Markdown of `tabulate_summary`, which says what the arguments are.

    Example:
        >>> rows = [("rise", "iou", 0.374, 0.1, 30)]
        >>> summary = pd.DataFrame(rows, columns=["method", "metric", "mean", "std", "n"])
        >>> print(summary_table(summary, paper={"rise": "31.0"}))
        | method | paper | iou | n |
        |---|---|---|---|
        | rise | 31.0 | 0.37 (0.10) | 30 |
    """
    return to_markdown(tabulate_summary(summary, methods, metrics, paper, decimals))


def paired_table(comparisons: Sequence[ComparisonRow], decimals: int = 3) -> str:
    """Markdown of `tabulate_comparisons`.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.004)
        >>> paired_table([ComparisonRow("dax_v2", "lime", "iou", found)]).splitlines()[2]
        '| dax_v2 | lime | iou | 30 | 0.050 | 0.010 to 0.090 | 0.004 |'
    """
    return to_markdown(tabulate_comparisons(comparisons, decimals))


def environment_table() -> str:
    """Markdown of `tabulate_environment`.

    Example:
        >>> environment_table().splitlines()[0]
        '| what | value |'
    """
    return to_markdown(tabulate_environment())


def _line(cells: Sequence[str]) -> str:
    # a bar or a line break in a name would end its cell
    escaped = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"
