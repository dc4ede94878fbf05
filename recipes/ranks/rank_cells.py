"""What was measured, over sets, conditions, classifiers and seeds, in one long table.

A cell is a condition, a classifier with its seed, and a run:

    EXP_DIR/cells/CONDITION/MODEL-seedSEED/RUN/   results.csv, cost.csv, settings.json
    EXP_DIR/pretrained/seedSEED/MODEL/RUN/        the same

The run `all` has every method, `few` the leader from fewer queries and `few_rivals` the others from
as many. Methods from fewer queries are named METHOD_few. The set of a condition is its name up
to the first hyphen; of those below `pretrained/`, "pretrained".
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pandas as pd

from daxaudio.experiments.compare import COST_FILE, SETTINGS_FILE
from daxaudio.experiments.score import RESULTS_FILE
from daxaudio.runs.files import read_text
from daxaudio.runs.tables import is_table, read_table

RUNS = ("all", "few", "few_rivals")
FEW = "_few"
"""End of the names of methods from fewer queries."""

OF_ONE_SEED = ("planted", "coughs", "pretrained")
"""Sets of which every seed has recordings of its own, by names that come again."""

KEYS = ["set", "condition", "model", "seed"]
COLUMNS = ["recording_id", "method", "metric", "value"]

_CLASSIFIER = re.compile(r"(?P<model>.+)-seed(?P<seed>\d+)")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One condition and one classifier.

    Args:
        condition: name of the data.
        model: architecture of the classifier, or its name.
        seed: of its training and of the methods.
        folder: holds a folder for each run.
        set: that the condition belongs to.
    """

    condition: str
    model: str
    seed: int
    folder: Path
    set: str

    def run(self, name: str) -> Path | None:
        """The folder of a run that has results, if any."""
        return self.folder / name if is_table(self.folder / name / RESULTS_FILE) else None


def find_cells(exp_dir: Path) -> list[Cell]:
    """Cells that have results, by set, condition, model and seed.

    Raises:
        ValueError: when there is none.
    """
    found = []
    for folder in sorted((exp_dir / "cells").glob("*/*")):
        if name := _CLASSIFIER.fullmatch(folder.name):
            condition = folder.parent.name
            of_set = condition.split("-")[0]
            found.append(Cell(condition, name["model"], int(name["seed"]), folder, of_set))
    for folder in sorted((exp_dir / "pretrained").glob("seed*/*")):
        seed = folder.parent.name.removeprefix("seed")
        if seed.isdigit():
            found.append(Cell(folder.name, folder.name, int(seed), folder, "pretrained"))
    found = [cell for cell in found if any(cell.run(name) for name in RUNS)]
    if not found:
        raise ValueError(f"{exp_dir}: no cell has a {RESULTS_FILE}; run stage 3 first")
    return found


def queries_of(run: Path | None) -> int | None:
    """How many queries a method had in a run; None without one."""
    if run is None:
        return None
    return int(json.loads(read_text(run / SETTINGS_FILE))["explain"]["queries"])


def gather(cells: list[Cell]) -> pd.DataFrame:
    """Every value of every cell.

    Returns:
        `set`, `condition`, `model`, `seed`, `recording_id`, `method`, `metric`, `value`. The ids
        begin with condition and model, and the seed where each has recordings of its own, so that
        each stands for one recording of the set. Rows without a value are left out.
    """
    parts = []
    for cell in cells:
        for name in RUNS:
            if (run := cell.run(name)) is None:
                continue
            table = read_table(run / RESULTS_FILE, COLUMNS)[COLUMNS].dropna(subset="value")
            if name != "all":
                table["method"] += FEW
            own = f"/{cell.seed}" if cell.set in OF_ONE_SEED else ""
            table["recording_id"] = f"{cell.condition}/{cell.model}{own}/" + table["recording_id"]
            parts.append(_labelled(table, cell))
    return pd.concat(parts, ignore_index=True)[[*KEYS, *COLUMNS]]


def gather_costs(cells: list[Cell]) -> pd.DataFrame:
    """What each method cost, the mean over cells: by condition, model, and method.

    Returns:
        `set`, `condition`, `model`, `method`, and the columns of `cost.csv`.
    """
    parts = []
    for cell in cells:
        for name in RUNS:
            if (run := cell.run(name)) is None or not is_table(run / COST_FILE):
                continue
            table = read_table(run / COST_FILE)
            if name != "all":
                table["method"] += FEW
            parts.append(_labelled(table, cell))
    if not parts:
        return pd.DataFrame(columns=[*KEYS[:3], "method"])
    table = pd.concat(parts, ignore_index=True).drop(columns="seed")
    return table.groupby([*KEYS[:3], "method"], sort=False).mean().reset_index()


def gather_coverage(cells: list[Cell], file: str) -> pd.DataFrame:
    """`coverage.csv` of all cells that have one, with their keys."""
    parts = [
        _labelled(read_table(cell.folder / file), cell)
        for cell in cells
        if is_table(cell.folder / file)
    ]
    columns = [*KEYS, "recording_id", "coverage"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _labelled(table: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    own = {"set": cell.set, "condition": cell.condition, "model": cell.model, "seed": cell.seed}
    return table.assign(**own)
