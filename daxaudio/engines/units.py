"""Units of work, what became of each, and how they are shared out over machines.

A unit is one job on one recording: a method that explains it, say. What it makes is a few files
that are there whole or not at all, and its random draws come from its name; nothing else is kept.
So units may be done in any order, by any number of workers, after any interruption, and the files
are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

State = Literal["done", "problem", "set aside"]
"""Of a unit: its files are there; it cannot be done, and why is known; it ended its worker or took
too long as often as it was tried."""


class Unit(NamedTuple):
    """One job on one recording.

    Args:
        recording_id: the recording.
        job: what is done, such as the name of a method; names a folder.

    Example:
        >>> str(Unit("r1", "lime").folder("out"))
        'out/lime/r1'
    """

    recording_id: str
    job: str

    def folder(self, out: str | os.PathLike[str]) -> Path:
        """Where its files lie."""
        return Path(out) / self.job / self.recording_id


class Outcome(NamedTuple):
    """What became of a unit.

    Args:
        unit: the unit.
        state: done, a problem, or set aside.
        problem: why it is not done, in one line; "" where it is.
        n_queries: inputs that a model was asked about for it, now; 0 where it was done before.
        seconds: that it took, now, on the wall.
        n_lost: times that it was begun and ended its worker or took too long.
        row: what is found out about it and stands in a table of all; a few numbers and texts.
    """

    unit: Unit
    state: State = "done"
    problem: str = ""
    n_queries: int = 0
    seconds: float = 0.0
    n_lost: int = 0
    row: Mapping[str, Any] | None = None


Worker = Callable[[Sequence[Unit]], Iterable[Outcome]]
"""Does units one after the other, and gives each outcome as soon as it is there, in their order.

Units that come together are those of one recording (or of a few), so that what they share is read
and asked once. One that raises ValueError is a problem of the unit at which it was, `EndsRun` ends
the run, and anything else counts as a lost worker; the units behind it are given to a worker again.
"""


class Job(Protocol):
    """What is done to units: sent to each worker (it is pickled), and opened there once."""

    def open(self, device: str | None) -> Worker:
        """Get ready: load the model.

        Args:
            device: that was dealt to this worker, such as "cuda:1"; None for the job's own choice.

        Raises:
            ValueError: when it cannot; this ends the run.
        """


class Lost(NamedTuple):
    """A worker said that it cannot go on; it was at the first unit that has no outcome yet.

    Args:
        why: what happened, such as "raised KeyError: 'a'".
    """

    why: str


class EndsRun(ValueError):  # noqa: N818 - it says what it does
    """Something is wrong with all units: the run ends, as it would only do harm to go on."""


def one_by_one(do: Callable[[Unit], Outcome]) -> Worker:
    """A worker of units that share nothing.

    Args:
        do: does one unit.

    Example:
        >>> [outcome.state for outcome in one_by_one(Outcome)([Unit("r1", "a"), Unit("r2", "a")])]
        ['done', 'done']
    """
    return lambda units: map(do, units)


def group_units(units: Iterable[Unit], n_recordings: int = 1) -> Iterator[tuple[Unit, ...]]:
    """Units that are given to a worker together: those of a recording that follow each other.

    Args:
        units: in the order of work.
        n_recordings: so many recordings a group; several where they are asked about together.

    Example:
        >>> units = [Unit("a", "lime"), Unit("a", "rise"), Unit("b", "lime")]
        >>> [len(group) for group in group_units(units)]
        [2, 1]
    """
    group: list[Unit] = []
    names: set[str] = set()
    for unit in units:
        if unit.recording_id not in names and len(names) == n_recordings:
            yield tuple(group)
            group, names = [], set()
        group.append(unit)
        names.add(unit.recording_id)
    if group:
        yield tuple(group)
