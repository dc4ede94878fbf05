"""What all units of an audit found, as tables; nothing here asks a model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.audit.answers import (
    COLUMNS as ANSWER_COLUMNS,
    FILE as ANSWERS_FILE,
    JOB as ANSWERS,
    read_answers,
    table_of_answers,
    table_of_predictions,
)
from daxaudio.audit.controls import FILE as CONTROLS_FILE, JOB as CONTROLS
from daxaudio.audit.job import TRACES, TRACES_FILE
from daxaudio.audit.traces import KINDS
from daxaudio.audit.where import COLUMNS as WHERE_COLUMNS, FILE as WHERE_FILE, agreement_of
from daxaudio.engines.units import Outcome, Unit
from daxaudio.runs.files import read_text

EXPLAINED_COLUMNS = (
    *("recording_id", "method", "target", "score", "reliability", "n_warnings", "warning"),
    *("agreement", "queries"),
)

CONTROL_COLUMNS = (
    *("recording_id", "label", "tone_hz", "tone_share", "tone_chance"),
    *("outside_hz", "outside_score_change", "outside_mask_change", "outside_problem"),
)
CHECK_COLUMNS = ("recording_id", "finding", "good", "value", "sentence")


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """The tables that sections are made of.

    Args:
        recordings: one row a recording: what the model says (see `table_of_predictions`), with the
            columns of what is known of it.
        answers: one row a question that the model was asked: `recording_id`, `kind`, `donor`,
            `donor_class` ("own", "other" or ""), `score`.
        traces: one row a recording: `recording_id` and the traces.
        where: one row a mask and part: share of the mask, and of a flat one.
        explained: one row an explanation: `EXPLAINED_COLUMNS`.
        controls: one row a recording with controls: see `Controlling`.
        control_answers: as `answers`, of recordings with a planted tone and a model that hears it.
        checks: what is said of the explanations of these recordings: `recording_id`, `finding`,
            `good` (1, 0 or NaN), `value`, `sentence`.
        left_out: `recording_id`, `job`, `state`, `problem`.
        annotated: whether every recording has known events.
        not_asked: what was left out before the model was asked: `recording_id`, `participant`,
            `reason`.
    """

    recordings: pd.DataFrame
    answers: pd.DataFrame
    traces: pd.DataFrame
    where: pd.DataFrame
    explained: pd.DataFrame
    controls: pd.DataFrame
    control_answers: pd.DataFrame
    checks: pd.DataFrame
    left_out: pd.DataFrame
    annotated: bool = False
    not_asked: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """By the names of their files."""
        parts = ("recordings", "answers", "traces", "where", "explained")
        more = ("controls", "control_answers", "checks", "left_out")
        return {name: getattr(self, name) for name in (*parts, *more)}


def gather(
    out: Path,
    known: pd.DataFrame,
    methods: Sequence[str],
    outcomes: Iterable[Outcome],
    *,
    explained: Sequence[str],
    annotated: bool = False,
) -> Evidence:
    """Read what the units of an audit wrote.

    Args:
        out: the folder of the audit; what another run left there is not read.
        known: one row a recording: `recording_id`, `participant`, and what else is known.
        methods: that explained.
        outcomes: of the units: those that are done are read, the others listed.
        explained: recordings that were explained.
        annotated: whether every recording has known events.
    """
    outcomes = list(outcomes)
    failed = [one for one in outcomes if one.state != "done"]
    done = {one.unit for one in outcomes if one.state == "done"}
    problems = {one.unit.recording_id: one.problem for one in failed if one.unit.job == ANSWERS}
    answers = []
    for name in known["recording_id"]:
        if Unit(name, ANSWERS) in done:
            answers.append(read_answers(out / ANSWERS / name / ANSWERS_FILE))
        else:
            problems.setdefault(name, "was not asked about")
    participants = dict(zip(known["recording_id"], known["participant"], strict=True))
    recordings = table_of_predictions(answers, participants, problems)
    rest = known.drop(columns="participant")
    masks = list(_read_masks(out, methods, explained, done))
    where = [(one["recording_id"], one["method"], *row) for one in masks for row in one["rows"]]
    left_out = [(*one.unit, one.state, one.problem) for one in failed]
    return Evidence(
        recordings.merge(rest, on="recording_id", how="left"),
        _sorted(table_of_answers(answers), ANSWER_COLUMNS[:4]),
        _traces(out, known["recording_id"], done),
        pd.DataFrame(where, columns=list(WHERE_COLUMNS)),
        pd.DataFrame(map(_explained, masks), columns=list(EXPLAINED_COLUMNS)),
        *_controls(out, [name for name in explained if Unit(name, CONTROLS) in done]),
        _sorted(
            pd.DataFrame(left_out, columns=["recording_id", "job", "state", "problem"]),
            ("recording_id", "job"),
        ),
        annotated,
    )


def _traces(out: Path, names: Iterable[str], done: Collection[Unit]) -> pd.DataFrame:
    rows = []
    for name in sorted(names):
        if Unit(name, TRACES) in done:
            path = out / TRACES / name / TRACES_FILE
            rows.append({"recording_id": name, **json.loads(read_text(path))["traces"]})
    table = pd.DataFrame(rows, columns=["recording_id", *KINDS])
    return table.astype(dict.fromkeys(KINDS, "float64"))


def _controls(out: Path, names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Controls, their answers, and the checks of explanations."""
    paths = [out / CONTROLS / name / CONTROLS_FILE for name in sorted(names)]
    found = [json.loads(read_text(path)) for path in paths]
    rows = [[one[name] for name in CONTROL_COLUMNS] for one in found]
    controls = pd.DataFrame(rows, columns=list(CONTROL_COLUMNS))
    numbers = [n for n in CONTROL_COLUMNS if n.startswith(("tone", "outside")) and "prob" not in n]
    answers = [(one["recording_id"], *row) for one in found for row in one["answers"]]
    checks = [
        (one["recording_id"], *(check[name] for name in CHECK_COLUMNS[1:]))
        for one in found
        for check in one["checks"]
    ]
    told = pd.DataFrame(checks, columns=list(CHECK_COLUMNS))
    return (
        controls.astype(dict.fromkeys(numbers, "float64")),
        pd.DataFrame(answers, columns=list(ANSWER_COLUMNS)),
        told.astype({"good": "float64", "value": "float64"}),
    )


def _read_masks(
    out: Path, methods: Sequence[str], names: Sequence[str], done: Collection[Unit]
) -> Iterable[Any]:
    for name in sorted(names):
        for method in methods:
            if Unit(name, method) not in done:
                continue
            agreement = None
            if method != methods[0] and Unit(name, methods[0]) in done:
                # only now, as its unit may have been done before that of the first method
                agreement = agreement_of(out / methods[0] / name, out / method / name)
            document = json.loads(read_text(out / method / name / WHERE_FILE))
            yield {**document, "agreement": agreement}


def _explained(one: dict[str, Any]) -> tuple[Any, ...]:
    warnings = one["warnings"]
    first = warnings[0] if warnings else ""
    names = (one["recording_id"], one["method"], one["target"], one["score"], one["reliability"])
    return (*names, len(warnings), first, one["agreement"], one["queries"])


def _sorted(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    return table.sort_values(list(by), ignore_index=True, kind="stable")
