"""DAX V4: a student's salience, a mask network tied to it, and how sure both are."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.explainers.dax.shared_filters import SharedFilters
from daxaudio.perturbation.masks import JoinedGrids
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import ask_masked
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler
from daxaudio.runs.batches import fit_batch
from daxaudio.runs.seeds import generator

_BATCH = 128
"""Masks held in memory at once on a processor, fewer of long recordings."""

_TRUSTED = 0.5
"""Agreement below which an explanation is warned of."""

_FLAT = 1e-3
"""Deviation of the scores, relative to the largest, below which there is nothing to explain."""

_FEWEST = 4
"""Samples that each resolution needs, so that a half of them has a mean and a difference."""


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
        fewest = min(end - start for start, end in _grids(neighbourhood))
        if fewest < _FEWEST:
            raise ValueError(
                f"DAX V4 needs at least {_FEWEST} queries for each resolution, got {fewest}"
            )
        parts = self._halvings(neighbourhood)
        salience = _salience(neighbourhood, parts)  # the student's; the network's is added in place
        network = self.filters.fit(spectrogram.values, salience, generator(self.seed, "filters"))
        salience.add_(network).div_(2)
        del network
        flat = _is_flat(neighbourhood)
        mask = self._masks(salience[:1], flat)[0]
        standard_error, mask_reliability = self._compare_halves(salience[1:], flat)
        salience_reliability = _reliability([_correlation(*pair) for pair in salience[1:].split(2)])
        reliability = min(salience_reliability, mask_reliability)
        explanation = to_explanation(
            neighbourhood, salience[0].clone(), "dax_v4", self, began=began
        )
        findings = {
            "reliability": reliability,
            "salience_reliability": salience_reliability,
            "mask_reliability": mask_reliability,
            "mask_r2": _mask_r2(neighbourhood, mask),
        }
        return dataclasses.replace(
            explanation,
            mask=mask.cpu(),
            standard_error=standard_error.cpu(),
            warnings=tuple(_warnings(neighbourhood, flat, reliability)),
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
            correlations.append(_correlation(first, second))
            squares += (second - first).square()
        # The variance of one half is half of the mean square of the difference of two.
        return (squares / self.n_splits / 2).sqrt(), _reliability(correlations)

    def _halvings(self, neighbourhood: Neighbourhood) -> Tensor:
        """`[1 + 2 S, N]`, 0 or 1: all samples, then both halves of each halving."""
        n_samples, random = neighbourhood.n_samples, generator(self.seed, "halvings")
        rows = [torch.ones(n_samples)]
        for _ in range(self.n_splits):
            half = torch.zeros(n_samples)
            for start, end in _grids(neighbourhood):
                # By pairs, as antithetic draws mirror each other two by two.
                pairs = start + 2 * torch.randperm((end - start) // 2, generator=random)
                chosen = pairs[: len(pairs) // 2]
                half[torch.cat([chosen, chosen + 1])] = 1
            rows += [half, 1 - half]
        return torch.stack(rows)


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
    frames = _two_parts(profiles, softness)
    order = salience.argsort(dim=1, stable=True).argsort(dim=1, stable=True)
    ranks = (order + 1) / salience.shape[1]
    return frames[:, None, :] * ranks**sharpness


def _grids(neighbourhood: Neighbourhood) -> list[tuple[int, int]]:
    """Where each resolution's samples begin and end."""
    perturbation = neighbourhood.perturbation
    if not isinstance(perturbation, JoinedGrids):
        return [(0, neighbourhood.n_samples)]
    bounds = perturbation.bounds
    return list(itertools.pairwise(bounds))


def _salience(neighbourhood: Neighbourhood, parts: Tensor) -> Tensor:
    """`[1 + 2 S, F, T]`: for each part of the samples, what keeping a bin adds to the mean score.

    The parts are those of `DaxV4._halvings`. The sums of a second half are those of all samples
    less those of the first, so that they take no memory of their own.
    """
    values, grids = neighbourhood.spectrogram.values, _grids(neighbourhood)
    salience = torch.zeros(len(parts), values.numel(), device=values.device)
    for start, end in grids:
        _add_grid(salience, neighbourhood, parts, start, end)
    return salience.div_(len(grids)).unflatten(1, values.shape)


def _add_grid(
    salience: Tensor, neighbourhood: Neighbourhood, parts: Tensor, start: int, end: int
) -> None:
    """Add what the samples of one resolution say; what that takes is free again at the end."""
    chosen, scores = parts[:, start:end].double(), neighbourhood.scores[start:end].double()
    scores = scores - scores.mean()  # small sums, and all but no rounding
    means = (chosen @ scores) / chosen.sum(dim=1).clamp(min=1)
    firsts = torch.cat([chosen[:1], chosen[1::2]])
    factors = torch.cat([firsts * scores, firsts]).float().to(salience.device)
    sums = torch.zeros(len(factors), salience.shape[1], device=salience.device)
    for rows, masks in _batches(neighbourhood, start, end):
        sums.addmm_(factors[:, rows], masks)
    weighted, kept = sums.chunk(2)
    for part, mean in enumerate(means.tolist()):
        own, share = (_of_part(rows, part) for rows in (weighted, kept))
        # a difference of sums is 0 to their rounding only where a half never kept a bin
        least = 1e-6 if part == 0 or part % 2 else 1e-2
        salience[part] += (own - mean * share) / share.clamp(min=least)


