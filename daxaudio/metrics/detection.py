"""How well scores of recordings tell two classes apart: the numbers that screening tests report.

Conventions: a score a recording, higher is more positive; labels are bool or 0 and 1, 1 is
positive. A threshold calls positive what scores at least so much. All values are in [0, 1] and 1
is best. What is undefined, because one class is missing, is NaN; malformed input raises
`ValueError`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxaudio.metrics.events import Numbers, to_array
from daxaudio.metrics.iou import count_above


def check_scores(scores: Numbers, labels: Numbers) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores in float64 and labels as bool, both `[n]`.

    Raises:
        ValueError: when they are no equally long lists of finite numbers, or a label is neither 0
            nor 1.
    """
    values, classes = to_array(scores, "scores").astype(np.float64), to_array(labels, "labels")
    if values.ndim != 1 or values.shape != classes.shape:
        raise ValueError(
            f"scores and labels must both be [n], got shapes {values.shape} and {classes.shape}"
        )
    if not np.isin(classes, (0, 1)).all():
        raise ValueError("labels must be bool (or 0 and 1), got other values")
    return values, classes.astype(np.bool_)


def roc_curve(scores: Numbers, labels: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Specificity and sensitivity at every threshold that makes a difference.

    Args:
        scores: `[n]`.
        labels: `[n]`.

    Returns:
        Specificity and sensitivity, from a threshold above all scores (1 and 0) down to the least
        score (0 and 1).

    Raises:
        ValueError: when the two are no equally long lists of finite numbers, a label is neither 0
            nor 1, or one class is missing.

    Example:
        >>> specificity, sensitivity = roc_curve([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0])
        >>> specificity.tolist(), sensitivity.tolist()
        ([1.0, 1.0, 0.5, 0.0], [0.0, 0.5, 1.0, 1.0])
    """
    values, positive = check_scores(scores, labels)
    if positive.all() or not positive.any():
        raise ValueError("a ROC curve needs recordings of both classes, got one class")
    n_called, n_hits = count_above(values, positive)
    false_alarms = np.append(0, n_called - n_hits)
    n_negative = int((~positive).sum())
    return (n_negative - false_alarms) / n_negative, np.append(0, n_hits) / positive.sum()


def roc_auc(scores: Numbers, labels: Numbers) -> float:
    """The chance that a positive recording scores above a negative one; ties count half.

    Differs from the DiCOVA scoring, whose thresholds are 0, 1e-4, 2e-4, ...: here every score is
    a threshold, so that scores nearer to each other than 1e-4 are told apart.

    Args:
        scores: `[n]`.
        labels: `[n]`.

    Returns:
        Area under the ROC curve; 0.5 is chance. NaN when one class is missing.

    Raises:
        ValueError: when the input is malformed.

    Example:
        >>> roc_auc([0.9, 0.4, 0.4, 0.1], [1, 1, 0, 0])  # 3 pairs right, one tied
        0.875
    """
    values, positive = check_scores(scores, labels)
    if positive.all() or not positive.any():
        return float("nan")
    from sklearn.metrics import roc_auc_score  # takes a second to import

    return float(roc_auc_score(positive, values))


def sensitivity_at_specificity(
    scores: Numbers, labels: Numbers, specificity: float = 0.95
) -> float:
    """Share of the positive recordings found where few negative ones are called positive.

    The convention of the DiCOVA scoring: the lowest threshold whose specificity is *above* the one
    asked for, not equal to it. With up to 20 negative recordings, above 0.95 means all of them. A
    threshold above all scores is allowed, so that the result is 0 at worst. Differs from that
    scoring as `roc_auc` does.

    Args:
        scores: `[n]`.
        labels: `[n]`.
        specificity: in [0, 1).

    Returns:
        Sensitivity at that threshold; NaN when one class is missing.

    Raises:
        ValueError: when the input is malformed or `specificity` out of range.

    Example:
        >>> scores, labels = [0.9, 0.8, 0.7, 0.2, 0.1], [1, 0, 1, 0, 0]
        >>> sensitivity_at_specificity(scores, labels)
        0.5
        >>> sensitivity_at_specificity(scores, labels, specificity=0.6)
        1.0
    """
    if not 0 <= specificity < 1:
        raise ValueError(f"specificity must lie in [0, 1), got {specificity}")
    _, positive = check_scores(scores, labels)
    if positive.all() or not positive.any():
        return float("nan")
    found, sensitivity = roc_curve(scores, labels)
    return float(sensitivity[found > specificity].max())
