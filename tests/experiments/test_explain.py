"""The one way to explain one recording."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import daxaudio
from daxaudio.commands.main import main
from daxaudio.containers import Event, Recording, Spectrogram
from daxaudio.data.audio import read_recording, write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.explain import explain
from daxaudio.experiments.folder import explain_folder
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.runs.seeds import generator

FRONT_END = LogMel(sample_rate=8000, n_fft=256, hop_length=128, n_mels=16)
SETTINGS = MethodSettings(queries=30, rise=GridSampler(cells=(2, 4)))


class Bands(nn.Module):
    """Logits are the mean levels of two bands."""

    def forward(self, spectrograms):
        return torch.stack([spectrograms[:, :8], spectrograms[:, 8:]], 1).mean((2, 3)) / 10


def box():
    return BlackBox(Bands(), FRONT_END, ["low", "high"], precision="fp32")


def recording(sample_rate=8000, channels=1, name="clip"):
    """A tone at 300 Hz and some noise, 1 s."""
    times = torch.arange(sample_rate) / sample_rate
    noise = 0.01 * torch.randn(channels, sample_rate, generator=generator(0, name))
    return Recording(noise + torch.sin(2 * torch.pi * 300 * times), sample_rate, name)


def same(first, second):
    assert torch.equal(first.mask, second.mask)
    assert torch.equal(first.attribution, second.attribution)
    facts = ("method", "target", "score", "n_queries", "seed", "settings")
    assert [getattr(first, name) for name in facts] == [getattr(second, name) for name in facts]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A stored model at 8 kHz, and a stereo file at 11025 Hz."""
    folder = tmp_path_factory.mktemp("trained")
    module = SpectrogramResNet(2, depth=10, width=8, mean=-40.0, std=15.0)
    save_black_box(BlackBox(module, FRONT_END, ["low", "high"]), folder / "model")
    write_recording(recording(11025, channels=2), folder / "clip.wav")
    return folder


def test_it_gives_the_bits_of_the_command_and_of_a_folder(trained, tmp_path):
    audio, model = trained / "clip.wav", trained / "model"
    asked = ["--method", "dax_v5", "--queries", "40", "--seed", "3", "--quiet"]
    arguments = ["explain", str(audio), "--model", str(model), "--out", str(tmp_path / "one")]
    assert main([*arguments, "--check", "none", "--no_pictures", *asked]) == 0
    stored = load_explanation(tmp_path / "one")
    found = explain(read_recording(audio), load_black_box(model), queries=40, seed=3)
    same(found, stored)
    data = DataFolder({"clip": str(audio)}, {"clip": stored.target}, {"clip": "a"}, {"clip": 1.0})
    settings = MethodSettings(queries=40)
    explain_folder(load_black_box(model), data, ["dax_v5"], tmp_path, settings=settings, seed=3)
    same(found, load_explanation(tmp_path / "dax_v5/clip"))
    one, many = (load_facts(tmp_path / part) for part in ("one", "dax_v5/clip"))
    # a file also tells how many channels were averaged, and what was predicted
    assert set(one) - set(many) == {"channels_averaged", "predicted"}
    assert set(many) <= set(one)
    for name in ("model", "model_digest", "input", "audio", "seed", "run_settings", "precision"):
        assert one[name] == many[name]


def test_the_class_that_is_predicted_is_explained_unless_another_one_is_asked_for():
    assert explain(recording(), box(), "energy").target == "low"
    assert explain(recording(), box(), "energy", target="high").target == "high"
    with pytest.raises(ValueError, match="'dog' is unknown to this model; it knows low, high"):
        explain(recording(), box(), "energy", target="dog")


def test_a_recording_and_its_spectrogram_are_explained_alike():
    spectrogram = FRONT_END.spectrogram(recording())
    first, second = (
        explain(x, box(), "rise", settings=SETTINGS) for x in (recording(), spectrogram)
    )
    same(first, second)


def test_a_bare_function_is_a_model_and_may_name_its_class():
    def level(inputs):
        return inputs[:, :8].mean((1, 2))

    spectrogram = FRONT_END.spectrogram(recording())
    assert explain(spectrogram, level, "rise", settings=SETTINGS).target == ""
    level.target = "low"
    found = explain(spectrogram, level, "rise", settings=SETTINGS)
    assert (found.target, found.n_queries) == ("low", 32)
    same(found, explain(spectrogram, level, "rise", target="low", settings=SETTINGS))


def test_queries_of_the_call_stand_in_the_place_of_those_of_the_settings():
    found = explain(recording(), box(), "rise", queries=20, settings=SETTINGS)
    right = explain(recording(), box(), "rise", settings=dataclasses.replace(SETTINGS, queries=20))
    assert found.n_queries == 22
    same(found, right)


def test_the_oracle_needs_the_true_events():
    found = explain(recording(), box(), "oracle", events=[Event(0.2, 0.4)])
    assert np.flatnonzero(found.profile > 0.5).size > 0
    with pytest.raises(ValueError, match="needs a true event of recording 'clip'"):
        explain(recording(), box(), "oracle")


def test_methods_share_what_one_score_function_was_asked():
    model, shared = box(), SharedQueries()
    score_fn, spectrogram = model.score_fn("low"), FRONT_END.spectrogram(recording())
    for method in ("lime", "dax_v4", "base2", "lime"):
        settings = MethodSettings(queries=30, dax=Dax(epochs=1), dax_v4=DaxV4(n_splits=2))
        explain(spectrogram, score_fn, method, settings=settings, shared=shared)
    assert model.n_queries == 32 + 32 + 2  # segments once, grids once and the check of DAX V4


def of_other_bins(spectrogram):
    values = torch.zeros(20, len(spectrogram.times))
    return Spectrogram(values, torch.arange(20.0), spectrogram.times)


@pytest.mark.parametrize(
    ("what", "model", "error", "says"),
    [
        ("a.wav", box, TypeError, "got a str; read_recording"),
        (torch.zeros(16, 63), box, TypeError, "a Recording or a Spectrogram to explain, got a Ten"),
        (recording(), lambda: "model", TypeError, r"got a str; load_model\(path\) reads"),
        (recording(), lambda: len, TypeError, "asked about a Recording; give the Spec"),
        (
            recording(),
            lambda: box().score_fn("low"),
            TypeError,
            "asked about a Recording",
        ),
        (
            of_other_bins(FRONT_END.spectrogram(recording())),
            box,
            ValueError,
            "has 20 bins up to 19 Hz, the model's front end makes 16 up to",
        ),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(what, model, error, says):
    with pytest.raises(error, match=says) as found:
        explain(what, model(), "energy")
    assert "\n" not in str(found.value)


def test_a_class_cannot_be_chosen_of_a_function():
    spectrogram = FRONT_END.spectrogram(recording())
    with pytest.raises(ValueError, match="target 'low' goes with a Model"):
        explain(spectrogram, lambda inputs: inputs.mean((1, 2)), "energy", target="low")


def test_too_short_and_unknown_are_said_before_the_model_is_asked():
    model, short = box(), Recording(torch.ones(1, 100), 8000, "clip")
    with pytest.raises(ValueError, match="shorter than one analysis window"):
        explain(short, model)
    with pytest.raises(ValueError, match="method 'dax' is unknown"):
        explain(recording(), model, "dax")
    with pytest.raises(ValueError, match="queries must be at least 10, got 3"):
        explain(recording(), model, queries=3)
    assert model.n_queries == 0


def test_it_is_a_public_name():
    assert daxaudio.explain is explain
