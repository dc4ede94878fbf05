import math

import numpy as np
import pytest

from daxaudio.metrics.detection import roc_auc, roc_curve, sensitivity_at_specificity

METRICS = (roc_auc, sensitivity_at_specificity)


def pairs(scores, labels):
    """AUC by counting all pairs."""
    scores, labels = np.asarray(scores), np.asarray(labels, bool)
    more = scores[labels][:, None] - scores[~labels]
    return ((more > 0) + 0.5 * (more == 0)).mean()


@pytest.mark.parametrize("metric", METRICS)
def test_perfect_is_one_and_reversed_is_zero(metric):
    labels = [0] * 30 + [1] * 10
    assert metric(np.linspace(0, 1, 40), labels) == pytest.approx(1)
    assert metric(np.linspace(1, 0, 40), labels) == pytest.approx(0)


def test_constant_score_is_chance_and_finds_nothing():
    assert roc_auc([0.3] * 6, [1, 0, 0, 1, 0, 0]) == 0.5
    assert sensitivity_at_specificity([0.3] * 6, [1, 0, 0, 1, 0, 0]) == 0


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_the_share_of_ordered_pairs_with_ties_half(seed):
    random = np.random.default_rng(seed)
    scores, labels = random.integers(0, 6, 40), np.arange(40) % 3 == 0
    assert roc_auc(scores, labels) == pytest.approx(pairs(scores, labels))


def test_scores_nearer_than_the_grid_of_the_source_are_told_apart():
    assert roc_auc([0.50001, 0.50002], [0, 1]) == 1


def test_specificity_must_be_above_what_is_asked_for():
    # 20 negatives at 0.00 ... 0.95, positives at 0.925 (one negative above) and 0.99
    scores, labels = [*np.arange(20) / 20, 0.925, 0.99], [0] * 20 + [1, 1]
    assert sensitivity_at_specificity(scores, labels) == 0.5  # 19 / 20 is not above 0.95
    assert sensitivity_at_specificity(scores, labels, 0.94) == 1.0
    # with 40 negatives one of them may be called positive: 39 / 40 = 0.975
    scores, labels = [*np.arange(40) / 40, 0.96, 0.92], [0] * 40 + [1, 1]
    assert sensitivity_at_specificity(scores, labels) == 0.5


def test_curve_goes_from_nothing_to_everything_and_never_back():
    random = np.random.default_rng(0)
    specificity, sensitivity = roc_curve(random.normal(size=50).round(1), np.arange(50) % 2)
    assert (specificity[0], sensitivity[0]) == (1, 0)
    assert (specificity[-1], sensitivity[-1]) == (0, 1)
    assert (np.diff(specificity) <= 0).all()
    assert (np.diff(sensitivity) >= 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_one_class_is_undefined(metric):
    assert math.isnan(metric([0.1, 0.2], [1, 1]))
    assert math.isnan(metric([0.1, 0.2], [0, 0]))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, 0.2], [1], "must both be"),
        ([0.1, 0.2], [1, 2], "labels must be bool"),
        ([0.1, math.nan], [1, 0], "NaN"),
        ([], [], "at least one"),
    ],
)
def test_malformed_input_is_refused(metric, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        metric(scores, labels)


def test_specificity_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"specificity must lie in \[0, 1\)"):
        sensitivity_at_specificity([0.1, 0.2], [0, 1], 1.0)


def test_one_class_has_no_curve():
    with pytest.raises(ValueError, match="both classes"):
        roc_curve([0.1, 0.2], [1, 1])
