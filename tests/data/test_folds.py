"""Folds that are dealt: beside those of scikit-learn."""

import warnings

import numpy as np
import pytest

from daxaudio.data.folds import assign_folds


def mixed_groups(seed):
    """Thirty speakers, each with recordings of both classes."""
    rng = np.random.default_rng(seed)
    names = [(f"s{i}", f"s{i}_{j}") for i in range(30) for j in range(rng.integers(2, 8))]
    classes = {name: str(rng.choice(["n", "n", "p"])) for _, name in names}
    return classes, {name: speaker for speaker, name in names}


def spread(folds, names):
    counts = np.bincount([folds[name] for name in names], minlength=5)
    return int(np.ptp(counts))


def test_groups_of_several_classes_are_dealt_more_evenly_than_by_scikit_learn():
    model_selection = pytest.importorskip("sklearn.model_selection")
    ours, theirs = [], []
    for seed in range(10):
        classes, groups = mixed_groups(seed)
        names = sorted(classes)
        labels, speakers = ([of[name] for name in names] for of in (classes, groups))
        dealer = model_selection.StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = [chosen for _, chosen in dealer.split(names, labels, speakers)]
        known = {names[i]: fold for fold, chosen in enumerate(parts) for i in chosen}
        ours.append(spread(assign_folds(classes, groups, 5, seed), names))
        theirs.append(spread(known, names))
    assert np.mean(ours) < np.mean(theirs) / 2


def test_folds_of_a_seed_stay_what_they_are():
    classes = {f"r{i}": "np"[i % 3 == 0] for i in range(12)}
    folds = assign_folds(classes, {name: name for name in classes}, 3, seed=1)
    assert "".join(str(folds[name]) for name in sorted(classes)) == "200120110221"
