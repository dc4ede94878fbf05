"""What may go wrong with a classifier of sounds, whether an audit looked for it, and what it found.

Each mode is read off the tables of the section that looked, not off the section's state, which may
be of something else: a hum that is followed is no concern about the level.

Source: the medical algorithmic audit, Liu et al. 2022; those modes that sound can have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import pandas as pd

from daxaudio.audit.accusations import alpha_of
from daxaudio.audit.confounders import tells_label
from daxaudio.audit.listening import events_row
from daxaudio.audit.of_tables import NOT_ASKED
from daxaudio.audit.performance import is_off, worse_subgroups
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State

Found = Literal["concern", "nothing found", "unclear", "not tested"]

Sections = Mapping[str, Section]

_WORDS: Mapping[State, Found] = {"concern": "concern", "fine": "nothing found", "note": "unclear"}


@dataclasses.dataclass(frozen=True)
class Mode:
    """A failure mode.

    Args:
        text: what may go wrong.
        section: that looks for it; "" where none does.
        severity: how bad it would be.
        read: what was found of it; called where the section could answer.
    """

    text: str
    section: str
    severity: Literal["serious", "moderate"]
    read: Callable[[Sections, Questions], Found]


def failure_modes(sections: Sequence[Section], questions: Questions) -> pd.DataFrame:
    """What may go wrong, how it was tested and what was found.

    Args:
        sections: of the audit, without that of its limits.
        questions: settings.

    Returns:
        `mode`, `how_tested` (a section, or ""), `found` ("concern", "nothing found", "unclear" or
        "not tested"), `severity`.
    """
    by_name = {one.name: one for one in sections}
    tested = {name for name, one in by_name.items() if one.state != "not tested"}
    rows = []
    for mode in MODES:
        found = mode.read(by_name, questions) if mode.section in tested else "not tested"
        where = mode.section if mode.section in by_name else ""
        rows.append((mode.text, where, found, mode.severity))
    return pd.DataFrame(rows, columns=["mode", "how_tested", "found", "severity"])


def _state_of(name: str) -> Callable[[Sections, Questions], Found]:
    """Of a section that asks about this mode and no other."""
    return lambda sections, questions: _WORDS[sections[name].state]


def _nobody(sections: Sections, questions: Questions) -> Found:
    return "not tested"


def _both_sides(sections: Sections, questions: Questions) -> Found:
    if questions.split is None:
        return "not tested"
    return "concern" if "on_both_sides" in sections["participants"].tables else "nothing found"


def _not_taken(sections: Sections, questions: Questions) -> Found:
    out = sections["participants"].tables.get("left_out")
    lost = out is not None and (out["reason"] == NOT_ASKED).any()
    return "concern" if lost else "nothing found"


def _background(sections: Sections, questions: Questions) -> Found:
    named = _accused(sections) == "background"
    return "concern" if named.any() else _WORDS[sections["swaps"].state]


def _accused(sections: Sections) -> pd.Series:
    tables = sections["confounders"].tables if "confounders" in sections else {}
    return tables["accused"]["kind"] if "accused" in tables else pd.Series(dtype=object)


def _followed(kind: str, intervention: str = "") -> Callable[[Sections, Questions], Found]:
    """Of what a recording was made with: is it accused, could it be, was the model asked?"""

    def read(sections: Sections, questions: Questions) -> Found:
        if (_accused(sections) == kind).any():
            return "concern"
        own = sections["confounders"].tables
        tests = own["tests"][own["tests"]["kind"] == kind]
        if tells_label(tests, questions).any():
            return "unclear"
        swaps = sections["swaps"].tables if "swaps" in sections else {}
        if "interventions" not in swaps:  # at the least, whether anything was asked
            return "nothing found" if "interventions" in own else "not tested"
        asked = swaps["interventions"]
        asked = asked[asked["kind"] == (intervention or kind)]
        surely = asked["p_holm"] < alpha_of("swaps", questions)
        if (surely & (asked["effect"] >= questions.least_effect)).any():
            return "unclear"
        return "not tested" if asked.empty else "nothing found"

    return read


def _subgroups(sections: Sections, questions: Questions) -> Found:
    table = sections["performance"].tables.get("subgroups")
    if table is None or not table["p_holm"].notna().any():
        return "not tested"
    if len(worse_subgroups(table, questions)):
        return "concern"
    return "nothing found" if table["p_holm"].notna().all() else "unclear"


def _calibration(sections: Sections, questions: Questions) -> Found:
    overall = sections["performance"].tables["overall"]
    if overall.set_index("measure")["low"].isna()["slope"]:
        return "not tested"
    return "concern" if is_off(overall) else "nothing found"


def _outside(sections: Sections, questions: Questions) -> Found:
    section = sections["listening"]
    known = events_row(section.tables["shares"]) is not None
    return _WORDS[section.state] if known else "not tested"


def _warning(sections: Sections, questions: Questions) -> Found:
    """Masks that differ when the model errs warn; that they were not found to is no proof."""
    wrong = sections["listening"].tables.get("when_wrong")
    if wrong is None:
        return "not tested"
    return "nothing found" if (wrong["p_holm"] < questions.alpha).any() else "unclear"


MODES: tuple[Mode, ...] = (
    Mode(
        "recordings of one participant on both sides of the split",
        *("participants", "serious", _both_sides),
    ),
    Mode("the score follows the background (room, noise)", "swaps", "serious", _background),
    Mode("the score follows hum or other lines", "confounders", "serious", _followed("hum")),
    Mode("the score follows the level", "confounders", "serious", _followed("level")),
    Mode("the score follows band or codec", "confounders", "serious", _followed("bandwidth")),
    Mode(
        "the score follows colour of microphone or site",
        *("confounders", "serious", _followed("site", "equaliser")),
    ),
    Mode(
        "what is known beside the sound predicts the label",
        *("matching", "serious", _state_of("matching")),
    ),
    Mode("works worse in a subgroup", "performance", "serious", _subgroups),
    Mode("scores are no probabilities (calibration)", "performance", "moderate", _calibration),
    Mode("listens outside the events", "listening", "serious", _outside),
    Mode("masks do not warn when the model errs", "listening", "moderate", _warning),
    Mode("masks are noise", "trust", "moderate", _state_of("trust")),
    Mode("the audit is blind to a confounder", "controls", "serious", _state_of("controls")),
    Mode("recordings that the model cannot take", "participants", "moderate", _not_taken),
    Mode("a reader trusts a decision because of a mask (over-reliance)", "", "serious", _nobody),
    Mode("the world has changed since training (drift)", "", "serious", _nobody),
)
"""Failure modes, in the order of the table."""
