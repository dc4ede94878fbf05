"""Tables of phases: means beside the paper's, paired tests, and events found or missed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from daxaudio.containers import Event, Explanation
from daxaudio.experiments.score import summarise
from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics.phase_events import (
    BACKGROUND,
    FOUND,
    LEVELS,
    MISSED,
    NO_FRAME,
    PARTLY,
    find_events,
    marked_outside,
)
from daxaudio.metrics.phases import UNLABELLED
from daxaudio.report.comparison_significance import SIGNIFICANT, compare_methods
from daxaudio.report.tables import MISSING, ComparisonRow, Table, tabulate_summary

TABLE_VIII = {
    "cough": {
        "occlusion": "0.321 (0.057)",
        "rise": "0.423 (0.045)",
        "kernel_shap": "0.335 (0.033)",
        "lime": "0.364 (0.063)",
        "dax_v1": "0.464 (0.052)",
        "dax_v2": "0.481 (0.049)",
    },
    "throatclear": {
        "occlusion": "0.267 (0.054)",
        "rise": "0.265 (0.055)",
        "kernel_shap": "0.219 (0.038)",
        "lime": "0.168 (0.034)",
        "dax_v1": "0.251 (0.043)",
        "dax_v2": "0.236 (0.041)",
    },
    "noise": {
        "occlusion": "0.225 (0.035)",
        "rise": "0.246 (0.049)",
        "kernel_shap": "0.251 (0.031)",
        "lime": "0.232 (0.058)",
        "dax_v1": "0.202 (0.041)",
        "dax_v2": "0.218 (0.036)",
    },
    "inhale": {
        "occlusion": "0.163 (0.025)",
        "rise": "0.135 (0.039)",
        "kernel_shap": "0.193 (0.041)",
        "lime": "0.183 (0.031)",
        "dax_v1": "0.123 (0.042)",
        "dax_v2": "0.096 (0.038)",
    },
    "compress": {
        "occlusion": "0.081 (0.042)",
        "rise": "0.062 (0.025)",
        "kernel_shap": "0.075 (0.044)",
        "lime": "0.071 (0.023)",
        "dax_v1": "0.074 (0.035)",
        "dax_v2": "0.081 (0.031)",
    },
    "silence": {
        "occlusion": "0.041 (0.019)",
        "rise": "0.061 (0.022)",
        "kernel_shap": "0.052 (0.024)",
        "lime": "0.051 (0.019)",
        "dax_v1": "0.059 (0.021)",
        "dax_v2": "0.043 (0.028)",
    },
}
"""IoU by phase and method on Coswara, mean (standard deviation), as shares.

