"""A reference row: everything."""

from __future__ import annotations

import dataclasses

import torch

from daxaudio.containers import Explanation, ScoreFn, Spectrogram, check_spectrogram
from daxaudio.explainers.attribution import explain_by_mask


@dataclasses.dataclass(frozen=True)
class AllOnes:
    """Every pixel salient: what a metric gives for no localisation at all.

    Example:
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> AllOnes()(picture, lambda inputs: inputs[:, 0, 0]).profile
        tensor([1., 1.])
    """

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Mark everything; 1 query."""
        check_spectrogram(spectrogram)
        mask = torch.ones(spectrogram.values.shape)
        return explain_by_mask(spectrogram, score_fn, mask, "all_ones", self, 0.0)
