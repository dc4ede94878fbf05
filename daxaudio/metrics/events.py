"""Events and frames: how a stretch of time in seconds becomes frames, and the way back.

Conventions: `times` `[T]` are the frame centres in seconds, increasing. A frame belongs to an
event when its centre lies in [start, end). Labels of events play no part. Malformed input raises
`ValueError`; no events at all is legal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Events

Numbers: TypeAlias = "Sequence[float] | NDArray[Any] | Tensor"
"""What the metrics take: a list, an array, or a tensor on any device."""


class Match(NamedTuple):
    """A true event and the predicted one that it is paired with.

    Args:
        reference: index of the true event.
        predicted: index of the predicted event.
        iou: their intersection over union, above 0.
    """

    reference: int
    predicted: int
    iou: float


def to_array(values: Numbers, name: str) -> NDArray[Any]:
    """Numbers as an array on the CPU, checked.

    Args:
        values: any shape.
        name: what to call them in the error.

    Returns:
        float64, or bool where `values` is bool; the same shape.

    Raises:
        ValueError: when there are none, or one is NaN or infinite.

    Example:
        >>> to_array([1, 2], "profile")
        array([1., 2.])
    """
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = values.double().numpy() if values.is_floating_point() else values.numpy()
    array = np.asarray(values)
    array = array if array.dtype == np.bool_ else array.astype(np.float64)
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one value, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return array


def check_profile(
    profile: Numbers, times: Numbers
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A time profile and its frame times as float64 arrays `[T]`.

    Args:
        profile: `[T]`, any unit.
        times: `[T]` frame centres in seconds, increasing.

    Returns:
        Both as arrays.

    Raises:
        ValueError: when they are no equally long lists of finite numbers, or times do not
            increase.

    Example:
        >>> check_profile([0.5, 1], [0.0])
        Traceback (most recent call last):
        ValueError: profile and times must both be [T], got shapes (2,) and (1,)
    """
    values = to_array(profile, "profile").astype(np.float64)
    centres = to_array(times, "times").astype(np.float64)
    if values.ndim != 1 or values.shape != centres.shape:
        raise ValueError(
            f"profile and times must both be [T], got shapes {values.shape} and {centres.shape}"
        )
    if (np.diff(centres) <= 0).any():
        raise ValueError("times must increase from frame to frame")
    return values, centres


def event_frames(events: Sequence[Event], times: Numbers) -> NDArray[np.bool_]:
    """Frames whose centre lies in [start, end) of any event.

    Args:
        events: true events; they may overlap.
        times: `[T]` frame centres in seconds.

    Returns:
        `[T]` bool.

    Raises:
        ValueError: when times are empty or not finite.

    Example:
        >>> event_frames([Event(1.0, 3.0)], [0.0, 1.0, 2.0, 3.0])
        array([False,  True,  True, False])
    """
    centres = to_array(times, "times")
    return Events(events).at(centres)


def frames_to_events(active: Numbers, times: Numbers, label: str = "") -> Events:
    """Runs of active frames as events.

    Edges lie half-way to the neighbouring frame: half a hop either side of the centres. The first
    start is at least 0. A single frame (T = 1) has no hop, so its event has no length.

    Args:
        active: `[T]` bool.
        times: `[T]` frame centres in seconds, increasing.
        label: label of every event.

    Returns:
        Its events; none when no frame is active.

    Raises:
        ValueError: when the two are no equally long lists, or times do not increase.

    Example:
        >>> frames_to_events([False, True, True, False], [0.5, 1.5, 2.5, 3.5])
        Events([Event(1.0, 3.0)])
    """
    frames, centres = check_profile(active, times)
    edges = frame_edges(centres)
    steps = np.diff(frames != 0, prepend=False, append=False).nonzero()[0]
    return Events(
        Event(float(edges[first]), float(edges[stop]), label)
        for first, stop in zip(steps[::2], steps[1::2], strict=True)
    )


def frame_edges(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where frames begin and end: half-way to their neighbours, the first at 0 at the earliest.

    Args:
        times: `[T]` frame centres in seconds, increasing, at least one.

    Returns:
        `[T + 1]` seconds. A single frame has no hop and so no length.

    Example:
        >>> frame_edges(np.array([0.0, 1.0, 2.0])).tolist()
        [0.0, 0.5, 1.5, 2.5]
    """
    half_hops = np.diff(times) / 2 if len(times) > 1 else np.zeros(1)
    inner = (times[1:] + times[:-1]) / 2
    return np.array([times[0] - half_hops[0], *inner, times[-1] + half_hops[-1]]).clip(min=0)


def interval_iou(a: Event, b: Event) -> float:
    """Seconds that two events share over seconds that at least one of them takes.

    Args:
        a: an event.
        b: another.

    Returns:
        In [0, 1]; for two events of no length 1 when they are at the same time, else 0.

    Example:
        >>> interval_iou(Event(0.0, 3.0), Event(1.0, 4.0))  # share 2 of 4 s
        0.5
    """
    shared = a.overlap(b)
    union = a.duration + b.duration - shared
    return shared / union if union > 0 else float(a.start == b.start)


def match_events(reference: Sequence[Event], predicted: Sequence[Event]) -> list[Match]:
    """Pair true and predicted events one to one so that the sum of their IoUs is largest.

    Args:
        reference: true events.
        predicted: predicted events.

    Returns:
        Pairs that overlap, in order of the true events; the others have no partner.

    Example:
        >>> match_events([Event(0, 2), Event(5, 6)], [Event(1, 2), Event(8, 9)])
        [Match(reference=0, predicted=0, iou=0.5)]
    """
    if not reference or not predicted:
        return []
    ious = np.array([[interval_iou(true, guess) for guess in predicted] for true in reference])
    pairs = zip(*scipy.optimize.linear_sum_assignment(ious, maximize=True), strict=True)
    return [Match(int(i), int(j), float(ious[i, j])) for i, j in pairs if ious[i, j] > 0]
