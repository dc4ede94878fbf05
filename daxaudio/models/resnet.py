"""Residual networks from torchvision on one-channel spectrograms of any length."""

from __future__ import annotations

import urllib.error
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

STAGES = {
    10: ("BasicBlock", (1, 1, 1, 1)),
    18: ("BasicBlock", (2, 2, 2, 2)),
    34: ("BasicBlock", (3, 4, 6, 3)),
    50: ("Bottleneck", (3, 4, 6, 3)),
    101: ("Bottleneck", (3, 4, 23, 3)),
}
"""Kind of block and blocks in each of the four stages, by the number of layers with weights."""

FULL_WIDTH = 64
"""Channels of the first stage in He et al.; each stage has twice as many as the one before."""


class SpectrogramResNet(nn.Module):
    """A torchvision ResNet that takes `[N, F, T]` spectrograms.

    The input is normalised by one mean and one deviation, which are buffers and so are saved with
    the weights. The first convolution has one input channel; global average pooling makes any F
    and T fit (He et al. 2016; the paper uses ResNet-101). Depth 10 and a smaller width are for
    small corpora and short waits: width 16 takes a sixteenth of the multiplications.

    Args:
        n_classes: number of classes C.
        depth: 10, 18, 34, 50 or 101.
        mean: mean of the training spectrograms.
        std: their standard deviation.
        imagenet: start from ImageNet weights (torchvision fetches them once; the weights of the
            first convolution are summed over colour). There are none for depth 10, nor for a
            width below 64.
        width: channels of the first stage, from 4 to 64; all stages in proportion.

    Raises:
        ValueError: when the depth or a number is out of range, or the weights cannot be had.

    Example:
        >>> SpectrogramResNet(10, depth=10, width=8).eval()(torch.randn(2, 64, 33)).shape
        torch.Size([2, 10])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        n_classes: int,
        *,
        depth: int = 18,
        mean: float = 0.0,
        std: float = 1.0,
        imagenet: bool = False,
        width: int = FULL_WIDTH,
    ) -> None:
        super().__init__()
        if depth not in STAGES:
            raise ValueError(f"depth must be one of {tuple(STAGES)}, got {depth}")
        if not isinstance(width, int) or not 4 <= width <= FULL_WIDTH:
            raise ValueError(f"width must be a whole number from 4 to {FULL_WIDTH}, got {width!r}")
        if imagenet and (depth == 10 or width < FULL_WIDTH):
            raise ValueError(
                f"there are ImageNet weights of depth 18 and above and width {FULL_WIDTH}, none of "
                f"depth {depth} and width {width}; leave imagenet out"
            )
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}")
        if std <= 0:
            raise ValueError(f"std must be positive, got {std}")
        self.settings = {"kind": "resnet", "depth": depth, "n_classes": n_classes, "width": width}
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))
        self.network = _one_channel_resnet(depth, width, n_classes, imagenet)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Spectrograms `[N, F, T]` to logits `[N, C]`."""
        normalised = (spectrograms - self.mean) / self.std
        return self.network(normalised.unsqueeze(1))


def _one_channel_resnet(depth: int, width: int, n_classes: int, imagenet: bool) -> nn.Module:
    network = _resnet(depth, width)
    if imagenet:
        network.load_state_dict(_imagenet_weights(depth))
    colour = network.conv1
    network.conv1 = nn.Conv2d(1, width, 7, stride=2, padding=3, bias=False)
    with torch.no_grad():
        network.conv1.weight.copy_(colour.weight[:width].sum(dim=1, keepdim=True))
    network.bn1 = nn.BatchNorm2d(width) if width < FULL_WIDTH else network.bn1
    network.fc = nn.Linear(network.fc.in_features * width // FULL_WIDTH, n_classes)
    return network


def _resnet(depth: int, width: int) -> Any:
    """The network of torchvision, its stages in proportion to the width of the first."""
    from torchvision.models import resnet  # as long in coming as torch itself: only when needed

    class Narrow(resnet.ResNet):
        def _make_layer(self, block: Any, planes: int, *others: Any, **options: Any) -> nn.Module:
            if planes == FULL_WIDTH:  # the first stage takes what the first convolution gives
                self.inplanes = width
            scaled = planes * width // FULL_WIDTH
            return cast(nn.Module, super()._make_layer(block, scaled, *others, **options))

    block, counts = STAGES[depth]
    return Narrow(getattr(resnet, block), counts)


def _imagenet_weights(depth: int) -> Mapping[str, Tensor]:
    import torchvision

    weights = torchvision.models.get_model_weights(f"resnet{depth}").DEFAULT
    try:
        found = weights.get_state_dict(progress=False, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise ValueError(
            f"ImageNet weights of ResNet-{depth} cannot be fetched from {weights.url} ({error}); "
            f"train without them, or put the file into {torch.hub.get_dir()}/checkpoints"
        ) from error
    return cast(Mapping[str, Tensor], found)
