"""Random forest: how much the trees of a regression forest ask about each stretch of time."""

from __future__ import annotations

import dataclasses
import time
from typing import Literal, get_args

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import segments_of, to_explanation
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import SegmentSampler, distances_to_input
from daxaudio.perturbation.time_runs import RunSampler
from daxaudio.runs.seeds import derive_seed

SampleWeights = Literal["distance", "equal"]

_SURE = 1e-6
"""A probability as near to 0 or 1 as this counts as being so near."""


@dataclasses.dataclass(frozen=True)
class Forest:
    """Regress the score on which segments were kept by a forest, and take its importances.

    A segment's attribution is the share of the variance that splits by this segment take away,
    over all trees; all sum to 1. It is at least 0: what speaks against the class is important, too.

    Source: Bolanos et al. 2025, "Benchmarking time-localized explanations for audio classification
    models", whose forest was among the best surrogates: 100 trees of scikit-learn on the log-odds
    of the class, samples weighted by their Euclidean distance to the input, so that far ones count
    more (`explainers/rf.py`). It differs in that the distance is that of spectrograms, theirs that
    of waveforms; in that draws have a seed; and in that scores beyond [0, 1], which are no
    probabilities, are taken as they are. Their 2000 to 3000 queries a clip are the sampler's.

    Args:
        sampler: draws the segments to keep.
        n_trees: trees in the forest.
        weights: of the samples: "distance" to the input, or "equal".
        seed: seed of the forest.

    Raises:
        ValueError: when there is no tree, or a word is unknown.

    Example:
        >>> picture = Spectrogram(torch.ones(1, 8), torch.ones(1), 0.1 * torch.arange(8))
        >>> forest = Forest(RunSampler(200, fill="floor"), n_trees=5)
        >>> forest(picture, lambda inputs: inputs[:, 0, 2]).warnings
        ()
    """

    sampler: RunSampler | SegmentSampler = dataclasses.field(default_factory=RunSampler)
    n_trees: int = 100
    weights: SampleWeights = "distance"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_trees < 1:
            raise ValueError(f"n_trees must be at least 1, got {self.n_trees}")
        if self.weights not in get_args(SampleWeights):
            raise ValueError(f"weights must be 'distance' or 'equal', got {self.weights!r}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: of segments.

        Returns:
            The explanation; its attribution is the importance of each bin's segment.

        Raises:
            TypeError: when the neighbourhood has no segments.
        """
        from sklearn.ensemble import RandomForestRegressor  # takes a second to import

        began = time.perf_counter()
        perturbation = segments_of(neighbourhood, self, "RunSampler or SegmentSampler")
        odds = log_odds(neighbourhood.scores.double())
        # scikit-learn's seeds have 32 bits
        forest = RandomForestRegressor(
            self.n_trees, random_state=derive_seed(self.seed, "forest") % 2**32
        )
        forest.fit(
            perturbation.kept.cpu().numpy(),
            (odds - odds[0]).numpy(),  # 0 where they are all the same, and no rounding to split
            sample_weight=self._weights(neighbourhood).numpy(),
        )
        importances = torch.from_numpy(forest.feature_importances_)
        attribution = importances[perturbation.segments.cpu()]
        explanation = to_explanation(neighbourhood, attribution, "forest", self, began=began)
        return dataclasses.replace(explanation, seed=self.seed)

    def _weights(self, neighbourhood: Neighbourhood) -> Tensor:
        """`[N]` float64, not all 0."""
        if self.weights == "distance":
            distances = distances_to_input(neighbourhood).double()
            if bool((distances > 0).any()):
                return distances
        return torch.ones(neighbourhood.n_samples, dtype=torch.float64)


def log_odds(scores: Tensor) -> Tensor:
    """`log(p / (1 - p))` of probabilities; scores beyond [0, 1] are none, and stay as they are.

    Args:
        scores: `[N]`.

    Example:
        >>> log_odds(torch.tensor([0.5, 0.75])).exp()
        tensor([1., 3.])
        >>> log_odds(torch.tensor([0.5, 4.0]))
        tensor([0.5000, 4.0000])
    """
    if float(scores.min()) < 0 or float(scores.max()) > 1:
        return scores
    return torch.logit(scores, eps=_SURE)
