"""Permutation tests by participant: as SciPy's where all are alone, honest where they are not."""

import numpy as np
import pytest
from scipy import stats

from daxaudio.metrics import association_within_classes, label_association, permute_labels, roc_auc


def test_whole_participants_exchange_labels_and_mixed_ones_shuffle_within():
    labels = np.array([1, 1, 0, 0, 1, 0, 0], dtype=bool)
    people = ["a", "a", "b", "b", "c", "c", "c"]
    (orders,) = permute_labels(labels, people, 200, seed=1)
    assert (orders[:, 0] == orders[:, 1]).all()
    assert (orders[:, 2] == orders[:, 3]).all()
    assert (orders[:, 0] != orders[:, 2]).all()
    assert (orders[:, 4:].sum(axis=1) == 1).all()
    assert set(orders[:, 4:].argmax(axis=1)) == {0, 1, 2}
    assert 0.35 < orders[:, 0].mean() < 0.65


@pytest.mark.parametrize("seed", range(4))
def test_areas_and_p_values_are_those_of_mann_and_whitney(seed):
    random = np.random.default_rng(seed)
    labels = random.uniform(size=30) < 0.5
    values = random.normal(size=(30, 3)).round(1) + 0.5 * labels[:, None]
    auc, p_values = label_association(values, labels, np.arange(30), 9999)
    for k in range(3):
        assert auc[k] == pytest.approx(roc_auc(values[:, k], labels))
        expected = stats.mannwhitneyu(values[labels, k], values[~labels, k]).pvalue
        assert p_values[k] == pytest.approx(expected, abs=0.02)


def test_missing_values_are_left_out_of_their_own_test_only():
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(20, 2)), np.arange(20) % 2 == 0
    values[3:7, 0] = np.nan
    auc, _ = label_association(values, labels, np.arange(20), 99)
    known = ~np.isnan(values[:, 0])
    assert auc[0] == pytest.approx(roc_auc(values[known, 0], labels[known]))
    assert auc[1] == pytest.approx(roc_auc(values[:, 1], labels))


def test_what_does_not_vary_is_undefined():
    values, labels = np.ones((6, 1)), np.arange(6) < 3
    assert np.isnan(label_association(values, labels, np.arange(6), 99)).all()
    found = association_within_classes(values, np.arange(6.0), labels, np.arange(6))
    assert np.isnan(found).all()
    assert np.isnan(
        label_association(np.arange(6.0)[:, None], labels | True, np.arange(6), 9)
    ).all()


def null_rate(test, n=150):
    """How often a test of nothing, with four recordings of each of 20 people, is below 0.1."""
    below = 0
    for seed in range(n):
        random = np.random.default_rng(seed)
        people = np.repeat(np.arange(20), 4)
        values = random.normal(size=20)[people, None] + 0.1 * random.normal(size=(80, 1))
        scores = random.normal(size=20)[people] + 0.1 * random.normal(size=80)
        labels = (np.arange(20) % 2 == 0)[people]
        below += test(values, scores, labels, people) <= 0.1
    return below / n


def test_recordings_of_one_person_are_no_evidence_from_several():
    by_person = null_rate(lambda v, s, y, who: label_association(v, y, who, 99)[1][0])
    by_recording = null_rate(lambda v, s, y, who: label_association(v, y, np.arange(80), 99)[1][0])
    assert by_person < 0.18 < 0.3 < by_recording
    within = null_rate(
        lambda v, s, y, who: association_within_classes(v, s, y, who, n_permutations=99)[1][0]
    )
    assert within < 0.18


def test_within_classes_is_the_rank_correlation_of_one_class():
    random = np.random.default_rng(0)
    values, scores = random.normal(size=(12, 1)), random.normal(size=12)
    rho, p_values = association_within_classes(
        values, scores, np.ones(12, dtype=bool), np.arange(12), n_permutations=9999
    )
    expected = stats.spearmanr(values[:, 0], scores, alternative="greater")
    assert rho[0] == pytest.approx(expected.statistic)
    assert p_values[0] == pytest.approx(expected.pvalue, abs=0.02)


def test_a_difference_between_classes_is_nothing_within_them():
    labels = np.arange(40) % 2 == 0
    random = np.random.default_rng(0)
    values = 5.0 * labels[:, None] + random.normal(size=(40, 1))
    scores = 5.0 * labels + random.normal(size=40)
    rho, _ = association_within_classes(values, scores, labels, np.arange(40))
    assert abs(rho[0]) < 0.35


def test_a_large_corpus_is_shuffled_in_parts():
    labels = np.arange(2**21) // 2 % 2 == 0
    parts = list(permute_labels(labels, np.arange(2**21) // 2, 3))
    assert all(((part[:, ::2] == part[:, 1::2]).all()) for part in parts)
    assert [len(part) for part in parts] == [2, 1]


def test_malformed_input_is_refused():
    with pytest.raises(ValueError, match="as many labels as clusters"):
        next(permute_labels(np.ones(2, dtype=bool), ["a"], 5))
