"""Recordings of any length for models that take windows of a fixed one."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from daxaudio.models.foreign.description import Description


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where the windows of a recording lie: samples of its waveform, or frames of its spectrogram.

    Args:
        length: of the recording, S samples at the model's rate or T frames.
        size: of a window.
        step: from one to the next.
        n: windows.
        padding: what stands behind the recording's end: "zeros", or the recording again ("repeat");
            "own" zeros, but only where there are several windows. The zero of a spectrogram is its
            own lowest value.
        rate: samples, or frames, per second.
        of_frames: frames are cut, whose first has its middle at 0 s.
    """

    length: int
    size: int
    step: int
    n: int
    padding: str
    _: dataclasses.KW_ONLY
    rate: float
    of_frames: bool = False

    @classmethod
    def over(
        cls, length: int, description: Description, frame_rate: float | None = None
    ) -> Windows:
        """As a description cuts a recording; one window where the model takes any length.

        Args:
            length: of the recording, in samples, or in frames of a model of spectrograms.
            description: of the model.
            frame_rate: frames per second of a model of spectrograms.

        Example:
            >>> told = Description(["a", "b"], 10, seconds=1.0, overlap=0.5)
            >>> cut = Windows.over(25, told)
            >>> cut.n, cut.size, cut.step
            (4, 10, 5)
            >>> Windows.over(25, told, frame_rate=4.0).size
            4
        """
        rate = description.sample_rate if frame_rate is None else frame_rate
        size = step = length
        if description.seconds is not None:
            size = max(1, round(description.seconds * rate))
            if description.padding == "own":
                size = min(size, length)
            step = max(1, round(size * (1 - description.overlap)))
        n = 1 + max(0, math.ceil((length - size) / step))
        of_frames = frame_rate is not None
        return cls(length, size, step, n, description.padding, rate=rate, of_frames=of_frames)

    def cut(self, inputs: Tensor) -> Tensor:
        """Windows `[N * n, C, size]` of inputs `[N, C, S]`, those of one after the other.

        Spectrograms `[N, F, T]` are cut in the same way.
        """
        lacking = self.size + (self.n - 1) * self.step - self.length
        if lacking > 0:
            inputs = self._filled_up(inputs, lacking)
        windows = inputs.unfold(2, self.size, self.step)[:, :, : self.n]
        return windows.transpose(1, 2).flatten(0, 1)

    def _filled_up(self, inputs: Tensor, lacking: int) -> Tensor:
        if self.padding == "repeat":
            times = 1 + math.ceil(lacking / self.length)
            return inputs.repeat(1, 1, times)[:, :, : self.length + lacking]
        if self.of_frames:
            lowest = inputs.amin(dim=(1, 2), keepdim=True)
            return torch.cat([inputs, lowest.expand(-1, inputs.shape[1], lacking)], dim=2)
        return torch.nn.functional.pad(inputs, (0, lacking))

    def centres(self, n_frames: int, description: Description) -> Tensor:
        """Times `[n * n_frames]` in seconds of the middle of each frame of each window.

        Args:
            n_frames: that the model answers with for a window.
            description: of the model.
        """
        hop = description.frame_hop or self.size / self.rate / n_frames
        inside = (torch.arange(n_frames, dtype=torch.float64) + 0.5) * hop
        starts = torch.arange(self.n, dtype=torch.float64) * self.step
        if self.of_frames:
            starts -= 0.5
        return (starts[:, None] / self.rate + inside).flatten()
