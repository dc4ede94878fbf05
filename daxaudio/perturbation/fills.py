"""What stands where a part is masked off.

Conventions: a background `[F, T]` is what the input is when everything is masked off; masks
`[n, F, T]` are in [0, 1], 1 where the input is kept.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.perturbation.segments import segment_means
from daxaudio.runs.asking import Mix
from daxaudio.runs.seeds import generator

Fill = Literal[
    "floor",
    "quiet",
    "global_mean",
    "segment_mean",
    "noise",
    "inpaint",
    "zeros",
    "white_noise",
    "surroundings",
]
"""What stands where a part is masked off; the last three in the sound (see `sound_fills`)."""

_QUIET = 0.1
"""Share of the frames that are at the quiet level of their band, or below it."""


@dataclasses.dataclass(frozen=True)
class FillFacts:
    """What there is to know of a fill.

    Args:
        text: what it does, in a line.
        adds_energy: what is masked off may become louder than it was.
        in_sound: it replaces stretches of the recording itself, not values of its spectrogram.
    """

    text: str
    adds_energy: bool
    in_sound: bool = False


FILLS: dict[Fill, FillFacts] = {
    "floor": FillFacts("the lowest value of the whole spectrogram", False),
    "quiet": FillFacts("the quiet level of the band, its 10th percentile; never louder", False),
    "global_mean": FillFacts("the mean of the whole spectrogram", True),
    "segment_mean": FillFacts("the mean of the segment; for methods that cut segments", True),
    "noise": FillFacts("Gaussian noise with the mean and deviation of the band", True),
    "inpaint": FillFacts("drawn, for each query, from what it keeps around in time and band", True),
    "zeros": FillFacts("stretches of the sound itself become silence", False, True),
    "white_noise": FillFacts(
        "stretches of the sound itself become noise at the recording's quiet level", True, True
    ),
    "surroundings": FillFacts(
        "stretches of the sound itself become what is kept before and after them", True, True
    ),
}
"""By name."""

_NEAR: dict[Fill, Fill] = {"zeros": "floor", "white_noise": "quiet", "surroundings": "inpaint"}
"""Of each fill of the sound the one that does nearly the same to a spectrogram."""


def check_fill(fill: object, known: tuple[str, ...] = get_args(Fill)) -> None:
    """Refuse what is no fill.

    Raises:
        ValueError: lists the known ones.
    """
    if fill not in known:
        raise ValueError(f"fill must be one of {', '.join(known)}, got {fill!r}")


def refuse_pictures(fill: Fill) -> str:
    """Why a classifier that is asked about spectrograms cannot have a fill; "" where it can."""
    if not FILLS[fill].in_sound:
        return ""
    others = ", ".join(name for name, row in FILLS.items() if not row.in_sound)
    return (
        f"fill {fill!r} changes the sound itself, and this classifier is asked about "
        f"spectrograms; choose {others}"
    )


def make_background(
    spectrogram: Spectrogram, fill: Fill, segments: Tensor | None = None, seed: int = 0
) -> Tensor:
    """What the input is when everything is masked off.

    Args:
        spectrogram: the input.
        fill: "floor" its lowest value; "quiet" the 10th percentile over time of each frequency bin,
            or the value itself where that is lower; "global_mean" its mean, and so "inpaint", which
            has nothing to draw from; "segment_mean" the mean of each segment; "noise" Gaussian
            noise with the mean and deviation of each frequency bin, one draw for the whole
            neighbourhood; those of the sound as `fill_of_picture` says. In another unit than
            dB nothing is below the input's lowest value: there is no sound of less than no energy.
        segments: int64 `[F, T]`, needed by "segment_mean".
        seed: seed of "noise".

    Returns:
        `[F, T]` on the spectrogram's device.

    Raises:
        ValueError: when the fill is unknown, or "segment_mean" has no segments.

    Example:
        >>> picture = Spectrogram(torch.tensor([[1.0, 5.0, 2.0]]), torch.ones(1), torch.arange(3.0))
        >>> make_background(picture, "quiet")
        tensor([[1., 1., 1.]])
    """
    check_fill(fill)
    values, fill = spectrogram.values, fill_of_picture(fill)
    if fill == "floor":
        return values.min().expand_as(values)
    if fill == "quiet":
        rank = 1 + int(_QUIET * (values.shape[1] - 1))
        return torch.minimum(values, values.kthvalue(rank, dim=1, keepdim=True).values)
    if fill == "noise":
        noise = torch.randn(
            values.shape, generator=generator(seed, "fill", spectrogram.recording_id)
        )
        deviation, mean = torch.std_mean(values, dim=1, keepdim=True, correction=0)
        drawn = mean + deviation * noise.to(values)
        return drawn if spectrogram.unit == "dB" else drawn.clamp(min=values.min())
    if fill == "segment_mean":
        if segments is None:
            raise ValueError("fill 'segment_mean' needs segments; a grid has none: choose another")
        return segment_means(values, segments)
    return values.mean().expand_as(values)


def fill_of_picture(fill: Fill) -> Fill:
    """What comes nearest to a fill on a spectrogram; of those that act on it, the fill itself."""
    return _NEAR.get(fill, fill)


def fill_of_sound(fill: Fill) -> Fill:
    """What comes nearest to a fill in the sound itself; the fill itself where nothing does.

    Example:
        >>> fill_of_sound("floor"), fill_of_sound("global_mean")
        ('zeros', 'global_mean')
    """
    return {near: own for own, near in _NEAR.items()}.get(fill, fill)


def fill_of_bins(fill: Fill) -> Fill:
    """What stands where single bins are removed, in a run of a fill.

    A bin has no segment whose mean it could take, and is no stretch of time of the sound.
    """
    if FILLS[fill].in_sound:
        return "floor"
    return "global_mean" if fill == "segment_mean" else fill


def mix_of(fill: Fill) -> Mix:
    """How masked inputs are made of a fill's background.

    Example:
        >>> mix_of("floor")(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[[1.0, 0.25]]]))
        tensor([[[1.0000, 0.2500]]])
    """
    return inpaint if fill_of_picture(fill) == "inpaint" else torch.lerp


def inpaint(background: Tensor, values: Tensor, masks: Tensor) -> Tensor:
    """Inputs whose masked parts are drawn from what the same mask keeps around them.

    Normalised convolution (Knutsson and Westin 1993) on a pyramid: at each scale, twice as coarse
    as the last, the mean of what is kept within a cell, in time and frequency; what a scale does
    not know comes from the next one. So a gap of any size is filled smoothly from its borders, and
    nothing of what is masked off shows through: what is kept by half or less gives nothing.

    Args:
        background: `[F, T]`, stands where a mask keeps nothing at all.
        values: `[F, T]`, the input.
        masks: `[n, F, T]` in [0, 1].

    Returns:
        `[n, F, T]`, the input where a mask is 1.

    Example:
        >>> values, kept = torch.tensor([[3.0, 9.0, 5.0]]), torch.tensor([[[1.0, 0.0, 1.0]]])
        >>> inpaint(torch.zeros(1, 3), values, kept)[0, 0].tolist()[::2]
        [3.0, 5.0]
        >>> 3 <= float(inpaint(torch.zeros(1, 3), values, kept)[0, 0, 1]) <= 5
        True
    """
    # against their mean, of which rounding would leave more than of the differences
    middle = values.mean()
    known = (2 * masks - 1).clamp_(min=0)
    sums, weights = [known * (values - middle)], [known]
    while max(weights[-1].shape[1:]) > 1:
        sums.append(_halved(sums[-1]))
        weights.append(_halved(weights[-1]))
    drawn = sums[-1] / weights[-1].clamp(min=1e-12)
    for own, weight in zip(sums[-2::-1], weights[-2::-1], strict=True):
        around = F.interpolate(
            drawn[:, None], size=own.shape[1:], mode="bilinear", align_corners=False
        )[:, 0]
        # what is known well counts alone; the mean of little that is known is mixed with more
        drawn = own + (1 - weight) * around
    drawn = torch.where(weights[-1] > 0, drawn + middle, background)
    return torch.lerp(drawn, values, masks)


def _halved(values: Tensor) -> Tensor:
    """Means over cells of two by two, `[n, F / 2, T / 2]`, rounded up."""
    sizes = [min(2, size) for size in values.shape[1:]]
    return F.avg_pool2d(values[:, None], sizes, ceil_mode=True, count_include_pad=False)[:, 0]
