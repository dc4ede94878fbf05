"""What a spectrogram looks like around each bin, and a mask network on it that is fitted at once.

A convolutional mask network shares its filters over the whole spectrogram, so it learns which
*textures* carry evidence and draws sharp borders. Here the hidden layer is drawn at random and only
the output weights are learned, by ridge regression (random features, Rahimi and Recht 2007): the
fit has one solution, which a fraction of a second finds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

_NEIGHBOURHOODS = ((3, 3), (5, 9), (9, 21))
"""Heights and widths, in bins and frames, over which levels are averaged."""

_N_STATISTICS = 2 + 2 * len(_NEIGHBOURHOODS) + 2 * len(_NEIGHBOURHOODS[1:]) + 2

_CHUNK = 16384
"""Bins of the spectrogram whose hidden layer, and answers, are in memory at once."""


def local_statistics(values: Tensor) -> Tensor:
    """Level, spread and roughness around each bin, at several scales.

    Args:
        values: `[F, T]`, a spectrogram.

    Returns:
        `[D, F, T]`, each of the D statistics with mean 0 and deviation 1 (0 where it is constant).

    Example:
        >>> local_statistics(torch.randn(16, 40)).shape
        torch.Size([14, 16, 40])
    """
    level = _standardise(values.float())
    statistics = torch.empty(_N_STATISTICS, *level.shape, device=level.device)
    for place, statistic in enumerate(_raw_statistics(level)):  # one in memory at a time
        statistics[place] = _standardise(statistic)
    return statistics


def _raw_statistics(level: Tensor) -> Iterator[Tensor]:
    yield level
    yield level - level.median(dim=1, keepdim=True).values
    for size in _NEIGHBOURHOODS:
        mean = local_mean(level, size)
        yield mean
        yield (local_mean(level.square(), size) - mean.square()).clamp(min=0).sqrt()
    across = F.pad(level.diff(dim=1).abs(), (1, 0))
    upwards = F.pad(level.diff(dim=0).abs(), (0, 0, 1, 0))
    for size in _NEIGHBOURHOODS[1:]:
        yield local_mean(across, size)
        yield local_mean(upwards, size)
    yield local_mean(level.mean(dim=0, keepdim=True).expand_as(level), (1, 9))
    yield local_mean(level.std(dim=0, keepdim=True, correction=0).expand_as(level), (1, 9))


def _standardise(values: Tensor) -> Tensor:
    deviation = values.std(correction=0)
    return (values - values.mean()) / deviation.clamp(min=1e-6)


def local_mean(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Mean of `[F, T]` over a box of odd height and width around each bin, edges repeated."""
    down, along = size[0] // 2, size[1] // 2
    padded = F.pad(values[None, None], (along, along, down, down), mode="replicate")
    return F.avg_pool2d(padded, size, stride=1)[0, 0]


@dataclasses.dataclass(frozen=True)
class SharedFilters:
    """A mask network with one hidden layer that is the same at every bin.

    Args:
        n_filters: hidden units, cosines of random mixtures of the statistics.
        width: how far apart two textures are, in deviations of the statistics, before the network
            may answer differently.
        ridge: weight of the penalty, relative to the mean variance of a hidden unit.

    Raises:
        ValueError: when a number is not above 0.
    """

    n_filters: int = 256
    width: float = 5.0
    ridge: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 < part < math.inf for part in (self.n_filters, self.width, self.ridge)):
            raise ValueError(
                "n_filters, width and ridge must be above 0 and finite, got "
                f"{self.n_filters}, {self.width}, {self.ridge}"
            )

    def fit(self, values: Tensor, targets: Tensor, random: torch.Generator) -> Tensor:
        """What the network answers at each bin once it is fitted to targets there.

        Args:
            values: `[F, T]`, the spectrogram.
            targets: `[B, F, T]`, B fits at once.
            random: source of the filters, on the CPU.

        Returns:
            `[B, F, T]`, each with the mean of its target.
        """
        statistics = local_statistics(values).flatten(1)
        shape = (self.n_filters, len(statistics))
        mixtures = (torch.randn(shape, generator=random) / self.width).to(statistics)
        phases = (2 * math.pi * torch.rand(self.n_filters, 1, generator=random)).to(statistics)
        wanted = targets.flatten(1)
        means = wanted.mean(dim=1, keepdim=True)

        def hidden(chunk: Tensor) -> Tensor:
            return torch.cos(mixtures @ chunk + phases)

        # Sums over all bins, chunk by chunk, so that memory does not grow with the length.
        n_bins = statistics.shape[1]
        total = statistics.new_zeros(self.n_filters, 1, dtype=torch.float64)
        products = statistics.new_zeros(self.n_filters, self.n_filters, dtype=torch.float64)
        answers = statistics.new_zeros(self.n_filters, len(targets), dtype=torch.float64)
        for start in range(0, n_bins, _CHUNK):
            units = hidden(statistics[:, start : start + _CHUNK])
            total += units.sum(dim=1, keepdim=True)
            products += units @ units.T
            part = wanted[:, start : start + _CHUNK].to(statistics) - means.to(statistics)
            answers += units @ part.T
        centred = products - total @ total.T / n_bins
        penalty = self.ridge * centred.diagonal().mean().clamp(min=1e-9)
        centred.diagonal().add_(penalty)
        weights = torch.linalg.solve(centred, answers)
        offset = weights.T @ total / n_bins
        fitted = torch.empty_like(wanted)
        for start in range(0, n_bins, _CHUNK):
            answer = weights.T.float() @ hidden(statistics[:, start : start + _CHUNK])
            fitted[:, start : start + _CHUNK] = answer - offset.float() + means
        return fitted.unflatten(1, values.shape)