Source: DAX paper (arXiv 2409.11123), Table VIII, which gives per cent. It has one row a method for
positive and negative recordings together, and no rows for chance and energy.
"""

_KEYS = ["recording_id", "target", "method"]


def judge_events(
    explanation: Explanation,
    events: Sequence[Event],
    background: Collection[str] = BACKGROUND,
) -> pd.DataFrame:
    """Each event of a recording, and what is marked outside any event.

    Args:
        explanation: of one method.
        events: true events of the recording.
        background: labels that are no events.

    Returns:
        One row for each event, of which those of one class that touch or overlap are one, with its
        `verdict` ("found", "partly", "missed", or "no frame" for one that holds no frame), then one
        for each stretch that is marked "outside". Columns
        `recording_id`, `target`, `method`, `verdict`, `label`, `start`, `end`, `iou`,
        `marked_start`, `marked_end` (seconds).

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.zeros(1, 6), torch.ones(1), torch.arange(6) + 0.5, "a")
        >>> explanation = Explanation(torch.eye(6)[:1], picture, "rise")
        >>> table = judge_events(explanation, [Event(0, 2, "cough"), Event(3, 4, "cough")])
        >>> table[["verdict", "iou"]].to_numpy().tolist()
        [['found', 0.5], ['missed', 0.0]]
    """
    names = (explanation.spectrogram.recording_id, explanation.target, explanation.method)
    where = (explanation.profile, explanation.spectrogram.times, events, background)
    rows: list[tuple[object, ...]] = []
    nan = float("nan")
    for found in find_events(*where):
        marked = (nan, nan) if found.marked is None else (found.marked.start, found.marked.end)
        event = found.event
        rows.append(
            (*names, found.verdict, event.label, event.start, event.end, found.iou, *marked)
        )
    for run in marked_outside(*where):
        rows.append((*names, "outside", "", nan, nan, nan, run.start, run.end))
    columns = [*_KEYS, "verdict", "label", "start", "end", "iou", "marked_start", "marked_end"]
    return pd.DataFrame(rows, columns=columns)


def count_events(
    explanation: Explanation,
    events: Sequence[Event],
    background: Collection[str] = BACKGROUND,
) -> dict[str, object]:
    """How many events of a recording were found, and how much is marked outside any event.

    Args:
        explanation: of one method.
        events: true events of the recording.
        background: labels that are no events.

    Returns:
        `recording_id`, `target`, `method`, `events`, `found_at_0.5` and `found_at_0.3` (events
        whose IoU is at least that), `missed` (below), `no_frame` (no frame),
        `seconds_marked` and, of these, `seconds_outside`.
    """
    judged = judge_events(explanation, events, background)
    counts = judged["verdict"].value_counts()
    found, partly, missed, short = (
        int(counts.get(verdict, 0)) for verdict in (FOUND, PARTLY, MISSED, NO_FRAME)
    )
    where = (explanation.profile, explanation.spectrogram.times)
    names = (explanation.spectrogram.recording_id, explanation.target, explanation.method)
    return {
        **dict(zip(_KEYS, names, strict=True)),
        "events": found + partly + missed + short,
        f"found_at_{LEVELS[FOUND]}": found,
        f"found_at_{LEVELS[PARTLY]}": found + partly,
        "missed": missed,
        "no_frame": short,
        "seconds_marked": _seconds(marked_outside(*where, [])),
        "seconds_outside": _seconds(marked_outside(*where, events, background)),
    }


def _seconds(runs: Sequence[Event]) -> float:
    return sum(run.duration for run in runs)


def tabulate_phases(
    values: pd.DataFrame, metric: str, paper: Mapping[str, Mapping[str, str]] | None = None
) -> Table:
    """Means of one measure, one row a method and one for chance, one column a phase.

    Args:
        values: as `measure_phases` gives them.
        metric: one of `MEASURES_OF_PHASES`.
        paper: the paper's figures by phase and method; a column behind that of each phase.

    Returns:
        Methods in the order of `METHODS`, chance last; phases in that of Table VIII, then others,
        `UNLABELLED` last.

    Raises:
        ValueError: when no row has the measure.

    Example:
        >>> names = {"method": "rise", "phase": "cough", "metric": "iou"}
        >>> values = pd.DataFrame({"recording_id": ["a", "b"], **names, "value": [0.5, 0.3]})
        >>> table = tabulate_phases(values, "iou", TABLE_VIII)
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
    for number, phase in enumerate(phases, start=1):
        header.append(phase)
        columns.append(tuple(row[number] for row in ours.rows))
        if paper is not None and phase in paper:
            header.append(f"{phase}, paper")
            columns.append(tuple(paper[phase].get(method, MISSING) for method in methods))
    columns.append(tuple(row[-1] for row in ours.rows))
    return Table((*header, "n"), tuple(zip(*columns, strict=True)))


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
    """Mean difference and p-value of each other method in each phase.

    Args:
        tests: of one leader, as `compare_phases` gives them.

    Returns:
        Positive differences: the leader is higher. Bold where p is below `SIGNIFICANT`; whether
        higher is better is another question for each phase.

    Example:
        >>> from daxaudio.metrics.significance import PairedComparison
        >>> found = PairedComparison(30, 0, 0.05, 0.01, 0.09, 0.0004)
        >>> tabulate_phase_tests([ComparisonRow("dax_v4", "lime", "cough", found)]).rows
        (('lime', '**+0.050 (<0.001)**'),)
    """
    found = {(row.method_b, row.metric): row for row in tests}
    phases = _order_phases(row.metric for row in tests)
    rows = [
        (method, *(_test_cell(found.get((method, phase))) for phase in phases))
        for method in order_methods(row.method_b for row in tests)
    ]
    return Table(("against", *phases), tuple(rows))


def _test_cell(row: ComparisonRow | None) -> str:
    if row is None:
        return MISSING
    p_value = row.result.p_value
    cell = (
        f"{row.result.mean_difference:+.3f} ({'<0.001' if p_value < 0.001 else f'{p_value:.3f}'})"
    )
    return f"**{cell}**" if p_value < SIGNIFICANT else cell


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
    first = [name for name in TABLE_VIII if name in found]
    last = [UNLABELLED] if UNLABELLED in found else []
    return [*first, *sorted(found - set(first) - set(last)), *last]
