"""Maps of layers whatever their axes: only one place of the input holds anything, and is marked."""

import pytest
import torch
import torchvision
from torch import nn

from daxaudio.containers import Spectrogram
from daxaudio.explainers.grad_cam import GradCam, GradCamPlusPlus, GuidedGradCam
from daxaudio.models.layers import maps_of_layer
from daxaudio.models.module_score import ModuleScore

CAMS = [GradCam, GradCamPlusPlus, GuidedGradCam]
CHANNELS = 3


def planted(shape, bins, frames, ground=None):
    values = torch.zeros(shape) if ground is None else ground.clone()
    values[bins, frames] = 5.0
    return Spectrogram(values, torch.arange(float(shape[0])), torch.arange(float(shape[1])))


def score_of(module):
    return ModuleScore(module.eval(), 0, lambda inputs: module(inputs).softmax(-1))


class Network(nn.Module):
    """`flow` takes the module and spectrograms to features `[N, C]`; class 0 is their sum."""

    def __init__(self, flow, **parts):
        super().__init__()
        self.flow = flow
        for name, part in parts.items():
            for parameter in part.parameters():
                parameter.data.fill_(0.3 if parameter.ndim > 1 else 0.0)
            self.add_module(name, part)

    def forward(self, spectrograms):
        total = self.flow(self, spectrograms).sum(dim=1)
        return torch.stack([total, -total], dim=1)


def conv(channels=1, size=1, **settings):
    return nn.Conv2d(channels, CHANNELS, size, bias=False, **settings)


PICTURES = {
    "upright": lambda n, x: n.layer(x[:, None]).mean(dim=(2, 3)),
    "time first": lambda n, x: n.layer(x.mT[:, None]).mean(dim=(2, 3)),
    "scaled": lambda n, x: n.layer(2 * x.mT[:, None]).mean(dim=(2, 3)),
    "padded": lambda n, x: n.layer(nn.functional.pad(x.mT[:, None], (1, 1, 2, 2))).mean((2, 3)),
}
LAST = {
    "channels last": lambda n, x: n.layer(x[..., None]).mean(dim=(1, 2)),
    "channels last, time first": lambda n, x: n.layer(x.mT[..., None]).mean(dim=(1, 2)),
}


@pytest.mark.parametrize("cam", CAMS)
@pytest.mark.parametrize("shape", [(20, 40), (40, 20), (24, 24)])
@pytest.mark.parametrize("flow", [*PICTURES, *LAST])
def test_the_planted_rectangle_is_marked_whatever_the_order_of_the_axes(flow, shape, cam):
    layer = conv() if flow in PICTURES else nn.Linear(1, CHANNELS, bias=False)
    module = Network({**PICTURES, **LAST}[flow], layer=layer)
    shown = planted(shape, slice(2, 6), slice(13, 17))
    mask = cam("layer")(shown, score_of(module)).mask
    inside = mask[2:6, 13:17].sum() / mask.sum()
    assert float(inside) > (0.7 if flow == "padded" else 0.99)


@pytest.mark.parametrize("flow", ["upright", "time first"])
def test_later_convolutions_keep_the_order_of_the_first(flow):
    def run(n, x):
        found = n.first(x[:, None] if flow == "upright" else x.mT[:, None])
        pooled = nn.functional.avg_pool2d(found.relu(), (2, 2))  # not a layer that can be watched
        return n.layer(pooled).relu().mean(dim=(2, 3))

    module = Network(run, first=conv(size=3, padding=1), layer=conv(CHANNELS, 3, padding=1))
    shown = planted((32, 80), slice(4, 8), slice(60, 68))
    maps = maps_of_layer(shown, score_of(module), "layer")
    assert maps.activations.shape == (CHANNELS, 16, 40)
    mask = GradCam("layer")(shown, score_of(module)).mask
    assert float(mask[2:10, 56:72].sum() / mask.sum()) > 0.9


