"""KernelSHAP: Shapley values of the segments by weighted least squares."""

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


def _shapley_sampler() -> SegmentSampler:
    return SegmentSampler(sampling="shapley")


@dataclasses.dataclass(frozen=True)
class KernelShap:
    """Shapley values of the segments, as the least squares fit that the Shapley kernel weighs.

    With everything masked off the fit gives the background's score, and the attributions sum to
    the input's score less the background's, both exactly. Where the samples leave a direction
    open (fewer samples than segments, say) the values stay as equal as the samples allow.

    Any neighbourhood of segments will do. On one drawn with sampling "bernoulli" each sample is
    weighted by the Shapley kernel over its probability. With many segments few samples then
    carry nearly all the weight, so "shapley" needs far fewer queries.

    Source: Lundberg and Lee 2017, theorem 2. It differs from the shap package in that sizes are
    drawn at random rather than enumerated from the ends, and that no segments are selected
    beforehand. It differs from captum in that the two ends are constraints (captum gives them a
    weight of a million, and so shares out the gain to about 1e-5), that each subset is followed by
    its complement, that the fit is in float64, that there is a seed, and that no score is ever
    asked with gradients (captum asks for one so when it is given several inputs).

    Args:
        sampler: draws the segments to keep.

    Example:
        >>> from daxaudio.perturbation.segments import Grid
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> shap = KernelShap(SegmentSampler(200, Grid(1, 2), sampling="shapley", fill="floor"))
        >>> shap(picture, lambda inputs: inputs[:, 0, 0]).attribution[0].round(decimals=3) + 0.0
        tensor([1., 1., 0., 0.])
    """

    sampler: SegmentSampler = dataclasses.field(default_factory=_shapley_sampler)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: drawn by a `SegmentSampler`; its settings hold `sampling` and, for
                "bernoulli", `keep`.

        Returns:
            The explanation; its attribution is the Shapley value of each pixel's segment.

        Raises:
            TypeError: when the neighbourhood has no segments.
            ValueError: when its settings do not say how the samples were drawn.
        """
        began = time.perf_counter()
        perturbation = segments_of(neighbourhood, self, "SegmentSampler")
        attribution = _shapley_values(neighbourhood)[perturbation.segments.cpu()]
        return to_explanation(neighbourhood, attribution, "kernel_shap", self, began=began)


def _shapley_values(neighbourhood: Neighbourhood) -> Tensor:
    """`[K]` float64: the least squares fit under both constraints, of smallest spread."""
    kept = neighbourhood.perturbation.kept.cpu()
    n_parts, size = kept.shape[1], kept.sum(dim=1)
    # Nothing kept and everything kept are the constraints, and have infinite kernel weight.
    partial = (size > 0) & (size < n_parts)
    kept, size = kept[partial].double(), size[partial].double()
    weights = _weights(size, n_parts, neighbourhood)
    equal = (neighbourhood.original_score - neighbourhood.background_score) / n_parts
    rest = neighbourhood.scores[partial].double() - neighbourhood.background_score - equal * size
    # phi = equal + u with u summing to 0: u @ kept = u @ (kept - its mean), and the
    # minimum-norm solution of that sums to 0 by itself.
    centred = kept - kept.mean(dim=1, keepdim=True)
    weighted = centred.T * weights
    gram = weighted @ centred
    return equal + torch.linalg.pinv(gram, rtol=1e-10, hermitian=True) @ (weighted @ rest)


def _weights(size: Tensor, n_parts: int, neighbourhood: Neighbourhood) -> Tensor:
    """`[N]`: Shapley kernel over the probability of the draw, scaled to a maximum of 1."""
    sampling, keep = (neighbourhood.settings.get(name) for name in ("sampling", "keep"))
    if sampling == "shapley":
        return torch.ones_like(size)
    if sampling != "bernoulli" or keep is None:
        raise ValueError(
            "KernelShap needs to know how the samples were drawn: settings must hold sampling "
            f"'shapley', or 'bernoulli' and keep; got sampling={sampling!r}, keep={keep!r}"
        )
    rest = n_parts - size
    # log of 1 / (binomial(K, s) s (K - s)) over keep^s (1 - keep)^(K - s), up to a constant
    kernel = torch.lgamma(size + 1) + torch.lgamma(rest + 1) - torch.log(size * rest)
    logarithm = kernel - size * math.log(keep) - rest * math.log1p(-keep)
    return (logarithm - logarithm.max()).exp() if len(size) else logarithm
