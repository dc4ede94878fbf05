import math

import numpy as np
import pytest
import scipy.stats

from daxaudio.metrics import compare_pairs, rank_methods

NAN = math.nan
METHODS = ("a", "b", "c", "d", "e")
# 12 blocks of rounded normal draws, with ties within none
VALUES = np.array([
    [0.25, 0.33, 2.06, 0.66, -2.14], [0.89, -0.12, 0.55, -1.61, -0.26],
    [1.14, 2.08, 0.72, 0.51, -1.99], [3.15, -1.42, 1.5, -0.33, -1.38],
    [0.24, -0.17, 0.78, -0.11, 0.98], [-0.93, 0.5, -0.49, 0.78, -2.62],
    [0.56, 0.71, -1.08, 0.99, -0.32], [1.91, 1.46, -0.58, -0.8, -0.7],
    [1.65, 1.35, -0.31, -0.61, -1.3], [0.32, 0.26, 0.27, 2.06, -1.01],
    [0.61, 0.96, -0.55, -0.37, -0.49], [1.67, -0.82, 1.77, -0.35, -0.33],
])  # fmt: skip


def test_ranks_by_hand():
    found = rank_methods([[0.9, 0.5, 0.1], [0.2, 0.8, 0.8]], ["x", "y", "z"])
    assert found.ranks.tolist() == [[1, 2, 3], [3, 1.5, 1.5]]
    assert found.mean_ranks == {"y": 1.75, "x": 2.0, "z": 2.25}


def test_lower_may_be_better_in_some_blocks():
    found = rank_methods([[1, 2], [1, 2]], ["x", "y"], better=["lower", "higher"])
    assert found.ranks.tolist() == [[1, 2], [2, 1]]
    assert rank_methods([[1, 2]], ["x", "y"], better="lower").ranks.tolist() == [[1, 2]]


@pytest.mark.parametrize("decimals", [2, 0])
def test_statistic_is_that_of_scipy_ties_included(decimals):
    values = VALUES.round(decimals)
    expected = scipy.stats.friedmanchisquare(*values.T)
    found = rank_methods(values, METHODS)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_agreement_is_1_where_all_blocks_rank_alike_and_0_where_they_cancel():
    assert rank_methods([[3, 2, 1]] * 4, ["x", "y", "z"]).kendall_w == pytest.approx(1)
    assert rank_methods([[2, 1], [1, 2]], ["x", "y"]).kendall_w == pytest.approx(0)


def test_methods_that_always_tie_are_alike():
    found = rank_methods([[1, 1, 1]] * 5, ["x", "y", "z"])
    assert (found.statistic, found.p_value, found.kendall_w) == (0, 1, 0)
    assert found.alike == [("x", "y", "z")]


# Demsar 2006, table 5 (a): q at 0.05 by the number of methods
@pytest.mark.parametrize(
    ("n_methods", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (8, 3.031), (10, 3.164)]
)
def test_critical_difference_is_that_of_the_published_table(n_methods, q):
    values = np.arange(n_methods)[None].repeat(20, axis=0)
    found = rank_methods(values, [str(number) for number in range(n_methods)])
    expected = q * math.sqrt(n_methods * (n_methods + 1) / (6 * 20))
    assert found.critical_difference == pytest.approx(expected, rel=1e-3)


def test_p_values_of_pairs_are_those_of_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    expected = posthocs.posthoc_nemenyi_friedman(VALUES).to_numpy()
    found = rank_methods(VALUES, METHODS)
    assert found.p_values == pytest.approx(expected, abs=1e-6)
    apart = np.abs(np.subtract.outer(found.ranks.mean(0), found.ranks.mean(0)))
    assert ((apart > found.critical_difference) == (expected < 0.05)).all()
    assert (expected < 0.05).any()


def test_holm_and_wilcoxon_are_those_of_scikit_posthocs():
    # scikit-posthocs 0.17.1: posthoc_wilcoxon(..., p_adjust="holm")
    expected = {("a", "d"): 0.65918, ("a", "e"): 0.009766, ("b", "e"): 0.128906,
                ("c", "e"): 0.109863, ("d", "e"): 0.645996}  # fmt: skip
    for test in compare_pairs(VALUES, METHODS):
        assert test.p_holm == pytest.approx(expected.get((test.a, test.b), 1.0), abs=1e-6)


