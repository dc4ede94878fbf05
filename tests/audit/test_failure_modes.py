"""What is said of each failure mode is of that mode, not of the section that looked."""

import dataclasses

import pandas as pd
import pytest
from made_tables import made_corpus

from daxaudio.audit.confounders import INTERVENTIONS, confounders
from daxaudio.audit.failure_modes import MODES, failure_modes
from daxaudio.audit.listening import EVENTS
from daxaudio.audit.of_tables import NOT_ASKED
from daxaudio.audit.participants import LEFT_OUT, participants
from daxaudio.audit.performance import performance
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section

ASKED = Questions(positive="ill", n_bootstrap=100, n_permutations=199)
TRACE_MODES = {
    "hum": "the score follows hum or other lines",
    "level": "the score follows the level",
    "bandwidth": "the score follows band or codec",
    "site": "the score follows colour of microphone or site",
}
QUIET = dict.fromkeys(("background", "hum", "level", "bandwidth", "equaliser"), 0.01)


def found(*sections, questions=ASKED):
    return failure_modes(sections, questions).set_index("mode")["found"]


def section(name, state="fine", **tables):
    return Section(name, "Is it?", "It is.", state, tables)


def of_sounds(p=0.0005, effects=QUIET, corpus=None, state="fine"):
    """The sections confounders and swaps of a made corpus."""
    recordings, traces, known = made_corpus(0, **(corpus or {}))
    rows = [(kind, one, one - 0.05, one + 0.05, p) for kind, one in effects.items()]
    asked = pd.DataFrame(rows, columns=list(INTERVENTIONS))
    given = {"traces": traces, "known": known, "interventions": asked if effects else None}
    if not effects:
        return confounders(recordings, ASKED, **given), section("swaps", "not tested")
    swaps = section("swaps", state, interventions=asked.assign(p_holm=asked["p"]))
    return confounders(recordings, ASKED, **given), swaps


def test_of_the_traces_only_those_are_a_concern_that_are_accused():
    sections = of_sounds(effects={**QUIET, "hum": 0.4}, corpus={"strength": 1.0})
    assert sections[0].state == "concern"
    table = found(*sections)
    assert {kind: table[mode] for kind, mode in TRACE_MODES.items()} == {
        **{"hum": "concern", "level": "nothing found"},
        **{"bandwidth": "nothing found", "site": "nothing found"},
    }


@pytest.mark.parametrize(
    ("effects", "corpus"),
    [
        (QUIET, {"strength": 1.0}),  # tells the label, and is not followed
        ({**QUIET, "hum": 0.4}, {}),  # is followed, and does not tell the label
    ],
)
def test_half_of_a_confounder_is_unclear_and_no_concern(effects, corpus):
    table = found(*of_sounds(effects=effects, corpus=corpus))
    assert table[TRACE_MODES["hum"]] == "unclear"
    assert table[TRACE_MODES["level"]] == "nothing found"


def test_a_column_of_sites_that_is_followed_is_a_concern_about_sites():
    corpus = {"n_people": 100, "site_strength": 0.6, "site_follows": 5.0, "hears": 1.0}
    table = found(*of_sounds(corpus=corpus))
    assert table[TRACE_MODES["site"]] == "concern"
    assert table[TRACE_MODES["hum"]] == "nothing found"


def test_without_donors_nothing_is_said_to_be_left_alone():
    table = found(*of_sounds(effects={}))
    for mode in (*TRACE_MODES.values(), "the score follows the background (room, noise)"):
        assert table[mode] == "not tested"
    one = {kind: effect for kind, effect in QUIET.items() if kind != "bandwidth"}
    table = found(*of_sounds(effects=one))
    assert table[TRACE_MODES["bandwidth"]] == "not tested"
    assert table[TRACE_MODES["level"]] == "nothing found"


