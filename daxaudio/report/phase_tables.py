"""Tables of phases: means beside the paper's, paired tests, and events found or missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from daxaudio.experiments.paired import SIGNIFICANT, ComparisonRow, compare_methods
from daxaudio.experiments.score import summarise
from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics import holm
from daxaudio.metrics.phase_events import (
    FOUND,
    PARTLY,
)
from daxaudio.metrics.phases import UNLABELLED
from daxaudio.report.model import MISSING, Table
from daxaudio.report.tables import number, p_value, tabulate_summary

PHASES = ("cough", "throatclear", "noise", "inhale", "compress", "silence")
"""Names of phases in the order of tables, which is that of the paper's Table VIII."""


def tabulate_phases(
    values: pd.DataFrame, metric: str, paper: Mapping[str, Mapping[str, str]] | None = None
) -> Table:
    """Means of one measure, one row a method and one for chance, one column a phase.

    Args:
        values: as `measure_phases` gives them.
        metric: one of `MEASURES_OF_PHASES`.
        paper: the paper's figures by phase and method; a column behind that of each phase.

    Returns:
        Methods in the order of `METHODS`, chance last; `PHASES` in their order, then others,
        `UNLABELLED` last.

    Raises:
        ValueError: when no row has the measure.

    Example:
        >>> names = {"method": "rise", "phase": "cough", "metric": "iou"}
        >>> values = pd.DataFrame({"recording_id": ["a", "b"], **names, "value": [0.5, 0.3]})
        >>> table = tabulate_phases(values, "iou", {"cough": {"rise": "0.423 (0.045)"}})
        >>> table.header
        ('method', 'cough', 'cough, paper', 'n')
        >>> table.rows
        (('rise', '0.400 (0.141)', '0.423 (0.045)', '2'),)
    """
    wide = as_metrics(values, metric)
    phases = _order_phases(wide.loc[wide["value"].notna(), "metric"])
    methods = order_methods(wide["method"])
    ours = tabulate_summary(summarise(wide), methods, phases, decimals=3)
    header, columns = ["method"], [tuple(methods)]
    for place, phase in enumerate(phases, start=1):
        header.append(phase)
        columns.append(tuple(row[place] for row in ours.rows))
        if paper is not None and phase in paper:
            header.append(f"{phase}, paper")
            columns.append(tuple(paper[phase].get(method, MISSING) for method in methods))
    columns.append(tuple(row[-1] for row in ours.rows))
    return Table((*header, "n"), tuple(zip(*columns, strict=True)), marked=True)


def compare_phases(values: pd.DataFrame, metric: str, leader: str) -> list[ComparisonRow]:
    """Paired tests of one method against every other and chance, phase by phase.

    Args:
        values: as `measure_phases` gives them.
        metric: one of `MEASURES_OF_PHASES`.
        leader: the method whose values come first in the difference.

    Returns:
        One row for each phase and other method; the `metric` of a row is the phase.
    """
    wide = as_metrics(values, metric).dropna(subset="value")
    others = [name for name in order_methods(wide["method"]) if name != leader]
    return compare_methods(wide, leader, others, _order_phases(wide["metric"]))


def tabulate_phase_tests(tests: Sequence[ComparisonRow]) -> Table:
    """Mean difference and p-values of each other method in each phase.

    Args:
        tests: of one leader, as `compare_phases` gives them; all are corrected together.

    Returns:
        Cells hold the difference (positive: the leader is higher), p and p (Holm). Bold where
        p (Holm) is below `SIGNIFICANT`; whether higher is better is a question for each phase.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.0004)
        >>> tabulate_phase_tests([ComparisonRow("dax_v4", "lime", "cough", found)]).rows
        (('lime', '**+0.050 (<0.001; <0.001)**'),)
    """
    corrected = zip(tests, holm([row.result.p_value for row in tests]), strict=True)
    cells = {(row.method_b, row.metric): _test_cell(row, float(p)) for row, p in corrected}
    phases = _order_phases(row.metric for row in tests)
    rows = [
        (method, *(cells.get((method, phase), MISSING) for phase in phases))
        for method in order_methods(row.method_b for row in tests)
    ]
    return Table(("against", *phases), tuple(rows), marked=True)


def _test_cell(row: ComparisonRow, p_holm: float) -> str:
    difference = number(row.result.mean_difference, sign="+")
    cell = f"{difference} ({p_value(row.result.p_value)}; {p_value(p_holm)})"
    return f"**{cell}**" if p_holm < SIGNIFICANT else cell


def tabulate_found(judged: pd.DataFrame, counted: pd.DataFrame) -> Table:
    """Events found by method and phase, and the share of the marked time outside any event.

    Args:
        judged: rows of `judge_events`.
        counted: rows of `count_events`, of the same explanations.

    Returns:
        Cells such as `2, 5 of 9`: two found, five found at least in part.
    """
    phases = _order_phases(judged.loc[judged["verdict"] != "outside", "label"])
    rows = []
    for method in order_methods(counted["method"]):
        own, counts = judged[judged["method"] == method], counted[counted["method"] == method]
        marked = float(counts["seconds_marked"].sum())
        share = f"{float(counts['seconds_outside'].sum()) / marked:.3f}" if marked else MISSING
        rows.append((method, *(_found_cell(own[own["label"] == name]) for name in phases), share))
    return Table(("method", *phases, "outside"), tuple(rows))


def _found_cell(events: pd.DataFrame) -> str:
    events = events[events["verdict"] != "outside"]
    found = int((events["verdict"] == FOUND).sum())
    partly = int((events["verdict"] == PARTLY).sum())
    return f"{found}, {found + partly} of {len(events)}" if len(events) else MISSING


def as_metrics(values: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One measure with the phases in the place of metrics, as the tables of methods want it.

    Args:
        values: as `measure_phases` gives them.
        metric: one of `MEASURES_OF_PHASES`.

    Raises:
        ValueError: when no row has the measure.
    """
    own = values[values["metric"] == metric]
    if own.empty:
        known = ", ".join(map(str, values["metric"].unique())) or "no metric"
        raise ValueError(f"no row has the metric {metric!r}; there is {known}")
    return own.drop(columns="metric").rename(columns={"phase": "metric"})


def _order_phases(names: Iterable[str]) -> list[str]:
    found = set(names)
    first = [name for name in PHASES if name in found]
    last = [UNLABELLED] if UNLABELLED in found else []
    return [*first, *sorted(found - set(first) - set(last)), *last]
