"""Changes of a recording that take a suspected confounder from another recording, and no more.

Each takes the recording and a donor, and gives the recording as it would be with the donor's

| kind | what is taken from the donor | what stays |
|---|---|---|
| `background` | all that sounds between events, as loud against the events as there | the events |
| `hum` | narrow bands that stand out of the background; one's own are taken out | all else |
| `level` | level of the loudest twentieth of the recording | all but one gain |
| `bandwidth` | the frequency above which it is cut off, where that is lower | what is below |
| `equaliser` | colour of the background in third octaves, without level and lines | level |

What sounds under an event cannot be told from it and stays with it in `background`: the effect of a
background that goes on under events is underestimated there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import scipy.signal
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.audit.sound_parts import SoundParts, frame_levels

_MOST_COLOUR = 20.0  # dB that an equaliser raises or lowers a band by at most
_LOWEST_BAND = 50.0  # Hz


def give_background(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """Events of one recording on the background of another; None where that has none."""
    background = _beside(own, donor)
    if background is None or own.background is None:
        return None
    waveform = own.recording.waveform
    return waveform * own.inside + background * (1 - own.inside)


def give_hum(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """A recording without its lines, with those of another one's background."""
    background = _beside(own, donor)
    if background is None or own.background is None:
        return None
    notch = np.where(own.lines, np.sqrt(np.minimum(1.0, own.floor / own.spectrum)), 1.0)
    changed = filtered(own.recording.waveform, notch) if own.lines.any() else None
    found = own.recording.waveform if changed is None else changed
    if not donor.lines.any():
        return found
    share = np.sqrt(np.maximum(0.0, 1 - donor.floor / donor.spectrum))
    return found + filtered(background, np.where(donor.lines, share, 0.0))


def give_level(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """A recording as loud as another one."""
    return own.recording.waveform * 10 ** ((donor.loud - own.loud) / 20)


def give_bandwidth(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """A recording cut off where another one is; itself where that is not lower."""
    edge, fall = donor.cut
    if edge >= own.edge:
        return own.recording.waveform
    bins = np.linspace(0, own.rate / 2, len(own.spectrum))
    return filtered(own.recording.waveform, np.where(bins > edge, 10 ** (-fall / 20), 1.0))


def give_colour(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """A recording through an equaliser that gives its background the colour of another one's."""
    if own.background is None or donor.background is None:
        return None
    highest = 0.95 * min(own.edge, donor.edge)
    centres = _LOWEST_BAND * 2 ** (np.arange(64) / 3)
    centres = centres[centres * 2 ** (1 / 6) <= highest]
    if len(centres) < 2:
        return own.recording.waveform
    bins = np.linspace(0, own.rate / 2, len(own.floor))
    colour = _thirds(donor.floor, bins, centres) - _thirds(own.floor, bins, centres)
    colour = np.clip(colour - colour.mean(), -_MOST_COLOUR, _MOST_COLOUR)
    at = np.log(np.clip(bins, centres[0], centres[-1]))
    gains = np.interp(at, np.log(centres), colour)
    found = filtered(own.recording.waveform, 10 ** (gains / 20))
    levels = frame_levels(dataclasses.replace(own.recording, waveform=found))
    return found * 10 ** ((own.loud - float(np.percentile(levels, 95))) / 20)


CHANGES: Mapping[str, Callable[[SoundParts, SoundParts], Tensor | None]] = {
    "background": give_background,
    "hum": give_hum,
    "level": give_level,
    "bandwidth": give_bandwidth,
    "equaliser": give_colour,
}
"""By kind; None where one of the two recordings has too little background."""


def filtered(waveform: Tensor, gains: NDArray[np.float64]) -> Tensor:
    """Sound `[C, S]` with each frequency changed by a gain `[F]`, without delay.

    Gains are at equal steps from 0 to half the rate; their filter is twice as long as the frames
    that they come from, so that what is narrow stays so.

    Example:
        >>> filtered(torch.ones(1, 5), np.full(9, 0.5)).round(decimals=3)
        tensor([[0.5000, 0.5000, 0.5000, 0.5000, 0.5000]])
    """
    last = len(gains) - 1
    finer = np.interp(np.arange(2 * last + 1) / 2, np.arange(last + 1), gains)
    taps = np.roll(np.fft.irfft(finer), 2 * last) * scipy.signal.get_window("hann", 4 * last)
    found = scipy.signal.oaconvolve(waveform.numpy(), taps[None].astype(np.float32), axes=1)
    kept = found[:, 2 * last : 2 * last + waveform.shape[-1]]
    return torch.from_numpy(np.ascontiguousarray(kept, np.float32))


def _beside(own: SoundParts, donor: SoundParts) -> Tensor | None:
    """The donor's background, as long as a recording, as loud against its events as its own was."""
    found = donor.looped(own.recording.waveform.shape[-1])
    if found is None:
        return None
    if len(found) != len(own.recording.waveform):
        found = found.mean(dim=0, keepdim=True)  # as the model would hear it of one channel
    return found * 10 ** ((own.loud - donor.loud) / 20)


def _thirds(
    power: NDArray[np.float64], bins: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean level in dB of third octaves around `centres`."""
    found = []
    for centre in centres:
        inside = (bins >= centre * 2 ** (-1 / 6)) & (bins < centre * 2 ** (1 / 6))
        nearest = np.abs(bins - centre).argmin()
        found.append(power[inside].mean() if inside.any() else power[nearest])
    return np.asarray(10 * np.log10(found))
