"""Shares of masks: of one mask, and over a corpus."""

import numpy as np
import pandas as pd
import pytest
import torch

from daxaudio.audit.gather import EXPLAINED_COLUMNS, Evidence
from daxaudio.audit.listening import EVENTS, listening_section, shares, when_wrong
from daxaudio.audit.questions import Questions
from daxaudio.audit.where import COLUMNS, LEVELS, agreement_of, look_where, shares_of
from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.explainers.storage import save_explanation

ASKED = Questions(
    positive="p", n_bootstrap=200, n_permutations=199, method="rise", second_method="lime"
)
NOTHING = pd.DataFrame()


def explanation(mask, method="rise", second_method="lime"):
    mask = torch.as_tensor(mask, dtype=torch.float32)
    n_bins, n_frames = mask.shape
    times = torch.arange(n_frames) + 0.5
    levels = torch.arange(n_frames, dtype=torch.float32).expand(n_bins, -1)
    picture = Spectrogram(levels, 200.0 * torch.arange(n_bins) + 100, times, "r")
    return Explanation(mask, picture, method, "p", score=0.9)


def test_a_flat_mask_has_the_share_of_chance_everywhere():
    rows = shares_of(explanation(np.ones((20, 8))), [Event(1, 3, "cough"), Event(4, 5, "inhale")])
    assert {row[0] for row in rows} == {"event", "band", "level"}
    for _, _, share, chance in rows:
        assert share == pytest.approx(chance)


def test_shares_of_bands_and_of_levels_sum_to_one():
    mask = np.random.default_rng(0).random((20, 8))
    rows = pd.DataFrame(shares_of(explanation(mask), []), columns=list(COLUMNS[2:]))
    assert rows.groupby("division")["share"].sum().tolist() == pytest.approx([1, 1])


def test_a_mask_on_loud_frames_low_down_is_said_to_be_there():
    mask = np.zeros((20, 8))
    mask[:1, 6:] = 1.0  # levels rise with time
    rows = {row[1]: row[2] for row in shares_of(explanation(mask), [Event(6, 8, "cough")])}
    assert rows["cough"] == rows["0-250 Hz"] == rows[LEVELS[3]] == 1.0


def test_an_empty_mask_is_nowhere():
    assert shares_of(explanation(np.zeros((4, 4))), [Event(0, 1, "cough")]) == []


def test_agreement_is_that_of_ranks_and_only_of_one_class(tmp_path):
    mask = np.random.default_rng(0).random((5, 6))
    save_explanation(explanation(mask), tmp_path / "rise")
    save_explanation(explanation(mask**3, "lime"), tmp_path / "lime")
    save_explanation(explanation(np.ones((5, 6)), "flat"), tmp_path / "flat")
    assert agreement_of(tmp_path / "lime", tmp_path / "rise") == 1.0
    assert agreement_of(tmp_path / "lime", tmp_path / "flat") is None
    assert agreement_of(tmp_path / "lime", tmp_path / "none") is None


def test_events_that_were_corrected_are_looked_at_again(tmp_path):
    save_explanation(explanation(np.ones((5, 6))), tmp_path)
    first = look_where(tmp_path, Events([Event(0, 1, "a")]))
    second = look_where(tmp_path, Events([Event(0, 3, "a")]))
    shares = [row[3] for found in (first, second) for row in found["rows"] if row[1] == "a"]
    assert shares == pytest.approx([1 / 6, 3 / 6], abs=1e-5)


def evidence(share_of, n=24):
    """Masks with a share of `share_of(positive, correct)` in the half that is cough."""
    draws = np.random.default_rng(1)
    told, where = [], []
    for k in range(n):
        name, positive, correct = f"r{k:02d}", k % 2 == 0, k % 4 > 0
        told.append((name, f"s{k}", "p" if positive else "n", int(correct), 0.5))
        share = share_of(positive, correct) + 0.02 * draws.normal()
        where.append((name, "rise", "event", "cough", share, 0.5))
        where.append((name, "rise", "event", "noise", 1 - share, 0.5))
    columns = ["recording_id", "participant", "label", "correct", "score"]
    explained = pd.DataFrame(
        [(row[0], "rise", "p", 0.5, 0.9, 0, "", None, 9) for row in told],
        columns=list(EXPLAINED_COLUMNS),
    )
    recordings = pd.DataFrame(told, columns=columns)
    masks = pd.DataFrame(where, columns=list(COLUMNS))
    return Evidence(recordings, NOTHING, NOTHING, masks, explained, *[NOTHING] * 4)


def test_masks_in_the_events_are_denser_there_than_chance():
    made = evidence(lambda positive, correct: 0.8)
    row = shares(made, ASKED).set_index("part").loc[EVENTS]
    assert row["density"] == pytest.approx(1.6, abs=0.03)
    assert 1 < row["low"] < row["density"] < row["high"]
    assert row["p_holm"] < 0.05
    assert listening_section(made, ASKED).state == "fine"


def test_masks_outside_the_events_are_a_concern():
    found = listening_section(evidence(lambda positive, correct: 0.2), ASKED)
    assert found.state == "concern"
    assert "outside" in found.answer


def test_flat_masks_are_neither():
    assert listening_section(evidence(lambda positive, correct: 0.5), ASKED).state == "note"


def test_masks_that_differ_when_the_model_errs_are_told_from_those_that_do_not():
    differing = when_wrong(evidence(lambda positive, correct: 0.8 if correct else 0.4), ASKED)
    row = differing.set_index("part").loc["cough"]
    assert row["wrong_less_right"] == pytest.approx(-0.4, abs=0.05)
    assert row["p_holm"] < 0.05
    same = when_wrong(evidence(lambda positive, correct: 0.8), ASKED)
    assert (same["p_holm"] > 0.05).all()


def test_too_few_errors_are_not_compared():
    made = evidence(lambda positive, correct: 0.8)
    right = made.recordings.assign(correct=1)
    made = Evidence(right, NOTHING, NOTHING, made.where, made.explained, *[NOTHING] * 4)
    assert when_wrong(made, ASKED).empty
    assert "errs too rarely" in listening_section(made, ASKED).answer


def test_phases_that_are_named_are_those_that_count():
    made = evidence(lambda positive, correct: 0.2)
    noise = Questions(
        positive="p", phases=("noise",), n_bootstrap=200, method="rise", second_method="lime"
    )
    assert listening_section(made, noise).state == "fine"


def test_without_masks_nothing_is_said():
    made = evidence(lambda positive, correct: 0.5)
    made = Evidence(made.recordings, NOTHING, NOTHING, made.where[:0], NOTHING, *[NOTHING] * 4)
    assert listening_section(made, ASKED).state == "not tested"
