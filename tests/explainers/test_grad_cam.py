"""Class activation maps: which layer is looked at, and what it can show."""

import dataclasses

import pytest
import torch
from gradient_models import MODULES, ManyRelus, make, noise_clip, score_of
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import (
    Gradient,
)

CAMS = [GradCam(), GuidedGradCam(), GradCamPlusPlus()]


def name_of(explainer):
    return type(explainer).__name__


@pytest.fixture
def clip():
    return noise_clip()


@pytest.mark.parametrize("explainer", CAMS, ids=name_of)
def test_settings_hold_the_layer_that_was_looked_at(explainer, clip):
    layers = {"resnet": "network.layer4.1.conv2", "blstm": "rnn", "relus": "third"}
    for name, layer in layers.items():
        assert explainer(clip, score_of(MODULES[name])).findings["layer"] == layer
    named = dataclasses.replace(explainer, layer="first.0")
    assert named(clip, score_of(MODULES["relus"])).findings["layer"] == "first.0"


@pytest.mark.parametrize("explainer", CAMS, ids=name_of)
def test_any_part_that_gives_a_map_can_be_named(explainer, clip):
    block = dataclasses.replace(explainer, layer="network.layer4")
    found = block(clip, score_of(MODULES["resnet"]))
    assert found.findings["layer"] == "network.layer4"
    before = dataclasses.replace(explainer, layer=None)(clip, score_of(MODULES["resnet"]))
    assert not torch.equal(found.attribution, before.attribution)


@pytest.mark.parametrize("explainer", CAMS, ids=name_of)
def test_a_wrong_layer_lists_the_candidates(explainer, clip):
    wrong = dataclasses.replace(explainer, layer="head")
    with pytest.raises(ValueError, match=r"no map over time; choose from first.0, second, third$"):
        wrong(clip, score_of(MODULES["relus"]))


@pytest.mark.parametrize("explainer", [GradCam(), GradCamPlusPlus()], ids=name_of)
def test_a_recurrent_layer_marks_time_for_all_frequencies_alike(explainer, clip):
    mask = explainer(clip, score_of(MODULES["blstm"])).mask
    assert torch.equal(mask, mask[:1].expand_as(mask))
    assert float(mask[0].std()) > 0.01


@pytest.mark.parametrize("explainer", CAMS, ids=name_of)
def test_a_layer_of_one_value_is_a_warning(explainer, clip):
    head = make(
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 64)),
            nn.Conv2d(1, 4, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(4, 3, 1),
            nn.Flatten(),
        )
    )
    one = explainer(clip, score_of(head)).warnings
    assert any("'4' gives one value for the whole input" in warning for warning in one)
    several = dataclasses.replace(explainer, layer="1")(clip, score_of(head)).warnings
    assert not any("one value" in warning for warning in several)


def test_grad_cam_plus_plus_bears_a_denominator_of_zero():
    # logit = 2 mean(a), so each gradient is 1/2; sum(a) = -4 makes 2 + sum(a) g exactly 0
    network = nn.Sequential(
        nn.Unflatten(1, (1, 1)),
        nn.Conv2d(1, 2, 1, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2, 2, bias=False),
    )
    network[1].weight.data.fill_(1)
    network[4].weight.data.copy_(torch.tensor([[2.0, 0.0], [0.0, 2.0]]))
    values = torch.tensor([[-6.0, 2.0, -2.0, 2.0]])
    shown = Spectrogram(values, torch.zeros(1), torch.arange(4.0))
    explanation = GradCamPlusPlus()(shown, score_of(network, index=0))
    assert explanation.mask[0].tolist() == [0, 1, 0, 1]


def test_guided_grad_cam_without_relu_is_the_gradient_and_says_so(clip):
    score = score_of(MODULES["blstm"])
    guided, gradient, cam = (
        method(clip, score) for method in (GuidedGradCam(), Gradient(), GradCam())
    )
    torch.testing.assert_close(guided.attribution, gradient.attribution * cam.attribution)
    assert guided.warnings == (
        "the model has no ReLU: guided backpropagation is the plain gradient",
    )
    assert GuidedGradCam()(clip, score_of(MODULES["relus"])).warnings == ()


def test_guided_grad_cam_of_a_scripted_module_is_refused(clip):
    scripted = torch.jit.trace(make(ManyRelus).eval(), clip.values[None])
    with pytest.raises(ValueError, match=r"scripted module .* cannot be guided"):
        GuidedGradCam()(clip, score_of(scripted))
