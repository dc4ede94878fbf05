"""Which events a profile found, which it missed, and what it marked outside any event.

Conventions are those of `iou`: a time profile `[T]`, `times` `[T]` in seconds, frames belong to an
event when their centre lies in [start, end). Marked are the frames above mean + std of the profile.
Some labels may be ignored: those that fill the time between events, such as `BACKGROUND`.
Events of one class that touch, overlap, lie in each other or are there twice are one event: nothing
that is marked could tell them apart.

Where a front end deleted silence, times jump. What was deleted was not heard and is not marked:
runs of marked frames end at a jump (see `fill_jumps`), and an event that lies in a jump altogether
holds no frame.

Empty input: without events there is none to find, and all that is marked is outside; a constant
profile marks nothing, and misses every event. Malformed input raises `ValueError`.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event, Events
from daxaudio.metrics.events import (
    Numbers,
    check_profile,
    event_frames,
    frame_edges,
    frames_to_events,
    match_events,
    to_array,
)
from daxaudio.metrics.iou import paper_threshold

BACKGROUND = ("noise", "silence")
"""Labels of cough annotations that fill the time between events; nobody looks for them."""

FOUND, PARTLY, MISSED, NO_FRAME = "found", "partly", "missed", "no frame"
LEVELS = {FOUND: 0.5, PARTLY: 0.3}
"""Least IoU of an event that is found, and of one that is found in part."""


class FoundEvent(NamedTuple):
    """A true event, and what of the marked time is paired with it.

    Args:
        event: as it was given; from the first start to the last end where several are one.
        marked: the run of marked frames that it is paired with; None where there is none.
        iou: of the two; 0 without a run, NaN where the event holds no frame and cannot be found.
    """

    event: Event
    marked: Event | None
    iou: float

    @property
    def verdict(self) -> str:
        """`FOUND` or `PARTLY` from their `LEVELS` up, `MISSED` below, `NO_FRAME` for no frame.

        Example:
            >>> [FoundEvent(Event(0, 1), None, iou).verdict for iou in (0.5, 0.3, 0.0)]
            ['found', 'partly', 'missed']
        """
        if np.isnan(self.iou):
            return NO_FRAME
        return next((name for name, level in LEVELS.items() if self.iou >= level), MISSED)


def find_events(
    profile: Numbers, times: Numbers, events: Sequence[Event], ignored: Collection[str] = ()
) -> list[FoundEvent]:
    """What of the marked time belongs to each event.

    Marked are the runs of frames above mean + std. Events are rounded to whole frames; those of one
    class whose frames meet are one event. A profile that marks exactly the frames of the events of
    one class so has IoU 1 with each. They are paired with the runs by `match_events`: one run with
    one event, whatever its class.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.
        ignored: labels that are not looked for, such as those of the background.

    Returns:
        One entry for each event that is not ignored, in order of time; those that hold no frame
        stay as they are.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> events = [Event(0, 2, "cough"), Event(4, 5, "cough")]
        >>> found = find_events([9, 0, 0, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], events)
        >>> [one.iou for one in found]
        [0.5, 0.0]
    """
    marked, centres, real = _marked_frames(profile, times)
    runs = frames_to_events(marked, centres)
    wanted = Events(events).without(*ignored)
    heard: list[Event] = []
    found: list[FoundEvent] = []
    for event in wanted:
        if (event_frames([event], centres) & real).any():
            heard.append(event)
        elif all(event != one.event for one in found):
            found.append(FoundEvent(event, None, float("nan")))
    own = Events(heard)
    merged = [pair for label in own.labels for pair in _merge(own.of(label), centres)]
    matches = match_events([frames for _, frames in merged], runs)
    pairs = {match.reference: (runs[match.predicted], match.iou) for match in matches}
    for number, (event, _) in enumerate(merged):
        found.append(FoundEvent(event, *pairs.get(number, (None, 0.0))))
    return sorted(found, key=lambda one: (one.event.start, one.event.end, one.event.label))


def _merge(events: Events, centres: NDArray[np.float64]) -> list[tuple[Event, Event]]:
    """Events of one class, each with a frame, as one where their frames meet.

    Returns:
        Each event, from the first start to the last end of its parts, and the run of its frames.
    """
    runs = frames_to_events(event_frames(events, centres), centres)
    parts: list[list[Event]] = [[] for _ in runs]
    for event in events:
        first = centres[np.searchsorted(centres, event.start)]
        parts[bisect.bisect_right([run.start for run in runs], first) - 1].append(event)
    return [
        (dataclasses.replace(own[0], end=Events(own).end), run)
        for own, run in zip(parts, runs, strict=True)
    ]


def marked_outside(
    profile: Numbers,
    times: Numbers,
    events: Sequence[Event],
    ignored: Collection[str] = (),
    *,
    threshold: float | None = None,
) -> Events:
    """Marked stretches in no event.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.
        ignored: labels that count as no event, such as those of the background.
        threshold: frames above it (not on it) are marked; None for mean + std of the profile.

    Returns:
        Runs of marked frames that are in no event; parts of a run that reaches out of one.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> marked_outside([9, 9, 0, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], [Event(0, 1)])
        Events([Event(1.0, 2.0)])
    """
    marked, centres, _ = _marked_frames(profile, times, threshold)
    inside = event_frames(Events(events).without(*ignored), centres)
    return frames_to_events(marked & ~inside, centres)


def fill_jumps(times: Numbers) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times without jumps: frames are put in where one and a half hops or more lie between two.

    Args:
        times: `[T]` frame centres in seconds, increasing; the hop is their median step.

    Returns:
        `[T + n]` times, and which of them were there before.

    Raises:
        ValueError: when times are empty or not finite.

    Example:
        >>> fill_jumps([0.0, 1.0, 4.0, 5.0])[0].tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    centres = to_array(times, "times").astype(np.float64)
    steps = np.diff(centres)
    if len(steps) == 0:
        return centres, np.ones(len(centres), dtype=np.bool_)
    n_steps = np.rint(steps / np.median(steps)).astype(int).clip(min=1)
    places = np.concatenate([[0], np.cumsum(n_steps)])
    filled = np.interp(np.arange(places[-1] + 1), places, centres)
    real = np.zeros(len(filled), dtype=np.bool_)
    real[places] = True
    return filled, real


def heard_stretches(times: Numbers) -> NDArray[np.float64]:
    """When a run of marked frames begins, and ends, that begins or ends with a frame.

    Args:
        times: `[T]` frame centres in seconds, increasing; they may jump over deleted silence.

    Returns:
        `[T, 2]` seconds. Two frames are of one run where the first ends as the second begins.

    Raises:
        ValueError: when times are empty or not finite.

    Example:
        >>> heard_stretches([0.5, 1.5, 4.5, 5.5]).tolist()
        [[0.0, 1.0], [1.0, 2.0], [4.0, 5.0], [5.0, 6.0]]
    """
    filled, real = fill_jumps(times)
    edges, places = frame_edges(filled), np.flatnonzero(real)
    return np.stack([edges[places], edges[places + 1]], axis=1)


def _marked_frames(
    profile: Numbers, times: Numbers, threshold: float | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.bool_]]:
    """Which frames are marked, their times without jumps, and which of them were heard."""
    values, centres = check_profile(profile, times)
    filled, real = fill_jumps(centres)
    marked = np.zeros(len(filled), dtype=np.bool_)
    if threshold is not None and not math.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number, got {threshold}")
    marked[real] = values > (paper_threshold(values) if threshold is None else threshold)
    return marked, filled, real
