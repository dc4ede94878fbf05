"""RESULTS.md, the tables and the picture of a protocol, from what its conditions left so far."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from daxaudio.experiments.conditions import (
    Condition,
    find_conditions,
    find_differing_settings,
    gather_results,
    measure_costs,
    measure_stability,
    read_plan,
    summarise_conditions,
)
from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.experiments.score import RESULTS_FILE, SUMMARY_FILE
from daxaudio.explainers.catalogue import DEFAULT_METHOD, references
from daxaudio.plot.scores import plot_summaries
from daxaudio.report.markdown import to_markdown
from daxaudio.report.results import ABOUT_METRICS, ABOUT_TESTS, below_the_references
from daxaudio.report.tables import MISSING, Table, tabulate_environment, tabulate_summary
from daxaudio.report.targets import judge_targets
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.tables import is_table, read_table, write_csv, write_table

COMMAND_FILE = "command.txt"
TESTED = ("iou", "frame_auc")

ABOUT_SEEDS = (
    "Values of one recording are averaged over the seeds first (each seed trains a classifier of "
    "its own), so n counts recordings. The columns `p` test {leader} against the row's method on "
    "the recordings and seeds that both have; `summary.csv` holds the differences and their "
    "intervals."
)

ABOUT_TARGETS = (
    "The best rival is the one of RISE, LIME, KernelSHAP and occlusion with the highest mean of "
    "the metric in that model and padding. The correlation is between masks of one classifier "
    "whose explainer had two seeds. `open`: not measured yet. Evidence that is planted in time and "
    "frequency (`recipes/planted`) and the time against DAX V2 (`benchmarks/fit_time.py`) are "
    "measured apart from this."
)


def write_protocol(
    exp_dir: str | os.PathLike[str], title: str, text: str, leader: str = DEFAULT_METHOD
) -> list[Path]:
    """Write `RESULTS.md`, `results.csv`, `summary.csv` and `comparison.png`, each whole or not.

    Conditions that are not there yet are named in the report, and hinder nothing.

    Args:
        exp_dir: folder of the protocol, see `daxaudio.experiments.conditions`.
        title: heading.
        text: what was done, a paragraph or more.
        leader: the method that the others are compared with.

    Returns:
        Paths of the four files.

    Raises:
        ValueError: when no condition has results, or none has any of the leader.
    """
    exp_dir = Path(exp_dir)
    conditions = find_conditions(exp_dir)
    results = gather_results(conditions, leader)
    summary = summarise_conditions(results, leader)
    costs = measure_costs(conditions, leader)
    targets = judge_targets(results, measure_stability(conditions, leader), costs, leader)
    write_table(results, exp_dir / RESULTS_FILE)
    write_csv(summary, exp_dir / SUMMARY_FILE)
    parts = [
        *_opening(exp_dir, title, text, conditions),
        "## Targets",
        to_markdown(_as_table(targets)),
        ABOUT_TARGETS,
        *_scores(summary, leader),
        "## Cost",
        "Means over recordings, then over seeds; the ratio is fit time over query time.",
        to_markdown(_as_table(costs)),
        "## Environment",
        to_markdown(tabulate_environment()),
    ]
    write_text(exp_dir / "RESULTS.md", "\n\n".join(parts) + "\n")
    model = conditions[0].model
    of_first = summary[summary["model"] == model].groupby("padding", sort=False)
    panels = {f"{model}, {padding}": part for padding, part in of_first}
    picture = plot_summaries(panels, exp_dir / "comparison.png", TESTED, references())
    return [exp_dir / "RESULTS.md", exp_dir / RESULTS_FILE, exp_dir / SUMMARY_FILE, picture]


def _opening(exp_dir: Path, title: str, text: str, conditions: Sequence[Condition]) -> list[str]:
    """Heading, text, command, and which conditions are there."""
    parts = [f"# {title}", text]
    if (exp_dir / COMMAND_FILE).is_file():
        command = read_text(exp_dir / COMMAND_FILE).strip()
        parts.append(f"Made by\n\n    {command}")
    parts += ["## Conditions", _missing(exp_dir, conditions)]
    for model in find_differing_settings(conditions):
        parts.append(f"**The conditions of {model} were explained with different settings.**")
    return [*parts, to_markdown(_tabulate_conditions(conditions))]


def _missing(exp_dir: Path, conditions: Sequence[Condition]) -> str:
    plan = read_plan(exp_dir)
    there = {(c.model, c.seed, c.padding) for c in conditions}
    lacking = [f"{m} seed {s} {p}" for m, s, p in plan if (m, s, p) not in there]
    if lacking:
        return (
            f"**A part of the plan:** {len(plan) - len(lacking)} of {len(plan)} conditions are "
            f"there. Without results so far: {', '.join(lacking)}."
        )
    return f"All {len(plan)} planned conditions are there." if plan else "No plan is stored."


def _tabulate_conditions(conditions: Sequence[Condition]) -> Table:
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


def _scores(summary: pd.DataFrame, leader: str) -> list[str]:
    """A table for each model and padding, and what it means."""
    parts = ["## Scores", ABOUT_METRICS, ABOUT_SEEDS.format(leader=leader), ABOUT_TESTS]
    for (model, padding), part in summary.groupby(["model", "padding"], sort=False):
        parts += [f"### {model}, {padding}", to_markdown(_tabulate_scores(part))]
        parts.append(below_the_references(part))
    return parts


def _tabulate_scores(summary: pd.DataFrame) -> Table:
    scores = tabulate_summary(summary)
    tests = summary.set_index(["method", "metric"])["p_value"]
    rows = tuple(
        (*row, *(_p_value(float(tests.get((row[0], metric), np.nan))) for metric in TESTED))
        for row in scores.rows
    )
    return Table((*scores.header, *(f"p, {metric}" for metric in TESTED)), rows)


def _p_value(value: float) -> str:
    if not np.isfinite(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _as_table(frame: pd.DataFrame) -> Table:
    """A frame as it is, numbers with two digits after the point."""
    cells = [
        tuple(_cell(value) for value in row) for row in frame.itertuples(index=False, name=None)
    ]
    return Table(tuple(column.replace("_", " ") for column in frame.columns), tuple(cells))


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.2f}" if np.isfinite(value) else MISSING
