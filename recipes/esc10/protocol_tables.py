"""Tables of the protocol's report: conditions, scores with their tests, targets and costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daxaudio.experiments.conditions import Condition, find_differing_settings, read_plan
from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.experiments.score import RESULTS_FILE
from daxaudio.metrics import holm
from daxaudio.report.model import MISSING, Block, Section, Table
from daxaudio.report.sentences import below_the_references
from daxaudio.report.tables import number, p_value, tabulate_summary
from daxaudio.runs.tables import is_table, read_table

TESTED = ("iou", "frame_auc")


def describe_plan(exp_dir: Path, conditions: Sequence[Condition]) -> str:
    """Which of the planned conditions are there, and which are not."""
    plan = read_plan(exp_dir)
    there = {(c.model, c.seed, c.padding) for c in conditions}
    lacking = [f"{m} seed {s} {p}" for m, s, p in plan if (m, s, p) not in there]
    if lacking:
        return (
            f"**A part of the plan:** {len(plan) - len(lacking)} of {len(plan)} conditions are "
            f"there. Without results so far: {', '.join(lacking)}."
        )
    return f"All {len(plan)} planned conditions are there." if plan else "No plan is stored."


def tabulate_conditions(conditions: Sequence[Condition]) -> Table:
    """Recordings that were explained, of those that the classifier got right as padded."""
    rows = []
    for condition in conditions:
        explained = read_table(condition.folder / RESULTS_FILE)["recording_id"].nunique()
        accuracy, path = MISSING, condition.folder / PREDICTIONS_FILE
        if is_table(path):
            predictions = read_table(path)
            readable = predictions[predictions["problem"] == ""]
            accuracy = f"{int(readable['correct'].sum())} of {len(readable)}"
        names = (condition.model, str(condition.seed), condition.padding)
        rows.append((*names, str(explained), accuracy))
    return Table(("model", "seed", "padding", "explained", "classified correctly"), tuple(rows))


def tabulate_scores(summary: pd.DataFrame) -> Table:
    """Means and deviations; p-values of the tests against the leader, corrected for the table."""
    scores = tabulate_summary(summary)
    shown = summary[summary["metric"].isin(TESTED)].set_index(["method", "metric"])
    tests = shown.assign(p_holm=holm(shown["p_value"]))[["p_value", "p_holm"]]
    rows = []
    for row in scores.rows:
        found = tests.reindex([(row[0], metric) for metric in TESTED]).to_numpy().ravel()
        rows.append((*row, *(p_value(float(value)) for value in found)))
    heads = (f"{p}, {metric}" for metric in TESTED for p in ("p", "p (Holm)"))
    return Table((*scores.header, *heads), tuple(rows))


def as_table(frame: pd.DataFrame) -> Table:
    """A frame as it is, numbers with two digits after the point."""
    cells = [
        tuple(_cell(value) for value in row) for row in frame.itertuples(index=False, name=None)
    ]
    return Table(tuple(column.replace("_", " ") for column in frame.columns), tuple(cells))


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return number(value, 2)


def tell_conditions(exp_dir: Path, conditions: Sequence[Condition]) -> list[Block]:
    """Which are there, and whether they may be compared."""
    differing = (
        f"**The conditions of {model} were explained with different settings.**"
        for model in find_differing_settings(conditions)
    )
    return [describe_plan(exp_dir, conditions), *differing, tabulate_conditions(conditions)]


def tell_scores(summary: pd.DataFrame) -> list[Section]:
    """A table for each model and padding, and what it means."""
    return [
        Section(f"{model}, {padding}", [tabulate_scores(part), below_the_references(part)], level=3)
        for (model, padding), part in summary.groupby(["model", "padding"], sort=False)
    ]
