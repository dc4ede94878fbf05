"""How well a profile or mask ranks the true place above the rest, and all metrics at once.

Conventions are those of `iou`. Ranking needs no threshold: `frame_auc` is the chance that a
frame of the event is above one outside it (0.5 for a profile that knows nothing);
`average_precision` is the area under precision against recall (the event's share of the time
for a profile that knows nothing). The `mask_...` metrics do the same with every point `[F, T]`
of a mask, for made recordings whose evidence is known in time and frequency.
`pointing_game` and `relevance_mass` ask where the peak and the bulk of a mask lie in time; they
take the mask as it is, not only its order, and a flat one scores the event's share of the time.

Empty input: ranking is undefined, and NaN, when the truth is nowhere or everywhere. Leave NaN
out of means and count it. The last two are NaN when the events hold no frame, `relevance_mass`
also when the mask is 0 everywhere. `mask_iou` is 1 when truth and prediction are both empty, 0
when one is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event, Events, Explanation
from daxaudio.metrics.detection import roc_auc
from daxaudio.metrics.event_detection import event_f1, frame_f1
from daxaudio.metrics.events import (
    Numbers,
    check_map,
    check_over_time,
    check_profile,
    event_frames,
)
from daxaudio.metrics.iou import best_threshold_iou, event_iou, iou, paper_threshold, set_iou
from daxaudio.metrics.top_frames import (
    mask_rank_accuracy,
    mask_top_k_intersection,
    relevance_rank_accuracy,
    top_k_intersection,
    worst_event_margin,
)
from daxaudio.runs.kinds import check_kind


def _mean_precision(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    if truth.all() or not truth.any():
        return float("nan")
    from sklearn.metrics import average_precision_score  # takes a second to import

    return float(average_precision_score(truth, scores))


def frame_auc(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Area under the ROC curve of frames in the events against frames outside; ties count half.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1], 1 is best, 0.5 is chance; NaN when the events hold no frame or every frame.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> frame_auc([3, 1, 2, 0], [0.5, 1.5, 2.5, 3.5], [Event(0.0, 2.0)])  # 3 of 4 pairs
        0.75
    """
    values, centres = check_profile(profile, times)
    return roc_auc(values, event_frames(events, centres))


