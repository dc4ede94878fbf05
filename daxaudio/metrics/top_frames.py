"""Whether what a mask ranks highest is what is true: the top of the ranking alone.

Conventions are those of `iou`. Only the order of the values counts in `relevance_rank_accuracy`
and `top_k_intersection`; where equal values lie on both sides of the border of the top, the share
of them that chance would put above it counts, so that a flat profile is at chance.
`worst_event_margin` takes the values as they are. True events that no frame lies between are one.

Undefined, and NaN: all of them when the truth is nowhere; `worst_event_margin` also when it is
everywhere or the profile is 0 in every frame. Leave NaN out of means and count it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event
from daxaudio.metrics.events import (
    Numbers,
    check_map,
    check_profile,
    event_frames,
    event_runs,
)

TOP_SHARE = 0.02
"""Share of the frames or bins that are "the top" where no number is given: a fiftieth, as the 1000
of 224 x 224 pixels of Theiner et al. 2021."""


def relevance_rank_accuracy(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Share of the highest-ranked frames, as many as there are true ones, that are true.

    Source: Arras et al. 2022 (CLEVR-XAI); there over the pixels of an object, here over the frames
    of the events. Differs in ties (they take the order that a sort leaves them in).

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1], 1 is best, the events' share of the time is chance.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> times, events = [0.5, 1.5, 2.5, 3.5], [Event(0.0, 2.0)]
        >>> relevance_rank_accuracy([3, 1, 2, 0], times, events)  # the first of the top two
        0.5
        >>> relevance_rank_accuracy([1, 0, 0, 0], times, events)  # and one in three of the rest
        0.6666666666666666
    """
    values, centres = check_profile(profile, times)
    truth = event_frames(events, centres)
    return _share_true(values, truth, int(truth.sum()))


def top_k_intersection(
    profile: Numbers, times: Numbers, events: Sequence[Event], k: int | None = None
) -> float:
    """Share of the k highest-ranked frames that are true.

    Source: Theiner et al. 2021, as Quantus computes it. Differs in that k is at most the number of
    true frames, so that 1 can be reached (which raises the score where events are shorter), and in
    ties.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.
        k: how many frames; None for `TOP_SHARE` of them.

    Returns:
        In [0, 1], 1 is best, the events' share of the time is chance.

    Raises:
        ValueError: when the profile or times are malformed, or k is below 1.

    Example:
        >>> top_k_intersection([3, 1, 2, 0], [0.5, 1.5, 2.5, 3.5], [Event(0.0, 2.0)])
        1.0
    """
    values, centres = check_profile(profile, times)
    truth = event_frames(events, centres)
    return _share_true(values, truth, min(_top(len(values), k), int(truth.sum())))


def mask_rank_accuracy(mask: Numbers, truth: Numbers) -> float:
    """`relevance_rank_accuracy` over all points, where the truth is known in time and frequency.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.

    Returns:
        In [0, 1], 1 is best, the truth's share of the points is chance.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.

    Example:
        >>> mask_rank_accuracy([[0.9, 0.1], [0.2, 0.1]], [[True, True], [False, False]])
        0.5
    """
    values, true = check_map(mask, truth)
    return _share_true(values, true, int(true.sum()))


def mask_top_k_intersection(mask: Numbers, truth: Numbers, k: int | None = None) -> float:
    """`top_k_intersection` over all points, where the truth is known in time and frequency.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.
        k: how many points; None for `TOP_SHARE` of them.

    Returns:
        In [0, 1], 1 is best, the truth's share of the points is chance.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, hold bad values, or k is
            below 1.

    Example:
        >>> mask_top_k_intersection([[0.9, 0.1], [0.2, 0.1]], [[True, True], [False, False]])
        1.0
    """
    values, true = check_map(mask, truth)
    return _share_true(values, true, min(_top(len(values), k), int(true.sum())))


def worst_event_margin(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """How far the least of the events' peaks stands above all that lies outside of events.

    The peak of each event, the least of them, less the greatest value outside, as a share of the
    greatest of all. Above 0 a threshold exists at which every event is found and nothing else.

    Source: the code of Bolaños et al. 2025 ("Benchmarking time-localized explanations for audio
    classification models"), which takes the segments of its explainers; here frames.

    Args:
        profile: `[T]`, at least 0, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [-1, 1], 1 is best.

    Raises:
        ValueError: when the profile or times are malformed, or a value is negative.

    Example:
        >>> two = [Event(0.0, 1.0), Event(3.0, 4.0)]
        >>> worst_event_margin([8, 2, 0, 6], [0.5, 1.5, 2.5, 3.5], two)  # (6 - 2) / 8
        0.5
    """
    values, centres = check_profile(profile, times)
    if values.min() < 0:
        raise ValueError("profile holds negative values; scale it by scale_to_mask")
    truth = event_frames(events, centres)
    if truth.all() or not truth.any() or not values.any():
        return math.nan
    peaks = [values[first:stop].max() for first, stop in event_runs(truth)]
    return float((min(peaks) - values[~truth].max()) / values.max())


def _top(n: int, k: int | None) -> int:
    if k is None:
        return math.ceil(TOP_SHARE * n)
    if not 1 <= k <= n:
        raise ValueError(f"k must lie from 1 to the number of values, {n}, got {k}")
    return k


def _share_true(values: NDArray[np.float64], truth: NDArray[np.bool_], k: int) -> float:
    """Expected share of true ones among the k greatest, ties in a random order; NaN for k = 0."""
    if k == 0:
        return math.nan
    border = np.partition(values, -k)[-k]
    above, tied = values > border, values == border
    n_tied = k - int(above.sum())
    return float((truth[above].sum() + n_tied * truth[tied].mean()) / k)
