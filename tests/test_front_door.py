"""What a person writes in a notebook, as it is written, on a small model trained for the test."""

import dataclasses
import pickle
from pathlib import Path

import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes

import daxaudio as dx
from daxaudio.data.audio import write_recording
from daxaudio.features import LinearStft
from daxaudio.models.resnet import SpectrogramResNet

RATE, EVENT = 4000, dx.Event(0.9, 1.6)


def clip_with_tone(name, start=EVENT.start):
    """Soft noise with a tone in it."""
    noise = torch.randn(2 * RATE, generator=torch.Generator().manual_seed(len(name)))
    times = torch.arange(2 * RATE) / RATE
    inside = (times >= start) & (times < start + EVENT.duration)
    tone = torch.sin(2 * torch.pi * 900 * times) * inside
    return dx.Recording((0.01 * noise + 0.5 * tone)[None], RATE, name)


class Loudness(torch.nn.Module):
    """Two classes: "dog" is how loud the band of the tone is, against the rest."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, inputs):
        dog = inputs[:, 55:62].mean(dim=(1, 2)) * self.weight
        return torch.stack([dog, -dog], dim=1) / 10


@pytest.fixture
def model():
    front_end = LinearStft(RATE, n_fft=256, hop_length=128)
    return dx.BlackBox(Loudness(), front_end, ("dog", "none"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with `dog.wav` and a stored model."""
    monkeypatch.chdir(tmp_path)
    write_recording(clip_with_tone("dog"), "dog.wav")
    front_end = LinearStft(RATE, n_fft=256, hop_length=128)
    torch.manual_seed(0)
    network = SpectrogramResNet(2, depth=10, width=4)
    dx.save_black_box(dx.BlackBox(network, front_end, ("dog", "none")), "model")


def test_the_lines_of_the_front_door_run_as_written(folder):
    other, truth = clip_with_tone("other", 0.3), [EVENT]
    clip = dx.read_recording("dog.wav")
    model = dx.load_black_box("model")
    explanation = dx.explain(clip, model, "dax_v4", queries=30)
    axes = explanation.plot()
    assert isinstance(axes, Axes)
    explanation.plot("a.png")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert isinstance(explanation.events(), dx.Events)
    assert dx.judge(explanation, model).findings
    assert dx.evaluate(explanation, truth)["iou"] == dx.metrics.iou(
        explanation.profile, explanation.spectrogram.times, dx.Events(truth)
    )
    table = dx.compare([clip, other], model, ["dax_v4", "rise"], queries=30)
    assert isinstance(table, pd.DataFrame)
    assert len(table) == 4


def test_the_tone_is_found_believed_measured_and_compared(model):
    clip = clip_with_tone("dog")
    explanation = dx.explain(clip, model, "rise", target="dog", queries=400)
    (found,) = explanation.events()
    assert found.overlap(EVENT) > 0.9 * found.duration > 0
    assert dx.evaluate(explanation, [EVENT])["frame_auc"] > 0.9
    assert dx.evaluate(explanation, dx.Events([EVENT])) == dx.evaluate(explanation, (EVENT,))
    names = {finding.name: finding.good for finding in dx.judge(explanation, model).findings}
    assert names["stability"] is True
    assert names["deletion"] is True


def test_what_explain_gave_is_made_again_with_its_own_draws_and_with_others(model):
    clip = clip_with_tone("dog")
    explanation = dx.explain(clip, model, "rise", target="dog", queries=50, seed=3)
    score_fn = model.score_fn("dog")
    same, other = (explanation.again(turn)(explanation.spectrogram, score_fn) for turn in (0, 1))
    assert torch.equal(same.mask, explanation.mask)
    assert not torch.equal(other.mask, explanation.mask)
    assert torch.equal(pickle.loads(pickle.dumps(explanation)).mask, explanation.mask)


def test_what_was_read_from_a_file_is_judged_as_far_as_that_goes(model, tmp_path):
    explanation = dx.explain(clip_with_tone("dog"), model, "rise", target="dog", queries=50)
    dx.save_explanation(explanation, tmp_path)
    read = dx.load_explanation(tmp_path)
    with pytest.raises(ValueError, match=r"^it is not known how the explanation was made: give"):
        dx.judge(read, model)
    quick = dx.judge(read, model, level="quick")
    assert quick == dx.judge(explanation, model, level="quick")


