"""What the front door is given by mistake: one sentence says what to give instead."""

import numpy as np
import pandas as pd
import pytest
import torch

import daxaudio as dx
from daxaudio.features import LinearStft

RATE = 4000


class Level(torch.nn.Module):
    """Two classes: how loud an input is, and how soft."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs):
        loud = inputs.mean(dim=(1, 2)) * self.weight
        return torch.stack([loud, -loud], dim=1) / 10


def noise(name, samples=RATE):
    drawn = torch.randn(1, samples, generator=torch.Generator().manual_seed(len(name)))
    return dx.Recording(0.1 * drawn, RATE, name)


MODEL = dx.BlackBox(Level(), LinearStft(RATE, n_fft=256, hop_length=128), ("loud", "soft"))
CLIP = noise("clip")
MADE = dx.explain(CLIP, MODEL, "energy", target="loud")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dx.explain(CLIP, MODEL, None), "method None is unknown; choose from"),
        (lambda: dx.explain(CLIP, MODEL, ["rise"]), r"method \['rise'\] is unknown; choose from"),
        (lambda: dx.explain(CLIP, MODEL, queries="50"), "queries must be a whole number, got '50'"),
        (lambda: dx.explain(CLIP, MODEL, queries=50.5), "queries must be a whole number, got 50.5"),
        (lambda: dx.explain(CLIP, MODEL, seed="a"), "seed must be a whole number, got 'a'"),
        (lambda: dx.explain(CLIP, MODEL, seed=1.5), "seed must be a whole number, got 1.5"),
        (lambda: dx.explain(CLIP, MODEL, settings={"rise": {}}), "settings must be MethodSettings"),
        (lambda: dx.explain(CLIP, MODEL, settings={}), "settings must be MethodSettings"),
        (lambda: dx.explain(CLIP, MODEL, events=[(1, 2)]), "events are made of Event"),
        (lambda: MADE.plot("picture"), "picture: pictures end in .png, .pdf or .svg"),
        (lambda: MADE.plot("a.xyz"), "a.xyz: pictures end in .png, .pdf or .svg"),
        (lambda: dx.judge(None, MODEL), "give an Explanation to judge, .* got NoneType"),
        (lambda: dx.judge(MODEL, MADE), "give an Explanation to judge, .* got BlackBox"),
        (lambda: dx.judge(MADE, None), "is judged with the Model, .* got NoneType"),
        (lambda: dx.judge(MADE, "model"), r"got str; load_model\(path\) reads"),
        (lambda: dx.evaluate(MADE.mask, []), "give an Explanation to evaluate, .* got Tensor"),
        (lambda: dx.evaluate(MADE, None), r"events are a list of Event.* got NoneType"),
        (lambda: dx.evaluate(MADE, "dog"), r"events are a list of Event.* got str"),
        (lambda: dx.evaluate(MADE, {"clip": []}), "events are made of Event.* got 'clip'"),
        (lambda: dx.Events(dx.Event(1, 2)), r"events are a list of Event.* got Event"),
        (lambda: dx.Event("1", 2), "start and end of an event must be numbers.* got str"),
        (lambda: dx.Event(1, None), "start and end of an event must be numbers.* got NoneType"),
        (lambda: dx.Event(1, 2, 3), "label of an event must be a text, got int"),
        (lambda: dx.Recording([0.0], RATE), "waveform must be a tensor .* got list"),
        (lambda: dx.Recording(np.zeros((1, 9)), RATE, "a"), "'a': waveform must be a tensor"),
        (lambda: dx.Recording(torch.zeros(1, 9), 4000.5), "sample_rate must be a whole number"),
        (lambda: dx.Recording(torch.zeros(1, 9), "4000"), "sample_rate must be a whole number"),
        (lambda: dx.Recording(torch.zeros(1, 9), RATE, 12), "recording_id must be a text, got int"),
        (lambda: dx.compare(CLIP, MODEL, ["rise"]), "give a list of recordings .* got Recording"),
        (lambda: dx.compare(["a.wav"], MODEL, ["rise"]), "each of the recordings must be .* str"),
        (lambda: dx.compare([CLIP], MODEL, "rise"), r"give a list of methods, .* got str"),
        (lambda: dx.compare([CLIP], MODEL, ["rise"], truth=[]), "truth must map recording ids"),
        (lambda: dx.compare([CLIP], MODEL, ["rise"], queries="9"), "queries must be a whole"),
        (lambda: dx.compare([CLIP], MODEL, ["rise"], target="dog"), "class 'dog' is unknown"),
    ],
)
def test_what_is_given_by_mistake_is_one_sentence(call, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_recording_that_is_too_short_costs_a_comparison_only_its_own_rows(caplog):
    alone = dx.compare([CLIP], MODEL, ["energy"])
    table = dx.compare([noise("short", 10), CLIP], MODEL, ["energy"])
    pd.testing.assert_frame_equal(table, alone)
    assert "short is left out: short: 0.003 s is shorter than one analysis window" in caplog.text


def test_true_events_of_no_recording_that_is_compared_are_no_silent_gap():
    truth = {"clip.wav": [dx.Event(0.1, 0.5)]}
    with pytest.raises(ValueError, match=r"truth holds events of 'clip.wav' .* such as 'clip'"):
        dx.compare([CLIP], MODEL, ["energy"], truth=truth)
    more = {"clip": [dx.Event(0.1, 0.5)], "another": [dx.Event(0.2, 0.3)]}
    assert dx.compare([CLIP], MODEL, ["energy"], truth=more)["frame_auc"].notna().all()


def test_generators_of_recordings_and_methods_are_compared_as_their_lists_are():
    clips, methods = [CLIP, noise("more")], ["energy", "random"]
    of_lists = dx.compare(clips, MODEL, methods)
    of_generators = dx.compare(iter(clips), MODEL, iter(methods))
    pd.testing.assert_frame_equal(of_lists, of_generators)
