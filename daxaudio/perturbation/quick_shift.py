"""Quick shift on an accelerator: all neighbours of all bins at once, in the order of scikit-image.

scikit-image needs 0.1 s of one core for 5 s of sound, in which a GPU could have answered a thousand
queries.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_MOST_PAIRS = 2**25
"""Pairs of bins looked at at once: a few arrays of 256 MiB."""


def quick_shift(image: Tensor, kernel_size: float, max_dist: float, seed: int = 0) -> Tensor:
    """Which bins belong to one mode, by quick shift (Vedaldi and Soatto 2008).

    Every bin is linked to the nearest one of higher density; links longer than `max_dist` are cut.
    The labels are those of `skimage.segmentation.quickshift` on the same image: the same window,
    the same noise against ties, the first of equally near bins. Sums are rounded in another order,
    by far less than that noise.

    Args:
        image: float64 `[F, T]`, levels in the unit of distances, smoothed.
        kernel_size: width of the density estimate in bins, at least 1.
        max_dist: longest link, in bins.
        seed: of the noise that breaks ties.

    Returns:
        int64 `[F, T]`: the flat index of each bin's mode, on the device of the image.

    Example:
        >>> image = torch.tensor([[0.0, 0, 0, 9, 9, 9]], dtype=torch.float64)
        >>> quick_shift(image, 1.0, 4.0).unique().numel()
        2
    """
    reach = math.ceil(3 * kernel_size)
    density = torch.cat(
        [
            (_distances(part, reach) * (-0.5 / kernel_size**2)).exp().sum(dim=-1)
            for part in _stretches(image, reach, math.inf)
        ],
        dim=1,
    )
    noise = np.random.default_rng(seed).normal(scale=0.00001, size=tuple(image.shape))
    density += torch.from_numpy(noise).to(image)
    parts = zip(
        _stretches(image, reach, math.inf), _stretches(density, reach, -math.inf), strict=True
    )
    steps = torch.cat([_nearest_denser(*part, reach, max_dist) for part in parts], dim=1)
    places = torch.arange(image.numel(), device=image.device)
    modes = places + steps.flatten() // (2 * reach + 1) * image.shape[1]
    modes += steps.flatten() % (2 * reach + 1) - reach * (image.shape[1] + 1)
    while not torch.equal(modes, following := modes[modes]):
        modes = following
    return modes.view_as(image)


def _stretches(values: Tensor, reach: int, beyond: float) -> list[Tensor]:
    """Stretches in time, `[F + 2 reach, t + 2 reach]` each, with their neighbours around them."""
    padded = F.pad(values, (reach, reach, reach, reach), value=beyond)
    n_bins, n_frames = values.shape
    size = max(1, _MOST_PAIRS // (n_bins * (2 * reach + 1) ** 2))
    return [
        padded[:, start : min(start + size, n_frames) + 2 * reach]
        for start in range(0, n_frames, size)
    ]


def _windows(stretch: Tensor, reach: int) -> Tensor:
    """`[F, t, W]`: what stands in the window around each bin, W = (2 reach + 1)^2."""
    return stretch.unfold(0, 2 * reach + 1, 1).unfold(1, 2 * reach + 1, 1).flatten(2)


def _distances(stretch: Tensor, reach: int) -> Tensor:
    """`[F, t, W]` squared distances in level and position from each bin to those around it."""
    offsets = torch.arange(-reach, reach + 1, dtype=stretch.dtype, device=stretch.device)
    inside = stretch[reach:-reach, reach:-reach]
    squares = (inside[..., None] - _windows(stretch, reach)).square_()
    squares += offsets.square().repeat_interleave(len(offsets))  # the same order of sums
    return squares.add_(offsets.square().repeat(len(offsets)))


def _nearest_denser(stretch: Tensor, density: Tensor, reach: int, max_dist: float) -> Tensor:
    """`[F, t]`: index in the window of the nearest denser bin; its middle where none is near."""
    distances = _distances(stretch, reach)
    inside = density[reach:-reach, reach:-reach]
    distances.masked_fill_(_windows(density, reach) <= inside[..., None], math.inf)
    nearest = distances.amin(dim=-1)
    order = torch.arange(distances.shape[-1], device=distances.device)
    first = torch.where(distances == nearest[..., None], order, len(order)).amin(dim=-1)
    return torch.where(nearest.sqrt() <= max_dist, first, len(order) // 2)