def _of_part(sums: Tensor, part: int) -> Tensor:
    """`[F T]` of one part, from the sums of all samples and of the first halves `[1 + S, F T]`."""
    if part == 0:
        return sums[0]
    first = sums[(part + 1) // 2]
    return first if part % 2 else sums[0] - first


def _batches(neighbourhood: Neighbourhood, start: int, end: int) -> Iterator[tuple[slice, Tensor]]:
    """Rows counted from `start`, and their masks `[n, F T]`."""
    values = neighbourhood.spectrogram.values
    at_once = fit_batch("auto", values.shape, values.device, _BATCH)
    for first in range(start, end, at_once):
        last = min(first + at_once, end)
        masks = neighbourhood.perturbation.masks(slice(first, last))
        yield slice(first - start, last - start), masks.flatten(1)


def _two_parts(profiles: Tensor, softness: float) -> Tensor:
    """`[B, T]` in [0, 1]: on which side of the best split in two each value lies (Otsu 1979)."""
    ordered = profiles.double().sort(dim=-1).values
    n_frames = ordered.shape[-1]
    if n_frames < 2:
        return torch.zeros_like(profiles)
    sizes = torch.arange(1, n_frames, device=ordered.device)
    sums = ordered.cumsum(-1)[..., :-1]
    below = sums / sizes
    above = (ordered.sum(dim=-1, keepdim=True) - sums) / (n_frames - sizes)
    between = sizes * (n_frames - sizes) * (above - below) ** 2
    best = between.argmax(dim=-1, keepdim=True)
    low, high = below.gather(-1, best), above.gather(-1, best)
    middle, width = ((low + high) / 2).to(profiles), (softness * (high - low)).to(profiles)
    step = torch.sigmoid((profiles - middle) / width)
    return torch.where(between.gather(-1, best) > 0, step, 0)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation of two maps; NaN where one is constant."""
    centred = [values.double() - values.double().mean() for values in (first, second)]
    return (centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm())


def _reliability(correlations: Sequence[Tensor]) -> float:
    """Spearman-Brown: agreement of whole sets of queries, from that of their halves."""
    known = torch.stack(list(correlations)).tolist()
    mean = sum(known) / len(known)
    if math.isnan(mean):
        return 0.0
    return max(0.0, 2 * mean / max(1 + mean, 1e-9))


def _mask_r2(neighbourhood: Neighbourhood, mask: Tensor) -> float:
    """How well a score follows from the kept shares of the mask and of the rest."""
    ends = torch.stack([mask.flatten(), 1 - mask.flatten()])
    ends = ends / ends.sum(dim=1, keepdim=True).clamp(min=1e-9)
    kept = torch.cat(
        [masks @ ends.T for _, masks in _batches(neighbourhood, 0, neighbourhood.n_samples)]
    )
    scores = neighbourhood.scores.double()
    variance = scores.var(correction=0)
    if float(variance) <= 1e-12 * float(scores.square().mean()):
        return 0.0
    return _share_explained(kept.cpu().double(), scores)


def _share_explained(shares: Tensor, scores: Tensor) -> float:
    """Share of the variance of `scores` `[N]` that a plane over `shares` `[N, 2]` gives.

    By exactly rounded sums: a solver that shares its work among threads as they are free gives
    another last digit from one call to the next.
    """
    rest = scores - math.fsum(scores.tolist()) / len(scores)
    total, explained = _product(rest, rest), 0.0
    first = torch.zeros_like(rest)
    for share in shares.T:
        own = share - math.fsum(share.tolist()) / len(share)
        size = _product(share, share)
        if float(first.abs().max()) > 0:
            own = own - first * (_product(own, first) / _product(first, first))
        if _product(own, own) <= 1e-12 * size:
            continue  # the same for all samples, or a multiple of the first, to its rounding
        explained += _product(own, rest) ** 2 / _product(own, own)
        first = own
    return explained / total


def _product(a: Tensor, b: Tensor) -> float:
    """Sum of products of two float64 vectors, rounded once."""
    return math.fsum((a * b).tolist())


def _is_flat(neighbourhood: Neighbourhood) -> bool:
    scores = neighbourhood.scores
    largest = max(abs(neighbourhood.original_score), float(scores.abs().max()))
    return float(scores.std(correction=0)) <= _FLAT * largest


def _warnings(neighbourhood: Neighbourhood, flat: bool, reliability: float) -> Iterator[str]:
    n_samples = neighbourhood.n_samples
    if flat:
        yield (
            f"the score is too flat to explain: over {n_samples} perturbed inputs it deviates by "
            f"{float(neighbourhood.scores.std(correction=0)):.2g} (score of the input "
            f"{neighbourhood.original_score:.3g}); nothing is marked"
        )
    elif reliability < _TRUSTED:
        yield (
            f"{n_samples} queries are too few: another {n_samples} would agree with a correlation "
            f"of about {reliability:.2f} only"
        )


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
