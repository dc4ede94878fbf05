import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy.stats

from daxaudio.metrics import holm, paired_comparison, unpaired_comparison


def test_a_difference_in_every_recording_is_found():
    base = np.random.default_rng(0).random(30)
    found = paired_comparison(base + np.linspace(0.05, 0.15, 30), base)
    assert found.n == 30
    assert found.mean_difference == pytest.approx(0.1)
    assert 0.05 < found.low < 0.1 < found.high < 0.15
    # all 30 signs agree: the exact two-sided p-value is 2 / 2^30
    assert found.p_value == pytest.approx(2 / 2**30)


def test_p_value_by_hand():
    # ranks of |d| are 1, 2, 3; all positive is one of 8 sign patterns, two-sided 2 / 8
    assert paired_comparison([0.1, 0.2, 0.4], [0, 0, 0]).p_value == pytest.approx(0.25)
    # the smallest is negative: rank sum 1 or less has 2 of 8 patterns, two-sided 4 / 8
    assert paired_comparison([-0.1, 0.2, 0.4], [0, 0, 0]).p_value == pytest.approx(0.5)


def test_p_value_with_ties_by_hand():
    # midranks of |d| are 1.5, 1.5, 3; three of 8 patterns have a sum of 1.5 or less: 6 / 8
    assert paired_comparison([-0.1, 0.1, 0.4], [0, 0, 0]).p_value == pytest.approx(0.75)


@pytest.mark.parametrize("n", [5, 20, 50, 51, 200])
def test_p_value_without_ties_is_that_of_scipy(n):
    differences = np.random.default_rng(n).normal(0.2, 1.0, n)
    expected = scipy.stats.wilcoxon(differences).pvalue
    assert paired_comparison(differences, np.zeros(n)).p_value == pytest.approx(expected)


def signed_rank_by_enumeration(differences):
    ranks = scipy.stats.rankdata(np.abs(differences))
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s)
            for signs in itertools.product((0, 1), repeat=len(ranks))]  # fmt: skip
    distance = abs(ranks[differences > 0].sum() - ranks.sum() / 2)
    return np.mean(np.abs(np.array(sums) - ranks.sum() / 2) >= distance - 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_p_value_with_ties_is_that_of_all_sign_patterns(seed):
    differences = np.random.default_rng(seed).integers(-3, 5, 10)
    expected = signed_rank_by_enumeration(differences[differences != 0])
    found = paired_comparison(differences, np.zeros(10), n_bootstrap=2)
    assert found.p_value == pytest.approx(expected)


def test_exchange_of_the_two_changes_only_the_sign():
    a, b = np.random.default_rng(1).random((2, 25))
    there, back = paired_comparison(a, b), paired_comparison(b, a)
    assert back.mean_difference == pytest.approx(-there.mean_difference)
    assert back.p_value == pytest.approx(there.p_value)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


def test_the_interval_has_the_width_that_theory_gives():
    differences = np.random.default_rng(2).normal(0.2, 1.0, 400)
    found = paired_comparison(differences, np.zeros(400))
    expected = 1.96 * differences.std() / math.sqrt(400)
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("n", [2, 7, 300])
def test_the_interval_is_that_of_resampled_means(n):
    differences = np.random.default_rng(n).normal(size=n)
    found = paired_comparison(differences, np.zeros(n), seed=7, n_bootstrap=5000)
    drawn = np.random.default_rng(7).integers(n, size=(5000, n))
    expected = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=1e-12)


def test_chance_gives_even_p_values():
    rng = np.random.default_rng(3)
    p_values = [paired_comparison(*rng.random((2, 20)), n_bootstrap=2).p_value for _ in range(400)]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_no_difference_at_all_has_p_value_one():
    found = paired_comparison([0.5, 0.7], [0.5, 0.7])
    assert dataclasses.astuple(found) == (2, 0, 0, 0, 0, 1)


def test_zero_differences_are_left_out_of_the_test_but_not_of_the_mean():
    found = paired_comparison([0.1, 0.2, 0.4, 0.0], [0, 0, 0, 0])
    assert found.n == 4
    assert found.mean_difference == pytest.approx(0.175)
    assert found.p_value == pytest.approx(0.25)


def test_pairs_without_a_value_are_dropped_and_counted():
    nan = float("nan")
    found = paired_comparison([0.5, nan, 0.3, 0.9], [0.1, 0.2, nan, 0.2])
    alone = paired_comparison([0.5, 0.9], [0.1, 0.2])
    assert (found.n, found.n_dropped) == (2, 2)
    assert dataclasses.replace(found, n_dropped=0) == alone