def test_a_leader_pays_for_fewer_tests():
    tests = compare_pairs(VALUES, METHODS, leader="e")
    assert [(test.a, test.b) for test in tests] == [("e", name) for name in "abcd"]
    full = {(t.b, t.a): t.p_holm for t in compare_pairs(VALUES, METHODS) if t.b == "e"}
    assert all(test.p_holm <= full[test.a, test.b] for test in tests)
    assert min(test.p_holm for test in tests) < min(full.values())
    assert (tests[0].n_better, tests[0].n_worse) == (1, 11)


def test_groups_that_are_not_told_apart_overlap_and_hold_neighbours():
    values = np.arange(6)[None].repeat(10, axis=0)
    found = rank_methods(values, list("fedcba"))
    assert 2 < found.critical_difference < 3
    assert found.alike == [tuple("abc"), tuple("bcd"), tuple("cde"), tuple("def")]


def test_a_method_apart_from_all_is_in_no_group():
    found = rank_methods([[9, 1, 2], [9, 2, 1]] * 20, ["best", "x", "y"])
    assert found.alike == [("x", "y")]


def test_a_method_that_fails_shares_the_last_ranks():
    found = rank_methods([[NAN, 0.1, NAN, 0.2]], list("wxyz"))
    assert found.ranks.tolist() == [[3.5, 2, 3.5, 1]]
    assert found.n_missing == (1, 0, 1, 0)
    assert found.n_left_out == 0


def test_blocks_with_a_gap_are_left_out_if_asked():
    values = [[1, NAN], [1, 2], [NAN, NAN]]
    found = rank_methods(values, ["x", "y"], missing="leave_out")
    assert (found.n_blocks, found.n_left_out, found.n_missing) == (1, 2, (0, 0))
    # what nobody has a value for was not measured
    assert rank_methods(values, ["x", "y"]).n_left_out == 1


def test_refusing_is_the_greatest_loss_of_a_pair():
    present = [[0.5, 0.4], [0.3, 0.9], [0.6, 0.5]]
    (test,) = compare_pairs([*present, [0.1, NAN], [NAN, NAN]], ["x", "y"])
    (same,) = compare_pairs([*present, [9.0, 0.0]], ["x", "y"])
    assert (test.n_better, test.n_worse) == (3, 1)
    assert test.p_value == same.p_value


def test_nothing_to_compare_is_no_difference():
    (test,) = compare_pairs([[1, 1], [2, 2]], ["x", "y"])
    assert (test.p_value, test.p_holm, test.n_better) == (1, 1, 0)


@pytest.mark.parametrize(
    ("values", "methods", "options", "fault"),
    [
        ([[1, 2, 3]], ["x", "y"], {}, "column for each"),
        ([[1]], ["x"], {}, "at least two methods"),
        ([], ["x", "y"], {}, "row a block"),
        ([[1, 2]], ["x", "x"], {}, "stand once"),
        ([[1, math.inf]], ["x", "y"], {}, "finite"),
        ([[1, 2]], ["x", "y"], {"better": "neither"}, "'higher' or 'lower'"),
        ([[1, 2]], ["x", "y"], {"better": ["higher", "lower"]}, "each of 1 blocks"),
        ([[1, 2]], ["x", "y"], {"missing": "first"}, "'last' or 'leave_out'"),
        ([[1, 2]], ["x", "y"], {"alpha": 1.0}, "between 0 and 1"),
        ([[1, NAN]], ["x", "y"], {"missing": "leave_out"}, "no block is left"),
    ],
)
def test_bad_input_is_told(values, methods, options, fault):
    with pytest.raises(ValueError, match=fault):
        rank_methods(values, methods, **options)


def test_a_leader_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="leader 'z' is none"):
        compare_pairs([[1, 2]], ["x", "y"], leader="z")