def average_precision(profile: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Sum over the distinct thresholds of precision times the recall that each one adds.

    Tied frames come in together, and nothing is interpolated (scikit-learn's definition).

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In (0, 1], 1 is best; NaN when the events hold no frame or every frame.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> times, events = [0.5, 1.5, 2.5, 3.5], [Event(0.0, 2.0)]
        >>> round(average_precision([3, 1, 2, 0], times, events), 2)  # (1/1 + 2/3) / 2
        0.83
    """
    values, centres = check_profile(profile, times)
    return _mean_precision(values, event_frames(events, centres))


def mask_iou(mask: Numbers, truth: Numbers) -> float:
    """IoU of the points above mean + std of the mask with the true points.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.

    Returns:
        In [0, 1], 1 is best; 1 when both are empty.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.

    Example:
        >>> mask_iou([[0.0, 0.0, 0.9], [0.0, 0.0, 0.0]], [[False, True, True], [False] * 3])
        0.5
    """
    values, true = check_map(mask, truth)
    return set_iou(values > paper_threshold(values), true)


def mask_auc(mask: Numbers, truth: Numbers) -> float:
    """Area under the ROC curve of true points against the others; ties count half.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.

    Returns:
        In [0, 1], 1 is best, 0.5 is chance; NaN when the truth is nowhere or everywhere.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.

    Example:
        >>> mask_auc([[0.9, 0.1], [0.2, 0.1]], [[True, True], [False, False]])
        0.625
    """
    return roc_auc(*check_map(mask, truth))


def mask_average_precision(mask: Numbers, truth: Numbers) -> float:
    """Average precision of true points over the others, defined as in `average_precision`.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.

    Returns:
        In (0, 1], 1 is best; NaN when the truth is nowhere or everywhere.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.

    Example:
        >>> mask_average_precision([[0.9, 0.1], [0.2, 0.1]], [[True, True], [False, False]])
        0.75
    """
    return _mean_precision(*check_map(mask, truth))


def pointing_game(mask: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Whether the greatest bin of the mask lies in an event.

    Source: Zhang et al. 2018 (excitation backprop). Differs in two points: a near miss is a miss
    (they forgive 15 pixels, which raises the score), and of several greatest bins the share that
    lies in the events counts (so that a flat mask is at chance).

    Args:
        mask: `[F, T]`, higher is more salient.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        1 or 0, or between them with ties; 1 is best, the event's share of the time is chance. NaN
        when the events hold no frame.

    Raises:
        ValueError: when mask or times are malformed.

    Example:
        >>> pointing_game([[0, 9, 1], [9, 2, 3]], [0.5, 1.5, 2.5], [Event(1.0, 3.0)])
        0.5
    """
    values, centres = check_over_time(mask, times)
    true = event_frames(events, centres)
    if not true.any():
        return float("nan")
    greatest = values == values.max()
    return float(greatest[:, true].sum() / greatest.sum())


def relevance_mass(mask: Numbers, times: Numbers, events: Sequence[Event]) -> float:
    """Share of the whole mask that lies in the events.

    Source: Arras et al. 2022 (CLEVR-XAI), relevance mass accuracy; there over the pixels of an
    object, here over the frames of the events, all frequencies of them.

    Args:
        mask: `[F, T]`, at least 0, higher is more salient.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        In [0, 1], 1 is best, the event's share of the time is chance; NaN when the events hold no
        frame or the mask is 0 everywhere.

    Raises:
        ValueError: when mask or times are malformed, or a value is negative.

    Example:
        >>> relevance_mass([[0, 1, 0], [0, 5, 2]], [0.5, 1.5, 2.5], [Event(1.0, 2.0)])
        0.75
    """
    values, centres = check_over_time(mask, times)
    true = event_frames(events, centres)
    if values.min() < 0:
        raise ValueError("mask holds negative values; scale it by scale_to_mask")
    if not true.any() or not values.any():
        return float("nan")
    return float(values[:, true].sum() / values.sum())


def score_profile(profile: Numbers, times: Numbers, events: Sequence[Event]) -> dict[str, float]:
    """All metrics of one time profile.

    Args:
        profile: `[T]`, higher where the method found evidence.
        times: `[T]` frame centres in seconds, increasing.
        events: true events.

    Returns:
        `iou`, `best_threshold_iou`, `frame_auc`, `average_precision`, `event_iou`,
        `relevance_rank_accuracy`, `top_k_intersection`, `frame_f1`, `event_f1`, in this order.

    Raises:
        ValueError: when the profile or times are malformed.

    Example:
        >>> scores = score_profile([0, 9, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5], [Event(1.0, 3.0)])
        >>> scores["iou"], scores["frame_auc"]
        (0.5, 0.75)
    """
    metrics = (
        *(iou, best_threshold_iou, frame_auc, average_precision, event_iou),
        *(relevance_rank_accuracy, top_k_intersection, frame_f1, event_f1),
    )
    return {metric.__name__: metric(profile, times, events) for metric in metrics}


def score_mask(mask: Numbers, truth: Numbers) -> dict[str, float]:
    """All metrics of a mask whose truth is known in time and frequency.

    Args:
        mask: `[F, T]`, higher is more salient.
        truth: `[F, T]` bool.

    Returns:
        `mask_iou`, `mask_auc`, `mask_average_precision`, `mask_rank_accuracy`,
        `mask_top_k_intersection`, in this order.

    Raises:
        ValueError: when the two are no arrays `[F, T]` of one shape, or hold bad values.

    Example:
        >>> set(score_mask([[0.9, 0.1], [0.2, 0.1]], [[True, False], [False, False]]).values())
        {1.0}
    """
    metrics = (
        *(mask_iou, mask_auc, mask_average_precision),
        *(mask_rank_accuracy, mask_top_k_intersection),
    )
    return {metric.__name__: metric(mask, truth) for metric in metrics}


def evaluate(explanation: Explanation, truth: Sequence[Event]) -> dict[str, float]:
    """Every measure of an explanation against true events.

    Args:
        explanation: of one recording.
        truth: the true events of the recording. Where some bear the name of the class that was
            explained, those alone are true (see `Events.for_class`).

    Returns:
        Those of `score_profile`, `pointing_game`, `relevance_mass` and `worst_event_margin`, in
        this order.

    Raises:
        TypeError: when it is no explanation, or something else than an `Event` is among the true
            events.

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.zeros(1, 4), torch.ones(1), torch.arange(4) + 0.5)
        >>> explanation = Explanation(torch.tensor([[0.0, 1.0, 0.0, 0.0]]), picture, "own")
        >>> scores = evaluate(explanation, [Event(1.0, 3.0)])
        >>> scores["iou"], scores["pointing_game"]
        (0.5, 1.0)
    """
    check_kind(explanation, Explanation, "give an Explanation to evaluate, then its true events")
    events = Events(truth).for_class(explanation.target)
    times = explanation.spectrogram.times
    return {
        **score_profile(explanation.profile, times, events),
        "pointing_game": pointing_game(explanation.mask, times, events),
        "relevance_mass": relevance_mass(explanation.mask, times, events),
        "worst_event_margin": worst_event_margin(explanation.profile, times, events),
    }
