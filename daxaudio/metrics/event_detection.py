"""A mask as a detector of events: F1 of frames and of events, and the area over all thresholds.

Conventions are those of `iou`: a frame belongs to an event when its centre lies in it, and true
events that touch, overlap or have no frame between them are one, as no mask could mark them apart.
Detected are the runs of frames above a threshold. Labels of events play no part: the mask was
asked for one class, and the events are those of that class.

Malformed input raises `ValueError`. Legal but empty input: F1 is 1 when nothing is true and nothing
is detected, 0 when only one of them is; `psds` is NaN when no recording has a true frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event
from daxaudio.metrics.events import (
    Numbers,
    check_profile,
    event_frames,
    event_runs,
    frame_edges,
    frames_to_events,
    match_most,
)
from daxaudio.metrics.iou import paper_threshold

COLLAR = 0.2
"""Seconds by which an onset, or an offset, may be wrong; the default of sed_eval and of DCASE."""

OFFSET_SHARE = 0.2
"""Share of the true event's length by which its offset may be wrong, where that is more."""

_ROUNDING = 1e-9
"""What differences of times are rounded by; frames lie at multiples that floats do not hold."""

_MOST_THRESHOLDS = 1000

_SECONDS_PER_HOUR = 3600.0

_AT_ONCE = 4_000_000
"""Frames times thresholds that are held in memory at once."""


