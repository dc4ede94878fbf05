"""A reference row: whatever is loud."""

from __future__ import annotations

import dataclasses
import time

from daxaudio.containers import Explanation, ScoreFn, Spectrogram, check_spectrogram, scale_to_mask
from daxaudio.explainers.attribution import explain_by_mask


@dataclasses.dataclass(frozen=True)
class Energy:
    """The spectrogram itself, scaled to [0, 1]: what a black box that follows loudness would use.

    The attribution is the spectrogram in its own unit (dB).

    Example:
        >>> import torch
        >>> picture = Spectrogram(2 * torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> Energy()(picture, lambda inputs: inputs[:, 0, 0]).mask
        tensor([[1., 0.],
                [0., 1.]])
    """

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Scale the spectrogram; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        values = spectrogram.values.clone()
        mask = scale_to_mask(values)
        seconds = time.perf_counter() - began
        return explain_by_mask(spectrogram, score_fn, mask, "energy", self, seconds, values)
