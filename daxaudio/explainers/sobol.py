"""Sobol indices: the share of the score's variance that a cell has a part in."""

from __future__ import annotations

import dataclasses
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.quasi_random import ReplicatedCells, ReplicatedSampler


@dataclasses.dataclass(frozen=True)
class Sobol:
    """Total-order Sobol indices of how much of each cell is kept.

    `mean((f(a) - f(a with another value of the cell))^2) / 2 / var(f)`: the share of the variance
    that is left when all other cells are known, alone or together with others. At least 0: what
    lowers the score is marked like what raises it. Shares of interactions are counted for each
    cell in them, so that they sum to 1 or more.

    Source: Fel et al. 2021, with Jansen's estimator (1999), as the xplique package has it. It
    differs in that the second set of points, which the estimator does not use, is not asked about;
    in that the variance is that of all scores, not of the first points alone; in that points are
    scrambled by a seed and need not be a power of two, so that the queries allowed are used; and in
    that the map is the cells themselves, theirs is smoothed by bicubic interpolation.

    Args:
        sampler: draws the points.

    Example:
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> sobol = Sobol(ReplicatedSampler(100, cells=(2, 2), fill="floor"))
        >>> sobol(picture, lambda inputs: inputs[:, 0, 0]).mask[0]
        tensor([1., 1., 0., 0.])
    """

    sampler: ReplicatedSampler = dataclasses.field(default_factory=ReplicatedSampler)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; at most Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: drawn by a `ReplicatedSampler`.

        Returns:
            The explanation; its attribution is the index of each bin's cell.

        Raises:
            TypeError: when the neighbourhood is of another kind.
        """
        began = time.perf_counter()
        perturbation = neighbourhood.perturbation
        if not isinstance(perturbation, ReplicatedCells):
            raise TypeError(
                f"Sobol needs a neighbourhood of ReplicatedCells, got "
                f"{type(perturbation).__name__}: draw it with ReplicatedSampler"
            )
        scores = neighbourhood.scores.double().view(-1, len(perturbation.points))  # [K + 1, N]
        attribution = _total_indices(scores)[perturbation.segments.cpu()]
        return to_explanation(neighbourhood, attribution, "sobol", self, began=began)


def _total_indices(scores: Tensor) -> Tensor:
    """`[K]` of scores `[K + 1, N]`: of the points, then with other values of each cell."""
    variance = scores.var(correction=0)
    changes = (scores[1:] - scores[0]).square().mean(dim=1)
    return changes / (2 * variance) if variance > 0 else torch.zeros_like(changes)
