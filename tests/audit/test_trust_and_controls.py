"""How far explanations are trusted, whether controls are found, and what is said on top."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
import torch
from made_coughs import EVENTS, RATE, open_ears, write_corpus

from daxaudio.audit.answers import Answering
from daxaudio.audit.control_section import control_section
from daxaudio.audit.controls import (
    Controlling,
    add_tone,
    excess_of,
    fit_listener,
    read_whole,
    unheard,
)
from daxaudio.audit.gather import CHECK_COLUMNS, EXPLAINED_COLUMNS, Evidence
from daxaudio.audit.limits import GUIDELINES, MODES, limits_section
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section
from daxaudio.audit.trust import trust_section
from daxaudio.audit.verdict import NOT_THE_PATIENT, conclude
from daxaudio.commands.audit import hear_from
from daxaudio.containers import Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.mel import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.resnet import SpectrogramResNet

ASKED = Questions(positive="p", n_bootstrap=200, n_permutations=199, method="occlusion")
NOTHING = pd.DataFrame()


def evidence(reliability=0.9, against=0, n=8):
    told = [(f"r{k}", f"s{k}", "pn"[k % 2], 0.5) for k in range(n)]
    recordings = pd.DataFrame(told, columns=["recording_id", "participant", "label", "score"])
    rows = [(row[0], "occlusion", "p", 0.5, reliability, 0, "", 0.8, 9) for row in told]
    explained = pd.DataFrame(rows, columns=list(EXPLAINED_COLUMNS))
    checks = [(f"r{k}", "deletion", float(k >= against), 0.5, "It falls.") for k in range(4)]
    checks += [(f"r{k}", "score", 0.0, 0.1, "The score is 0.1.") for k in range(4)]
    told_checks = pd.DataFrame(checks, columns=list(CHECK_COLUMNS))
    nothing = [NOTHING] * 2
    return Evidence(recordings, *nothing, NOTHING, explained, *nothing, told_checks, NOTHING)


def test_reliable_masks_that_pass_their_checks_are_fine():
    found = trust_section(evidence(), ASKED)
    assert found.state == "fine"
    assert "reliability of occlusion 0.90 [0.90, 0.90]" in found.answer


@pytest.mark.parametrize("settings", [{"reliability": 0.3}, {"against": 3}])
def test_masks_that_are_noise_or_fail_their_checks_are_a_concern(settings):
    found = trust_section(evidence(**settings), ASKED)
    assert found.state == "concern"
    assert "speaks against the masks" in found.answer


def test_a_score_that_is_low_says_nothing_of_a_mask():
    table = trust_section(evidence(), ASKED).tables["checks"]
    assert table["finding"].tolist() == ["deletion"]


def network():
    torch.manual_seed(0)
    module = SpectrogramResNet(2, depth=10, width=4, mean=-60.0, std=20.0)
    return BlackBox(module, LogMel(RATE, n_fft=256, n_mels=16), ["n", "p"], precision="fp32")


def test_a_tone_is_heard_by_its_listener_and_by_no_other():
    noise = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    plain, front_end = Recording(0.01 * noise, RATE), network().front_end
    listener, level = fit_listener(plain, front_end, 1000.0)
    tone = add_tone(plain, 1000.0, -40.0 + level)
    assert level < 0
    scores = [float(listener(front_end.spectrogram(one).values[None])) for one in (plain, tone)]
    assert scores[0] < 0.05
    other = add_tone(plain, 3000.0, -20.0)
    assert float(listener(front_end.spectrogram(other).values[None])) < 0.2
    values = front_end.spectrogram(add_tone(plain, 1000.0, -10.0)).values[None]
    assert float(excess_of(values, listener.place)) > listener.middle + listener.half


def test_a_model_of_waveforms_hears_up_to_half_its_rate():
    model = open_ears(None, 0, 100, 0)
    assert unheard(2 * RATE, model) == 0.75 * RATE
    assert unheard(RATE, model) is None


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("plain"), {}, n=8)


@pytest.mark.parametrize("make", [network, functools.partial(open_ears, None, 1000, 3000, -30.0)])
def test_what_is_planted_is_found_with_every_kind_of_model(data, make):
    model = make()
    answering = Answering(
        model, data, "p", participants=data.utt2spk, events=dict.fromkeys(data.ids, EVENTS)
    )
    controlling = Controlling(answering, "dax_v5", MethodSettings(queries=300))
    found = [controlling.control(name) for name in data.ids[:4]]
    for one in found:
        kinds = pd.DataFrame(one["answers"], columns=["kind", "donor", "side", "score"])
        means = kinds.groupby(["kind", "side"])["score"].mean()
        moved = {kind: abs(means[kind, "own"] - means[kind, "other"]) for kind in ("hum", "level")}
        assert moved["hum"] > 0.3
        assert moved["level"] < 0.15
    density = np.mean([(one["tone_share"] or 0) / one["tone_chance"] for one in found])
    assert density > 1.5


def test_the_channel_that_is_chosen_is_the_one_that_is_played_and_planted_into(tmp_path):
    sound = torch.stack([torch.full((RATE,), 0.5), torch.full((RATE,), 0.25)])
    path = tmp_path / "a.wav"
    write_recording(Recording(sound, RATE), path)
    data = DataFolder({"a": str(path)}, {"a": "p"}, {"a": "s"}, {"a": 1.0}, channel=2)
    for found in (read_whole(data, "a"), hear_from(data, "a", None)[0][1]):
        assert torch.equal(found.waveform, sound[1:])
    both = read_whole(dataclasses.replace(data, channel=None), "a")
    assert torch.equal(both.waveform, sound)


def control_evidence(hum, share, outside=0.0, level=0.1):
    rows, answers, told = [], [], []
    for k in range(8):
        label = "pn"[k % 2]
        told.append((f"r{k}", f"s{k}", label, 0.5))
        rows.append((f"r{k}", label, 900.0, share, 0.1, 5000.0, outside, 0.0, ""))
        sign = 1 if label == "p" else -1
        for kind, effect in (("hum", hum), ("level", level)):
            answers.append((f"r{k}", kind, "d", "own", 0.5 + sign * effect / 2 + k / 1000))
            answers.append((f"r{k}", kind, "d", "other", 0.5 - sign * effect / 2))
    from daxaudio.audit.answers import COLUMNS
    from daxaudio.audit.gather import CONTROL_COLUMNS

    recordings = pd.DataFrame(told, columns=["recording_id", "participant", "label", "score"])
    return Evidence(
        recordings,
        *[NOTHING] * 4,
        pd.DataFrame(rows, columns=list(CONTROL_COLUMNS)),
        pd.DataFrame(answers, columns=list(COLUMNS)),
        NOTHING,
        NOTHING,
    )


@pytest.mark.parametrize(
    ("settings", "failed"),
    [
        ((0.5, 0.3), []),
        ((0.05, 0.3), ["planted tone is named by the swaps"]),
        # the most, but less than the audit asks of a confounder (0.1)
        ((0.09, 0.3, 0.0, 0.0), ["planted tone is named by the swaps"]),
        ((0.11, 0.3, 0.0, 0.0), []),
        ((0.5, 0.1), ["planted tone is marked"]),
        ((0.5, 0.3, 0.2), ["tone that cannot be heard changes no score"]),
    ],
)
def test_a_control_that_is_not_found_is_a_concern(settings, failed):
    found = control_section(control_evidence(*settings), ASKED)
    table = found.tables["results"]
    assert table["control"][table["passed"] == "no"].tolist() == failed
    assert found.state == ("concern" if failed else "fine")


def section(name, state="fine"):
    return Section(name, "Is it?", f"It is {state}.", state)


def test_a_verdict_names_what_speaks_against_and_proves_nothing():
    none = conclude([section("swaps"), section("errors", "not tested")], evidence(), ASKED)
    assert none.against == ()
    assert none.not_tested == ("errors: It is not tested.",)
    assert "no proof" in none.summary
    one = conclude([section("swaps", "concern"), section("listening")], evidence(), ASKED)
    assert one.summary.startswith("1 of 2 questions speaks against")
    assert one.summary.endswith(NOT_THE_PATIENT)


def test_doubts_about_the_audit_are_not_held_against_the_classifier():
    found = conclude([section("swaps"), section("controls", "concern")], evidence(), ASKED)
    assert found.summary.startswith("None of 1 questions speaks against")
    assert "in doubt: see controls" in found.summary
    assert found.against == ()
    assert found.doubtful == ("controls: It is concern.",)
    both = conclude([section("swaps", "concern"), section("trust", "concern")], evidence(), ASKED)
    assert both.against == ("swaps: It is concern.",)
    assert both.doubtful == ("trust: It is concern.",)


def test_every_failure_mode_says_whether_it_was_looked_for():
    found = limits_section([section("swaps", "concern")], ASKED)
    table = found.tables["failure_modes"].set_index("mode")["found"]
    assert len(table) == len(MODES)
    assert table["the score follows the background (room, noise)"] == "concern"
    assert table["works worse in a subgroup"] == "not tested"
    cross = found.tables["guidelines"]
    assert len(cross) == len(GUIDELINES)
    assert set(cross["guideline"]) == {"DECIDE-AI", "CONSORT-AI", "TRIPOD+AI", "FUTURE-AI"}
    answered = cross.set_index("what")["answered_in"]
    assert answered["variation of the input"] == "swaps"
    assert answered["analysis of errors"] == "not answered"


def test_unknown_states_are_refused():
    with pytest.raises(ValueError, match="state must be one of"):
        dataclasses.replace(section("swaps"), state="good")
