"""An audit from beginning to end; whatever was done before is kept, so it can be started again."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.audit.answers import JOB as ANSWERS
from daxaudio.audit.cases import positive_class
from daxaudio.audit.check import check_fits
from daxaudio.audit.choose import all_explained, controls_of, drawn_by_name
from daxaudio.audit.control_section import control_section
from daxaudio.audit.controls import JOB as CONTROLS
from daxaudio.audit.document import Audit, write_audit
from daxaudio.audit.errors import worst_errors
from daxaudio.audit.gather import Evidence, gather
from daxaudio.audit.hidden_ids import HiddenIds, check_no_plain_ids, without_names
from daxaudio.audit.job import TRACES, AuditJob, OpenModel
from daxaudio.audit.known import Known, nothing_known, read_known
from daxaudio.audit.limits import limits_section
from daxaudio.audit.listening import listening_section
from daxaudio.audit.of_tables import AFTER_LISTENING, BEFORE_LISTENING
from daxaudio.audit.participants import left_out_before
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section
from daxaudio.audit.swaps import swaps_section
from daxaudio.audit.trust import trust_section
from daxaudio.audit.verdict import conclude
from daxaudio.containers import Events
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.engine import Engine, Local
from daxaudio.engines.progress import UnitProgress
from daxaudio.engines.units import Outcome, Unit
from daxaudio.experiments.explain import check_askable
from daxaudio.experiments.unit_tables import write_unit_tables
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.model import Model
from daxaudio.runs.provenance import versions
from daxaudio.runs.shards import WHOLE, Shard

ENGINE = Local(threads=1)
"""This process; one thread, as answers are then equal to the last bit on any number of workers."""

SECTIONS: tuple[Callable[[Evidence, Questions], Section], ...] = (
    *BEFORE_LISTENING,
    listening_section,
    swaps_section,
    *AFTER_LISTENING,
    trust_section,
    control_section,
)
"""In the order of the page; each reads tables alone."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What is audited.

    Args:
        data: the recordings and their labels; those without a label are left out.
        source: where they were read from, as it is shown.
        events: known ones by recording; empty where nobody knows of any.
        table: path of the table of what is known; None for none.
    """

    data: DataFolder
    source: str = ""
    events: Mapping[str, Events] = dataclasses.field(default_factory=dict)
    table: str | os.PathLike[str] | None = None


def audit(
    open_model: OpenModel,
    corpus: Corpus,
    out: str | os.PathLike[str],
    questions: Questions | None = None,
    *,
    settings: MethodSettings | None = None,
    engine: Engine = ENGINE,
    shard: Shard = WHOLE,
    hidden: HiddenIds | None = None,
    said: Callable[[str], None] = lambda text: None,
) -> Audit | None:
    """Ask a model about every recording of a corpus, and say what it listens to.

    Args:
        open_model: opens the model on a device; called once by every worker.
        corpus: what is audited.
        out: folder for everything; another audit in it is refused.
        questions: settings; all defaults when None.
        settings: of the methods; their queries are those of the questions.
        engine: does the units.
        shard: only units of these recordings are done, and nothing is concluded. Errors that are
            shown are explained when all of it is there, without a shard.
        hidden: replaces ids and participants by keyed hashes in all that is written.
        said: told what is being done, a line each.

    Returns:
        The audit, which is written; None of a part.

    Raises:
        ValueError: when model, corpus and questions do not go together, or nothing can be asked.
    """
    out, model = Path(out), open_model(None)
    questions = for_model(questions or Questions(), model)
    known = _known(corpus, questions)
    if hidden is not None:
        corpus, known = _hide(hidden, corpus, known, out)
    not_asked = left_out_before(known, corpus.data.text, questions)
    out_of_it = set(not_asked["recording_id"])
    labels = {name: text for name, text in corpus.data.text.items() if name not in out_of_it}
    _check_labels(labels, questions, corpus.source)
    annotated = all(name in corpus.events for name in labels)
    methods = [name for name in (questions.method, questions.second_method) if name]
    check_askable(methods, model)
    settings = dataclasses.replace(settings or MethodSettings(), queries=questions.queries)
    job = AuditJob(
        open_model,
        corpus.data.part(sorted(labels)),
        out,
        participants=dict(
            zip(known.table["recording_id"], known.table["participant"], strict=True)
        ),
        events=dict(corpus.events) if annotated else None,
        known_events=dict(corpus.events),
        questions=questions,
        positive=str(questions.positive),
        methods=tuple(methods),
        settings=settings,
    )
    names = [name for name in job.data.ids if name in shard]
    said(f"asking about {len(names)} recordings of {len(set(job.participants.values()))} people")
    first = [Unit(name, task) for name in names for task in (TRACES, ANSWERS)]
    outcomes = _do(first, job, engine, "asking")
    lost = {one.unit.recording_id for one in outcomes if one.state != "done"}
    if names and len(lost) == len(names):
        reason = next(one.problem for one in outcomes if one.state != "done")
        raise ValueError(f"nothing could be asked; the first reason: {reason}")
    drawn = drawn_by_name(labels, questions)
    wanted = [name for name in drawn if name in shard and name not in lost]
    controlled = [Unit(name, CONTROLS) for name in controls_of(labels, questions)]
    controlled = [unit for unit in controlled if unit.recording_id in wanted]
    if not shard.whole:
        outcomes += _explain(job, wanted, methods, engine, said)
        outcomes += _do(controlled, job, engine, "planting controls")
        write_unit_tables(outcomes, out, shard)
        return None
    table = known.table[known.table["recording_id"].isin(labels)]
    before = gather(out, table, (), outcomes, explained=())
    explained = all_explained(wanted, worst_errors(before.recordings, questions))
    outcomes += _explain(job, explained, methods, engine, said)
    outcomes += _do(controlled, job, engine, "planting controls")
    write_unit_tables(outcomes, out)
    evidence = gather(out, table, methods, outcomes, explained=explained, annotated=annotated)
    evidence = dataclasses.replace(evidence, not_asked=not_asked)
    found = _conclude(evidence, job, corpus, model, methods)
    write_audit(found, out)
    return found


def for_model(questions: Questions, model: Model) -> Questions:
    """Questions whose positive class is one of the model's.

    Raises:
        ValueError: when it is none, it is not known which is, or the model gives no probabilities.
    """
    if isinstance(model, ForeignModel) and model.description.output == "regression":
        raise ValueError(
            "an audit needs scores of classes in [0, 1], and this model answers numbers of "
            f"{model.class_names[0]}"
        )
    positive = questions.positive or positive_class(model.class_names)
    model.class_index(positive)
    return dataclasses.replace(questions, positive=positive)


def _known(corpus: Corpus, questions: Questions) -> Known:
    speakers = dict(corpus.data.utt2spk)
    needed = check_fits(questions, corpus.events, has_table=corpus.table is not None)
    if corpus.table is None:
        return nothing_known(speakers)
    return read_known(
        corpus.table,
        speakers,
        participant=questions.participant,
        categories=questions.categories,
        needed=needed,
    )


def _hide(hidden: HiddenIds, corpus: Corpus, known: Known, out: Path) -> tuple[Corpus, Known]:
    """Corpus and what is known of it under hashes; from here on nothing else is known."""
    check_no_plain_ids(out, (TRACES, ANSWERS), corpus.data.ids)
    events = {hidden.recording(name): own for name, own in corpus.events.items()}
    data = hidden.data(corpus.data)
    return dataclasses.replace(corpus, data=data, events=events), hidden.known(known)


def _check_labels(labels: Mapping[str, str], questions: Questions, source: str) -> None:
    if not labels:
        raise ValueError(f"{source or 'the data folder'}: no recording has a label; see its `text`")
    if questions.positive not in labels.values() or len(set(labels.values())) < 2:
        known = ", ".join(sorted(set(labels.values()))[:5])
        raise ValueError(
            f"{source or 'the data folder'}: an audit needs recordings of {questions.positive!r} "
            f"and others; their labels are {known}"
        )


def _explain(
    job: AuditJob,
    names: Sequence[str],
    methods: Sequence[str],
    engine: Engine,
    said: Callable[[str], None],
) -> list[Outcome]:
    if not names or not methods:
        return []
    said(f"explaining {len(names)} recordings by {', '.join(methods)}")
    units = [Unit(name, method) for name in names for method in methods]
    return _do(units, job, engine, "explaining")


def _do(units: Sequence[Unit], job: AuditJob, engine: Engine, what: str) -> list[Outcome]:
    with UnitProgress(what, len(units)) as progress:
        found = engine.run(units, job, heard=progress.heard)
    return [
        one._replace(problem=without_names(one.problem, one.unit.recording_id, job.data))
        for one in found
    ]


def _conclude(
    evidence: Evidence, job: AuditJob, corpus: Corpus, model: Model, methods: Sequence[str]
) -> Audit:
    questions = job.questions
    wanted = set(questions.sections)
    sections = [section(evidence, questions) for section in SECTIONS]
    sections = [one for one in sections if not wanted or one.name in wanted]
    sections.append(limits_section(sections, questions))
    told = evidence.recordings
    folders = {
        str(name): {method: f"{method}/{name}" for method in part["method"]}
        for name, part in evidence.explained.groupby("recording_id")
    }
    source = corpus.source or "the data"
    return Audit(
        f"Audit of {Path(model.source).name or 'a classifier'} on {source}",
        conclude(sections, evidence, questions),
        sections,
        told,
        tables=evidence.tables,
        model={
            "source": model.source,
            "digest": model.digest(),
            "about": model.describe(),
            "classes": list(model.class_names),
            "positive": questions.positive,
        },
        data={
            "source": source,
            "digest": _digest(told),
            "n_recordings": len(told),
            "n_participants": int(told["participant"].nunique()),
            "annotated": evidence.annotated,
            "ids_hashed": job.data.paths_hidden,
        },
        questions=dataclasses.asdict(questions),
        explanations=folders,
        seed=questions.seed,
        versions=versions(),
    )


def _digest(recordings: pd.DataFrame) -> str:
    """Of what the model was given, and of the labels."""
    rows = recordings[["recording_id", "label", "input"]].astype(str).agg("\t".join, axis=1)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]
