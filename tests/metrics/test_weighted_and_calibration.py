"""Calibration and weighted measures: as scikit-learn and statsmodels have them; known cases."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score

from daxaudio.metrics import (
    calibration,
    roc_auc,
    sensitivity_at_specificity,
    weighted_auc,
    weighted_calibration,
    weighted_sensitivity,
)


def drawn(seed, n=60, digits=2):
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 1, n).round(digits)
    labels = random.uniform(0, 1, n) < 0.2 + 0.6 * scores
    return scores, labels, random


@pytest.mark.parametrize("seed", range(5))
def test_weights_are_repeated_recordings(seed):
    scores, labels, random = drawn(seed)
    weights = random.integers(0, 4, (6, len(scores)))
    auc = weighted_auc(scores, labels, weights)
    sensitivity = weighted_sensitivity(scores, labels, weights, 0.8)
    fitted = weighted_calibration(scores, labels, weights)
    for k, counts in enumerate(weights):
        taken = np.repeat(np.arange(len(scores)), counts)
        assert auc[k] == pytest.approx(roc_auc(scores[taken], labels[taken]), abs=1e-12)
        alone = sensitivity_at_specificity(scores[taken], labels[taken], 0.8)
        assert sensitivity[k] == pytest.approx(alone, abs=1e-12)
        found = calibration(scores[taken], labels[taken])
        assert fitted[k] == pytest.approx([found.intercept, found.slope], abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_auc_is_that_of_scikit_learn(seed):
    scores, labels, random = drawn(seed)
    weights = random.uniform(0, 2, (1, len(scores)))
    expected = roc_auc_score(labels, scores, sample_weight=weights[0])
    assert weighted_auc(scores, labels, weights)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_intercept_and_slope_are_those_of_statsmodels(seed):
    import statsmodels.api as sm

    scores, labels, _ = drawn(seed, n=200, digits=6)
    odds = np.log(scores / (1 - scores))
    slope = sm.Logit(labels.astype(float), sm.add_constant(odds)).fit(disp=0).params[1]
    binomial = sm.families.Binomial()
    model = sm.GLM(labels.astype(float), np.ones((len(labels), 1)), binomial, offset=odds)
    found = calibration(scores, labels)
    assert found.slope == pytest.approx(slope, abs=1e-5)
    assert found.intercept == pytest.approx(model.fit().params[0], abs=1e-5)


def test_brier_and_bins_are_those_of_scikit_learn():
    scores, labels, _ = drawn(1, n=200)
    found = calibration(scores, labels, n_bins=5)
    assert found.brier == pytest.approx(brier_score_loss(labels, scores))
    # scikit-learn closes bins above, this one below: scores of two digits never lie on an edge here
    off_edge = scores + 0.001
    share, mean = calibration_curve(labels, off_edge.clip(0, 1), n_bins=5)
    bins = calibration(off_edge.clip(0, 1), labels, n_bins=5).bins
    assert [one.share_positive for one in bins] == pytest.approx(share)
    assert [one.mean_score for one in bins] == pytest.approx(mean)
    assert sum(one.n for one in bins) == 200


def test_scores_that_are_probabilities_are_calibrated():
    random = np.random.default_rng(0)
    scores = random.uniform(0.02, 0.98, 20_000)
    labels = random.uniform(0, 1, len(scores)) < scores
    found = calibration(scores, labels)
    assert found.intercept == pytest.approx(0, abs=0.06)
    assert found.slope == pytest.approx(1, abs=0.06)
    assert found.ece < 0.02


def test_scores_that_are_too_extreme_have_a_slope_below_one_and_too_high_ones_an_intercept():
    random = np.random.default_rng(0)
    odds = random.normal(0, 1, 20_000)
    labels = random.uniform(0, 1, len(odds)) < 1 / (1 + np.exp(-odds))
    assert calibration(1 / (1 + np.exp(-2 * odds)), labels).slope == pytest.approx(0.5, abs=0.05)
    too_high = calibration(1 / (1 + np.exp(-odds - 1)), labels)
    assert too_high.intercept == pytest.approx(-1, abs=0.06)


def test_what_is_undefined_is_nan():
    separated = calibration([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert np.isnan(separated.slope)
    assert separated.brier == pytest.approx(0.025)
    assert np.isnan(calibration([0.5, 0.5], [0, 1]).slope)
    one_class = calibration([0.5, 0.7], [1, 1])
    assert np.isnan([one_class.intercept, one_class.slope]).all()
    assert np.isnan(weighted_auc([0.1, 0.9], [0, 1], [[1, 0], [0, 1]])).all()
    assert np.isnan(weighted_sensitivity([0.1, 0.9], [0, 1], [[1, 0], [0, 1]])).all()


def test_scores_of_zero_and_one_have_finite_odds():
    found = calibration([0, 0, 1, 1, 0, 1], [0, 0, 1, 1, 1, 0])
    assert np.isfinite([found.intercept, found.slope]).all()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: calibration([1.5, 0.1], [1, 0]), r"scores must lie in \[0, 1\]"),
        (lambda: calibration([], []), "at least one value"),
        (lambda: calibration([0.5, 0.1], [1, 2]), "labels must be bool"),
        (lambda: calibration([0.5], [1], n_bins=0), "n_bins must be at least 1"),
        (lambda: weighted_auc([0.5, 0.1], [1, 0], [1, 1]), r"weights must be \[B, n\]"),
        (lambda: weighted_auc([0.5, 0.1], [1, 0], [[1, -1]]), "weights must be 0 or more"),
        (lambda: weighted_sensitivity([0.5], [1], [[1]], 1.0), "specificity must lie"),
    ],
)
def test_malformed_input_is_refused(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()
