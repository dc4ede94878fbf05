"""How well the salient stretches of time cover the true events: intersection over union.

Conventions: a time profile `[T]` has one value a frame, `times` `[T]` are the frame centres in
seconds, a frame belongs to an event when its centre lies in [start, end). Events that hold no
frame centre cannot be found by any profile and are left out. Labels of events play no part. All
values are in [0, 1] and 1 is best.

Malformed input raises `ValueError`. Legal but empty input has these results:

| reference | prediction | `iou` | `best_threshold_iou` | `event_iou` |
|---|---|---|---|---|
| some frames | none | 0 | as the profile ranks | 0 |
| none | none | 1 | 1 | 1 |
| none | some frames | 0 | 1 (a threshold above all predicts nothing) | 0 |

A constant profile predicts nothing: no frame is above its own mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event
from daxaudio.metrics.events import (
    Numbers,
    check_profile,
    event_frames,
    frames_to_events,
    match_events,
    to_array,
)


def paper_threshold(profile: Numbers) -> float:
    """Mean plus population standard deviation; frames above it (not on it) are predicted.

    Differs from the paper in nothing but rounding: the sum is taken on the profile scaled to
    [0, 1], so that profiles that differ by scale and offset predict the same frames, and a
    constant one predicts none.

    Args:
        profile: any shape, any unit.

    Returns:
        The threshold in the profile's unit.

    Raises:
        ValueError: when there is no value, or one is NaN or infinite.

    Example:
        >>> round(paper_threshold([0.0, 0.0, 0.0, 4.0]), 3)  # mean 1, deviation sqrt(3)
        2.732
    """
    values = to_array(profile, "profile").astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return high
    scaled = (values - low) / (high - low)
    level = float(scaled.mean() + scaled.std())
    threshold = low + (high - low) * level
    # From level 1 up nothing is above the threshold; rounding on the way back must not undo it.
    return max(threshold, high) if level >= 1 else threshold


def marking_threshold(profile: Numbers) -> float:
    """What is shown as marked is above this: the paper's threshold, wherever something is above it.

    A plateau over half of a recording or more lies wholly below its mean plus deviation, so that
    the paper's threshold marks nothing of it; there it is half-way up. Measures keep the paper's.

    Args:
        profile: any shape, any unit.

    Returns:
        The threshold in the profile's unit; nothing of a constant profile is above it.

    Raises:
        ValueError: when there is no value, or one is NaN or infinite.

    Example:
        >>> marking_threshold([0.0, 1.0, 1.0]), round(paper_threshold([0.0, 1.0, 1.0]), 3)
        (0.5, 1.138)
    """
    threshold = paper_threshold(profile)
    values = to_array(profile, "profile").astype(np.float64)
    low, high = float(values.min()), float(values.max())
    return threshold if high > threshold or low == high else (low + high) / 2


def set_iou(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Shared over united elements of two bool arrays of one shape; 1 when both are empty.

    Example:
        >>> set_iou(np.array([True, True, False]), np.array([False, True, False]))
        0.5
    """
    union = int((predicted | truth).sum())
    return int((predicted & truth).sum()) / union if union else 1.0


def iou(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """1-D IoU in the paper's protocol: frames above mean + std against the true frames.

    The threshold is flawed for long events: a perfect 0/1 profile over half of the time or more
    has mean + std of at least 1 and scores 0. Read it beside `best_threshold_iou` and the ranking
    metrics.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1]; empty input as in the module's table.

    Raises:
        ValueError: when the profile or times are malformed (see `check_profile`).

    Example:
        >>> iou([0, 9, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5], [Event(1.0, 3.0)])
        0.5
    """
    values, centres = check_profile(profile, times)
    return set_iou(values > paper_threshold(values), event_frames(events, centres))


def best_threshold_iou(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """IoU at the threshold that suits this recording best: an upper bound, not a protocol.

    It uses the truth to choose the threshold, so compare it only with itself. A profile without
    any information (all values the same) scores the event's share of the time.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1], at least `iou`; empty input as in the module's table.

    Raises:
        ValueError: when the profile or times are malformed (see `check_profile`).

    Example:
        >>> best_threshold_iou([9, 5, 5, 1], [0.5, 1.5, 2.5, 3.5], [Event(1.0, 4.0)])
        0.75
    """
    values, centres = check_profile(profile, times)
    truth = event_frames(events, centres)
    if not truth.any():
        return 1.0
    n_predicted, n_hits = count_above(values, truth)
    return float((n_hits / (n_predicted + truth.sum() - n_hits)).max())


def count_above(
    scores: NDArray[np.float64], truth: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many elements, and how many true ones, each threshold lets through.

    Args:
        scores: `[n]`.
        truth: `[n]`.

    Returns:
        Two int64 arrays, one entry for each distinct score from the highest down: elements that
        score so or higher, and the true ones among them.

    Example:
        >>> n, hits = count_above(np.array([5.0, 9, 5, 1]), np.array([True, True, False, False]))
        >>> n.tolist(), hits.tolist()
        ([1, 3, 4], [1, 2, 2])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    n_hits = np.cumsum(truth[order], dtype=np.int64)
    return last_of_tie.nonzero()[0] + 1, n_hits[last_of_tie]


def event_iou(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Mean over the true events of the IoU with the one predicted event that it is paired with.

    Both are runs of frames: predicted events those above mean + std, true events those of any
    event. True events that touch, overlap, lie in each other or are there twice are thus one, as
    no profile could mark them apart, and a profile that marks exactly the true frames scores 1
    (but see the threshold in `iou`). The two are paired by `match_events`; a true event without a
    partner counts 0, and a run that covers two true events is partner of only one. Runs left over
    cost nothing here (they do in `iou`).

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1]; empty input as in the module's table.

    Raises:
        ValueError: when the profile or times are malformed (see `check_profile`).

    Example:
        >>> two = [Event(0.0, 2.0), Event(4.0, 5.0)]
        >>> event_iou([9, 0, 0, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], two)
        0.25
    """
    values, centres = check_profile(profile, times)
    predicted = frames_to_events(values > paper_threshold(values), centres)
    reference = frames_to_events(event_frames(events, centres), centres)
    if not reference:
        return float(not predicted)
    return sum(match.iou for match in match_events(reference, predicted)) / len(reference)
