"""How much an explanation changes when its input changes so little that nobody hears it.

Conventions: changes are in dB, or as much in another unit. Lower is better; 0 is a mask that does
not change at all, as that of a method which does not look at the input. Undefined, NaN, where the
mask is 0 everywhere.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.runs.seeds import generator

RADIUS = 1.0
"""In dB: about the smallest change of level that a listener notices. Two good microphones differ
by more, so that an explanation which changes by it would change with the recorder."""

USUAL_DEVIATION = 17.0
"""In dB, of the values of a spectrogram: the median of 40 ESC-10 recordings (64 mel bands)."""


def _check_shape(mask: Tensor, spectrogram: Spectrogram) -> None:
    if mask.shape != spectrogram.values.shape:
        raise ValueError(
            f"mask is {tuple(mask.shape)}, the spectrogram is {tuple(spectrogram.values.shape)}"
        )


def max_sensitivity(
    explain: Callable[[Spectrogram], Tensor],
    spectrogram: Spectrogram,
    mask: Tensor,
    *,
    radius: float = RADIUS,
    n_samples: int = 10,
    seed: int = 0,
) -> float:
    """Greatest relative change of the mask, over n inputs that differ from the given one by noise.

    max over i of ||E(x + d_i) - E(x)|| / ||E(x)||, Euclidean norms over all bins; each value of
    d_i is uniform in [-radius, radius] dB; in another unit it is as large a part of the input's
    standard deviation as the radius is of `USUAL_DEVIATION`. As it is the greatest of n, it grows
    with n: compare only values of the same n and radius.

    Source: Yeh et al. 2019, as captum's `sensitivity_max`. Differs in that the noise is drawn from
    a seed (captum draws from the global state), one input at a time, and that a mask of zeros
    gives NaN (captum divides by 1 instead, which makes a method that marks nothing look stable).

    Args:
        explain: a spectrogram to its mask `[F, T]`. Its random draws should be those of `mask`, so
            that nothing but the input differs.
        spectrogram: the input x.
        mask: `[F, T]`, E(x).
        radius: greatest change of a bin in dB, above 0.
        n_samples: n, how often to explain.
        seed: of the noise.

    Returns:
        At least 0; NaN for a mask that is 0 everywhere.

    Raises:
        ValueError: when a number is out of range or a mask has another shape than the input.

    Example:
        >>> picture = Spectrogram(torch.ones(3, 4), torch.arange(3.0), torch.arange(4.0))
        >>> max_sensitivity(lambda near: near.values, picture, picture.values, radius=0.1) <= 0.1
        True
    """
    if not 0 < radius < math.inf:
        raise ValueError(f"radius must be above 0 dB, got {radius}")
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    _check_shape(mask, spectrogram)
    mask = mask.detach().double().cpu()
    norm = float(mask.norm())
    if norm == 0:
        return math.nan
    values, greatest = spectrogram.values, 0.0
    if spectrogram.unit != "dB":
        radius *= float(values.std(correction=0)) / USUAL_DEVIATION
    for index in range(n_samples):
        random = generator(seed, "sensitivity", index)
        noise = radius * (2 * torch.rand(values.shape, generator=random) - 1)
        near = explain(dataclasses.replace(spectrogram, values=values + noise.to(values)))
        _check_shape(near, spectrogram)
        greatest = max(greatest, float((near.detach().double().cpu() - mask).norm()) / norm)
    return greatest
