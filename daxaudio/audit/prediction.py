"""A classifier of the label from features, held out by participant, with a permutation test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from daxaudio.audit.cases import Cases
from daxaudio.metrics.detection import roc_auc
from daxaudio.metrics.permutations import permute_labels

Values = NDArray[np.float64]

_N_REPEATS = 3
_N_LARGE = 5000
"""Recordings from which on folds are dealt once: there the deal makes no difference."""


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """What a classifier says of recordings of participants that it was not fitted to.

    Args:
        scores: `[n]`, higher is more positive; no probabilities.
        auc: area under the ROC curve of these.
        p_value: one-sided, of "features say nothing of the label".
    """

    scores: Values
    auc: float
    p_value: float


def predict_label(
    features: Values, cases: Cases, *, n_folds: int, n_permutations: int, seed: int
) -> HeldOut:
    """Predict the label of each participant's recordings from those of others.

    Ridge regression of the label, its penalty as large as the number of features: what it predicts
    is linear in the labels, so that a whole refit for each of thousands of shuffled labels is one
    product of matrices, and the p-value is that of an exact permutation test. Folds are groups of
    participants, dealt without a look at the labels; the mean over three deals is taken. The same
    as `sklearn.linear_model.Ridge` in `GroupKFold`.

    Args:
        features: `[n, d]`, standardised without the labels.
        cases: of both classes.
        n_folds: at least 2; fewer where there are fewer participants.
        n_permutations: shuffled labels.
        seed: of folds and shuffling.

    Returns:
        All NaN with no feature, one class, or fewer than four participants.
    """
    n = len(cases.positive)
    n_people = len(set(cases.participants))
    if features.shape[1] == 0 or not cases.both_classes or n_people < 4:
        return HeldOut(np.full(n, np.nan), float("nan"), float("nan"))
    predict = _predictor(features, cases.participants, min(n_folds, n_people), seed)
    labels = cases.positive[:, None].astype(np.float64)
    scores = predict(labels)
    found = _correlation(scores, labels)[0]
    n_as_good = 0
    for orders in permute_labels(cases.positive, cases.participants, n_permutations, seed):
        drawn = orders.T.astype(np.float64)
        n_as_good += int((_correlation(predict(drawn), drawn) >= found - 1e-12).sum())
    p_value = (1 + n_as_good) / (1 + n_permutations)
    return HeldOut(scores[:, 0], roc_auc(scores[:, 0], cases.positive), p_value)


def _predictor(
    features: Values, participants: NDArray[np.object_], n_folds: int, seed: int
) -> Callable[[Values], Values]:
    """What takes labels `[n, B]` to held-out predictions of the same shape."""
    random = np.random.default_rng(seed)
    names, person = np.unique(participants, return_inverse=True)
    solved = []
    for _ in range(_N_REPEATS if len(features) < _N_LARGE else 1):
        fold = (random.permutation(len(names)) % n_folds)[person]
        for k in range(n_folds):
            inside, outside = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
            centre = features[outside].mean(axis=0)
            fitted = features[outside] - centre
            gram = fitted.T @ fitted + features.shape[1] * np.eye(features.shape[1])
            weights = np.linalg.solve(gram, fitted.T)
            solved.append((inside, outside, features[inside] - centre, weights))

    def predict(labels: Values) -> Values:
        found = np.zeros_like(labels)
        for inside, outside, shown, weights in solved:
            # without the mean of the labels, which is low where many positives are held out
            found[inside] += shown @ (weights @ labels[outside])
        return found

    return predict


def _correlation(predicted: Values, labels: Values) -> Values:
    """Correlation of each column; -1 where nothing varies."""
    first, second = predicted - predicted.mean(axis=0), labels - labels.mean(axis=0)
    spread = np.sqrt(np.square(first).sum(axis=0) * np.square(second).sum(axis=0))
    defined = spread > 1e-12
    return np.where(defined, (first * second).sum(axis=0) / np.where(defined, spread, 1), -1.0)
