"""Stretches of the recording itself replaced in time: by silence, by noise, by what is around.

The other fills change levels on the spectrogram, and so in the sound within windows of its
transform; these cut the samples. Source: the perturbations of waveforms by which time-localised
explanations of audio classifiers are compared (stretches become zeros, noise or neighbouring
background). Ours differ in that borders are faded, so that none of them clicks.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.perturbation.fills import Fill
from daxaudio.runs.seeds import generator

FADE = 0.008
"""Seconds of a fade, a raised cosine with its middle at the border."""

_BLOCK, _QUIET = 0.02, 0.1
"""Seconds whose level is measured, and the share of the recording that is quiet."""

_SAME = 1e-6
"""Masks of one moment that differ by less over frequency do so by rounding."""


@runtime_checkable
class ScoresSounds(Protocol):
    """A score function that can also be asked about changes of the recording itself.

    Attributes:
        sound: the recording as the classifier hears it.
    """

    @property
    def sound(self) -> Recording:
        """The recording, with the classifier's channels and at its sample rate."""

    def of_sounds(self, waveforms: Tensor) -> Tensor:
        """Scores `[n]` of waveforms `[n, C, S]` like that of `sound`."""


@dataclasses.dataclass(frozen=True, eq=False)
class SoundInTime:
    """A recording whose stretches can be masked off.

    Args:
        sound: the recording.
        times: `[T]` of the masks in seconds, increasing.
        fill: one that acts on the sound: "zeros"; "white_noise" at the quiet level of the
            recording, the 10th percentile of stretches of 20 ms; "surroundings", what is kept
            before and after, mirrored at the borders and faded from one into the other, or zeros
            where nothing is kept.
        seed: of the noise, one draw for all.

    Example:
        >>> sound = Recording(torch.ones(1, 1000), 1000)
        >>> masked = SoundInTime(sound, torch.tensor([0.25, 0.75]), "zeros")
        >>> masked(torch.tensor([[[1.0, 0.0]]]))[0, 0, [100, 495, 500, 504, 900]].round(decimals=2)
        tensor([1.0000, 1.0000, 0.5000, 0.0000, 0.0000])
    """

    sound: Recording
    times: Tensor
    fill: Fill
    seed: int = 0

    def __call__(self, masks: Tensor) -> Tensor:
        """Waveforms `[n, C, S]` of which masks `[n, F, T]`, the same over frequency, keep a part.

        Raises:
            ValueError: when a mask differs over frequency; says what to set.
        """
        if float((masks.amax(dim=1) - masks.amin(dim=1)).max()) > _SAME:
            raise ValueError(
                f"fill {self.fill!r} replaces stretches of time, all frequencies together: cut "
                "time alone, by segmenter: {kind: time_bands, duration: 0.1}, cells: [1, 24] of "
                "rise, hsic and sobol, dax_v5: {grids: [[1, 6], [1, 12], [1, 24]]}, or an "
                "occlusion window of all bins; or choose a fill that acts on the spectrogram"
            )
        waveform = self.sound.waveform.to(masks.device)
        weights = masks.mean(dim=1)
        if self.fill == "surroundings":
            kept = weights[:, self._frames().to(masks.device)] > 0.5
            filling = torch.stack([_surroundings(waveform, one) for one in kept])
        else:
            filling = self._filling.to(masks.device).expand(len(masks), -1, -1)
        return torch.lerp(filling, waveform, self._faded(weights)[:, None])

    @functools.cached_property
    def _borders(self) -> Tensor:
        """`[T - 1]` float64: where each frame but the first begins, in samples."""
        times = self.times.double().cpu()
        return (times[1:] + times[:-1]) / 2 * self.sound.sample_rate

    def _frames(self, later: float = 0.0) -> Tensor:
        """`[S]` int64: the frame of what is so many samples later than each sample."""
        moments = torch.arange(self.sound.waveform.shape[-1]).double() + later
        return torch.searchsorted(self._borders, moments, right=True)

    @functools.cached_property
    def _fades(self) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """`[S]` frames before any fade that reaches a sample, then what fades in after them.

        Of that one frame after the other, `[S]`, and how far each has come, `[S]` from 0 to 1.
        """
        half = FADE / 2 * self.sound.sample_rate
        moments = torch.arange(self.sound.waveform.shape[-1]).double()
        first, last = self._frames(-half), self._frames(half)
        steps = []
        for step in range(1, int((last - first).max()) + 1):
            frame = torch.minimum(first + step, last)
            border = self._borders[(frame - 1).clamp(min=0)]
            way = ((moments - border) / half).clamp(-1, 1)
            share = torch.where(first + step <= last, (1 + (way * torch.pi / 2).sin()) / 2, 0.0)
            steps.append((frame, share.float()))
        return first, steps

    def _faded(self, weights: Tensor) -> Tensor:
        """`[n, S]` of weights `[n, T]`, each step drawn out to a raised cosine."""
        first, steps = self._fades
        faded = weights[:, first.to(weights.device)]
        for frame, share in steps:
            rise = weights.diff(dim=1, prepend=weights[:, :1])[:, frame.to(weights.device)]
            faded = faded + rise * share.to(weights.device)
        return faded.clamp_(0, 1)

    @functools.cached_property
    def _filling(self) -> Tensor:
        """`[C, S]`: zeros, or noise at the recording's quiet level."""
        waveform = self.sound.waveform.cpu()
        if self.fill == "zeros":
            return torch.zeros_like(waveform)
        size = min(max(1, round(_BLOCK * self.sound.sample_rate)), waveform.shape[-1])
        power = waveform.unfold(-1, size, size).square().mean(dim=-1)  # [C, blocks]
        quiet = power.kthvalue(1 + int(_QUIET * (power.shape[1] - 1)), dim=1, keepdim=True).values
        random = generator(self.seed, "sound fill", self.sound.recording_id)
        return quiet.sqrt() * torch.randn(waveform.shape, generator=random)


def _surroundings(waveform: Tensor, kept: Tensor) -> Tensor:
    """`[C, S]`: what is kept, `[S]` bool, goes on into the gaps from both of their ends."""
    before = _mirrored(kept)
    after = len(kept) - 1 - _mirrored(kept.flip(0)).flip(0)
    place = torch.arange(len(kept), device=kept.device)
    first = torch.where(kept, place, -1).cummax(0).values
    last = len(kept) - 1 - torch.where(kept.flip(0), place, -1).cummax(0).values.flip(0)
    share = ((place - first) / (last - first).clamp(min=1)).clamp(0, 1)  # 0 at a gap's begin
    share = torch.where(first < 0, 1.0, torch.where(last >= len(kept), 0.0, share))
    angle = share * (torch.pi / 2)  # of equal power, as two ends are hardly ever in phase
    mixed = waveform[:, before] * angle.cos() + waveform[:, after] * angle.sin()
    return torch.where(kept, waveform, mixed) if bool(kept.any()) else torch.zeros_like(waveform)


def _mirrored(kept: Tensor) -> Tensor:
    """`[S]` int64: what goes on at each place from the last stretch kept, back and forth."""
    place = torch.arange(len(kept), device=kept.device)
    end = torch.where(kept, place, -1).cummax(0).values.clamp(min=0)
    gap = torch.where(kept, -1, place).cummax(0).values  # the last place before that is in a gap
    length = end - gap[end]
    period = (2 * (length - 1)).clamp(min=1)
    back = (place - end) % period
    return (end - torch.minimum(back, period - back).clamp(max=(length - 1).clamp(min=0))).clamp(
        0, len(kept) - 1
    )
