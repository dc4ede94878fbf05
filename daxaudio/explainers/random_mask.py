"""The floor of every table: a mask of noise."""

from __future__ import annotations

import dataclasses
import time

import torch

from daxaudio.containers import Explanation, ScoreFn, Spectrogram, check_spectrogram
from daxaudio.explainers.attribution import explain_by_mask
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True)
class RandomMask:
    """Each pixel uniform in [0, 1], on its own. A method that does not beat it shows nothing.

    Args:
        seed: seed of the draw; each recording has its own from it and its id.

    Example:
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> RandomMask()(picture, lambda inputs: inputs[:, 0, 0]).n_queries
        1
    """

    seed: int = 0

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Draw the mask; 1 query."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        random = generator(self.seed, spectrogram.recording_id, "random")
        mask = torch.rand(spectrogram.values.shape, generator=random)
        seconds = time.perf_counter() - began
        return explain_by_mask(spectrogram, score_fn, mask, "random", self, seconds, seed=self.seed)
