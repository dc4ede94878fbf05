"""A reference row: the truth."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import torch

from daxaudio.containers import Event, Explanation, ScoreFn, Spectrogram, check_spectrogram
from daxaudio.explainers.attribution import explain_by_mask


@dataclasses.dataclass(frozen=True)
class Oracle:
    """The true events as mask: what a metric gives for perfect localisation in time.

    The mask is 1 over all frequencies in each frame whose centre lies in [start, end) of an event.

    Args:
        events: the true events; none gives a mask of zeros.

    Example:
        >>> picture = Spectrogram(torch.zeros(2, 4), torch.arange(2.0), torch.arange(4.0))
        >>> Oracle([Event(1.0, 3.0)])(picture, lambda inputs: inputs[:, 0, 0]).profile
        tensor([0., 1., 1., 0.])
    """

    events: Sequence[Event]

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Mark the events; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        times = spectrogram.times.cpu()
        inside = torch.zeros(len(times), dtype=torch.bool)
        for event in self.events:
            inside |= (times >= event.start) & (times < event.end)
        mask = inside.float().expand(spectrogram.values.shape).clone()
        seconds = time.perf_counter() - began
        return explain_by_mask(spectrogram, score_fn, mask, "oracle", self, seconds)
