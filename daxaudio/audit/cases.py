"""The recordings of an audit as its statistics see them: class, score, participant."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daxaudio.audit.questions import Questions
from daxaudio.runs.names import name_some
from daxaudio.runs.tables import check_columns

_NEGATIVE = (
    *("negative", "neg", "healthy", "control", "normal", "no", "none", "false", "absent", "0"),
    *("background", "other"),
)
"""Names, in small letters, of a class that nobody would call positive."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cases:
    """What statistics are made of; one entry a recording, in the order of the table.

    Args:
        table: the recordings, those without a score left out.
        positive: `[n]`, bool.
        scores: `[n]` in [0, 1].
        participants: `[n]`, texts.
        name: of the positive class.
    """

    table: pd.DataFrame
    positive: NDArray[np.bool_]
    scores: NDArray[np.float64]
    participants: NDArray[Any]
    name: str

    @property
    def both_classes(self) -> bool:
        """Whether there are positives and negatives."""
        return bool(self.positive.any() and not self.positive.all())

    def part(self, which: NDArray[np.bool_]) -> Cases:
        """Some of the recordings."""
        return Cases(
            self.table[which].reset_index(drop=True),
            self.positive[which],
            self.scores[which],
            self.participants[which],
            self.name,
        )

    def called(self, threshold: float | None) -> NDArray[np.bool_]:
        """Which are called positive: from a score on, or, without one, as `predicted` says."""
        if threshold is not None:
            return self.scores >= threshold
        check_columns(self.table, ["predicted"], "without a threshold a table of recordings")
        return np.asarray(self.table["predicted"].astype(str) == self.name)


def cases_of(recordings: pd.DataFrame, questions: Questions) -> Cases:
    """Check the table of recordings and take from it what has a score and a label.

    Args:
        recordings: `recording_id`, `participant`, `label` and `score` of the positive class.
        questions: names the positive class.

    Returns:
        The recordings, sorted by id.

    Raises:
        ValueError: when a column is missing, an id stands twice, a score lies outside [0, 1], or
            the positive class is not known.
    """
    needed = ["recording_id", "participant", "label", "score"]
    check_columns(recordings, needed, "a table of recordings of an audit")
    ids = recordings["recording_id"].astype(str)
    if ids.duplicated().any():
        raise ValueError(f"recording {ids[ids.duplicated()].iloc[0]!r} stands twice in the table")
    table = recordings[recordings["score"].notna() & ~recordings["label"].isin(["", None])]
    table = table.sort_values("recording_id", kind="stable").reset_index(drop=True)
    scores = table["score"].to_numpy(dtype=np.float64)
    if len(outside := table["recording_id"][(scores < 0) | (scores > 1)]):
        raise ValueError(
            f"recording {outside.iloc[0]!r} has a score outside [0, 1]; an audit needs the "
            "probability of the positive class"
        )
    labels = table["label"].astype(str)
    name = positive_class(set(labels), questions.positive)
    participants = table["participant"].astype(str).to_numpy(dtype=object)
    return Cases(table, (labels == name).to_numpy(dtype=bool), scores, participants, name)


def positive_class(labels: Collection[str], named: str | None = None) -> str:
    """Which of the classes is positive.

    Args:
        labels: the classes.
        named: the one that the questions name.

    Raises:
        ValueError: when that is none of the classes, or no name says which is positive.

    Example:
        >>> positive_class({"healthy", "COVID"})
        'COVID'
        >>> positive_class({"cat", "dog"})
        Traceback (most recent call last):
        ValueError: which class is positive? Its names do not say; write 'positive: cat' or ...
    """
    known = name_some(sorted(labels), 9)
    if named is not None:
        if named not in labels and labels:
            raise ValueError(f"positive: no recording has the label {named!r}; there are {known}")
        return named
    wanted = sorted(one for one in labels if one.strip().lower() not in _NEGATIVE)
    if len(wanted) == 1:
        return wanted[0]
    raise ValueError(
        "which class is positive? Its names do not say; write "
        + " or ".join(f"'positive: {one}'" for one in sorted(labels)[:2])
        + f" into the questions; there are {known}"
    )