def test_nothing_left_gives_nan():
    for a, b in (([float("nan")], [0.5]), ([], [])):
        found = paired_comparison(a, b)
        assert (found.n, found.n_dropped) == (0, len(a))
        assert all(math.isnan(value) for value in dataclasses.astuple(found)[2:])


def test_one_recording_proves_nothing():
    found = paired_comparison([0.5], [0.2])
    assert found.low == found.high == found.mean_difference == 0.3
    assert found.p_value == 1


def test_the_seed_decides_and_nothing_global_is_touched():
    a, b = np.random.default_rng(4).random((2, 40))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert paired_comparison(a, b, seed=5) == paired_comparison(a, b, seed=5)
    assert paired_comparison(a, b, seed=5).low != paired_comparison(a, b, seed=6).low
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_a_corpus_too_large_for_one_draw_of_indices_works():
    differences = np.random.default_rng(6).normal(1.0, 1.0, 300_000)
    found = paired_comparison(differences, np.zeros(300_000), n_bootstrap=20)
    assert found.low < differences.mean() < found.high


@pytest.mark.parametrize(
    ("a", "b", "n_bootstrap", "reason"),
    [
        ([1.0, 2.0], [1.0], 10, r"got shapes \(2,\) and \(1,\)"),
        ([[1.0]], [[1.0]], 10, "equally long lists"),
        ([float("inf")], [1.0], 10, "got infinite values"),
        ([1.0], [1.0], 1, "n_bootstrap must be at least 2, got 1"),
    ],
)
def test_malformed_input_is_refused(a, b, n_bootstrap, reason):
    with pytest.raises(ValueError, match=reason):
        paired_comparison(a, b, n_bootstrap=n_bootstrap)


def test_an_unpaired_difference_lies_in_its_interval_and_equal_groups_do_not_differ():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 0.1, 40), rng.normal(0.5, 0.1, 30)
    found = unpaired_comparison(a.tolist(), b.tolist())
    assert found.low < found.mean_difference < found.high
    assert found.low > 0.4
    assert found.p_value < 0.001
    assert unpaired_comparison([0.5, 0.5], [0.5]).p_value == 1.0
    with pytest.raises(ValueError, match="must have values"):
        unpaired_comparison([], [0.5])


def holm_by_definition(p_values):
    """The smallest times n, the next times n - 1, and so on; no later one below an earlier one."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, so_far = [0.0] * len(p_values), 0.0
    for step, index in enumerate(order):
        so_far = max(so_far, min(1.0, p_values[index] * (len(p_values) - step)))
        corrected[index] = so_far
    return corrected


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_many_tests_are_corrected_as_holm_defines_it(n):
    p_values = np.random.default_rng(n).random(n) ** 3
    p_values[n // 2 :] = p_values[n // 2]  # ties
    assert holm(p_values).tolist() == pytest.approx(holm_by_definition(p_values.tolist()))


def test_a_test_without_value_is_no_test():
    whole = holm([0.01, 0.02, 0.5])
    found = holm([0.01, math.nan, 0.02, math.nan, 0.5])
    assert found[[0, 2, 4]].tolist() == whole.tolist()
    assert np.isnan(found[[1, 3]]).all()
    assert np.isnan(holm([math.nan])).all()
    assert holm([]).shape == (0,)


def test_false_alarms_among_many_tests_become_rare():
    tables = np.random.default_rng(0).random((300, 20))
    alarms = [(p_values < 0.05).any() for p_values in tables]
    corrected = [(holm(p_values) < 0.05).any() for p_values in tables]
    assert np.mean(alarms) > 0.5
    assert np.mean(corrected) < 0.1


def test_the_given_p_values_stay_as_they_are():
    p_values = np.array([0.01, 0.02])
    holm(p_values)
    assert p_values.tolist() == [0.01, 0.02]


@pytest.mark.parametrize("p_values", [[-0.1], [1.1], [math.inf], [[0.1]], 0.1])
def test_what_is_no_p_value_is_refused(p_values):
    with pytest.raises(ValueError, match="p_values must"):
        holm(p_values)


def test_many_tests_are_corrected_as_statsmodels_does():
    from statsmodels.stats.multitest import multipletests

    p_values = np.random.default_rng(0).uniform(size=40).round(2) ** 3
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected, abs=1e-12)
