"""Recordings of any length for models that take windows of a fixed one."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from daxaudio.models.foreign.description import Description


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where the windows of a recording lie.

    Args:
        n_samples: S of the recording, at the model's rate.
        size: samples of a window.
        step: samples from one to the next.
        n: windows.
        padding: what stands behind the recording's end: "zeros", or the recording again ("repeat");
            "own" zeros, but only where there are several windows.
    """

    n_samples: int
    size: int
    step: int
    n: int
    padding: str

    @classmethod
    def over(cls, n_samples: int, description: Description) -> Windows:
        """As a description cuts a recording; one window where the model takes any length.

        Example:
            >>> cut = Windows.over(25, Description(["a"], 10, seconds=1.0, overlap=0.5))
            >>> cut.n, cut.size, cut.step
            (4, 10, 5)
        """
        if description.seconds is None:
            return cls(n_samples, n_samples, n_samples, 1, description.padding)
        size = round(description.seconds * description.sample_rate)
        if description.padding == "own":
            size = min(size, n_samples)
        step = max(1, round(size * (1 - description.overlap)))
        n = 1 + max(0, math.ceil((n_samples - size) / step))
        return cls(n_samples, size, step, n, description.padding)

    def cut(self, waveforms: Tensor) -> Tensor:
        """Windows `[N * n, C, size]` of waveforms `[N, C, S]`, those of one after the other."""
        lacking = self.size + (self.n - 1) * self.step - self.n_samples
        if lacking > 0:
            waveforms = self._filled_up(waveforms, lacking)
        windows = waveforms.unfold(2, self.size, self.step)[:, :, : self.n]
        return windows.transpose(1, 2).flatten(0, 1)

    def _filled_up(self, waveforms: Tensor, lacking: int) -> Tensor:
        if self.padding == "repeat":
            times = 1 + math.ceil(lacking / self.n_samples)
            return waveforms.repeat(1, 1, times)[:, :, : self.n_samples + lacking]
        return torch.nn.functional.pad(waveforms, (0, lacking))

    def centres(self, n_frames: int, description: Description) -> Tensor:
        """Times `[n * n_frames]` in seconds of the middle of each frame of each window."""
        rate = description.sample_rate
        hop = description.frame_hop or self.size / rate / n_frames
        inside = (torch.arange(n_frames, dtype=torch.float64) + 0.5) * hop
        starts = torch.arange(self.n, dtype=torch.float64) * self.step / rate
        return (starts[:, None] + inside).flatten()
