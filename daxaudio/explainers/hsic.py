"""HSIC: how strongly the score depends on whether a cell is kept."""

from __future__ import annotations

import dataclasses
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import segments_of, to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.quasi_random import QuasiRandomSampler

_AT_ONCE = 2**22
"""Values of the kernel in memory at once."""

_PAIRED = 2048
"""Samples whose distances to each other give the width of the kernel, the first so many."""


@dataclasses.dataclass(frozen=True)
class Hsic:
    """The Hilbert-Schmidt independence criterion between a cell's on or off and the score.

    0 where the score is distributed the same with and without the cell; else above, in whichever
    way it changes: what lowers the score is marked like what raises it. With the kernel
    `1 + (1/2 - [x != x'])` of a cell, which the source takes, the estimate is
    `2 / N^2 c^T L c`, c being the cell's on or off less its mean, and L the kernel of the scores.

    Source: Novello et al. 2022, with the estimator of the xplique package: the Gaussian kernel of
    the scores. It differs in its width, the median distance of two scores, where theirs is the
    median score (which is 0 for a classifier that hardly ever hears the class); in that points are
    scrambled by a seed; and in that the map is the cells themselves, theirs is smoothed by bicubic
    interpolation.

    Args:
        sampler: draws the cells to keep.

    Example:
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> hsic = Hsic(QuasiRandomSampler(64, cells=(2, 2), fill="floor"))
        >>> hsic(picture, lambda inputs: inputs[:, 0, 0]).mask[0]
        tensor([1., 1., 0., 0.])
    """

    sampler: QuasiRandomSampler = dataclasses.field(default_factory=QuasiRandomSampler)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: of segments, cells or others.

        Returns:
            The explanation; its attribution is the criterion of each bin's cell.

        Raises:
            TypeError: when the neighbourhood has no segments.
        """
        began = time.perf_counter()
        perturbation = segments_of(neighbourhood, self, "QuasiRandomSampler or SegmentSampler")
        found = _dependence(perturbation.kept.cpu().double(), neighbourhood.scores.double())
        attribution = found[perturbation.segments.cpu()]
        return to_explanation(neighbourhood, attribution, "hsic", self, began=began)


def _dependence(kept: Tensor, scores: Tensor) -> Tensor:
    """`[K]`: the criterion of each cell, of `[N, K]` kept and `[N]` scores."""
    width = _kernel_width(scores)
    if width == 0:  # the score never changes
        return torch.zeros(kept.shape[1], dtype=torch.float64)
    centred = kept - kept.mean(dim=0)
    total = torch.zeros_like(centred[0])
    for rows in torch.arange(len(scores)).split(max(1, _AT_ONCE // len(scores))):
        kernel = torch.exp(-(((scores[rows, None] - scores) / width) ** 2) / 2)
        total += (centred[rows] * (kernel @ centred)).sum(dim=0)
    return (2 * total / len(scores) ** 2).clamp(min=0)  # below 0 by rounding alone


def _kernel_width(scores: Tensor) -> float:
    """Median distance of two scores; their mean distance where half of them are equal."""
    distances = torch.nn.functional.pdist(scores[:_PAIRED, None])
    if not len(distances):
        return 0.0
    return float(distances.median()) or float(distances.mean())
