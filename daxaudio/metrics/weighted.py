"""Measures of detection and calibration for many resamples of one set of recordings at once.

Conventions: as `detection`. A resample is a row of weights, how often each recording is in it, so
that thousands cost a few sums. A value that a resample lacks, because it has one class only, is
NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxaudio.metrics.detection import check_scores
from daxaudio.metrics.events import Numbers, to_array

Values = NDArray[np.float64]

_CLOSEST = 1e-6
"""How near to 0 and 1 a score may lie where its odds are needed."""
_N_STEPS, _STEEPEST = 50, 50.0


def weighted_auc(scores: Numbers, labels: Numbers, weights: Numbers) -> Values:
    """Area under the ROC curve in each resample; ties count half. See `roc_auc`.

    Args:
        scores: `[n]`.
        labels: `[n]`, bool or 0 and 1.
        weights: `[B, n]`, 0 or more.

    Returns:
        `[B]`; NaN where a class has no weight.

    Raises:
        ValueError: when the input is malformed.

    Example:
        >>> weighted_auc([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0], [[1, 1, 1, 1], [2, 0, 1, 1]]).tolist()
        [0.875, 1.0]
    """
    n_positive, n_negative = _by_score(scores, labels, weights)
    below = np.cumsum(n_negative[:, ::-1], axis=1)[:, ::-1] - n_negative / 2
    pairs = n_positive.sum(axis=1) * n_negative.sum(axis=1)
    return _ratio((n_positive * below).sum(axis=1), pairs)


def weighted_sensitivity(
    scores: Numbers, labels: Numbers, weights: Numbers, specificity: float = 0.95
) -> Values:
    """Sensitivity in each resample, each at its own threshold. See `sensitivity_at_specificity`.

    Args:
        scores: `[n]`.
        labels: `[n]`, bool or 0 and 1.
        weights: `[B, n]`, 0 or more.
        specificity: in [0, 1).

    Returns:
        `[B]`; NaN where a class has no weight.

    Raises:
        ValueError: when the input is malformed or `specificity` out of range.

    Example:
        >>> scores, labels = [0.9, 0.8, 0.7, 0.2, 0.1], [1, 0, 1, 0, 0]
        >>> weighted_sensitivity(scores, labels, [[1, 1, 1, 1, 1], [1, 0, 1, 1, 1]]).tolist()
        [0.5, 1.0]
    """
    if not 0 <= specificity < 1:
        raise ValueError(f"specificity must lie in [0, 1), got {specificity}")
    n_positive, n_negative = _by_score(scores, labels, weights)
    called = np.cumsum(n_negative, axis=1)
    total = n_negative.sum(axis=1, keepdims=True)
    n_allowed = ((total - called) / np.where(total > 0, total, 1) > specificity).sum(axis=1)
    hits = np.pad(np.cumsum(n_positive, axis=1), ((0, 0), (1, 0)))
    found = np.take_along_axis(hits, n_allowed[:, None], axis=1)[:, 0]
    return _ratio(np.where(total[:, 0] > 0, found, np.nan), n_positive.sum(axis=1))


def weighted_calibration(scores: Numbers, labels: Numbers, weights: Numbers) -> Values:
    """Intercept and slope of calibration in each resample. See `calibration`.

    Args:
        scores: `[n]` in [0, 1].
        labels: `[n]`, bool or 0 and 1.
        weights: `[B, n]`, 0 or more.

    Returns:
        `[B, 2]`: intercept and slope; NaN where a class has no weight, or the scores tell the
        classes apart without fault, or hardly differ, so that no finite slope fits.

    Raises:
        ValueError: when the input is malformed.

    Example:
        >>> scores, labels = [0.2, 0.2, 0.8, 0.8, 0.8], [0, 1, 0, 1, 1]
        >>> abs(weighted_calibration(scores, labels, [[4, 1, 1, 2, 2]])).round(3).tolist()
        [[0.0, 1.0]]
    """
    values, positive, weights = _checked(scores, labels, weights)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("scores must lie in [0, 1] to be calibrated")
    near = np.clip(values, _CLOSEST, 1 - _CLOSEST)
    odds = np.log(near / (1 - near))
    both = (weights @ positive > 0) & (weights @ ~positive > 0)
    found = np.full((len(weights), 2), np.nan)
    found[both, 0] = _fit_intercept(odds, positive, weights[both])
    found[both, 1] = _fit_slope(odds, positive, weights[both])
    return found


def _fit_intercept(odds: Values, positive: NDArray[np.bool_], weights: Values) -> Values:
    """What must be added to the log odds; Newton's steps, held short where they would run away."""
    added = np.zeros(len(weights))
    for _ in range(_N_STEPS):
        chances = _sigmoid(added[:, None] + odds)
        gradient = (weights * (positive - chances)).sum(axis=1)
        curvature = (weights * chances * (1 - chances)).sum(axis=1)
        step = np.clip(gradient / np.maximum(curvature, 1e-12), -2, 2)
        added += step
        if np.abs(step).max(initial=0) < 1e-10:
            break
    return added