def test_a_block_has_the_axes_of_the_layers_within_it():
    block = nn.Sequential(conv(CHANNELS, 3, padding=1), nn.BatchNorm2d(CHANNELS), nn.ReLU())
    module = Network(
        lambda n, x: n.rest(n.block(n.first(x.mT[:, None]))).mean(dim=(2, 3)),
        first=conv(),
        block=block,
        rest=nn.Identity(),
    )
    shown = planted((10, 30), slice(2, 5), slice(20, 24))
    for layer in ("block", "block.2", "rest"):
        assert maps_of_layer(shown, score_of(module), layer).activations.shape == (CHANNELS, 10, 30)


# sequences


def frames_of(n, x):
    return n.layer(x.mT).mean(dim=1)


def bins_of(n, x):
    return n.layer(x).mean(dim=1)


@pytest.mark.parametrize("cam", [GradCam, GradCamPlusPlus])
@pytest.mark.parametrize("shape", [(20, 40), (24, 24)])
def test_tokens_of_frames_mark_time(cam, shape):
    module = Network(frames_of, layer=nn.Linear(shape[0], CHANNELS, bias=False))
    mask = cam("layer")(planted(shape, slice(2, 6), slice(13, 17)), score_of(module)).mask
    torch.testing.assert_close(mask, mask[:1].expand_as(mask))
    assert mask[0].nonzero().flatten().tolist() == [13, 14, 15, 16]


@pytest.mark.parametrize("cam", [GradCam, GradCamPlusPlus])
@pytest.mark.parametrize("shape", [(20, 40), (24, 24)])
def test_tokens_of_bins_mark_frequency(cam, shape):
    module = Network(bins_of, layer=nn.Linear(shape[1], CHANNELS, bias=False))
    mask = cam("layer")(planted(shape, slice(2, 6), slice(13, 17)), score_of(module)).mask
    torch.testing.assert_close(mask, mask[:, :1].expand_as(mask))
    assert mask[:, 0].nonzero().flatten().tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [(20, 40), (24, 24)])
def test_a_convolution_over_one_axis_marks_that_axis(turned, shape):
    module = Network(
        lambda n, x: n.layer(n.first(x.mT if turned else x)).mean(dim=2),
        first=nn.Conv1d(shape[turned], CHANNELS, 2, stride=2, bias=False),
        layer=nn.Conv1d(CHANNELS, CHANNELS, 1, bias=False),
    )
    maps = maps_of_layer(planted(shape, slice(2, 6), slice(14, 18)), score_of(module), "layer")
    found = maps.activations[0].squeeze().nonzero().flatten().tolist()
    assert maps.activations.shape[1 + turned] == 1
    assert found == ([1, 2] if turned else [7, 8])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("layer", ["block", "block.self_attn", "block.norm1"])
def test_a_transformer_over_frames_is_that_of_the_formula(layer, batch_first):
    def flow(n, x):
        tokens = n.tokens(x.mT)
        tokens = tokens if batch_first else tokens.transpose(0, 1)
        return n.block(tokens).mean(dim=1 if batch_first else 0)[:, :2]

    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(12, 2, 24, dropout=0.0, batch_first=batch_first)
    module = Network(flow, tokens=nn.Linear(20, 12))
    module.add_module("block", block)
    shown = planted((20, 40), slice(None), slice(13, 17))
    maps = maps_of_layer(shown, score_of(module), layer)
    assert maps.activations.shape == (12, 1, 40)
    if layer == "block":
        with torch.no_grad():
            tokens = module.tokens(shown.values.T)[:, None]
            right = block(tokens.transpose(0, 1) if batch_first else tokens).squeeze()
        torch.testing.assert_close(maps.activations[:, 0].T, right, atol=1e-4, rtol=1e-4)


