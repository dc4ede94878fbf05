"""Explain the recordings of a folder: one unit a recording and method, by any engine."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from daxaudio.containers import Events
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.engine import HERE, Engine
from daxaudio.engines.progress import UnitProgress
from daxaudio.engines.units import Outcome, Unit, Worker, group_units
from daxaudio.experiments.explaining_run import PROBLEM_COLUMNS, ExplainingRun
from daxaudio.experiments.pooling import recordings_together
from daxaudio.experiments.predict import opener_for
from daxaudio.experiments.score import list_warnings
from daxaudio.experiments.unit_tables import INDEX, INDEX_COLUMNS, write_tables
from daxaudio.experiments.verdict import Level
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import is_stored, load_facts
from daxaudio.models.model import Model
from daxaudio.runs.parts import read_merged
from daxaudio.runs.seconds import in_words
from daxaudio.runs.shards import WHOLE, Shard
from daxaudio.runs.tables import write_csv

logger = logging.getLogger(__name__)

PROBLEMS_FILE = "problems.csv"
WARNINGS_FILE = "warnings.csv"


def explain_folder(
    black_box: Model,
    data: DataFolder,
    methods: Sequence[str],
    out: str | os.PathLike[str],
    *,
    recording_ids: Sequence[str] | None = None,
    events: Mapping[str, Events] | None = None,
    settings: MethodSettings | None = None,
    seed: int = 0,
    targets: Mapping[str, str] | None = None,
    level: Level | None = None,
    engine: Engine = HERE,
    open_model: Callable[[str | None], Model] | None = None,
    shard: Shard = WHOLE,
) -> None:
    """Explain each recording for a class by every method; what is stored is kept.

    A method that cannot handle a recording (say, one too short for its grid) is listed in
    `out/problems.csv`, and ends nothing else. So is one that ended its worker, or took too long, as
    often as it was tried. The warnings of all explanations that `out` then holds, of this call or
    an earlier one, are listed in `out/warnings.csv`. Tables of all units lie in `out/tables` (see
    `write_tables`); those of a shard do alone, until all shards are merged.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        methods: names as in `METHODS`.
        out: explanations go to `out/METHOD/RECORDING_ID/`.
        recording_ids: which to explain, in the order of work; all when None.
        events: true events by recording id; the oracle needs them.
        settings: of the methods.
        seed: of the run.
        targets: class to explain each recording for; their labels when None.
        level: how each explanation is checked, "quick" or "full" (see `judge`); its verdict is
            stored beside it. None checks none.
        engine: does the units.
        open_model: opens the classifier in another process, on a device; can be pickled. Needed
            where the engine does the units in other processes.
        shard: recordings that are not in it are left to others.

    Raises:
        ValueError: when `out` holds explanations of another seed, model, recording or other
            settings, when nothing at all could be explained (and no shard is asked for), or when
            the engine needs `open_model`.
    """
    names = [n for n in (data.ids if recording_ids is None else recording_ids) if n in shard]
    job = ExplainJob(
        opener_for(black_box, engine, open_model),
        data.part(names) if not engine.here and names else data,
        tuple(methods),
        os.fspath(out),
        targets=dict(targets or data.text),
        events=dict(events or {}),
        settings=settings or MethodSettings(),
        seed=seed,
        level=level,
    )
    run = job.run_of(black_box)  # raises before any unit is begun
    units = [Unit(name, method) for name in names for method in methods]
    missing = {unit for unit in units if not is_stored(unit.folder(out))}
    on_processor = torch.device(black_box.device).type == "cpu"
    together = recordings_together(run.settings.queries, not on_processor)
    with UnitProgress("explaining", len(units)) as progress:
        told = _Estimate(progress, missing, engine.n_workers)
        outcomes = engine.run(units, job, together=together, heard=told.heard)
    for outcome in outcomes:
        if outcome.state != "done":
            logger.warning("%s by %s is left out: %s", *outcome.unit, outcome.problem)
    write_tables(outcomes, out, shard)
    if shard.whole:
        write_lists(out)


def write_lists(out: str | os.PathLike[str]) -> None:
    """Write `problems.csv` and `warnings.csv` of a run whose tables are merged.

    Raises:
        ValueError: when nothing could be explained.
    """
    index = read_merged(out, INDEX)
    failed = index[index["state"] != "done"]
    rows = [
        dict(zip(PROBLEM_COLUMNS, (name, job, Path(out).name, _in_words(state, text)), strict=True))
        for name, job, state, text in failed[list(INDEX_COLUMNS[:4])].itertuples(index=False)
    ]
    list_problems(rows, out)
    if len(failed) == len(index):
        raise ValueError(
            f"nothing could be explained; the reasons are in {Path(out) / PROBLEMS_FILE}"
        )
    write_csv(list_warnings(out), Path(out) / WARNINGS_FILE)


@dataclasses.dataclass(frozen=True, eq=False)
class ExplainJob:
    """Explains units: opened once in each worker, which then has a model of its own.

    Args:
        open_model: opens the classifier, on a device.
        data: the recordings and their labels.
        methods: names as in `METHODS`.
        out: explanations go to `out/METHOD/RECORDING_ID/`.
        targets: class to explain each recording for.
        events: true events by recording id.
        settings: of the methods.
        seed: of the run.
        level: how explanations are checked; None for not at all.
    """

    open_model: Callable[[str | None], Model]
    data: DataFolder
    methods: tuple[str, ...]
    out: str
    _: dataclasses.KW_ONLY
    targets: Mapping[str, str]
    events: Mapping[str, Events]
    settings: MethodSettings
    seed: int
    level: Level | None

    def open(self, device: str | None) -> Worker:
        """Load the model; see `Job`."""
        run = self.run_of(self.open_model(device))
        return lambda units: self._do(run, units)

    def run_of(self, model: Model) -> ExplainingRun:
        """What its explanations have in common; raises as `ExplainingRun`."""
        return ExplainingRun(
            model,
            self.data,
            self.methods,
            events=self.events,
            settings=self.settings,
            seed=self.seed,
            level=self.level,
        )

    def _do(self, run: ExplainingRun, units: Sequence[Unit]) -> Iterator[Outcome]:
        """Explain recordings one after the other; several are asked about together first."""
        groups = list(group_units(units))
        prepared = run.prepare({own[0].recording_id: self._label(own) for own in groups}, self.out)
        before = run.black_box.n_queries
        for own in groups:
            name, methods = own[0].recording_id, [unit.job for unit in own]
            label, asked = self._label(own), prepared.get(name)
            done = run.explain_by(methods, name, label, self.out, prepared=asked)
            for unit, (_, error) in zip(own, done, strict=True):
                n_queries = run.black_box.n_queries - before
                before += n_queries
                if error is None:
                    row = row_of(unit.folder(self.out))
                    yield Outcome(unit, n_queries=n_queries, row=row)
                else:
                    problem = " ".join(str(error).split())
                    yield Outcome(unit, "problem", problem, n_queries)

    def _label(self, units: Sequence[Unit]) -> str:
        return self.targets[units[0].recording_id]


def row_of(folder: Path) -> dict[str, Any]:
    """What the tables say of a stored explanation; see `write_tables`."""
    facts = load_facts(folder)
    return {
        "target": facts["target"],
        "score": facts["score"],
        "queries": facts["queries"],
        "gradients": facts.get("gradients", 0),
        "verdict": facts.get("verdict", {}).get("summary"),
        "warnings": list(facts.get("warnings", ())),
    }


def _in_words(state: str, problem: str) -> str:
    return f"set aside: {problem}" if state == "set aside" else problem


def list_problems(problems: Sequence[Mapping[str, str]], out: str | os.PathLike[str]) -> None:
    """Write `out/problems.csv`, a header alone when there is none."""
    write_csv(pd.DataFrame(problems, columns=PROBLEM_COLUMNS), Path(out) / PROBLEMS_FILE)


class _Estimate:
    """Says once, above the bar, how long the units that are not stored will take."""

    def __init__(self, progress: UnitProgress, missing: set[Unit], n_workers: int) -> None:
        self.progress, self.missing, self.n_workers = progress, missing, n_workers
        self.told = not progress.shown or len(missing) < 2

    def heard(self, outcome: Outcome) -> None:
        """One more unit is over."""
        self.progress.heard(outcome)
        if not self.told and outcome.unit in self.missing:
            seconds = outcome.seconds * len(self.missing) / self.n_workers
            self.progress.say(f"{len(self.missing)} explanations, about {in_words(seconds)}")
            self.told = True
