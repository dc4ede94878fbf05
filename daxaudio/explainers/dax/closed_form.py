"""DAX V4: a student's salience, a mask network tied to it, and how sure both are."""

from __future__ import annotations

import dataclasses
import math
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.explainers.dax.shared_filters import SharedFilters
from daxaudio.explainers.dax.student import (
    check_enough,
    correlate,
    expected_agreement,
    find_salience,
    halvings,
    is_flat,
    mask_r2,
    split_in_two,
    warnings_of,
)
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import ask_masked
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True)
class DaxV4:
    """The DAX that is fitted in closed form, so that its sign and its solution are not open.

    1. *Student.* For each resolution of the neighbourhood, how much the mean score rises where a
       bin was kept; the average over the resolutions is the salience. It is linear in the masks
       and found at once (with one resolution it is RISE's estimate).
    2. *Mask network.* Filters that are shared over the whole spectrogram (`textures`) are fitted
       to the salience: they give bins of one texture one answer, and so draw sharp borders.
       Salience and answer are added: what stands alone in the recording is not averaged away.
    3. *Mask.* When: the time profile is split in two (Otsu 1979), and a frame's weight is a
       logistic function of its distance from the split. Where in frequency: the bins of a frame
       are ranked. The mask is the product, so its time profile is the weight of the frames alone.
    4. *How sure.* All steps once more on random halves of the queries, with the same filters: the
       deviation between the masks of two halves is the standard error that half of the queries
       leave, an upper bound of that of all; the correlation of their saliences, and of their masks,
       says how far as many other queries would agree (Spearman-Brown).

    The black box is asked twice more: of the marked frames alone, and of all others.

    Args:
        sampler: draws the neighbourhood.
        filters: the mask network.
        softness: width of the logistic step in time, as a share of the distance between the two
            parts' means.
        sharpness: power of a bin's rank within its frame.
        n_splits: random halvings of the queries.
        seed: seed of filters and halvings.

    Raises:
        ValueError: when a number is out of range.
    """

    sampler: MultiGridSampler | GridSampler = dataclasses.field(default_factory=MultiGridSampler)
    filters: SharedFilters = dataclasses.field(default_factory=SharedFilters)
    softness: float = 0.05
    sharpness: float = 3.0
    n_splits: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 < self.softness < math.inf and 0 < self.sharpness < math.inf):
            raise ValueError(
                "softness and sharpness must be above 0 and finite, got "
                f"{self.softness}, {self.sharpness}"
            )
        if not isinstance(self.filters, SharedFilters):
            raise TypeError(f"filters must be SharedFilters, got {self.filters!r}")
        if self.n_splits < 1:
            raise ValueError(f"n_splits must be at least 1, got {self.n_splits}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; Q + 4 queries."""
        neighbourhood = self.sampler(spectrogram, score_fn)
        return _ask_about_mask(self.fit(neighbourhood), neighbourhood, score_fn)

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: at least 4 samples of each resolution.

        Returns:
            The explanation. Its attribution is the salience after the mask network, in units of
            the score. Its findings are the agreement to be expected with as many other queries (1
            is perfect), `salience_reliability`, `mask_reliability`, and the lower of both,
            `reliability`; and `mask_r2`, the share of the scores' variance that follows from how
            much of the mask, and of the rest, a sample keeps. The mask is 0 where the score is too
            flat to explain.

        Raises:
            ValueError: when there are fewer samples.
        """
        began = time.perf_counter()
        spectrogram = neighbourhood.spectrogram
        check_enough(neighbourhood, "DAX V4")
        parts = halvings(neighbourhood, self.n_splits, self.seed)
        salience = find_salience(neighbourhood, parts)  # the network's is added in place
        network = self.filters.fit(spectrogram.values, salience, generator(self.seed, "filters"))
        salience.add_(network).div_(2)
        del network
        flat = is_flat(neighbourhood)
        mask = self._masks(salience[:1], flat)[0]
        standard_error, mask_reliability = self._compare_halves(salience[1:], flat)
        salience_reliability = expected_agreement(
            [correlate(*pair) for pair in salience[1:].split(2)]
        )
        reliability = min(salience_reliability, mask_reliability)
        explanation = to_explanation(
            neighbourhood, salience[0].clone(), "dax_v4", self, began=began
        )
        findings = {
            "reliability": reliability,
            "salience_reliability": salience_reliability,
            "mask_reliability": mask_reliability,
            "mask_r2": mask_r2(neighbourhood, mask),
        }
        return dataclasses.replace(
            explanation,
            mask=mask.cpu(),
            standard_error=standard_error.cpu(),
            warnings=tuple(warnings_of(neighbourhood, flat, reliability)),
            findings=findings,
            seconds={**explanation.seconds, "fit": time.perf_counter() - began},
            seed=self.seed,
        )

    def _masks(self, salience: Tensor, flat: bool) -> Tensor:
        """`[B, F, T]`; nothing where the score is flat."""
        if flat:
            return torch.zeros_like(salience)
        return when_and_where(salience, self.softness, self.sharpness)

    def _compare_halves(self, salience: Tensor, flat: bool) -> tuple[Tensor, float]:
        """Standard error `[F, T]` and reliability of the masks of halves `[2 S, F, T]`.

        On a processor two masks are held at a time, so that long recordings fit into memory; an
        accelerator makes all of them at once.
        """
        squares = torch.zeros_like(salience[0])
        correlations = []
        at_once = 1 if salience.device.type == "cpu" else len(salience)
        masks = (mask for part in salience.split(at_once) for mask in self._masks(part, flat))
        for first, second in zip(masks, masks, strict=True):  # two by two
            correlations.append(correlate(first, second))
            squares += (second - first).square()
        # The variance of one half is half of the mean square of the difference of two.
        return (squares / self.n_splits / 2).sqrt(), expected_agreement(correlations)


def when_and_where(salience: Tensor, softness: float = 0.05, sharpness: float = 3.0) -> Tensor:
    """Masks of saliences: the weight of a frame, times the rank of a bin within its frame.

    Args:
        salience: `[B, F, T]`, more is more salient.
        softness: width of the logistic step in time, as a share of the distance between the means
            of the two parts that a time profile is split in.
        sharpness: power of the rank.

    Returns:
        `[B, F, T]` in [0, 1]; zeros where every frame is alike.
    """
    # Bins of a frame that are less salient than most do not make up for those that are more.
    floor = salience.flatten(1).median(dim=1).values[:, None, None]
    profiles = salience.clamp(min=floor).mean(dim=1)
    frames = split_in_two(profiles, softness)
    order = salience.argsort(dim=1, stable=True).argsort(dim=1, stable=True)
    ranks = (order + 1) / salience.shape[1]
    return frames[:, None, :] * ranks**sharpness


def _ask_about_mask(
    explanation: Explanation, neighbourhood: Neighbourhood, score_fn: ScoreFn
) -> Explanation:
    """Add what the black box says of the marked frames alone, and of all others."""
    began = time.perf_counter()
    values = neighbourhood.spectrogram.values
    profile = explanation.profile.to(values.device)
    frames = (profile / profile.max().clamp(min=1e-9)).expand_as(values)
    masks = torch.stack([frames, 1 - frames])
    kept, removed = ask_masked(neighbourhood, masks, score_fn).tolist()
    warnings = list(explanation.warnings)
    if removed >= kept and float(profile.max()) > 0:
        warnings.append(
            f"the score without the marked frames, {removed:.3f}, is not below that of the marked "
            f"frames alone, {kept:.3f}"
        )
    return dataclasses.replace(
        explanation,
        warnings=tuple(warnings),
        n_queries=explanation.n_queries + 2,
        seconds={**explanation.seconds, "check": time.perf_counter() - began},
        findings={**explanation.findings, "score_of_kept": kept, "score_of_removed": removed},
    )
