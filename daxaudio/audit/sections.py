"""What an audit says: sections, each a question, a plain answer, and the tables behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, get_args

import pandas as pd

State = Literal["fine", "concern", "note", "not tested"]
"""Of a section: nothing speaks against the classifier; something does; neither; nothing known."""

STATES: tuple[State, ...] = get_args(State)

NAMES = (
    *("participants", "performance", "listening", "swaps", "confounders", "matching", "errors"),
    *("trust", "controls", "limits"),
)
"""Of the sections of an audit, in the order of its page."""


@dataclasses.dataclass(frozen=True, eq=False)
class Section:
    """One question of an audit, and its answer.

    Args:
        name: short, for file names and links, such as "swaps".
        question: what it answers, as a reader would ask.
        answer: one or two plain sentences with the numbers that matter; overstates nothing.
        state: what the answer means for the classifier.
        tables: what it rests on, by name; each becomes a table of the page, and a file.
        method: how it was found out, for the statistician: tests, corrections, limits.
        recordings: ids to be shown and heard, chosen by the rule that `method` states.

    Raises:
        ValueError: when the state is unknown.
    """

    name: str
    question: str
    answer: str
    state: State
    tables: Mapping[str, pd.DataFrame] = dataclasses.field(default_factory=dict)
    method: str = ""
    recordings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise ValueError(f"{self.name}: state must be one of {STATES}, got {self.state!r}")
