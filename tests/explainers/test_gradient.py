import copy
import dataclasses
import json
import random

import numpy as np
import pytest
import torch
from gradient_models import (
    MODULES,
    BlstmOverFrames,
    InsideAndOutside,
    ManyRelus,
    make,
    noise_clip,
    score_of,
)
from scipy.stats import mannwhitneyu
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.expected_gradients import ExpectedGradients
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import (
    Gradient,
    InputXGradient,
    IntegratedGradients,
    SmoothGrad,
)
from daxaudio.explainers.references import RandomMask
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox
from daxaudio.runs.seeds import generator

PLAIN = [
    Gradient(),
    SmoothGrad(n_samples=5),
    IntegratedGradients(n_steps=7),
    ExpectedGradients(n_samples=6),
    InputXGradient(),
]
CAMS = [GradCam(), GuidedGradCam(), GradCamPlusPlus()]
ALL = [*PLAIN, *CAMS]
SIGNED = [explainer for explainer in ALL if hasattr(explainer, "sign")]


def name_of(explainer):
    return type(explainer).__name__


@pytest.fixture(params=MODULES)
def module(request):
    return copy.deepcopy(MODULES[request.param])


@pytest.fixture
def clip():
    return noise_clip()


@pytest.fixture
def toy_score(toy_truth):
    return score_of(InsideAndOutside(toy_truth), index=0)


def random_states():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    return python, numpy[1].tolist(), numpy[2:], torch.get_rng_state().tolist()


def area_under_curve(mask, truth):
    inside, outside = mask[truth].numpy(), mask[~truth].numpy()
    return mannwhitneyu(inside, outside).statistic / (len(inside) * len(outside))


