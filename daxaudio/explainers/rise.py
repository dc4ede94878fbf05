"""RISE: the mean score of the samples that kept a pixel."""

from __future__ import annotations

import dataclasses
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, Perturbation
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.runs.batches import fit_batch

_BATCH = 128
"""Masks held in memory at once on a processor, fewer of long recordings."""


@dataclasses.dataclass(frozen=True)
class Rise:
    """The mean score of the samples, weighted at each pixel by how far they kept it.

    `attribution = sum_i mask_i score_i / sum_i mask_i`, in units of the score. A pixel that no
    sample kept gets the mean score.

    Source: Petsiuk et al. 2018. It differs from their code, which divides by N and by the
    probability of keeping a cell, the expected sum of the masks (its batched form does not
    divide): dividing by the sum itself takes out by how much chance kept one pixel oftener than
    another. The two meet as N grows. Masks are made a batch at a time and scores asked without
    gradients, where their code holds all masks and all masked inputs; the gaps get the sampler's
    fill, theirs 0; draws have a seed, theirs the global one. Beyond the centres of the outer cells
    the grid goes on flat; theirs is mirrored there.

    Equation (1) of the DAX paper prints the perturbed inputs in place of the masks and divides by
    the summed scores, which mixes the input's level into the explanation; it is not used here.

    Args:
        sampler: draws smooth grids; segments do as well.

    Example:
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> rise = Rise(GridSampler(500, cells=(2, 2), fill="floor"))
        >>> int(rise(picture, lambda inputs: inputs[:, 0, 0]).mask.argmax())
        0
    """

    sampler: GridSampler | SegmentSampler = dataclasses.field(default_factory=GridSampler)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: drawn by any sampler.

        Returns:
            The explanation; its attribution is the mean score of what kept each pixel.
        """
        began = time.perf_counter()
        perturbation, scores = neighbourhood.perturbation, neighbourhood.scores.double()
        # Centred scores keep the sums small, and leave 0 where no sample kept a pixel.
        centred = scores - scores.mean()
        if isinstance(perturbation, SegmentMasks):
            kept = perturbation.kept.cpu().double()
            by_part = torch.stack([centred @ kept, kept.sum(dim=0)])
            sums = by_part[:, perturbation.segments.cpu()]
        else:
            sums = _summed_masks(perturbation, centred, neighbourhood.spectrogram.values.shape)
        attribution = scores.mean() + sums[0] / sums[1].clamp(min=1e-12)
        return to_explanation(neighbourhood, attribution, "rise", self, began=began)


def _summed_masks(perturbation: Perturbation, scores: Tensor, shape: torch.Size) -> Tensor:
    """`[2, F, T]` float64: the masks summed with the scores as weights, and plainly."""
    device = perturbation.kept.device
    factors = torch.stack([scores, torch.ones_like(scores)]).float().to(device)
    total = torch.zeros(2, shape.numel(), dtype=torch.float64, device=device)
    at_once = fit_batch("auto", shape, device, _BATCH)
    for start in range(0, len(scores), at_once):
        rows = slice(start, start + at_once)
        total += factors[:, rows] @ perturbation.masks(rows).flatten(1)
    return total.cpu().unflatten(1, shape)