def frame_f1(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """F1 of the frames above mean + std against those of events.

    The segment-based F1 of Mesaros et al. 2016 with segments of one frame; the same frames as in
    `iou`, with its flaw for long events, and 2 IoU / (1 + IoU) of it.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1], 1 is best.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> f1 = frame_f1([0, 9, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5], [Event(1.0, 3.0)])
        >>> round(f1, 3)  # one hit, one miss
        0.667
    """
    values, centres = check_profile(profile, times)
    detected, truth = values > paper_threshold(values), event_frames(events, centres)
    return _f1(int((detected & truth).sum()), int(detected.sum()), int(truth.sum()))


def event_f1(
    profile: Numbers,
    times: Numbers,
    events: Sequence[Event],
    *,
    collar: float = COLLAR,
    offset_share: float = OFFSET_SHARE,
) -> float:
    """F1 of the detected events that begin and end about when a true one does.

    Detected are the runs of frames above mean + std. One of them is right when its onset lies
    within the collar of a true onset and its offset within the collar, or within a share of the
    true event's length, of the true offset; as many as possible are paired, one to one.

    Source: the event-based F1 of Mesaros et al. 2016, as sed_eval computes it. Differs in that true
    events are runs of frames, as the detected ones are, so that a mask of exactly the true frames
    scores 1 whatever the hop.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.
        collar: in seconds, at least 0.
        offset_share: of the true event's length, at least 0.

    Returns:
        In [0, 1], 1 is best.

    Raises:
        ValueError: when the profile or times are malformed, or a tolerance is negative.

    Example:
        >>> times = [0.05 + 0.1 * frame for frame in range(10)]
        >>> event_f1([0, 0, 0, 9, 9, 9, 0, 0, 0, 0], times, [Event(0.2, 0.5)])
        1.0
        >>> event_f1([0, 0, 0, 0, 0, 0, 9, 9, 9, 0], times, [Event(0.2, 0.5)])
        0.0
    """
    if not (collar >= 0 and offset_share >= 0):
        raise ValueError(
            f"collar and offset_share must be at least 0, got {collar} and {offset_share}"
        )
    values, centres = check_profile(profile, times)
    detected = frames_to_events(values > paper_threshold(values), centres)
    reference = frames_to_events(event_frames(events, centres), centres)
    fits = np.array(
        [[_fits(true, found, collar, offset_share) for found in detected] for true in reference]
    )
    return _f1(match_most(fits), len(detected), len(reference))


def _fits(true: Event, found: Event, collar: float, offset_share: float) -> bool:
    late = max(collar, offset_share * true.duration)
    return (
        abs(true.start - found.start) <= collar + _ROUNDING
        and abs(true.end - found.end) <= late + _ROUNDING
    )


def _f1(n_hits: int, n_detected: int, n_true: int) -> float:
    return 2 * n_hits / (n_detected + n_true) if n_detected + n_true else 1.0


def psds(
    profiles: Sequence[Numbers],
    times: Sequence[Numbers],
    events: Sequence[Sequence[Event]],
    *,
    detection_share: float = 0.7,
    truth_share: float = 0.7,
    most_per_hour: float = 100.0,
) -> float:
    """Found events against false alarms an hour, over all thresholds and a set of recordings.

    Each profile is scaled to [0, 1] by its own least and greatest value, a flat one to 0. At each
    threshold the runs of frames that reach it are detected; at 0 all frames are. A run is right
    when at least a share of it lies in true events, else it is a false alarm; a true event is found
    when at least a share of it lies in right runs. The area is that below the share of events found
    at most at a number of false alarms, as steps, up to `most_per_hour`, and divided by that.

    Source: the polyphonic sound detection score of Bilen et al. 2020, for one class: there are no
    cross triggers between classes, nor deviations over them. Differs in that true events are runs
    of frames, that there is a threshold at each value (as in Ebbers et al. 2022, not at 50 fixed
    ones), of more than 1000 values in the set at 1000 of them, and in the scaling: masks are made
    for a recording each, and no number in one is said to mean the same in another.

    Args:
        profiles: one a recording, `[T]`, higher where the method found evidence.
        times: of each, `[T]` frame centres in seconds, increasing.
        events: true events of each.
        detection_share: of a detection, in (0, 1]; "DTC".
        truth_share: of a true event, in (0, 1]; "GTC".
        most_per_hour: false alarms an hour up to which the area goes, above 0.

    Returns:
        In [0, 1], 1 is best; NaN when no recording has a true frame.

    Raises:
        ValueError: when the three are not of equally many recordings, of none, one is malformed, or
            a number is out of range.

    Example:
        >>> times = [0.5, 1.5, 2.5, 3.5]
        >>> psds([[0, 9, 9, 1], [5, 0, 9, 0]], [times] * 2, [[Event(1, 3)], [Event(2, 3)]])
        1.0
        >>> psds([[9, 0, 0, 0]], [times], [[Event(2, 3)]])
        0.0
    """
    if not (len(profiles) == len(times) == len(events) > 0):
        raise ValueError(
            "psds needs profiles, times and events of the same recordings, at least one; got "
            f"{len(profiles)}, {len(times)} and {len(events)}"
        )
    for name, share in (("detection_share", detection_share), ("truth_share", truth_share)):
        if not 0 < share <= 1:
            raise ValueError(f"{name} must lie in (0, 1], got {share}")
    if not 0 < most_per_hour < math.inf:
        raise ValueError(f"most_per_hour must be above 0 and finite, got {most_per_hour}")
    checked = [check_profile(*pair) for pair in zip(profiles, times, strict=True)]
    scaled = [_scaled(values) for values, _ in checked]
    thresholds = _thresholds(scaled)
    alarms, found = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    n_true, seconds = 0, 0.0
    for values, (_, centres), own in zip(scaled, checked, events, strict=True):
        truth, edges = event_frames(own, centres), frame_edges(centres)
        shares = (detection_share, truth_share)
        counts = _count(values, edges, event_runs(truth), thresholds, shares)
        alarms += counts[0]
        found += counts[1]
        n_true += len(event_runs(truth))
        seconds += float(edges[-1] - edges[0])
    if n_true == 0 or seconds == 0:
        return math.nan
    return _area(alarms / seconds * _SECONDS_PER_HOUR, found / n_true, most_per_hour)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _thresholds(scaled: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Distinct values of all recordings, evenly among them where they are too many."""
    values = np.unique(np.concatenate(scaled))
    if len(values) <= _MOST_THRESHOLDS:
        return values
    return values[np.linspace(0, len(values) - 1, _MOST_THRESHOLDS).round().astype(int)]


def _count(
    values: NDArray[np.float64],
    edges: NDArray[np.float64],
    truth: Sequence[tuple[int, int]],
    thresholds: NDArray[np.float64],
    shares: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False alarms, and true events found, at each threshold in one recording."""
    alarms, found = np.zeros(len(thresholds)), np.zeros(len(thresholds))
    for part in _parts(len(thresholds), len(values)):
        rows, first, stop = _runs(values >= thresholds[part, None])
        starts, ends = edges[first], edges[stop]
        shared = np.zeros((len(truth), len(rows)))
        for own, (begin, end) in zip(shared, truth, strict=True):
            own[:] = np.minimum(ends, edges[end]) - np.maximum(starts, edges[begin])
        shared = shared.clip(min=0)
        right = shared.sum(axis=0) >= shares[0] * (ends - starts) - _ROUNDING
        n = part.stop - part.start
        alarms[part] = np.bincount(rows[~right], minlength=n)
        for own, (begin, end) in zip(shared, truth, strict=True):
            covered = np.bincount(rows[right], weights=own[right], minlength=n)
            length = edges[end] - edges[begin]
            found[part] += (covered >= shares[1] * length - _ROUNDING) & (length > 0)
    return alarms, found


def _parts(n_thresholds: int, n_frames: int) -> Iterator[slice]:
    step = max(1, _AT_ONCE // n_frames)
    for start in range(0, n_thresholds, step):
        yield slice(start, min(start + step, n_thresholds))


def _runs(
    active: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Row, first frame, and frame after the last, of each run in `[R, T]`."""
    steps = np.diff(active, axis=1, prepend=False, append=False)
    rows, columns = steps.nonzero()
    return rows[::2], columns[::2], columns[1::2]


def _area(alarms: NDArray[np.float64], found: NDArray[np.float64], most: float) -> float:
    """Area below the steps from each number of false alarms to the next, over its width."""
    order = np.lexsort((found, alarms))
    x, y = alarms[order], np.maximum.accumulate(found[order]) if len(order) else found
    inside = x <= most
    edges = np.append(x[inside], most)
    return float((np.diff(edges) * y[inside]).sum() / most)
