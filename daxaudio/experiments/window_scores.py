"""Scores of all windows of a long recording: one query a window, a block of windows a unit."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.engine import Engine
from daxaudio.engines.progress import UnitProgress
from daxaudio.engines.units import Outcome, Unit, Worker, one_by_one
from daxaudio.experiments.predict import read_for
from daxaudio.experiments.windows import Window
from daxaudio.models.model import Model
from daxaudio.runs.asking import answers
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.provenance import without_nan

_BLOCK = 60
"""Windows whose scores are asked for, and stored, together."""

_QUIETEST = -120.0  # dB below full scale


@dataclasses.dataclass(frozen=True, eq=False)
class ScoreJob:
    """Scores blocks of windows: opened once in each worker.

    Args:
        open_model: opens the classifier, on a device.
        data: the windows.
        blocks: ids of the windows of each block, by its id.
        target: the class.
        out: blocks go to `out/scores/ID.json`.
        facts: of the model and the recording; a stored block with others is asked for again.
    """

    open_model: Callable[[str | None], Model]
    data: DataFolder
    blocks: Mapping[str, Sequence[str]]
    target: str
    out: str
    _: dataclasses.KW_ONLY
    facts: Mapping[str, Any]

    def open(self, device: str | None) -> Worker:
        """Load the model; see `Job`."""
        model = self.open_model(device)

        def score(unit: Unit) -> Outcome:
            before, path = model.n_queries, file_of(unit, self.out)
            names = self.blocks[unit.recording_id]
            if _stored(path, self._facts(names)) is None:
                rows = [score_window(model, self.data, name, self.target) for name in names]
                document = {"facts": self._facts(names), "rows": rows}
                write_text(json.dumps(without_nan(document), indent=1) + "\n", path)
            return Outcome(unit, n_queries=model.n_queries - before)

        return one_by_one(score)

    def rows(self, unit: Unit) -> list[dict[str, Any]] | None:
        """What is stored of a block; None where nothing is."""
        names = self.blocks[unit.recording_id]
        return _stored(file_of(unit, self.out), self._facts(names))

    def _facts(self, names: Sequence[str]) -> dict[str, Any]:
        return {**self.facts, "target": self.target, "windows": list(names)}


def file_of(unit: Unit, out: str) -> Path:
    """Where the scores of a block lie."""
    return unit.folder(out).with_suffix(".json")


def _stored(path: Path, facts: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    try:
        document = json.loads(read_text(path))
        return list(document["rows"]) if document["facts"] == facts else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is not there, or somebody changed it: it is made again


def score_window(model: Model, data: DataFolder, name: str, target: str) -> dict[str, Any]:
    """The row of one window: its score for the target, and how loud it is.

    Returns:
        `recording_id`; `score`, NaN where it cannot be heard; `level_db`, of its mean square below
        full scale; `problem`, why it cannot be heard, such as that it is silent.
    """
    row: dict[str, Any] = {"recording_id": name, "score": None, "level_db": _QUIETEST}
    try:
        recording = read_for(model, data, name)
        power = float(recording.waveform.double().square().mean())
        row["level_db"] = round(max(_QUIETEST, 10 * math.log10(max(power, 1e-30))), 2)
        spectrogram = model.front_end.spectrogram(recording).to(model.device)
        asked = model.about(recording).score_fn(target)
        row["score"] = round(float(answers(asked, spectrogram.values[None])[0]), 6)
    except ValueError as error:
        return {**row, "problem": " ".join(str(error).split())}
    return {**row, "problem": ""}


def score_windows(windows: Sequence[Window], job: ScoreJob, engine: Engine) -> pd.DataFrame:
    """Ask about every window; what is stored already is not asked again.

    Args:
        windows: in order of time.
        job: of `blocks_of` these windows.
        engine: does the blocks.

    Returns:
        One row a window: `recording_id`, `start` and `end` in seconds, `score`, `level_db` and
        `problem` (see `score_window`).
    """
    units = [Unit(name, "scores") for name in job.blocks]
    with UnitProgress("scoring", len(units)) as progress:
        outcomes = engine.run(units, job, heard=progress.heard)
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        stored = job.rows(outcome.unit) if outcome.state == "done" else None
        why = f"{outcome.state}: {outcome.problem}"
        missing = {"score": None, "level_db": _QUIETEST, "problem": why}
        names = job.blocks[outcome.unit.recording_id]
        rows += stored or [{"recording_id": name, **missing} for name in names]
    table = pd.DataFrame(rows, columns=["recording_id", "score", "level_db", "problem"])
    table["score"] = table["score"].astype(float)
    table.insert(1, "start", [window.start for window in windows])
    table.insert(2, "end", [window.end for window in windows])
    return table


def blocks_of(windows: Sequence[Window]) -> dict[str, list[str]]:
    """Ids of windows in blocks, by the id of the block: that of its first window."""
    names = [window.name for window in windows]
    return {names[i]: names[i : i + _BLOCK] for i in range(0, len(names), _BLOCK)}