# laws of every gradient explainer


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_explainer_finds_the_rectangle_and_beats_random(
    explainer, toy_spectrogram, toy_score, toy_truth
):
    floor = area_under_curve(RandomMask()(toy_spectrogram, toy_score).mask, toy_truth)
    found = area_under_curve(explainer(toy_spectrogram, toy_score).mask, toy_truth)
    assert floor == pytest.approx(0.5, abs=0.06)
    assert found > 0.99


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_explainer_leaves_out_a_louder_event_that_does_not_count(
    explainer, toy_spectrogram, toy_score, toy_truth
):
    mask = explainer(toy_spectrogram, toy_score).mask
    assert float(mask[toy_truth].mean()) > 0.4
    assert float(mask[1:6, 42:54].max()) < 1e-6


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_explanation_follows_the_class(explainer, toy_spectrogram, toy_score, toy_truth):
    other = dataclasses.replace(toy_score, index=1)
    assert float(explainer(toy_spectrogram, other).mask[toy_truth].max()) < 1e-6


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_mask_goes_from_zero_to_one_and_attribution_is_finite(explainer, clip, module):
    explanation = explainer(clip, score_of(module))
    assert explanation.mask.shape == explanation.attribution.shape == (64, 61)
    assert explanation.mask.dtype == explanation.attribution.dtype == torch.float32
    assert float(explanation.mask.max()) == 1
    assert bool(torch.isfinite(explanation.attribution).all())


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_batch_size_does_not_change_the_result(explainer, clip, module):
    plain, *others = (explainer(clip, score_of(module, 1, size)) for size in (64, 1, 3))
    # float32 sums of other lengths; relative to the largest value
    largest = float(plain.attribution.abs().max())
    for other in others:
        difference = (other.attribution - plain.attribution).abs().max()
        assert float(difference) < 1e-4 * largest


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_module_and_global_random_states_are_untouched(explainer, clip, module):
    score = score_of(module)
    next(module.parameters()).requires_grad_(False)
    flags = [parameter.requires_grad for parameter in module.parameters()]
    weights, states = copy.deepcopy(module.state_dict()), random_states()
    values = clip.values.clone()
    explainer(clip, score)
    assert random_states() == states
    assert torch.equal(clip.values, values)
    assert all(torch.equal(value, weights[name]) for name, value in module.state_dict().items())
    assert [parameter.requires_grad for parameter in module.parameters()] == flags
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(part.training or part._forward_hooks for part in module.modules())


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_explainer_works_where_gradients_are_off(explainer, around, clip, module):
    expected = explainer(clip, score_of(module)).attribution
    with around():
        found = explainer(clip, score_of(module)).attribution
    assert torch.equal(found, expected)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_nothing_is_left_behind_after_an_error(explainer, clip):
    module = make(ManyRelus)
    score = score_of(module)
    module.head = nn.Linear(5, 3)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        explainer(clip, score)
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert not any(part._forward_hooks for part in module.modules())


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
@pytest.mark.parametrize("shape", [(13, 31), (7, 101), (64, 1)])
def test_odd_lengths_work(explainer, shape):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    shown = Spectrogram(values, torch.arange(float(shape[0])), torch.arange(float(shape[1])))
    network = nn.Sequential(
        nn.Unflatten(1, (1, shape[0])),
        nn.Conv2d(1, 3, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    assert explainer(shown, score_of(network)).mask.shape == shape


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_a_score_that_can_only_be_asked_is_refused(explainer, toy_spectrogram, toy_score_fn):
    with pytest.raises(TypeError, match=r"needs the module.*BlackBox.score_fn"):
        explainer(toy_spectrogram, toy_score_fn)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_explanation_tells_how_it_was_made(explainer, clip, module):
    passed = []
    module.register_forward_pre_hook(lambda part, inputs: passed.append(len(inputs[0])))
    box = BlackBox(module, LogMel(), ["a", "b", "c"], batch_size=4)
    explanation = explainer(clip, box.score_fn("b"))
    assert explanation.n_queries + explanation.n_gradients == sum(passed)
    assert max(passed) <= 4
    assert explanation.score == float(box.probabilities(clip.values[None])[0, 1])
    assert explanation.settings["name"] == name_of(explainer)
    assert json.loads(json.dumps(explanation.settings)) == explanation.settings
    assert set(explanation.seconds) == {"query", "fit"}
    assert min(explanation.seconds.values()) >= 0


def test_methods_have_the_names_of_the_tables(clip):
    score = score_of(MODULES["relus"])
    explanations = [explainer(clip, score) for explainer in ALL]
    assert [explanation.method for explanation in explanations] == [
        "gradient",
        "smooth_grad",
        "integrated_gradients",
        "expected_gradients",
        "input_x_gradient",
        "grad_cam",
        "guided_grad_cam",
        "grad_cam_plus_plus",
    ]
    assert [explanation.n_gradients for explanation in explanations] == [1, 5, 7, 6, 1, 1, 2, 1]
    assert [explanation.n_queries for explanation in explanations] == [1, 1, 3, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("explainer", SIGNED, ids=name_of)
def test_sign_changes_the_mask_and_not_the_attribution(explainer, clip):
    score = score_of(MODULES["relus"])
    absolute, positive = (
        dataclasses.replace(explainer, sign=sign)(clip, score) for sign in ("absolute", "positive")
    )
    signed = absolute.attribution
    assert torch.equal(positive.attribution, signed)
    assert signed.min() < 0 < signed.max()
    torch.testing.assert_close(absolute.mask, signed.abs() / signed.abs().max())
    torch.testing.assert_close(positive.mask, signed.clamp(min=0) / signed.max())


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_a_probability_can_be_explained_in_place_of_a_logit(explainer, clip):
    score = score_of(MODULES["relus"], index=2)
    logit = explainer(clip, score)
    probability = dataclasses.replace(explainer, of="probability")(clip, score)
    assert float(probability.mask.max()) == 1
    assert not torch.allclose(probability.attribution, logit.attribution)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_a_flat_score_marks_nothing_and_says_so(explainer, toy_spectrogram):
    unit = nn.Conv2d(1, 2, 3, bias=False)
    unit.weight.data.zero_()
    flat = nn.Sequential(nn.Unflatten(1, (1, 24)), unit, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    explanation = explainer(toy_spectrogram, score_of(flat))
    assert not explanation.mask.any()
    assert any("nothing is marked" in warning for warning in explanation.warnings)


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_nan_is_refused(explainer, clip):
    module = make(ManyRelus)
    module.head.weight.data[0] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        explainer(clip, score_of(module))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gradient(of="score"), "of must be 'logit' or 'probability', got 'score'"),
        (lambda: GradCam(of="score"), "of must be"),
        (lambda: GradCamPlusPlus(of="score"), "of must be"),
        (lambda: GuidedGradCam(sign="both"), "sign must be 'absolute' or 'positive', got 'both'"),
        (lambda: InputXGradient(sign="both"), "sign must be"),
        (lambda: SmoothGrad(n_samples=0), "n_samples must be at least 1"),
        (lambda: SmoothGrad(noise_level=-1), "noise_level must be at least 0"),
        (lambda: SmoothGrad(noise_level=float("nan")), "noise_level must be at least 0"),
        (lambda: IntegratedGradients(n_steps=0), "n_steps must be at least 1"),
    ],
)
def test_wrong_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_accelerator_agrees_with_cpu_and_recurrent_layers_stay_in_eval_mode(
    explainer, clip, module, accelerator
):
    here = explainer(clip, score_of(copy.deepcopy(module)))
    there = explainer(clip.to(accelerator), score_of(module.to(accelerator)))
    assert there.mask.device.type == "cpu"
    assert torch.backends.cudnn.enabled
    largest = float(here.attribution.abs().max())
    assert float((there.attribution - here.attribution).abs().max()) < 2e-2 * largest


# SmoothGrad


def test_smooth_grad_is_the_mean_gradient_at_noisy_inputs(clip):
    score = score_of(MODULES["relus"])
    found = SmoothGrad(n_samples=4, noise_level=0.2, seed=3)(clip, score).attribution
    random = generator(3, "smooth_grad", "clip")
    deviation = 0.2 * (clip.values.max() - clip.values.min())
    inputs = [clip.values + deviation * torch.randn(64, 61, generator=random) for _ in range(4)]
    expected = sum(score.gradients(noisy[None])[0] for noisy in inputs) / 4
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)


