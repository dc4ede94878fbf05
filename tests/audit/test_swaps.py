"""Changes of the score under exchanged sounds, from tables that are made by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from daxaudio.audit.answers import ALONE, AS_IS, COLUMNS
from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.swaps import alone, crossed, differences, interventions, swaps_section
from daxaudio.metrics.significance import holm

ASKED = Questions(positive="p", n_donors=1, n_bootstrap=200, n_permutations=199)


def evidence(effects, n=20, noise=0.02, alone_effect=0.0):
    """Scores of n recordings that follow donors by so much, 1 being wholly, for each kind."""
    draws = np.random.default_rng(0)
    rows, told = [], []
    for k in range(n):
        name, label = f"r{k:02d}", "pn"[k % 2]
        told.append((name, f"s{k // 2 * 2 + k % 2}", label, label, 0.9 if label == "p" else 0.1))
        sign = 1 if label == "p" else -1
        rows.append((name, AS_IS, "", "", 0.5 + 0.4 * sign))
        for kind in ALONE:
            score = 0.5 + alone_effect * sign + noise * draws.normal()
            rows.append((name, kind, "", "", score))
        for kind, effect in effects.items():
            for side, moved in (("own", 0.0), ("other", effect)):
                score = 0.5 + sign * (0.4 - moved) + noise * draws.normal()
                rows.append((name, kind, "d", side, score))
    columns = ["recording_id", "participant", "label", "predicted", "score"]
    answers = pd.DataFrame(rows, columns=list(COLUMNS))
    recordings = pd.DataFrame(told, columns=columns)
    return Evidence(recordings, answers, *[pd.DataFrame()] * 7)


def test_a_change_that_the_score_follows_is_found_and_no_other():
    table = interventions(evidence({"background": 0.0, "hum": 0.5, "level": 0.0}), ASKED)
    assert table["kind"].tolist() == ["background", "hum", "level"]
    effects = table.set_index("kind")["effect"]
    assert effects["hum"] == pytest.approx(0.5, abs=0.02)
    assert effects.drop("hum").abs().max() < 0.02
    assert (table["p_holm"] < 0.05).tolist() == [False, True, False]
    assert table["low"].lt(table["effect"]).all()
    assert table["high"].gt(table["effect"]).all()


def test_both_classes_move_towards_the_donors():
    row = interventions(evidence({"hum": 0.3}), ASKED).iloc[0]
    assert row["effect_positive"] == pytest.approx(0.3, abs=0.03)
    assert row["effect_negative"] == pytest.approx(0.3, abs=0.03)


def test_a_recording_without_a_donor_of_one_class_is_in_no_difference():
    made = evidence({"hum": 0.3})
    lacking = (made.answers["recording_id"] == "r00") & (made.answers["donor_class"] == "own")
    made = Evidence(made.recordings, made.answers[~lacking], *[pd.DataFrame()] * 7)
    assert "r00" not in set(differences(made, ASKED)["recording_id"])


def test_four_mean_scores_say_whose_events_and_whose_background_count():
    table = crossed(evidence({"background": 0.8}, noise=0.0), ASKED).set_index("events_of")
    numbers = table[["on_positive_background", "on_negative_background"]]
    assert numbers.round(3).to_numpy().tolist() == [[0.9, 0.1], [0.9, 0.1]]


def test_background_alone_that_tells_the_classes_apart_is_a_concern():
    made = evidence({"background": 0.0}, alone_effect=0.2)
    assert alone(made, ASKED).set_index("heard").loc[ALONE[2], "auc"] == 1.0
    found = swaps_section(made, ASKED)
    assert found.state == "concern"
    assert "AUC of 1.00" in found.answer


@pytest.mark.parametrize(("n", "state"), [(7, "fine"), (8, "concern")])
def test_a_background_that_is_followed_may_spend_a_third_of_the_false_alarms(n, state):
    found = swaps_section(evidence({"background": 0.5}, n=n), ASKED)
    p_holm = found.tables["interventions"]["p_holm"].iloc[0]
    assert p_holm < 0.05
    assert (p_holm < 0.05 / 3) == (state == "concern")
    assert found.state == state


@pytest.mark.parametrize(("n", "state"), [(9, "fine"), (10, "concern")])
def test_a_background_that_is_heard_alone_may_spend_a_third_of_the_false_alarms(n, state):
    found = swaps_section(evidence({"background": 0.0}, n=n, alone_effect=0.2), ASKED)
    p_holm = found.tables["parts"].set_index("heard")["p_holm"].dropna()
    assert p_holm.index.tolist() == [ALONE[2]]
    assert p_holm.iloc[0] < 0.05
    assert found.state == state


def test_kinds_and_background_alone_are_corrected_together():
    made = evidence({"background": 0.0, "hum": 0.0}, alone_effect=0.2)
    tables = swaps_section(made, ASKED).tables
    kinds, parts = tables["interventions"], tables["parts"].set_index("heard")
    asked = [*kinds["p"], parts.loc[ALONE[2], "p"]]
    corrected = [*kinds["p_holm"], parts.loc[ALONE[2], "p_holm"]]
    assert corrected == holm(asked).tolist()


def test_few_shuffles_that_are_asked_for_cannot_hide_a_background_that_is_followed():
    few = dataclasses.replace(ASKED, n_permutations=99)
    assert swaps_section(evidence({"background": 0.5}), few).state == "concern"


def test_a_score_that_stays_is_no_concern_and_shows_nobody():
    found = swaps_section(evidence({"background": 0.0, "hum": 0.0}), ASKED)
    assert (found.state, found.recordings) == ("fine", ())
    assert "does not clearly follow" in found.answer


def test_a_score_that_follows_is_shown_where_it_follows_most():
    found = swaps_section(evidence({"background": 0.5}), ASKED)
    assert found.state == "concern"
    assert len(found.recordings) == 3


def test_without_donors_nothing_is_concluded():
    found = swaps_section(evidence({}), ASKED)
    assert found.state == "not tested"
