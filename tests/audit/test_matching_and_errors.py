"""Matching removes what the table explains and no more; errors are chosen by a rule."""

import numpy as np
import pandas as pd
import pytest
from made_tables import made_corpus

from daxaudio.audit.errors import errors, worst_errors
from daxaudio.audit.matching import match_pairs, matching
from daxaudio.audit.questions import Questions

ASKED = Questions(match_on=("site", "age"), n_bootstrap=200, caliper=1.0)


def corpus(seed=0, **settings):
    recordings, _, known = made_corpus(seed, **settings)
    return recordings.merge(known, on="recording_id")


def test_what_a_site_explains_is_lost_by_matching():
    table = corpus(n_people=240, site_strength=0.6, site_follows=4.0, hears=0.5)
    section = matching(table, ASKED)
    areas = section.tables["auc"].set_index("matching")
    assert section.state == "concern"
    assert areas.loc["before", "auc"] > 0.75
    assert areas.loc["after", "auc"] < 0.67
    assert areas.loc["lost", "low"] > 0
    lost = areas.loc["before", "auc"] - areas.loc["after", "auc"]
    assert areas.loc["lost", "auc"] == pytest.approx(lost, abs=2e-6)
    balance = section.tables["balance"].set_index(["column", "level"])
    assert abs(balance.loc[("site", "south"), "before"]) > 0.8
    assert balance.loc[("site", "south"), "after"] == pytest.approx(0, abs=1e-9)


def test_an_honest_classifier_loses_nothing():
    lost = [matching(corpus(seed, n_people=120), ASKED).state for seed in range(20)]
    assert lost.count("concern") <= 2


def test_pairs_are_exact_on_names_within_the_caliper_and_used_once():
    random = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "participant": [f"p{k:02d}" for k in range(80)],
            "positive": np.arange(80) % 3 == 0,
            "site": random.choice(["a", "b"], 80),
            "age": random.uniform(20, 80, 80),
        }
    )
    asked = Questions(match_on=("site", "age"), caliper=0.1)
    pairs = match_pairs(people, asked)
    of = people.set_index("participant")
    one, other = of.loc[pairs["positive"]], of.loc[pairs["negative"]]
    assert (one["site"].to_numpy() == other["site"].to_numpy()).all()
    apart = np.abs(one["age"].to_numpy() - other["age"].to_numpy())
    assert (apart <= 0.1 * people["age"].std(ddof=0) + 1e-9).all()
    assert one["positive"].all()
    assert not other["positive"].any()
    assert not pairs["positive"].duplicated().any()
    assert not pairs["negative"].duplicated().any()
    assert 0 < len(pairs) < 27


def test_as_many_pairs_as_there_are_are_found():
    ages = [1.0, 2.0, 2.5, 3.5]  # who takes the nearest first finds one pair, there are two
    people = pd.DataFrame(
        {"participant": list("abcd"), "positive": [True, False, True, False], "age": ages}
    )
    spread = np.std(ages)
    pairs = match_pairs(people, Questions(match_on=("age",), caliper=1.01 / spread))
    assert pairs[["positive", "negative"]].to_numpy().tolist() == [["a", "b"], ["c", "d"]]


def test_a_large_stratum_is_matched_in_parts():
    random = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "participant": [f"p{k:05d}" for k in range(4500)],
            "positive": np.arange(4500) % 2 == 0,
            "age": random.uniform(20, 80, 4500),
        }
    )
    assert len(match_pairs(people, Questions(match_on=("age",), caliper=0.05))) > 2100


def test_without_columns_or_pairs_it_is_not_tested():
    table = corpus(site_strength=1.0)
    assert "no column to match on" in matching(table, Questions()).answer
    assert "only 0 pairs" in matching(table, Questions(match_on=("site",))).answer
    with pytest.raises(ValueError, match="match_on: nothing is known of 'weight'"):
        matching(table, Questions(match_on=("weight",)))


def test_who_cannot_be_matched_is_counted():
    table = corpus(n_people=60)
    table.loc[table["participant"] == "p000", "site"] = None
    table.loc[0, "age"] = 99.0
    section = matching(table, Questions(match_on=("site",), n_bootstrap=100))
    assert "1 participants are left out" in section.method


def errors_table():
    rows = [
        ("a1", "a", "ill", 0.4),
        ("a2", "a", "ill", 0.1),
        ("b1", "b", "ill", 0.3),
        ("c1", "c", "ill", 0.9),
        ("d1", "d", "healthy", 0.99),
        ("d2", "d", "healthy", 0.95),
        ("e1", "e", "healthy", 0.6),
        ("f1", "f", "healthy", 0.2),
    ]
    return pd.DataFrame(rows, columns=["recording_id", "participant", "label", "score"])


def test_the_surest_errors_are_shown_and_no_participant_fills_the_list():
    asked = Questions(threshold=0.5, n_errors=2)
    assert worst_errors(errors_table(), asked) == ["d1", "e1", "a2", "b1"]
    more = Questions(threshold=0.5, n_errors=3)
    assert worst_errors(errors_table(), more) == ["d1", "e1", "d2", "a2", "b1", "a1"]


def test_errors_are_counted_at_both_levels():
    section = errors(errors_table(), Questions(threshold=0.5))
    assert "3 false positives among 4 recordings that are not ill" in section.answer
    assert "3 false negatives among 4 recordings that are ill" in section.answer
    assert "of 4 of 6 participants" in section.answer
    assert "All recordings of 2 of them are wrong" in section.answer
    assert set(section.recordings) == {"a1", "a2", "b1", "d1", "d2", "e1"}
    assert section.tables["by_participant"]["participant"].tolist() == ["a", "d", "b", "e"]


def test_no_error_is_no_fault():
    table = errors_table().iloc[[3, 7]]
    section = errors(table, Questions(threshold=0.5))
    assert section.recordings == ()
    assert "0 false positives" in section.answer
