"""The held-out classifier is scikit-learn's, and its p-value is right under the null hypothesis."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from daxaudio.audit import prediction
from daxaudio.audit.cases import Cases
from daxaudio.audit.features import column_features, number_features
from daxaudio.audit.prediction import predict_label


def made(seed, n_people=24, each=2, d=3, effect=0.0):
    random = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), each)
    positive = (np.arange(n_people) % 2 == 0)[people]
    features = random.normal(size=(n_people, d))[people] + effect * positive[:, None]
    names = np.array([f"p{k:02d}" for k in people], dtype=object)
    ids = pd.DataFrame({"recording_id": np.arange(len(people)).astype(str)})
    return features, Cases(ids, positive, np.zeros(len(people)), names, "ill")


def test_held_out_scores_are_those_of_scikit_learn(monkeypatch):
    features, cases = made(0)
    monkeypatch.setattr(prediction, "_N_REPEATS", 1)
    found = predict_label(features, cases, n_folds=4, n_permutations=99, seed=5)
    fold = (np.random.default_rng(5).permutation(24) % 4)[np.repeat(np.arange(24), 2)]
    expected = np.zeros(len(fold))
    for k in range(4):
        model = Ridge(alpha=3).fit(features[fold != k], cases.positive[fold != k])
        expected[fold == k] = model.predict(features[fold == k]) - model.intercept_
        expected[fold == k] -= model.coef_ @ features[fold != k].mean(axis=0)
    assert found.scores == pytest.approx(expected)


def test_p_values_are_uniform_when_features_say_nothing():
    p_values = [
        predict_label(*made(seed, n_people=16), n_folds=4, n_permutations=99, seed=seed).p_value
        for seed in range(200)
    ]
    assert 8 <= np.sum(np.array(p_values) <= 0.1) <= 34  # 20 within 3.3 standard deviations


def test_copies_of_recordings_are_no_evidence():
    few = predict_label(*made(3, each=1), n_folds=4, n_permutations=499, seed=1)
    many = predict_label(*made(3, each=20), n_folds=4, n_permutations=499, seed=1)
    assert many.p_value == pytest.approx(few.p_value, abs=0.1)


def test_what_tells_the_label_is_found():
    found = predict_label(*made(0, effect=1.5), n_folds=4, n_permutations=499, seed=0)
    assert found.auc > 0.85
    assert found.p_value == 1 / 500


def test_without_features_or_classes_nothing_is_found():
    features, cases = made(0)
    settings = {"n_folds": 4, "n_permutations": 99, "seed": 0}
    assert np.isnan(predict_label(features[:, :0], cases, **settings).auc)
    one_class = Cases(cases.table, cases.positive | True, cases.scores, cases.participants, "ill")
    assert np.isnan(predict_label(features, one_class, **settings).p_value)


def test_numbers_become_scores_of_ranks_with_squares_and_constants_go():
    table = pd.DataFrame({"a": [1.0, 10.0, 1e6, np.nan], "b": [5.0] * 4})
    features = number_features(table)
    assert features.shape == (4, 2)
    assert np.diff(features[:3, 0]) == pytest.approx(np.diff(features[:3, 0])[0])
    assert features.mean(axis=0) == pytest.approx([0, 0])


def test_columns_of_names_numbers_and_dates_become_features():
    assert column_features(pd.Series(["a", "a", "b", "b", None, None])).shape == (6, 3)
    assert column_features(pd.Series([1.0, 2.0, 3.0, np.nan])).shape == (4, 3)
    days = pd.Series(["2020-04-01", "2020-04-03", "2020-05-01", "2020-05-07"])
    assert column_features(days).shape == (4, 2)
    assert column_features(pd.Series(list("abcdefgh"))).shape == (8, 0)
    assert column_features(pd.Series(["a"] * 4)).shape[1] == 0
