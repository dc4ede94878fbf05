"""Whole participants are drawn: intervals are as wide as what there is of independent evidence."""

import numpy as np
import pytest

from daxaudio.metrics import cluster_bootstrap, cluster_weights


def mean_of(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_items_of_a_cluster_go_together_and_as_many_clusters_are_drawn():
    clusters = np.array(["a", "b", "a", "c", "b"])
    (weights,) = cluster_weights(clusters, 50, seed=1)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_draws_follow_from_the_seed():
    first, again, other = (next(cluster_weights(range(9), 20, seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_copies_of_recordings_make_no_interval_narrower():
    values = np.random.default_rng(0).normal(size=40)
    people = np.arange(40)
    (once,) = cluster_bootstrap(mean_of(values), people)
    (often,) = cluster_bootstrap(mean_of(np.repeat(values, 25)), np.repeat(people, 25))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        people = np.repeat(np.arange(60), 3)
        values = random.normal(size=60)[people] + 0.5 * random.normal(size=180)
        (found,) = cluster_bootstrap(mean_of(values), people, 400, seed, confidence=0.9)
        held += found.low <= 0 <= found.high
    assert 165 <= held <= 193  # 0.9 of 200 within 3 standard deviations


def test_undefined_resamples_are_left_out_and_counted():
    found = cluster_bootstrap(lambda w: np.where(w[:, 0] > 0, 1.0, np.nan), ["a", "b"], 500)[0]
    assert (found.low, found.high) == (1.0, 1.0)
    assert 80 <= found.n_undefined <= 170
    nothing = cluster_bootstrap(lambda w: np.full(len(w), np.nan), ["a", "b"], 10)[0]
    assert np.isnan([nothing.low, nothing.high]).all()
    assert nothing.n_undefined == 10


def test_a_large_corpus_is_drawn_in_parts():
    parts = list(cluster_weights(np.arange(2**21) // 2, 5))
    assert [len(part) for part in parts] == [2, 2, 1]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: next(cluster_weights([], 5)), "at least one item"),
        (lambda: next(cluster_weights(["a"], 0)), "n_resamples must be at least 1"),
        (lambda: cluster_bootstrap(len, ["a"], confidence=95), "confidence must lie"),
    ],
)
def test_malformed_input_is_refused(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()