@pytest.mark.parametrize(("state", "word"), [("concern", "concern"), ("fine", "nothing found")])
def test_a_background_that_is_followed_is_one_by_swaps(state, word):
    table = found(*of_sounds(state=state))
    assert table["the score follows the background (room, noise)"] == word


def test_subgroups_that_nobody_asked_for_or_that_are_small_are_not_tested():
    mode = "works worse in a subgroup"
    recordings, _, known = made_corpus(0, hears=4.0)
    recordings = recordings.merge(known, on="recording_id")
    plain = performance(recordings, ASKED)
    assert plain.state != "not tested"
    assert found(plain)[mode] == "not tested"
    asked = dataclasses.replace(ASKED, subgroups=("sex",))
    assert found(performance(recordings, asked), questions=asked)[mode] == "nothing found"
    small = dataclasses.replace(asked, smallest_cell=1000)
    assert found(performance(recordings, small), questions=small)[mode] == "not tested"


def test_a_worse_subgroup_says_nothing_of_calibration():
    groups = pd.DataFrame({"p_holm": [0.001, 0.001], "auc": [0.6, 0.9], "auc_rest": [0.9, 0.6]})
    slope = pd.DataFrame({"measure": ["auc", "slope"], "low": [0.6, 0.8], "high": [0.9, 1.3]})
    table = found(section("performance", "concern", subgroups=groups, overall=slope))
    assert table["works worse in a subgroup"] == "concern"
    assert table["scores are no probabilities (calibration)"] == "nothing found"
    slope["high"] = 0.9
    groups["p_holm"] = [0.9, float("nan")]
    table = found(section("performance", "note", subgroups=groups, overall=slope))
    assert table["works worse in a subgroup"] == "unclear"
    assert table["scores are no probabilities (calibration)"] == "concern"


def test_a_split_that_nobody_named_is_not_tested_and_copies_are_no_split():
    mode = "recordings of one participant on both sides of the split"
    recordings, _, _ = made_corpus(0)
    recordings = recordings.assign(fold="test", input="the same")
    copies = participants(recordings, ASKED)
    assert copies.state == "concern"
    assert found(copies)[mode] == "not tested"
    asked = dataclasses.replace(ASKED, split="fold")
    assert found(participants(recordings, asked), questions=asked)[mode] == "nothing found"
    recordings.loc[0, "fold"] = "train"
    assert found(participants(recordings, asked), questions=asked)[mode] == "concern"


@pytest.mark.parametrize(
    ("reason", "word"), [(NOT_ASKED, "concern"), ("no label", "nothing found")]
)
def test_only_what_could_not_be_asked_is_what_the_model_cannot_take(reason, word):
    recordings, _, _ = made_corpus(0)
    out = pd.DataFrame([("x", "p", reason)], columns=list(LEFT_OUT))
    told = participants(recordings, ASKED, left_out=out)
    assert found(told)["recordings that the model cannot take"] == word


def test_masks_are_outside_of_events_only_where_events_are_known():
    parts = {"division": ["event", "band"], "part": [EVENTS, "0 to 1 kHz"]}
    shares = pd.DataFrame(parts)
    wrong = pd.DataFrame({"part": [EVENTS], "p_holm": [0.3]})
    outside, warning = "listens outside the events", "masks do not warn when the model errs"
    table = found(section("listening", "concern", shares=shares, when_wrong=wrong))
    assert (table[outside], table[warning]) == ("concern", "unclear")
    wrong["p_holm"] = 0.01
    table = found(section("listening", "note", shares=shares[1:], when_wrong=wrong))
    assert (table[outside], table[warning]) == ("not tested", "nothing found")
    table = found(section("listening", "fine", shares=shares))
    assert (table[outside], table[warning]) == ("nothing found", "not tested")


def test_a_section_that_is_not_there_or_could_not_answer_tested_nothing():
    untested = [section(one, "not tested") for one in {mode.section for mode in MODES} - {""}]
    for sections in ([], untested):
        assert set(found(*sections)) == {"not tested"}