def test_a_score_function_is_explained_and_judged_in_the_same_lines():
    picture = dx.Spectrogram(torch.rand(12, 12), torch.arange(12.0), torch.arange(12.0))
    heard = lambda inputs: inputs[:, 3, 3]  # noqa: E731
    explanation = dx.explain(picture, heard, "rise", queries=50)
    assert {one.name for one in dx.judge(explanation, heard).findings} >= {"score", "stability"}


def test_a_comparison_has_a_row_a_recording_and_method_with_every_measure(model):
    clips = [clip_with_tone("dog"), clip_with_tone("other", 0.3)]
    methods = ["rise", "energy"]
    table = dx.compare(clips, model, methods, truth={"dog": [EVENT]}, target="dog", queries=50)
    rows = list(zip(table["recording_id"], table["method"], strict=True))
    assert rows == [(name, m) for name in ("dog", "other") for m in ("rise", "energy")]
    assert set(table["target"]) == {"dog"}
    explanation = dx.explain(clips[0], model, "rise", target="dog", queries=50)
    for name, value in dx.evaluate(explanation, [EVENT]).items():
        assert table.loc[0, name] == value
    assert table.loc[table["recording_id"] == "other", "iou"].isna().all()
    measures = ["sparseness", "complexity", "deletion_auc", "insertion_auc", "average_drop"]
    assert table[measures].notna().all(axis=None)


def test_what_cannot_be_compared_is_one_clear_line(model):
    clip = clip_with_tone("dog")
    with pytest.raises(ValueError, match="several recordings have the id 'dog'; give each"):
        dx.compare([clip, clip], model, ["rise"])
    with pytest.raises(ValueError, match="at least one recording"):
        dx.compare([], model, ["rise"])
    with pytest.raises(TypeError, match="compared on a Model, got a function"):
        dx.compare([clip], lambda inputs: inputs, ["rise"])
    with pytest.raises(ValueError, match="method 'rice' is unknown"):
        dx.compare([clip], model, ["rice"])


def test_a_method_that_cannot_handle_a_recording_costs_only_its_row(model, caplog):
    short = dx.Recording(clip_with_tone("dog").waveform[:, :1400], RATE, "short")
    table = dx.compare([short], model, ["oracle", "energy"], target="dog", queries=50)
    assert list(table["method"]) == ["energy"]
    assert "short by oracle is left out" in caplog.text


def test_a_notebook_shows_picture_target_score_verdict_and_warnings(model):
    explanation = dx.explain(clip_with_tone("dog"), model, "energy", target="dog")
    doubts = {"verdict": "Weigh <it>.", "warnings": ("Few & far.",)}
    shown = dataclasses.replace(explanation, **doubts)._repr_html_()
    assert "data:image/png;base64," in shown
    for text in ("dog", f"{explanation.score:.2f}", "Weigh &lt;it&gt;.", "Few &amp; far."):
        assert text in shown
    assert "Verdict" not in explanation._repr_html_()


def test_showing_in_a_notebook_opens_no_window(model):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    dx.explain(clip_with_tone("dog"), model, "energy", target="dog")._repr_html_()
    assert pyplot.get_fignums() == before


def test_a_verdict_is_shown_as_its_summary_and_findings(model):
    explanation = dx.explain(clip_with_tone("dog"), model, "energy", target="dog")
    verdict = dx.judge(explanation, model)
    shown = verdict._repr_html_()
    assert verdict.summary in shown
    assert all(finding.name in shown for finding in verdict.findings)


def test_a_stored_verdict_comes_back_with_the_explanation(model, tmp_path):
    explanation = dx.explain(clip_with_tone("dog"), model, "energy", target="dog")
    verdict = dx.judge(explanation, model)
    dx.save_explanation(explanation, tmp_path, {"verdict": verdict.as_dict()})
    assert dx.load_explanation(tmp_path).verdict == verdict.summary


def test_what_is_judged_at_once_shows_its_verdict(model):
    plain = dx.explain(clip_with_tone("dog"), model, "rise", queries=30)
    judged = dx.explain(clip_with_tone("dog"), model, "rise", queries=30, check="quick")
    assert torch.equal(judged.mask, plain.mask)
    assert judged.verdict == dx.judge(plain, model, level="quick").summary
    assert judged.verdict in judged._repr_html_()
    assert plain.verdict == ""
    with pytest.raises(ValueError, match="level must be one of quick, full"):
        dx.explain(clip_with_tone("dog"), model, "rise", queries=30, check="fast")


def test_an_explanation_is_told_in_one_line(model):
    text = repr(dx.explain(clip_with_tone("dog"), model, "energy"))
    assert text.startswith("Explanation(method='energy', target=")
    assert len(text.splitlines()) == 1
