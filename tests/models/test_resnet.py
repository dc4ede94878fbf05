"""The residual network at any depth and width."""

import re

import pytest
import torch
import torchvision

from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox, load_black_box, save_black_box
from daxaudio.models.resnet import STAGES, SpectrogramResNet


def parameters_of(module):
    return sum(parameter.numel() for parameter in module.parameters())


def seeded(**settings):
    torch.manual_seed(0)
    return SpectrogramResNet(3, **settings).eval()


@pytest.mark.parametrize("depth", [18, 50])
def test_full_width_is_torchvisions_network(depth):
    ours = seeded(depth=depth)
    theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=3).eval()
    theirs.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    theirs.load_state_dict(ours.network.state_dict())
    x = torch.randn(2, 24, 40)
    assert torch.equal(ours(x), theirs(x[:, None]))


@pytest.mark.parametrize("depth", STAGES)
def test_the_depth_counts_the_layers_with_weights(depth):
    module = seeded(depth=depth, width=4)
    layers = [m for m in module.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    shortcuts = [name for name, _ in module.named_modules() if name.endswith("downsample.0")]
    assert len(layers) - len(shortcuts) == depth


@pytest.mark.parametrize("depth", [10, 50])
@pytest.mark.parametrize("width", [4, 17, 64])
def test_all_stages_are_in_proportion_to_the_width(depth, width):
    network = seeded(depth=depth, width=width).network
    stages = [network.layer1, network.layer2, network.layer3, network.layer4]
    assert network.conv1.out_channels == network.bn1.num_features == width
    assert [stage[0].conv1.out_channels for stage in stages] == [
        width,
        2 * width,
        4 * width,
        8 * width,
    ]
    assert network.fc.in_features == 8 * width * {10: 1, 50: 4}[depth]
    assert network(torch.randn(2, 1, 24, 40)).shape == (2, 3)


def test_a_sixteenth_of_the_width_has_a_sixteenth_of_the_weights():
    ratio = parameters_of(seeded(depth=18)) / parameters_of(seeded(depth=18, width=16))
    assert ratio == pytest.approx(16, rel=0.02)


def test_a_narrow_network_is_stored_and_read_back(tmp_path):
    front_end = LogMel(sample_rate=16000, n_fft=1024, hop_length=512, n_mels=16)
    box = BlackBox(seeded(depth=10, width=8), front_end, ["a", "b", "c"])
    save_black_box(box, tmp_path)
    text = (tmp_path / "model.yaml").read_text()
    assert re.search(r"\bdepth: 10\b", text)
    assert re.search(r"\bwidth: 8\b", text)
    x = torch.randn(2, 16, 30)
    assert torch.equal(load_black_box(tmp_path).probabilities(x), box.probabilities(x))


def test_a_model_stored_before_there_was_a_width_has_the_full_one(tmp_path):
    front_end = LogMel(sample_rate=16000, n_fft=1024, hop_length=512, n_mels=16)
    save_black_box(BlackBox(seeded(depth=10), front_end, ["a", "b", "c"]), tmp_path)
    path = tmp_path / "model.yaml"
    path.write_text(path.read_text().replace("  width: 64\n", ""))
    assert "width" not in path.read_text()
    assert load_black_box(tmp_path).module.settings["width"] == 64


@pytest.mark.parametrize("width", [0, 3, 65, 16.0, "16", True, None])
def test_other_widths_are_refused(width):
    with pytest.raises(ValueError, match="width must be a whole number from 4 to 64"):
        SpectrogramResNet(3, width=width)


@pytest.mark.parametrize("settings", [{"depth": 10}, {"width": 32}])
def test_imagenet_has_no_weights_for_other_sizes(settings):
    with pytest.raises(ValueError, match="leave imagenet out"):
        SpectrogramResNet(3, imagenet=True, **settings)
