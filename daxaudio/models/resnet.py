"""Residual networks from torchvision on one-channel spectrograms of any length."""

from __future__ import annotations

import urllib.error

import torch
import torchvision
from torch import Tensor, nn

DEPTHS = (18, 34, 50, 101)


class SpectrogramResNet(nn.Module):
    """A torchvision ResNet that takes `[N, F, T]` spectrograms in dB.

    The input is normalised by one mean and one deviation, which are buffers and so are saved with
    the weights. The first convolution has one input channel; global average pooling makes any F
    and T fit (He et al. 2016; the paper uses ResNet-101).

    Args:
        n_classes: number of classes C.
        depth: 18, 34, 50 or 101.
        mean: mean of the training spectrograms in dB.
        std: their standard deviation in dB.
        imagenet: start from ImageNet weights (torchvision fetches them once; the weights of the
            first convolution are summed over colour).

    Raises:
        ValueError: when the depth or a number is out of range, or the weights cannot be had.

    Example:
        >>> SpectrogramResNet(10, depth=18).eval()(torch.randn(2, 64, 33)).shape
        torch.Size([2, 10])
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        n_classes: int,
        depth: int = 18,
        mean: float = 0.0,
        std: float = 1.0,
        imagenet: bool = False,
    ) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"depth must be one of {DEPTHS}, got {depth}")
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}")
        if std <= 0:
            raise ValueError(f"std must be positive, got {std}")
        self.settings = {"kind": "resnet", "depth": depth, "n_classes": n_classes}
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("std", torch.tensor(float(std)))
        self.network = _one_channel_resnet(depth, n_classes, imagenet)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Spectrograms `[N, F, T]` in dB to logits `[N, C]`."""
        normalised = (spectrograms - self.mean) / self.std
        return self.network(normalised.unsqueeze(1))


def _one_channel_resnet(depth: int, n_classes: int, imagenet: bool) -> nn.Module:
    build = getattr(torchvision.models, f"resnet{depth}")
    network = build(weights=_imagenet_weights(depth) if imagenet else None)
    colour = network.conv1
    network.conv1 = nn.Conv2d(1, colour.out_channels, 7, stride=2, padding=3, bias=False)
    with torch.no_grad():
        network.conv1.weight.copy_(colour.weight.sum(dim=1, keepdim=True))
    network.fc = nn.Linear(network.fc.in_features, n_classes)
    return network


def _imagenet_weights(depth: int) -> object:
    weights = torchvision.models.get_model_weights(f"resnet{depth}").DEFAULT
    try:
        weights.get_state_dict(progress=False, check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise ValueError(
            f"ImageNet weights of ResNet-{depth} cannot be fetched from {weights.url} ({error}); "
            f"train without them, or put the file into {torch.hub.get_dir()}/checkpoints"
        ) from error
    return weights
