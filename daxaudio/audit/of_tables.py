"""Sections that need tables alone, from the evidence of an audit."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from daxaudio.audit.confounders import confounders
from daxaudio.audit.errors import errors
from daxaudio.audit.gather import Evidence
from daxaudio.audit.matching import matching
from daxaudio.audit.participants import LEFT_OUT, participants
from daxaudio.audit.performance import performance
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section
from daxaudio.audit.swaps import interventions

NOT_ASKED = "could not be read, or the model could not be asked"

_OWN = (
    *("recording_id", "participant", "label", "predicted", "score", "correct", "duration"),
    *("problem", "input", "annotated"),
)
"""Columns of the table of recordings that are the audit's; the others are what is known of them."""


def known_columns(evidence: Evidence) -> tuple[str, ...]:
    """Columns of the table of what is known."""
    return tuple(str(name) for name in evidence.recordings.columns if name not in _OWN)


def participants_section(evidence: Evidence, questions: Questions) -> Section:
    """Who is in it, and who was left out."""
    table = evidence.recordings
    asked = table["score"].notna()
    out = table.loc[~asked, ["recording_id", "participant"]].assign(reason=NOT_ASKED)
    out = pd.concat([evidence.not_asked, out], ignore_index=True)
    settings = (questions.split, questions.left_out)
    described = tuple(name for name in known_columns(evidence) if name not in settings)
    return participants(table[asked], questions, left_out=out[list(LEFT_OUT)], described=described)


def performance_section(evidence: Evidence, questions: Questions) -> Section:
    """How good it is, and in whom."""
    return performance(evidence.recordings, questions)


def confounders_section(evidence: Evidence, questions: Questions) -> Section:
    """What tells the label apart beside the events, and whether the score follows it."""
    columns = known_columns(evidence)
    known: pd.DataFrame | None = None
    if columns:
        known = evidence.recordings[["recording_id", *columns]]
    asked = interventions(evidence, questions)
    return confounders(
        evidence.recordings,
        questions,
        traces=evidence.traces if len(evidence.traces) else None,
        known=known,
        interventions=asked if len(asked) else None,
    )


def matching_section(evidence: Evidence, questions: Questions) -> Section:
    """How good it is among people who are alike."""
    return matching(evidence.recordings, questions)


def errors_section(evidence: Evidence, questions: Questions) -> Section:
    """What it gets wrong."""
    return errors(evidence.recordings, questions)


BEFORE_LISTENING: tuple[Callable[[Evidence, Questions], Section], ...] = (
    participants_section,
    performance_section,
)
AFTER_LISTENING: tuple[Callable[[Evidence, Questions], Section], ...] = (
    confounders_section,
    matching_section,
    errors_section,
)
