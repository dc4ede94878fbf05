"""What annotation files say of recordings: tiers of events, and what is odd about them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

from daxaudio.containers import Event
from daxaudio.runs.tolerances import TIME_TOLERANCE

EVENTS_TIER = "events"
"""Name of the only tier where a format has no names."""


@dataclasses.dataclass(frozen=True)
class BandEvent(Event):
    """An event in a band of frequencies, as Audacity and Raven mark it.

    Args:
        start: seconds, at least 0.
        end: seconds, at least `start`.
        label: what happens in it.
        f_min: lower end in Hz; None where it is open.
        f_max: upper end in Hz; None where it is open.

    Raises:
        ValueError: when times are wrong as in `Event`, or frequencies negative or in wrong order.

    Example:
        >>> BandEvent(1.0, 2.0, "bird", f_min=2000.0).duration
        1.0
    """

    f_min: float | None = None
    f_max: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        low = 0.0 if self.f_min is None else self.f_min
        high = low if self.f_max is None else self.f_max
        if not 0 <= low <= high < math.inf:
            raise ValueError(
                f"an event needs 0 <= f_min <= f_max in Hz, got f_min={self.f_min}, "
                f"f_max={self.f_max} (label {self.label!r})"
            )


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something odd in an annotation file.

    Args:
        kind: two or three words by which problems are counted.
        text: where it is and what it is, one line.
        lost: whether an entry of the file became no event.
    """

    kind: str
    text: str
    lost: bool = False


@dataclasses.dataclass(frozen=True)
class Tier:
    """A named row of events.

    Args:
        name: as the file has it; may be misspelt or empty.
        events: in the order of the file.
        points: whether it marks moments; its events then have no duration.

    Raises:
        ValueError: when an event of a tier of points has a duration.
    """

    name: str
    events: tuple[Event, ...]
    points: bool = False

    def __post_init__(self) -> None:
        for event in self.events if self.points else ():
            if event.duration > 0:
                raise ValueError(f"tier {self.name!r}: a tier of points cannot hold {event}")


@dataclasses.dataclass(frozen=True)
class AnnotatedRecording:
    """The events of one recording.

    Args:
        recording_id: name of the recording, without the ending of the annotation file.
        tiers: rows of events; one, named `events`, where the format knows no tiers.
        duration: seconds; None where the format does not say.
        problems: what was odd about the file when it was read.

    Example:
        >>> phases = Tier("type", (Event(0.5, 1.0, "cough"),))
        >>> number = Tier("number of cough", (Event(0.0, 2.0, "1"),))
        >>> recording = AnnotatedRecording("a", (phases, number), 2.0)
        >>> recording.tier("type") is recording.tier(1)
        True
        >>> recording.tier("numberofcough")
        Traceback (most recent call last):
        ValueError: a: no tier 'numberofcough'; its tiers are 1 'type', 2 'number of cough'
    """

    recording_id: str
    tiers: tuple[Tier, ...]
    duration: float | None = None
    problems: tuple[Problem, ...] = ()

    def tier(self, choice: str | int | None = None) -> Tier:
        """One tier.

        Args:
            choice: its name, or its number from 1. A text that is no name but a number counts as
                one. None takes the only tier.

        Raises:
            ValueError: when there is no such tier, two have this name, or None is given and there
                is not exactly one.
        """
        found = [tier for tier in self.tiers if choice is None or tier.name == choice]
        number = int(choice) if str(choice).isdecimal() else 0  # type: ignore[arg-type]
        if not found and 1 <= number <= len(self.tiers):
            found = [self.tiers[number - 1]]
        if len(found) == 1:
            return found[0]
        reason = "no tier" if not found else f"{len(found)} tiers"
        if choice is None:
            names = f"{self._tier_names()}; choose one by name or number"
            raise ValueError(f"{self.recording_id}: {reason} where one is needed: {names}")
        raise ValueError(
            f"{self.recording_id}: {reason} {choice!r}; its tiers are {self._tier_names()}"
        )

    def events(self, tier: str | int | None = None) -> tuple[Event, ...]:
        """The events of one tier, chosen as in `tier`, in the order of the file."""
        return self.tier(tier).events

    def only(self, tier: str | int) -> AnnotatedRecording:
        """The same recording with one tier, chosen as in `tier`."""
        return dataclasses.replace(self, tiers=(self.tier(tier),))

    def _tier_names(self) -> str:
        return ", ".join(f"{i} {tier.name!r}" for i, tier in enumerate(self.tiers, 1)) or "none"


def event_or_problem(
    where: str, start: float | None, end: float | None, label: str, **band: Any
) -> Event | Problem:
    """An event, or why a file's times make none.

    Args:
        where: stands before the reason.
        start: seconds; None where the file has nothing.
        end: seconds; None where the file has nothing.
        label: what happens in it.
        **band: `f_min` and `f_max` in Hz, where the format knows them; both None give an `Event`.

    Example:
        >>> event_or_problem("line 1", 2.0, 1.0, "dog").text
        "line 1: 'dog' ends at 1.0 s, before it starts at 2.0 s"
    """
    if start is None or end is None or not (math.isfinite(start) and math.isfinite(end)):
        text = f"{where}: {label!r} has start {start} and end {end}, not two times"
        return Problem("not a time", text, lost=True)
    if end < start - TIME_TOLERANCE:
        text = f"{where}: {label!r} ends at {end} s, before it starts at {start} s"
        return Problem("end before start", text, lost=True)
    if start < -TIME_TOLERANCE:
        return Problem("not a time", f"{where}: {label!r} starts at {start} s", lost=True)
    try:
        in_band = any(bound is not None for bound in band.values())
        return BandEvent(start, end, label, **band) if in_band else Event(start, end, label)
    except ValueError as error:
        return Problem("wrong frequencies", f"{where}: {error}", lost=True)


def sort_out(
    found: Iterable[Event | Problem],
) -> tuple[tuple[Event, ...], tuple[Problem, ...]]:
    """Events and problems apart, each in their order."""
    found = list(found)
    events = tuple(entry for entry in found if isinstance(entry, Event))
    return events, tuple(entry for entry in found if isinstance(entry, Problem))
