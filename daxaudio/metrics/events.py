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


def check_map(mask: Numbers, truth: Numbers) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A mask and what is true in time and frequency, both flattened to `[F * T]`.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.
    """
    values, true = to_array(mask, "mask").astype(np.float64), to_array(truth, "truth")
    if values.ndim != 2 or values.shape != true.shape:
        raise ValueError(
            f"mask and truth must both be [F, T], got shapes {values.shape} and {true.shape}"
        )
    if not np.isin(true, (0, 1)).all():
        raise ValueError("truth must be bool (or 0 and 1), got other values")
    return values.ravel(), true.ravel().astype(np.bool_)


def check_over_time(
    mask: Numbers, times: Numbers
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A mask `[F, T]` and its frame times `[T]` as float64 arrays.

    Raises:
        ValueError: when the two do not fit each other, or hold bad values.
    """
    values = to_array(mask, "mask").astype(np.float64)
    centres = to_array(times, "times")
    if values.ndim != 2 or centres.shape != values.shape[1:]:
        raise ValueError(
            f"mask must be [F, T] and times [T], got shapes {values.shape} and {centres.shape}"
        )
    return values, check_profile(values[0], centres)[1]


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
    return Events(
        Event(float(edges[first]), float(edges[stop]), label)
        for first, stop in event_runs(frames != 0)
    )


def event_runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame, and frame after the last, of each run of active frames.

    Args:
        active: `[T]`.

    Example:
        >>> event_runs(np.array([False, True, True, False, True]))
        [(1, 3), (4, 5)]
    """
    steps = np.diff(active, prepend=False, append=False).nonzero()[0].tolist()
    return list(zip(steps[::2], steps[1::2], strict=True))


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


def match_most(fits: NDArray[np.bool_]) -> int:
    """How many true and predicted events can be paired at most, one to one.

    Args:
        fits: `[true, predicted]`, whether the two may be a pair; of any shape without elements
            where one of them is none.

    Example:
        >>> match_most(np.array([[True, True], [True, False]]))
        2
    """
    if not fits.size:
        return 0
    rows, columns = scipy.optimize.linear_sum_assignment(fits, maximize=True)
    return int(fits[rows, columns].sum())
