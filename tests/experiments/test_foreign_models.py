import dataclasses
from types import MappingProxyType

import pandas as pd
import pytest
import torch

import daxaudio as dx
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.compare import compare_folder
from daxaudio.experiments.folder import explain_folder
from daxaudio.experiments.predict import predict_folder
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import load_facts
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.runs.seeds import generator

RATE = 8000
SETTINGS = MethodSettings(queries=40, rise=GridSampler(cells=(2, 6)))


class Halves:
    """Of a waveform the share of energy below and above half of the band."""

    described = MappingProxyType({})

    def __call__(self, inputs):
        power = torch.fft.rfft(inputs).abs().square()
        low, high = (half.sum(-1) for half in power.chunk(2, dim=-1))
        return torch.stack([low, high], dim=1) / (low + high + 1e-9)[:, None]

    def digest(self):
        return "halves"


def model(**entries):
    entries = {"output": "probabilities", **entries}
    return ForeignModel(Halves(), Description(["low", "high"], RATE, **entries))


def sound(name, hz):
    """A tone from 0.5 to 1.0 s in noise as loud as it in the other half of the band."""
    at = torch.arange(12000) / RATE
    wave = torch.sin(2 * torch.pi * hz * at) * ((at >= 0.5) & (at < 1.0))
    noise = 0.05 * torch.randn(12000, generator=generator(1, name))
    return dx.Recording((wave + noise)[None], RATE, name)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    wav_scp, text = {}, {}
    for name, hz, label in (("a", 500, "low"), ("b", 3000, "high"), ("c", 3500, "high")):
        write_recording(sound(name, hz), folder / f"{name}.wav")
        wav_scp[name], text[name] = str(folder / f"{name}.wav"), label
    data = DataFolder(wav_scp, text, {name: name for name in text}, dict.fromkeys(text, 1.5))
    return data, {name: dx.Events([dx.Event(0.5, 1.0, label)]) for name, label in text.items()}


def test_a_folder_is_classified_explained_and_checked(corpus, tmp_path):
    data, _ = corpus
    asked = model()
    predictions = predict_folder(asked, data, tmp_path / "predictions.csv")
    assert predictions["correct"].tolist() == [1, 1, 1]
    explain_folder(asked, data, ["rise", "dax_v4"], tmp_path, settings=SETTINGS, level="quick")
    facts = load_facts(tmp_path / "rise" / "b")
    assert facts["description"]["output"] == "probabilities"
    assert facts["verdict"]["findings"][0]["sentence"].startswith("The classifier predicts high")
    times = dx.load_explanation(tmp_path / "dax_v4" / "b")
    assert 0.4 < float(times.spectrogram.times[times.profile.argmax()]) < 1.1
    n_queries = asked.n_queries
    explain_folder(asked, data, ["rise", "dax_v4"], tmp_path, settings=SETTINGS, level="quick")
    assert asked.n_queries == n_queries


def test_methods_are_compared_and_what_shuffles_weights_is_left_out(corpus, tmp_path, caplog):
    data, events = corpus
    groups = ["localisation", "deletion", "labels", "sanity"]
    compare_folder(
        model(), data, ["rise", "random"], tmp_path,
        events=events, settings=SETTINGS, groups=groups, n_recordings=2,
    )  # fmt: skip
    assert "sanity is left out" in caplog.text
    results = pd.read_csv(tmp_path / "results.csv")
    found = results.groupby(["method", "metric"])["value"].mean()
    assert found["rise", "frame_auc"] > 0.9 > found["random", "frame_auc"]
    assert {"deletion_auc", "runner_up_correlation"} <= set(results["metric"])


def test_recordings_are_compared_for_labels_that_are_not_the_highest_score(corpus, tmp_path):
    data, events = corpus
    swapped = {name: {"low": "high", "high": "low"}[label] for name, label in data.text.items()}
    data = dataclasses.replace(data, text={**swapped, "c": "unheard of"})
    asked = model(output="multi_label")
    given = {"events": events, "settings": SETTINGS, "groups": ["localisation"]}
    with pytest.raises(ValueError, match="classifies 0 correctly"):
        compare_folder(asked, data, ["rise"], tmp_path / "correct", **given)
    compare_folder(asked, data, ["rise"], tmp_path / "all", which="all", **given)
    results = pd.read_csv(tmp_path / "all" / "results.csv")
    assert set(results["recording_id"]) == {"a", "b"}
    assert dx.load_explanation(tmp_path / "all/explanations/rise/a").target == "high"


def test_other_classes_of_a_model_that_knows_one_are_left_out(corpus, tmp_path, caplog):
    data, events = corpus
    data = dataclasses.replace(data, text=dict.fromkeys(data.text, "low"))
    asked = ForeignModel(Low(), Description(["low"], RATE, output="multi_label"))
    groups = ["localisation", "labels"]
    given = {"events": events, "settings": SETTINGS, "groups": groups, "n_recordings": 1}
    compare_folder(asked, data, ["rise"], tmp_path, **given)
    assert "labels is left out: it asks about other classes" in caplog.text
    assert "iou" in set(pd.read_csv(tmp_path / "results.csv")["metric"])


class Low(Halves):
    """The first of both shares alone."""

    def __call__(self, inputs):
        return super().__call__(inputs)[:, :1]


class Left:
    """Of stereo waveforms how loud the left channel is, in frames of 0.1 s."""

    described = MappingProxyType({})

    def __call__(self, inputs):
        assert inputs.shape[1] == 2
        return inputs[:, 0].unflatten(1, (-1, RATE // 10)).square().mean(-1, keepdim=True)

    def digest(self):
        return "left"


def test_a_model_of_two_channels_hears_both_of_a_file(tmp_path):
    mono = sound("a", 500).waveform[0]
    left, right = mono * (torch.arange(12000) < 6000), mono
    write_recording(dx.Recording(torch.stack([left, right]), RATE), tmp_path / "a.wav")
    data = DataFolder({"a": str(tmp_path / "a.wav")}, {"a": "left"}, {"a": "a"}, {"a": 1.5})
    told = {"channels": 2, "layout": "N C S", "output": "regression"}
    asked = ForeignModel(Left(), Description(["left"], RATE, **told))
    explain_folder(asked, data, ["rise"], tmp_path / "out", settings=SETTINGS)
    found = dx.load_explanation(tmp_path / "out" / "rise" / "a")
    assert float(found.spectrogram.times[found.profile.argmax()]) < 0.85
    assert found.score == pytest.approx(float(left.square().mean()), rel=0.02)


def test_recordings_in_memory_are_compared():
    table = dx.compare([sound("a", 3000)], model(), ["rise"], settings=SETTINGS)
    assert table["target"].tolist() == ["high"]
    assert 0 <= table["deletion_auc"][0] <= 1


def test_methods_that_look_into_a_module_are_refused(corpus, tmp_path):
    with pytest.raises(ValueError, match=r"grad_cam looks into the module .* can only be asked"):
        explain_folder(model(), corpus[0], ["grad_cam"], tmp_path)


def test_a_score_of_several_classes_at_once_is_no_prediction():
    asked = model(output="multi_label")
    found = dx.explain(sound("a", 3000), asked, "rise", target="low", queries=30, check="quick")
    verdict = dx.judge(found, asked, level="quick")
    assert verdict.findings[0].sentence.startswith("The classifier's score of low is 0.")
    assert verdict.findings[0].good is None