class Patches(nn.Module):
    """An AST by and large: patches of 4 x 5, class tokens before them, a transformer."""

    def __init__(self, n_class_tokens=1, time_first=False):
        super().__init__()
        torch.manual_seed(0)
        size = (5, 4) if time_first else (4, 5)
        self.patch = nn.Conv2d(1, 8, size, stride=size)
        self.time_first = time_first
        self.first = nn.Parameter(torch.randn(1, n_class_tokens, 8))
        self.norm = nn.LayerNorm(8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, spectrograms):
        patches = self.patch(spectrograms.mT[:, None] if self.time_first else spectrograms[:, None])
        tokens = torch.cat([self.first.expand(len(patches), -1, -1), patches.flatten(2).mT], dim=1)
        return self.head(self.block(self.norm(tokens)).mean(dim=1))


@pytest.mark.parametrize("n_class_tokens", [0, 1, 2])
@pytest.mark.parametrize("time_first", [False, True])
@pytest.mark.parametrize("shape", [(20, 40), (20, 20), (24, 30)])
def test_tokens_of_patches_lie_on_their_grid(n_class_tokens, time_first, shape):
    # the ground tells a square input's axes apart
    ground = 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(2))
    module = Patches(n_class_tokens, time_first)
    empty, shown = planted(shape, [], [], ground), planted(shape, [9], [12], ground)
    before, after = (
        maps_of_layer(picture, score_of(module), "norm").activations for picture in (empty, shown)
    )
    assert after.shape == (8, shape[0] // 4, shape[1] // 5)
    changed = (after - before).abs().sum(dim=0)
    assert changed.nonzero().tolist() == [[2, 2]]


def test_an_unknown_number_of_class_tokens_is_refused():
    with pytest.raises(ValueError, match=r"'norm' gives \(1, 43, 8\), and which axes .* reshape="):
        GradCam("norm")(planted((20, 40), [9], [12]), score_of(Patches(3)))


def test_the_stages_of_a_swin_transformer_are_laid_out():
    torch.manual_seed(0)
    swin = torchvision.models.SwinTransformer([4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=2)
    module = nn.Sequential(nn.Unflatten(1, (1, 32)), nn.Conv2d(1, 3, 1), swin)
    shown = planted((32, 64), slice(8, 12), slice(40, 44))
    for layer, size in (("2.features.1", (8, 8, 16)), ("2.norm", (16, 4, 8))):
        assert maps_of_layer(shown, score_of(module), layer).activations.shape == size


def test_norms_of_channels_that_come_first_are_known():
    torch.manual_seed(0)
    convnext = torchvision.models.convnext_tiny(num_classes=2).features[:2]
    module = nn.Sequential(
        nn.Unflatten(1, (1, 32)),
        nn.Conv2d(1, 3, 1),
        convnext,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, 2),
    )
    shown = planted((32, 64), slice(8, 12), slice(40, 44))
    for layer in ("2.0.1", "2.1"):
        assert maps_of_layer(shown, score_of(module), layer).activations.shape == (96, 8, 16)


@pytest.mark.parametrize("turned", [False, True])
def test_a_sequence_that_was_pooled_between_two_layers_keeps_its_axis(turned):
    def flow(n, x):
        halved = nn.functional.avg_pool1d(n.first(x.mT if turned else x), 2)
        return n.layer(halved.mT)[0].mean(dim=1)

    first = nn.Conv1d(40 if turned else 20, CHANNELS, 1)
    module = Network(flow, first=first, layer=nn.GRU(CHANNELS, 4, batch_first=True))
    maps = maps_of_layer(planted((20, 40), [3], [30]), score_of(module), "layer")
    assert maps.activations.shape == ((4, 10, 1) if turned else (4, 1, 20))


def test_a_recurrent_layer_over_as_many_steps_as_either_axis_may_leave_is_refused():
    def flow(n, x):
        pooled = nn.functional.avg_pool2d(n.first(x[:, None]), (4, 4))
        return n.layer(pooled.mean(dim=2).mT)[0].mean(dim=1)

    module = Network(flow, first=conv(), layer=nn.GRU(CHANNELS, 4, batch_first=True))
    with pytest.raises(ValueError, match="cannot be told: give reshape="):
        GradCam("layer")(planted((20, 40), [3], [30]), score_of(module))


# what cannot be told


def test_an_input_that_is_folded_into_another_shape_is_refused():
    module = Network(
        lambda n, x: n.layer(x.unflatten(2, (4, 32)).flatten(1, 2)[:, None]).mean(dim=(2, 3)),
        layer=conv(),
    )
    with pytest.raises(ValueError, match="cannot be told: give reshape="):
        GradCam("layer")(planted((16, 128), [3], [90]), score_of(module))


def test_a_fold_after_a_layer_that_saw_the_input_is_refused_too():
    module = Network(
        lambda n, x: n.layer(n.norm(x[:, None]).reshape(len(x), 1, 64, 32)).mean(dim=(2, 3)),
        norm=nn.BatchNorm2d(1),
        layer=conv(),
    )
    with pytest.raises(ValueError, match="cannot be told: give reshape="):
        GradCam("layer")(planted((16, 128), [3], [90]), score_of(module))


def test_a_fold_is_not_forgotten_where_a_stride_makes_it_small():
    module = Network(
        lambda n, x: n.layer(n.norm(x[:, None]).reshape(len(x), 1, 64, 32)).mean(dim=(2, 3)),
        norm=nn.BatchNorm2d(1),
        layer=conv(size=4, stride=4),
    )
    with pytest.raises(ValueError, match=r"'layer' gives \(1, 3, 16, 8\).* give reshape="):
        GradCam("layer")(planted((16, 128), [3], [90]), score_of(module))


def test_a_layer_of_an_unknown_kind_is_refused():
    class Mixed(nn.Module):
        def forward(self, inputs):
            return torch.stack([inputs, -inputs], dim=2)

    module = Network(lambda n, x: n.layer(x).relu().mean(dim=3).flatten(1), layer=Mixed())
    with pytest.raises(ValueError, match="cannot be told: give reshape="):
        GradCam("layer")(planted((16, 40), [3], [30]), score_of(module))


@pytest.mark.parametrize("cam", CAMS)
def test_a_function_of_ones_own_lays_out_what_cannot_be_told(cam):
    def folded(n, x):
        return n.layer(x.unflatten(2, (4, 32)).flatten(1, 2)[:, None]).mean(dim=(2, 3))

    def unfold(output):
        return output.unflatten(2, (16, 4)).flatten(3)

    module = Network(folded, layer=conv())
    shown = planted((16, 128), slice(2, 6), slice(90, 96))
    explanation = cam("layer", reshape=unfold)(shown, score_of(module))
    mask = explanation.mask
    assert float(mask[2:6, 90:96].sum() / mask.sum()) > 0.99
    assert "unfold" in explanation.settings["reshape"]


def test_a_function_of_ones_own_goes_before_what_would_be_found():
    module = Network(PICTURES["upright"], layer=conv())
    shown = planted((20, 40), slice(2, 6), slice(13, 17))
    flipped = GradCam("layer", reshape=lambda maps: maps.flip(3))(shown, score_of(module))
    right = GradCam("layer")(shown, score_of(module))
    assert torch.equal(flipped.attribution, right.attribution.flip(1))


@pytest.mark.parametrize("wrong", [lambda maps: maps[0], lambda maps: None, lambda maps: maps[:0]])
def test_a_function_that_gives_no_maps_is_refused(wrong):
    module = Network(PICTURES["upright"], layer=conv())
    with pytest.raises(ValueError, match=r"reshape must give maps \[1, C, f, t\] of layer 'layer'"):
        GradCam("layer", reshape=wrong)(planted((20, 40), [3], [30]), score_of(module))


@pytest.mark.parametrize("cam", CAMS)
def test_reshape_must_be_a_function(cam):
    with pytest.raises(TypeError, match="reshape must be a function from a layer's output"):
        cam(reshape="tokens")


def test_the_watch_leaves_no_hook_behind():
    module = Network(PICTURES["upright"], layer=conv())
    GradCam("layer")(planted((20, 40), [3], [30]), score_of(module))
    assert not any(part._forward_hooks for part in module.modules())