def _fit_slope(odds: Values, positive: NDArray[np.bool_], weights: Values) -> Values:
    """Slope of a logistic regression of the label on the log odds of the score."""
    total = weights.sum(axis=1, keepdims=True)
    centre = (weights @ odds)[:, None] / total
    centred = odds - centre
    spread = (weights * centred**2).sum(axis=1) / total[:, 0]
    level, slope = np.zeros(len(weights)), np.zeros(len(weights))
    step = np.ones(1)
    for _ in range(_N_STEPS):
        chances = _sigmoid(level[:, None] + slope[:, None] * centred)
        missed, bend = weights * (positive - chances), weights * chances * (1 - chances)
        first, second = missed.sum(axis=1), (missed * centred).sum(axis=1)
        a, b = bend.sum(axis=1), (bend * centred).sum(axis=1)
        c = (bend * centred**2).sum(axis=1)
        determinant = np.maximum(a * c - b * b, 1e-12)
        step = np.clip((a * second - b * first) / determinant, -2, 2)
        level += np.clip((c * first - b * second) / determinant, -2, 2)
        slope += step
        if np.abs(step).max(initial=0) < 1e-10:
            break
    undefined = (spread < 1e-12) | (np.abs(slope) > _STEEPEST) | (np.abs(step) > 1e-4)
    return np.where(undefined, np.nan, slope)


def _sigmoid(odds: Values) -> Values:
    return 1 / (1 + np.exp(-np.clip(odds, -40, 40)))


def _by_score(scores: Numbers, labels: Numbers, weights: Numbers) -> tuple[Values, Values]:
    """Weights of the positive and the negative recordings, by distinct score, the highest first."""
    values, positive, weights = _checked(scores, labels, weights)
    order = np.argsort(-values, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(values[order]) != 0))
    sorted_weights, sorted_positive = weights[:, order], positive[order]
    hits = np.add.reduceat(sorted_weights * sorted_positive, first, axis=1)
    return hits, np.add.reduceat(sorted_weights * ~sorted_positive, first, axis=1)


def _checked(
    scores: Numbers, labels: Numbers, weights: Numbers
) -> tuple[Values, NDArray[np.bool_], Values]:
    values, positive = check_scores(scores, labels)
    counts = to_array(weights, "weights").astype(np.float64)
    if counts.ndim != 2 or counts.shape[1] != len(values) or not len(values):
        raise ValueError(f"weights must be [B, n] of n = {len(values)} scores, got {counts.shape}")
    if (counts < 0).any():
        raise ValueError("weights must be 0 or more")
    return values, positive, counts


def _ratio(above: Values, below: Values) -> Values:
    defined = below > 0
    return np.where(defined, above / np.where(defined, below, 1), np.nan)
