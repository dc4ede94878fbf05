"""Whether a score of 0.7 is right in seven cases of ten.

Conventions: scores in [0, 1] of the positive class, labels as in `detection`. What is undefined is
NaN; malformed input raises `ValueError`.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from daxaudio.metrics.detection import check_scores
from daxaudio.metrics.events import Numbers
from daxaudio.metrics.weighted import weighted_calibration


@dataclasses.dataclass(frozen=True)
class CalibrationBin:
    """The recordings whose score lies in one stretch.

    Args:
        low: its lower end.
        high: its upper end; belongs to the next bin, but for 1.
        n: recordings.
        mean_score: of them.
        share_positive: of them.
    """

    low: float
    high: float
    n: int
    mean_score: float
    share_positive: float


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What `calibration` found.

    Args:
        n: recordings.
        intercept: what must be added to the log odds of the scores so that on average they are
            right; 0 is best, below 0 the scores are too high ("calibration in the large").
        slope: of the log odds; 1 is best, below 1 scores are too extreme. NaN where none fits.
        brier: mean squared distance of score and label, in [0, 1], 0 is best. A guess of 0.5 has
            0.25.
        ece: expected calibration error, in [0, 1]: mean distance of score and share over the bins,
            weighted by their size. 0 is best; of few recordings it is too high even if all is well.
        bins: those that hold recordings.
    """

    n: int
    intercept: float
    slope: float
    brier: float
    ece: float
    bins: tuple[CalibrationBin, ...]


def calibration(scores: Numbers, labels: Numbers, n_bins: int = 10) -> Calibration:
    """How far scores can be read as probabilities.

    Source: Cox 1958 (intercept and slope, in the words of Van Calster et al. 2019: the intercept is
    found with the slope held at 1), Brier 1950, Naeini et al. 2015 (equally wide bins). Differs
    from these in that scores nearer to 0 or 1 than 1e-6 are moved there, as their odds are
    infinite.

    Args:
        scores: `[n]` in [0, 1].
        labels: `[n]`, bool or 0 and 1.
        n_bins: at least 1.

    Returns:
        The measures; intercept and slope are NaN when one class is missing.

    Raises:
        ValueError: when the input is malformed or a score outside [0, 1].

    Example:
        >>> found = calibration([0.2, 0.2, 0.2, 0.2, 0.2, 0.9, 0.9], [0, 0, 0, 0, 1, 1, 1])
        >>> round(found.brier, 3), round(found.ece, 3), len(found.bins)
        (0.117, 0.029, 2)
    """
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}")
    values, positive = check_scores(scores, labels)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("scores must lie in [0, 1] to be calibrated")
    edges = np.linspace(0, 1, n_bins + 1)
    place = np.minimum(np.searchsorted(edges, values, side="right") - 1, n_bins - 1)
    bins = tuple(
        CalibrationBin(
            float(edges[k]),
            float(edges[k + 1]),
            int((place == k).sum()),
            float(values[place == k].mean()),
            float(positive[place == k].mean()),
        )
        for k in np.unique(place)
    )
    intercept, slope = weighted_calibration(values, positive, np.ones((1, len(values))))[0]
    brier = float(np.square(values - positive).mean())
    ece = sum(one.n * abs(one.mean_score - one.share_positive) for one in bins) / len(values)
    return Calibration(len(values), float(intercept), float(slope), brier, ece, bins)
