"""RISE: the mean score of the samples that kept a pixel."""

from __future__ import annotations

import dataclasses
import time

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import mean_score_of_kept, to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler


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
        >>> import torch
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
        attribution = mean_score_of_kept(neighbourhood)
        return to_explanation(neighbourhood, attribution, "rise", self, began=began)
