"""The same numbers as captum and grad-cam give, where they mean the same."""

import pytest
import torch
from captum import attr as captum
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.explainers.gradient import Gradient, InputXGradient, IntegratedGradients
from daxaudio.models.layers import GuidedRelu
from daxaudio.models.module_score import ModuleScore
from daxaudio.perturbation.fills import make_background

CLASS = 2
SHAPE = (24, 31)


class Convolutions(nn.Module):
    """Two convolutions, each with a ReLU of its own that is not in place, as captum wants it."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.first_relu = nn.ReLU()
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.second_relu = nn.ReLU()
        self.head = nn.Linear(6, 3)

    def forward(self, spectrograms):
        found = self.first_relu(self.first(spectrograms[:, None]))
        return self.head(self.second_relu(self.second(found)).mean(dim=(2, 3)))


class Pictures(nn.Module):
    """The same, of `[N, 1, F, T]` as grad-cam wants it."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pictures):
        return self.network(pictures[:, 0])


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = Convolutions().eval()
    # Large weights, beside which the 1e-6 in grad-cam's denominators is small.
    network.head.weight.data *= 1e6
    return network


@pytest.fixture
def score(network):
    return ModuleScore(network, CLASS, lambda inputs: network(inputs).softmax(dim=-1))


@pytest.fixture
def clip():
    values = torch.randn(*SHAPE, generator=torch.Generator().manual_seed(1))
    return Spectrogram(values, torch.arange(float(SHAPE[0])), torch.arange(float(SHAPE[1])), "a")


def assert_same(found, expected, part=1e-5):
    """Equal to a part of the largest value: float32 sums in another order leave about 1e-6."""
    largest = float(expected.abs().max())
    assert largest > 0
    torch.testing.assert_close(found, expected, rtol=0, atol=part * largest)


def test_gradient_agrees_with_captum(clip, score, network):
    theirs = captum.Saliency(network).attribute(clip.values[None], target=CLASS, abs=False)[0]
    found = Gradient()(clip, score)
    assert_same(found.attribution, theirs)
    assert_same(found.mask, theirs.abs() / theirs.abs().max())


def test_gradient_of_a_probability_agrees_with_captum(clip, network):
    network.head.weight.data /= 1e6  # a softmax that is not saturated
    score = ModuleScore(network, CLASS, lambda inputs: network(inputs).softmax(dim=-1))
    theirs = captum.Saliency(lambda inputs: network(inputs).softmax(dim=-1)).attribute(
        clip.values[None], target=CLASS, abs=False
    )
    assert_same(Gradient(of="probability")(clip, score).attribution, theirs[0])


def test_input_x_gradient_with_background_zero_agrees_with_captum(clip, score, network):
    centred = clip.values - clip.values.mean()  # so that the fill "global_mean" is 0
    shown = Spectrogram(centred, clip.frequencies, clip.times, "a")
    theirs = captum.InputXGradient(network).attribute(centred[None], target=CLASS)[0]
    assert_same(InputXGradient("global_mean")(shown, score).attribution, theirs.detach())


@pytest.mark.parametrize("fill", ["floor", "global_mean", "noise"])
def test_integrated_gradients_agree_with_captum(fill, clip, score, network):
    background = make_background(clip, fill, seed=5)
    theirs, missed = captum.IntegratedGradients(network).attribute(
        clip.values[None],
        baselines=background[None].contiguous(),
        target=CLASS,
        n_steps=20,
        method="gausslegendre",
        return_convergence_delta=True,
    )
    found = IntegratedGradients(20, fill, seed=5)(clip, score)
    # Points that differ in the last digit may lie on the two sides of a ReLU's kink.
    assert_same(found.attribution, theirs[0].float(), part=1e-4)
    error = found.findings["completeness_error"]
    gain = abs(float(score.values(torch.stack([background, clip.values])).diff()))
    assert error == pytest.approx(abs(float(missed)), abs=1e-4 * gain)


@pytest.mark.parametrize("layer", ["first", "second"])
def test_grad_cam_agrees_with_captum(layer, clip, score, network):
    theirs = captum.LayerGradCam(network, getattr(network, layer)).attribute(
        clip.values[None], target=CLASS, relu_attributions=True
    )
    stretched = captum.LayerAttribution.interpolate(
        theirs, SHAPE, interpolate_mode="bilinear"
    )  # align_corners is left at None, which is False
    found = GradCam(layer)(clip, score).attribution
    assert_same(found, stretched[0, 0].detach())


def test_guided_backpropagation_agrees_with_captum(clip, score, network):
    theirs = captum.GuidedBackprop(network).attribute(clip.values[None], target=CLASS)[0]
    with GuidedRelu(network) as guided:
        found = score.gradients(clip.values[None])[0]
    assert guided.n_calls == 2
    assert_same(found, theirs.detach())


def test_guided_grad_cam_agrees_with_captum(clip, score, network):
    module = Pictures(network)
    theirs = captum.GuidedGradCam(module, network.second).attribute(
        clip.values[None, None], target=CLASS, interpolate_mode="bilinear"
    )
    assert_same(GuidedGradCam("second")(clip, score).attribution, theirs[0, 0].detach())


CAMS = [(GradCam, GradCAM), (GradCamPlusPlus, GradCAMPlusPlus)]


def explained_by_them(method, network, layer, clip):
    """Their map of the layer, before its ReLU and scaling, and the map that they return."""
    layers, pictures = [getattr(network, layer)], clip.values[None, None]
    targets = [ClassifierOutputTarget(CLASS)]
    with method(Pictures(network), target_layers=layers) as cam:
        scaled = cam(pictures, targets)[0]
        kept = cam.activations_and_grads
        raw = cam.get_cam_image(
            pictures, layers[0], targets, kept.activations[0].numpy(), kept.gradients[0].numpy()
        )
    return torch.from_numpy(raw[0]), torch.from_numpy(scaled)


@pytest.mark.parametrize(("ours", "theirs"), CAMS)
def test_class_activation_maps_agree_with_grad_cam(ours, theirs, clip, score, network):
    # The first layer has the input's size: nothing is stretched, and values compare as they are.
    raw, _ = explained_by_them(theirs, network, "first", clip)
    assert_same(ours("first")(clip, score).attribution, raw.clamp(min=0))


@pytest.mark.parametrize(("ours", "theirs"), CAMS)
def test_stretched_and_scaled_maps_agree_with_grad_cam(ours, theirs, clip, score, network):
    # The second layer is coarser. They stretch with OpenCV's bilinear filter, whose weights are
    # float32 too, and scale from the lowest to the highest value, with 1e-7 in the denominator.
    _, scaled = explained_by_them(theirs, network, "second", clip)
    found = ours("second")(clip, score).attribution
    found = (found - found.min()) / (found.max() - found.min())
    assert_same(found, scaled, part=1e-4)


def test_small_gradients_count_in_full_in_grad_cam_plus_plus(clip, score, network):
    # At the weights as they were drawn gradients are about 1e-3 and less: 1e-6 outweighs 2 g^2.
    network.head.weight.data /= 1e6
    found = GradCamPlusPlus("first")(clip, score).attribution
    theirs, _ = explained_by_them(GradCAMPlusPlus, network, "first", clip)
    assert float(theirs.max()) < 0.5 * float(found.max())
    # The smaller, the nearer alpha comes to 1/2, and the map to a multiple of itself.
    network.head.weight.data /= 1e4
    small = GradCamPlusPlus("first")(clip, score).attribution
    network.head.weight.data /= 2
    assert_same(2 * GradCamPlusPlus("first")(clip, score).attribution, small, part=1e-3)
