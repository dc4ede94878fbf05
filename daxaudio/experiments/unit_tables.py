"""Tables of the units of a run, one Parquet file a shard: where each is, and what was found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from daxaudio.engines.units import Outcome
from daxaudio.runs.parts import merge_table, write_part
from daxaudio.runs.shards import WHOLE, Shard

INDEX, COSTS, PREDICTIONS = "index", "costs", "predictions"
EXPLANATIONS, WARNINGS = "explanations", "warnings"

INDEX_COLUMNS = ("recording_id", "job", "state", "problem", "folder")
COST_COLUMNS = ("recording_id", "job", "seconds", "queries", "n_lost")
EXPLANATION_COLUMNS = (
    *("recording_id", "method", "target", "score", "queries", "gradients", "n_warnings", "verdict"),
)
WARNING_COLUMNS = ("recording_id", "method", "number", "warning")


def write_tables(
    outcomes: Sequence[Outcome], out: str | os.PathLike[str], shard: Shard = WHOLE
) -> None:
    """Write the tables of a run's explanations; those of all recordings are merged at once.

    Args:
        outcomes: of its units, each with the `row` of its explanation where it is done: `target`,
            `score`, `queries`, `gradients`, `verdict` and `warnings`.
        out: the run's folder.
        shard: of the run.
    """
    rows = [(*outcome.unit, outcome.row) for outcome in outcomes if outcome.row is not None]
    own = EXPLANATION_COLUMNS[2:6]
    explanations = [
        (name, method, *(row[key] for key in own), len(row["warnings"]), row["verdict"])
        for name, method, row in rows
    ]
    warnings = [
        (name, method, number, text)
        for name, method, row in rows
        for number, text in enumerate(row["warnings"], 1)
    ]
    write_unit_tables(outcomes, out, shard)
    _write(explanations, EXPLANATION_COLUMNS, out, name=EXPLANATIONS, shard=shard)
    _write(warnings, WARNING_COLUMNS, out, name=WARNINGS, shard=shard)


def write_unit_tables(
    outcomes: Sequence[Outcome], out: str | os.PathLike[str], shard: Shard = WHOLE
) -> None:
    """Write which unit is where and what became of it, and, apart from that, what it cost now.

    The index has the columns `recording_id`, `job`, `state` (done, problem or set aside),
    `problem`, and `folder` below the run's, which is missing where the unit is not done. The costs
    are `seconds`, `queries` (0 where it was done before) and `n_lost`, how often it ended its
    worker or took too long.

    Args:
        outcomes: of units of any kind.
        out: the run's folder.
        shard: of the run.
    """
    index = [
        (*each.unit, each.state, each.problem, _folder(each) if each.state == "done" else None)
        for each in outcomes
    ]
    costs = [(*each.unit, each.seconds, each.n_queries, each.n_lost) for each in outcomes]
    _write(index, INDEX_COLUMNS, out, name=INDEX, shard=shard)
    _write(costs, COST_COLUMNS, out, name=COSTS, shard=shard)


def write_predictions(
    predictions: pd.DataFrame, out: str | os.PathLike[str], shard: Shard = WHOLE
) -> None:
    """Write what the model said of the recordings of a shard.

    Args:
        predictions: as `predict_folder` gives them, of the shard alone.
        out: the run's folder.
        shard: of the run.
    """
    write_part(predictions, out, PREDICTIONS, shard)
    if shard.whole:
        merge_table(out, PREDICTIONS)


def _folder(outcome: Outcome) -> str:
    return outcome.unit.folder("").as_posix()


def _write(
    rows: Iterable[tuple[Any, ...]],
    columns: Sequence[str],
    out: str | os.PathLike[str],
    *,
    name: str,
    shard: Shard,
) -> None:
    write_part(pd.DataFrame(rows, columns=list(columns)), out, name, shard)
    if shard.whole:
        merge_table(out, name)
