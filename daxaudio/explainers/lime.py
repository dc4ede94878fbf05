"""LIME: a weighted linear model of the score on which segments were kept."""

from __future__ import annotations

import dataclasses
import math
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import segments_of, to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import SegmentSampler


@dataclasses.dataclass(frozen=True)
class Lime:
    """Ridge regression of the scores on the kept segments, near samples weighing more.

    A segment's attribution is its coefficient, in units of the score. A sample weighs
    `sqrt(exp(-d^2 / kernel_width^2))`, where d is the cosine distance of its kept vector to all
    ones; the input itself is one more sample, with weight 1.

    Source: Ribeiro et al. 2016, with the conventions of the lime package's image explainer; on the
    same segments and samples the coefficients are the same. It differs from that package in what
    stands where a segment is masked off (the sampler's fill; theirs is the segment's mean, as is
    ours with "segment_mean"), and in that no segments are left out of the regression (theirs
    keeps `num_features`). The black box is asked with `[n, F, T]` spectrograms; theirs gets each
    painted in three equal colour channels. A call depends on the seed and the recording alone;
    theirs goes on with one random state from call to call. Q does not count the input; their
    `num_samples` does. The method of this name in captum is another: a lasso, with weights from
    the cosine between the perturbed and the whole input, level 0 in the gaps and no seed.

    Args:
        sampler: draws the segments to keep.
        kernel_width: cosine distance at which the weight has fallen to `exp(-1/2)`.
        ridge: penalty on the squared coefficients, the intercept's apart.

    Raises:
        ValueError: when `kernel_width` or `ridge` is not above 0.

    Example:
        >>> from daxaudio.perturbation.segments import Grid
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> lime = Lime(SegmentSampler(200, Grid(1, 2), fill="floor"))
        >>> lime(picture, lambda inputs: inputs[:, 0, 0]).profile
        tensor([1., 1., 0., 0.])
    """

    sampler: SegmentSampler = dataclasses.field(default_factory=SegmentSampler)
    kernel_width: float = 0.25
    ridge: float = 1.0

    def __post_init__(self) -> None:
        for name in ("kernel_width", "ridge"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, got {getattr(self, name)}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: drawn by a `SegmentSampler`.

        Returns:
            The explanation; its attribution is the coefficient of each pixel's segment.

        Raises:
            TypeError: when the neighbourhood has no segments.
        """
        began = time.perf_counter()
        perturbation = segments_of(neighbourhood, self, "SegmentSampler")
        coefficients = self._coefficients(neighbourhood)
        attribution = coefficients[perturbation.segments.cpu()]
        return to_explanation(neighbourhood, attribution, "lime", self, began=began)

    def _coefficients(self, neighbourhood: Neighbourhood) -> Tensor:
        """`[K]` float64: the weighted ridge regression, its intercept removed by centring."""
        kept = neighbourhood.perturbation.kept.cpu().double()
        kept = torch.cat([torch.ones_like(kept[:1]), kept])
        original = torch.tensor([neighbourhood.original_score], dtype=torch.float64)
        scores = torch.cat([original, neighbourhood.scores.double()])
        weights = self._weights(kept)
        share = weights / weights.sum()
        kept, scores = kept - share @ kept, scores - share @ scores
        weighted = kept.T * weights
        penalty = self.ridge * torch.eye(kept.shape[1], dtype=torch.float64)
        return torch.linalg.solve(weighted @ kept + penalty, weighted @ scores)

    def _weights(self, kept: Tensor) -> Tensor:
        # The cosine of a 0/1 vector with n ones to K ones is n / (sqrt(n) sqrt(K)).
        distance = 1 - kept.mean(dim=1).sqrt()
        return torch.exp(-(distance**2) / (2 * self.kernel_width**2))
