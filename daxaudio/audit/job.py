"""What an audit does to one recording: units of work, each with files of its own.

| job | asks the model | file |
|---|---|---|
| `traces` | no | `traces/ID/traces.json`: what the making of a recording left in it |
| `answers` | yes | `answers/ID/answers.json`: scores as it is and changed |
| `controls` | yes | `controls/ID/controls.json`: what was planted, and whether it is found |
| a method | yes | `METHOD/ID/`: its explanation, and `where.json`: where the mask lies |

Answers come before explanations, which are of the class that the model predicts.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.audit.answers import FILE as ANSWERS_FILE, JOB as ANSWERS, Answering, read_answers
from daxaudio.audit.controls import FILE as CONTROLS_FILE, JOB as CONTROLS, Controlling
from daxaudio.audit.questions import Questions
from daxaudio.audit.traces import digest_of_audio, traces_and_digest
from daxaudio.audit.where import look_where
from daxaudio.containers import Events
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.units import Outcome, Unit, Worker
from daxaudio.experiments.folder import ExplainingRun
from daxaudio.experiments.verdict import Level
from daxaudio.explainers.catalogue import settings_of
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_facts
from daxaudio.models.model import Model
from daxaudio.runs.files import read_text, write_text

TRACES, TRACES_FILE = "traces", "traces.json"

OpenModel = Callable[[str | None], Model]
"""Opens the model, on a device where one is named."""


@dataclasses.dataclass(frozen=True)
class AuditJob:
    """Sent to every worker, which opens the model once.

    Args:
        open_model: see `OpenModel`; must be picklable where there are several workers.
        data: the recordings and their labels.
        out: where files go.
        participants: of each recording.
        events: known ones by recording; None unless those of every recording are known: what is
            background would otherwise be found in two ways, and the way might tell the class.
        known_events: of some recordings or of all.
        questions: settings of the audit.
        positive: class whose score is audited.
        methods: that explain, the second beside the first.
        settings: of the methods.
    """

    open_model: OpenModel
    data: DataFolder
    out: Path
    _: dataclasses.KW_ONLY
    participants: Mapping[str, str]
    events: Mapping[str, Events] | None
    known_events: Mapping[str, Events]
    questions: Questions
    positive: str
    methods: Sequence[str]
    settings: MethodSettings

    def open(self, device: str | None) -> Worker:
        """Load the model."""
        return AuditWorker(self, self.open_model(device))


class AuditWorker:
    """Does units of an audit with one model.

    Args:
        job: what is to be done.
        model: the classifier.
    """

    def __init__(self, job: AuditJob, model: Model) -> None:
        self.job, self.model = job, model
        known = job.events or {}
        self.answering = Answering(
            model,
            job.data,
            job.positive,
            participants=job.participants,
            events=known,
            n_donors=job.questions.n_donors,
            seed=job.questions.seed,
        )

    def __call__(self, units: Sequence[Unit]) -> Iterator[Outcome]:
        """Do some units, in their order."""
        for unit in units:
            asked = self.model.n_queries
            self._do(unit)
            yield Outcome(unit, n_queries=self.model.n_queries - asked)

    def _do(self, unit: Unit) -> None:
        if unit.job == TRACES:
            self._trace(unit)
        elif unit.job == ANSWERS:
            self.answering.answer(unit.recording_id, self.job.out)
        elif unit.job == CONTROLS:
            self._control(unit)
        else:
            self._explain(unit)

    def _trace(self, unit: Unit) -> None:
        path = unit.folder(self.job.out) / TRACES_FILE
        events = self.job.events
        own = None if events is None else events.get(unit.recording_id, Events())
        known = None if own is None else [[one.start, one.end, one.label] for one in own]
        data, name = self.job.data, unit.recording_id
        if path.is_file():
            stored = json.loads(read_text(path))
            if stored["events"] == known and stored.get("input") == digest_of_audio(data, name):
                return
        found, heard = traces_and_digest(data, name, own)
        traces = {name: None if value != value else value for name, value in found.items()}
        facts = {"recording_id": name, "input": heard, "events": known}
        document = {**facts, "traces": traces}
        write_text(json.dumps(document, indent=1) + "\n", path)

    def _control(self, unit: Unit) -> None:
        path = unit.folder(self.job.out) / CONTROLS_FILE
        method = self.job.methods[0]
        settings = self.job.settings.as_dict()
        asked = {"method": method, "settings": {key: settings[key] for key in settings_of(method)}}
        facts = {**self.answering.facts_of(unit.recording_id), **asked}
        facts = json.loads(json.dumps(facts))  # as the file gives it back
        if path.is_file():
            stored = json.loads(read_text(path))
            if stored["facts"] == facts and self.answering.are_as_heard(stored["heard"]):
                return
        controlling = Controlling(self.answering, method, self.job.settings)
        found = controlling.control(unit.recording_id)
        document = {"facts": facts, **found, "checks": self._checks(unit.recording_id)}
        write_text(json.dumps(document, indent=1) + "\n", path)

    def _checks(self, name: str) -> list[dict[str, Any]]:
        """What is found for and against the explanation of a recording as it is."""
        method = self.job.methods[0]
        self._explain_by(self._explaining(method, "full"), name)
        verdict = load_facts(self.job.out / method / name)["verdict"]
        return [
            {
                "finding": one["name"],
                "good": one["good"],
                "value": one["value"],
                "sentence": one["sentence"],
            }
            for one in verdict["findings"]
        ]

    def _explain_by(self, run: ExplainingRun, name: str) -> None:
        answers = read_answers(self.job.out / ANSWERS / name / ANSWERS_FILE)
        predicted = answers["predicted"]
        target = predicted if predicted in self.model.class_names else self.job.positive
        if problems := run.explain(name, target, self.job.out):
            raise ValueError(problems[0]["problem"])

    def _explain(self, unit: Unit) -> None:
        name = unit.recording_id
        self._explain_by(self._explaining(unit.job), name)
        own = self.job.known_events.get(name, Events())
        look_where(unit.folder(self.job.out), own)

    @functools.lru_cache(maxsize=4)  # noqa: B019 - a worker lives as long as its process
    def _explaining(self, method: str, level: Level | None = None) -> ExplainingRun:
        return ExplainingRun(
            self.model,
            self.job.data,
            (method,),
            events=self.job.known_events,
            settings=self.job.settings,
            seed=self.job.questions.seed,
            level=level,
        )
