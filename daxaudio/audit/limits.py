"""What this audit cannot say: limits, failure modes with how each was tested, and guidelines."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from daxaudio.audit.failure_modes import MODES, failure_modes
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section

QUESTION = "What can this audit not say?"

LIMITS = (
    "It speaks of these recordings and this version of the classifier; of another site, device or "
    "season it says nothing.",
    "A mask shows where a change of the sound changes the score. It shows no cause, and nothing of "
    "a patient; it should not be used to trust or to doubt a single decision.",
    "Exchanged backgrounds keep what sounds under events. A confounder that sounds with the events "
    "alone (how a mouthpiece colours a cough, say) is not seen by the swaps.",
    "Where nothing was found, the corpus may have been too small: see the intervals. Absence of "
    "evidence is no evidence of absence.",
    "What is known of participants is taken as it stands in the table; a confounder that nobody "
    "wrote down and that leaves no trace in the sound cannot be found.",
    "The sentences are made by rules from the numbers beside them; a clinician and a statistician "
    "should read both, and sign.",
)

GUIDELINES: tuple[tuple[str, str, str, str], ...] = (
    ("DECIDE-AI", "2, 4", "intended use, version of the system", "the head of the report"),
    ("DECIDE-AI", "3", "participants, inclusion and exclusion", "participants"),
    ("DECIDE-AI", "6, 10", "input data, quality, what was left out", "participants"),
    ("DECIDE-AI", "5, 12", "performance, by subgroup", "performance"),
    ("DECIDE-AI", "7, 13", "safety, errors and how they were found", "errors"),
    ("DECIDE-AI", "8, 14", "human factors, use by clinicians", "not answered: needs users"),
    ("CONSORT-AI", "4a (ii)", "inclusion at the level of input data", "participants"),
    ("CONSORT-AI", "5 (i)", "version of the algorithm", "the head of the report"),
    ("CONSORT-AI", "5 (iii)", "poor-quality input and how it was handled", "participants"),
    ("CONSORT-AI", "5 (iv)", "human-AI interaction", "not answered: needs users"),
    ("CONSORT-AI", "19", "analysis of errors", "errors"),
    ("TRIPOD+AI", "5, 6", "source of data, participants", "participants"),
    ("TRIPOD+AI", "7", "preparation of data", "participants"),
    ("TRIPOD+AI", "12", "measures of performance, calibration", "performance"),
    ("TRIPOD+AI", "14", "fairness, subgroups", "performance"),
    ("TRIPOD+AI", "23", "performance with intervals", "performance"),
    ("TRIPOD+AI", "26", "limitations", "limits"),
    ("FUTURE-AI", "Fairness 1, 3", "sources of bias, evaluation of fairness", "confounders"),
    ("FUTURE-AI", "Universality 3", "other sites", "matching"),
    ("FUTURE-AI", "Traceability 1, 5", "risks, failure modes; audit", "limits"),
    ("FUTURE-AI", "Robustness 2, 3", "variation of the input", "swaps"),
    ("FUTURE-AI", "Explainability 1", "need, users, over-reliance", "limits"),
    ("FUTURE-AI", "Explainability 2", "explanations tested in silico; with users", "trust"),
)
"""Items of guidelines: name, items, what they ask, the section that answers.

Sources: DECIDE-AI, Vasey et al. 2022; CONSORT-AI, Liu et al. 2020; TRIPOD+AI, Collins et al. 2024;
FUTURE-AI, Lekadir et al. 2025. Items in our words; of FUTURE-AI by principle."""

_METHOD = (
    "Failure modes are those of the medical algorithmic audit (Liu et al. 2022) that sound can "
    "have; found is what the section that looked says of this one. Unclear: the corpus would let a "
    "model learn it, or the score follows it where it pays nothing, or it was looked for with too "
    "little. The cross-walk says where a guideline's "
    "item is answered, not that it is fulfilled."
)


def crosswalk(sections: Sequence[Section]) -> pd.DataFrame:
    """Where items of guidelines are answered: `guideline`, `items`, `what`, `answered_in`."""
    there = {one.name for one in sections} | {"limits"}
    names = {mode.section for mode in MODES if mode.section} | {"errors"}
    rows = [
        (guideline, items, what, "not answered" if where in names - there else where)
        for guideline, items, what, where in GUIDELINES
    ]
    return pd.DataFrame(rows, columns=["guideline", "items", "what", "answered_in"])


def limits_section(sections: Sequence[Section], questions: Questions) -> Section:
    """The last section, over all others.

    Args:
        sections: of the audit.
        questions: settings.
    """
    modes = failure_modes(sections, questions)
    untested = modes[modes["found"] == "not tested"]
    answer = f"{len(modes) - len(untested)} of {len(modes)} failure modes were looked for."
    if len(untested):
        answer += f" Not looked for: {'; '.join(untested['mode'])}."
    tables = {
        "failure_modes": modes,
        "limits": pd.DataFrame({"limit": LIMITS}),
        "guidelines": crosswalk(sections),
    }
    return Section("limits", QUESTION, answer, "note", tables, _METHOD)
