"""Performance by participant and by subgroup: known numbers, honest comparisons, small cells."""

import numpy as np
import pandas as pd
import pytest
from made_tables import made_corpus

from daxaudio.audit.groups import groups_of
from daxaudio.audit.performance import performance
from daxaudio.audit.questions import Questions
from daxaudio.metrics import calibration, roc_auc, sensitivity_at_specificity

ASKED = Questions(subgroups=("sex",), n_bootstrap=200, n_permutations=199)


def corpus(seed=0, **settings):
    recordings, _, known = made_corpus(seed, **settings)
    return recordings.merge(known, on="recording_id")


def overall(section):
    return section.tables["overall"].set_index("measure")


def test_the_numbers_are_those_of_the_metrics():
    table = corpus(n_people=100)
    found = overall(performance(table, ASKED))["value"]
    positive = (table["label"] == "ill").to_numpy()
    scores = table["score"].to_numpy()
    assert found["auc"] == pytest.approx(roc_auc(scores, positive), abs=1e-6)
    expected = sensitivity_at_specificity(scores, positive, 0.9)
    assert found["sensitivity_at_specificity"] == pytest.approx(expected, abs=1e-6)
    assert found["sensitivity"] == pytest.approx((scores[positive] >= 0.5).mean(), abs=1e-6)
    assert found["specificity"] == pytest.approx((scores[~positive] < 0.5).mean(), abs=1e-6)
    fitted = calibration(scores, positive)
    for name in ("brier", "intercept", "slope", "ece"):
        assert found[name] == pytest.approx(getattr(fitted, name), abs=1e-6)


def test_every_interval_holds_its_value():
    table = overall(performance(corpus(n_people=100), ASKED)).drop("ece")
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_a_threshold_decides_instead_of_the_model():
    table = corpus()
    strict = Questions(threshold=0.9, n_bootstrap=100)
    found = overall(performance(table.drop(columns="predicted"), strict))["value"]
    positive = table["label"] == "ill"
    assert found["sensitivity"] == pytest.approx((table["score"][positive] >= 0.9).mean(), abs=1e-6)
    with pytest.raises(ValueError, match="predicted missing"):
        performance(table.drop(columns="predicted"), ASKED)


def test_a_group_in_which_it_fails_is_named():
    table = corpus(n_people=200)
    failing = table["sex"] == "f"
    random = np.random.default_rng(0)
    table.loc[failing, "score"] = random.uniform(size=failing.sum())
    section = performance(table, ASKED)
    assert section.state == "concern"
    assert "worse where sex is f" in section.answer
    rows = section.tables["subgroups"].set_index("group")
    assert rows.loc["f", "p_holm"] < 0.05
    assert rows.loc["f", "auc"] < 0.65 < rows.loc["m", "auc"]


def test_groups_that_do_not_matter_are_rarely_accused():
    n, found = 60, 0
    quick = Questions(subgroups=("sex", "site"), n_bootstrap=100, n_permutations=99)
    for seed in range(n):
        section = performance(corpus(seed, n_people=60), quick)
        found += "worse where" in section.answer
    assert found <= 8  # at most 0.05 of 60 are expected; more than 8 once in five hundred


def test_small_cells_are_marked_and_not_compared():
    section = performance(corpus(n_people=30), ASKED)
    rows = section.tables["subgroups"]
    assert rows["small"].all()
    assert rows["p"].isna().all()
    assert section.state == "note"
    assert "too small to be compared" in section.answer


def test_chance_is_a_concern():
    table = corpus()
    table["score"] = np.random.default_rng(1).uniform(size=len(table))
    section = performance(table, ASKED)
    assert section.state == "concern"
    assert "not shown to be better than chance" in section.answer


def test_scores_that_are_too_extreme_are_said_to_be():
    table = corpus(n_people=200)
    odds = np.log(table["score"] / (1 - table["score"]))
    table["score"] = 1 / (1 + np.exp(-8 * odds))
    assert "too extreme" in performance(table, ASKED).answer


def test_one_class_is_not_tested():
    table = corpus()
    asked = Questions(positive="ill")
    assert performance(table[table["label"] == "ill"], asked).state == "not tested"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"subgroups": ("weight",)}, "subgroups: nothing is known of 'weight'"),
        ({"positive": "cat"}, "no recording has the label 'cat'"),
    ],
)
def test_what_is_asked_for_must_be_there(change, problem):
    with pytest.raises(ValueError, match=problem):
        performance(corpus(), Questions(**change))


def test_malformed_tables_are_refused():
    table = corpus()
    with pytest.raises(ValueError, match="score outside"):
        performance(table.assign(score=2.0), ASKED)
    with pytest.raises(ValueError, match="stands twice"):
        performance(pd.concat([table, table[:1]]), ASKED)
    with pytest.raises(ValueError, match="participant missing"):
        performance(table.drop(columns="participant"), ASKED)
    with pytest.raises(ValueError, match="which class is positive"):
        performance(table.replace({"label": {"ill": "a", "healthy": "b"}}), ASKED)


def test_recordings_without_a_score_are_left_out():
    table = corpus()
    table.loc[3, "score"] = np.nan
    table.loc[4, "label"] = ""
    section = performance(table, ASKED)
    assert section.tables["subgroups"]["n_recordings"].sum() == len(table) - 2


def test_groups_are_names_few_numbers_or_thirds():
    assert groups_of(pd.Series(["a", None, "b"])).tolist() == ["a", None, "b"]
    ages = groups_of(pd.Series([float(k) for k in range(30)] + [np.nan]))
    assert ages.value_counts().tolist() == [10, 10, 10]
    assert ages.iloc[-1] is None
    assert groups_of(pd.Series([0.0, 1.0, 1.0])).tolist() == ["0", "1", "1"]