def test_same_seed_same_mask_and_another_seed_or_recording_another(clip):
    score = score_of(MODULES["relus"])
    first, again, other = (SmoothGrad(n_samples=3, seed=seed)(clip, score) for seed in (0, 0, 1))
    renamed = SmoothGrad(n_samples=3)(dataclasses.replace(clip, recording_id="b"), score)
    assert torch.equal(first.mask, again.mask)
    assert not torch.equal(first.mask, other.mask)
    assert not torch.equal(first.mask, renamed.mask)
    assert (first.seed, other.seed) == (0, 1)


def test_smooth_grad_without_noise_is_the_gradient(clip):
    score = score_of(MODULES["relus"])
    found = SmoothGrad(n_samples=2, noise_level=0)(clip, score).attribution
    torch.testing.assert_close(found, Gradient()(clip, score).attribution)


# integrated gradients, and input times gradient


@pytest.mark.parametrize("of", ["logit", "probability"])
@pytest.mark.parametrize("fill", ["floor", "global_mean", "noise"])
def test_integrated_gradients_sum_up_to_what_the_input_gains(of, fill, clip):
    explanation = IntegratedGradients(200, fill, of)(clip, score_of(MODULES["blstm"]))
    error = explanation.findings["completeness_error"]
    assert error < 1e-4
    assert explanation.warnings == ()


class Square(nn.Module):
    """Logit 0 is the sum of x^4 over all pixels."""

    def forward(self, spectrograms):
        total = spectrograms.pow(4).sum(dim=(1, 2))
        return torch.stack([total, -total], dim=1)


@pytest.mark.parametrize(("n_steps", "warns"), [(1, True), (2, False), (5, False)])
def test_too_few_steps_are_a_warning(n_steps, warns):
    # x^4 from 0 to 1: its derivative 4 x^3 at the one point 1/2 gives 0.5 in place of 1;
    # two points are exact
    shown = Spectrogram(torch.tensor([[0.0, 1.0]]), torch.zeros(1), torch.arange(2.0))
    explanation = IntegratedGradients(n_steps, fill="floor")(shown, score_of(Square(), index=0))
    assert explanation.findings["completeness_error"] == pytest.approx(
        0.5 if warns else 0, abs=1e-6
    )
    assert explanation.attribution[0].tolist() == pytest.approx([0, 0.5 if warns else 1], abs=1e-6)
    assert any("take more steps" in warning for warning in explanation.warnings) == warns


@pytest.mark.parametrize("explainer", [InputXGradient(), IntegratedGradients(5)], ids=name_of)
def test_moving_the_zero_of_the_decibels_changes_nothing(explainer, clip):
    louder = dataclasses.replace(clip, values=clip.values + 40)
    plain = make(BlstmOverFrames)
    moved = nn.Sequential(Shift(-40.0), plain)
    here, there = explainer(clip, score_of(plain)), explainer(louder, score_of(moved))
    largest = float(here.attribution.abs().max())
    assert float((here.attribution - there.attribution).abs().max()) < 1e-4 * largest


class Shift(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, spectrograms):
        return spectrograms + self.by


@pytest.mark.parametrize("explainer", [InputXGradient(), IntegratedGradients(3)], ids=name_of)
def test_only_the_noise_of_the_fill_is_drawn(explainer, clip):
    score = score_of(MODULES["blstm"])
    for fill, same in (("global_mean", True), ("noise", False)):
        first, other = (
            dataclasses.replace(explainer, fill=fill, seed=seed)(clip, score) for seed in (0, 1)
        )
        assert torch.equal(first.attribution, other.attribution) == same
