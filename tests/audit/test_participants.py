"""The flow adds up at both levels; who is on both sides, and what is there twice, is named."""

import pandas as pd
import pytest
from made_tables import made_corpus

from daxaudio.audit.known import Known
from daxaudio.audit.participants import LEFT_OUT, left_out_before, participants
from daxaudio.audit.questions import Questions
from daxaudio.data.audio_folders import UNLABELLED


@pytest.fixture
def table():
    recordings, _, known = made_corpus(0, n_people=8)
    table = recordings.merge(known, on="recording_id")
    table["fold"] = ["train"] * 8 + ["test"] * 8
    return table


def out_of(*rows):
    return pd.DataFrame(list(rows), columns=list(LEFT_OUT))


def test_the_flow_adds_up_at_both_levels(table):
    out = out_of(
        ("x1", "p000", "could not be read"),
        ("y1", "gone", "could not be read"),
        ("", "never", "no recording"),
    )
    flow = participants(table, Questions(), left_out=out).tables["flow"].set_index("step")
    assert flow.loc["all"].tolist() == [18, 10, 0]
    assert flow.loc["left out: could not be read"].tolist() == [2, 2, 1]
    assert flow.loc["left out: no recording"].tolist() == [0, 1, 1]
    assert flow.loc["audited"].tolist() == [16, 8, 2]
    assert flow.loc["audited, ill"].tolist() == [8, 4, 0]


def test_nobody_on_both_sides_is_fine(table):
    section = participants(table, Questions(split="fold"))
    assert section.state == "fine"
    assert "Nobody is on both sides of fold" in section.answer
    assert "on_both_sides" not in section.tables


def test_who_is_on_both_sides_is_named(table):
    table.loc[0, "fold"] = "test"
    section = participants(table, Questions(split="fold"))
    assert section.state == "concern"
    assert "'p000'" in section.answer
    assert section.tables["on_both_sides"].to_numpy().tolist() == [["p000", "test, train", 2]]


def test_without_a_split_nobody_knows(table):
    section = participants(table, Questions())
    assert section.state == "note"
    assert "Nobody said who was trained on" in section.answer
    with pytest.raises(ValueError, match="split: nothing is known of 'part'"):
        participants(table, Questions(split="part"))


def test_copies_under_two_names_are_found(table):
    table["input"] = [f"digest {k}" for k in range(16)]
    table.loc[3, "input"] = table.loc[2, "input"]
    within = participants(table, Questions(split="fold"))
    assert within.tables["copies"]["recording_id"].tolist() == ["r0002", "r0003"]
    assert within.state == "fine"
    table.loc[9, "input"] = table.loc[2, "input"]
    across = participants(table, Questions(split="fold"))
    assert across.state == "concern"
    assert across.recordings == ("r0002", "r0003", "r0009")


def test_classes_stand_side_by_side(table):
    table.loc[0, "sex"] = None
    section = participants(table, Questions(), described=("age", "sex", "weight"))
    rows = section.tables["classes"].set_index(["column", "level"])
    assert rows.loc[("recordings of each", "median")].tolist() == ["2", "2"]
    ages = table[table["label"] == "ill"].drop_duplicates("participant")["age"]
    assert rows.loc[("age", "median (quartiles)"), "ill"].startswith(f"{ages.median():.4g} (")
    assert rows.loc[("sex", "(unknown)"), "ill"] == "1 (25%)"


def test_who_has_both_labels_is_listed(table):
    table.loc[1, "label"] = "healthy"
    section = participants(table, Questions())
    assert section.tables["both_labels"]["participant"].tolist() == ["p000"]


def test_no_label_a_reason_and_no_recording_leave_out_once_each():
    corpus = {"a1": "a", "a2": "a", "b1": "b"}
    rows = {"recording_id": list(corpus), "participant": list(corpus.values())}
    reasons = pd.DataFrame({**rows, "reason": [None, "too noisy", None]})
    known = Known(reasons, ("reason",), unknown=("z",), by="participant")
    text = {"a1": "ill", "a2": UNLABELLED, "b1": UNLABELLED}
    out = left_out_before(known, text, Questions(left_out="reason"))
    assert out.to_numpy().tolist() == [
        ["a2", "a", "too noisy"],
        ["b1", "b", "no label"],
        ["", "z", "no recording of them in the data"],
    ]
    with pytest.raises(ValueError, match="left_out: nothing is known of 'why'"):
        left_out_before(known, text, Questions(left_out="why"))
