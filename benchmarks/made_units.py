"""Units without a model: what is left is the work of the engine, and of the tables and pages."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from daxaudio.engines.units import Outcome, Unit, Worker, one_by_one
from daxaudio.experiments.folder import row_of
from daxaudio.explainers.storage import FACTS_FILE

FACTS: Mapping[str, Any] = {
    "unit": "dB",
    "target": "cough",
    "score": 0.75,
    "queries": 1000,
    "gradients": 0,
    "seconds": {"query": 1.0, "fit": 0.1},
    "seed": 0,
    "warnings": [],
    "settings": {"name": "Rise", "sampler": {"name": "GridSampler", "cells": [4, 12]}},
    "findings": {"reliability": 0.9},
    "history": {},
    "input": "0123456789abcdef",
    "model_digest": "0123456789abcdef",
    "events": [[0.5, 1.0], [2.0, 2.5]],
}


@dataclasses.dataclass(frozen=True)
class Nothing:
    """Does nothing, and says that it did."""

    def open(self, device: str | None) -> Worker:
        """See `Job`."""
        return one_by_one(Outcome)


@dataclasses.dataclass(frozen=True)
class MadeExplanations:
    """Writes the facts of an explanation, one in ten with a warning, and what tables say of it."""

    out: str

    def open(self, device: str | None) -> Worker:
        """See `Job`."""
        return one_by_one(self.do)

    def do(self, unit: Unit) -> Outcome:
        """One unit."""
        folder = unit.folder(self.out)
        folder.mkdir(parents=True, exist_ok=True)
        warnings = ["Only 3 queries."] if unit.recording_id.endswith("7") else []
        own = {"recording_id": unit.recording_id, "method": unit.job, "warnings": warnings}
        (folder / FACTS_FILE).write_text(json.dumps({**FACTS, **own}, indent=2))
        return Outcome(unit, n_queries=FACTS["queries"], row=row_of(folder))


def made_units(n_units: int, n_jobs: int = 10) -> list[Unit]:
    """So many units, of a few jobs on each recording."""
    return [
        Unit(f"recording-{i:06d}", f"method_{j}")
        for i in range(n_units // n_jobs)
        for j in range(n_jobs)
    ]
