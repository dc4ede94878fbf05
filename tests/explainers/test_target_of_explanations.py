"""Whoever is asked for the score of a class says so, and explanations of it name the class."""

import pytest
import torch

from daxaudio.containers import Event, Spectrogram
from daxaudio.experiments.verdict import judge
from daxaudio.explainers.catalogue import METHODS, make_explainer
from daxaudio.explainers.dax.as_authors import DaxAsAuthors
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.perturbation.sampling import GridSampler
from daxaudio.perturbation.storage import load_neighbourhood, save_neighbourhood
from daxaudio.runs.asking import target_of

SETTINGS = MethodSettings(
    queries=24,
    dax=Dax(epochs=1),
    dax_authors=DaxAsAuthors(epochs=1, side=32),
    dax_v4=DaxV4(n_splits=1),
)


@pytest.fixture(scope="module")
def black_box():
    torch.manual_seed(0)
    front_end = LogMel(sample_rate=16000, n_fft=512, hop_length=320, n_mels=16)
    return BlackBox(
        SpectrogramResNet(3, depth=10, mean=-40.0, std=15.0, width=8),
        front_end,
        ["cat", "dog", "rain"],
    )


@pytest.fixture(scope="module")
def clip():
    values = torch.randn(16, 40, generator=torch.Generator().manual_seed(0))
    return Spectrogram(values, 100.0 * torch.arange(16), 0.02 * torch.arange(40), "clip")


@pytest.mark.parametrize("method", [m for m, row in METHODS.items() if not row.needs_sound])
def test_every_method_names_the_class_that_it_explained(method, black_box, clip):
    explainer = make_explainer(method, clip, SETTINGS, events=[Event(0.1, 0.3)])
    assert explainer(clip, black_box.score_fn("dog")).target == "dog"


def test_a_bare_score_function_has_no_class_unless_it_is_given_one(clip):
    def level(inputs):
        return inputs.mean(dim=(1, 2))

    rise = Rise(GridSampler(10))
    assert (target_of(level), rise(clip, level).target) == ("", "")
    level.target = "loud"
    assert rise(clip, level).target == "loud"


def test_stored_neighbourhoods_keep_the_class(black_box, clip, tmp_path):
    neighbourhood = GridSampler(10)(clip, black_box.score_fn("rain"))
    save_neighbourhood(neighbourhood, tmp_path / "a.safetensors")
    assert Rise().fit(load_neighbourhood(tmp_path / "a.safetensors")).target == "rain"


def make_rise(seed):
    return Rise(GridSampler(20, seed=seed))


def test_an_explanation_made_in_python_can_be_judged_as_it_is(black_box, clip):
    explanation = make_rise(0)(clip, black_box.score_fn("cat"))
    assert "cat" in judge(explanation, black_box, make_rise, level="quick").findings[0].sentence


def test_a_verdict_without_a_class_says_what_to_pass(black_box, clip):
    score_fn = black_box.score_fn("cat")
    bare = make_rise(0)(clip, lambda inputs: score_fn(inputs))
    with pytest.raises(ValueError, match=r"names no class: explain black_box\.score_fn\(CLASS\)"):
        judge(bare, black_box, make_rise, level="quick")
    judge(bare, score_fn, make_rise, level="quick")
