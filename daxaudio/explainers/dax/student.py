"""The student of DAX V4 and V5: what keeping a bin adds to the mean score, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from daxaudio.perturbation.masks import JoinedGrids
from daxaudio.perturbation.neighbourhood import Neighbourhood
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


def halvings(neighbourhood: Neighbourhood, n_splits: int, seed: int) -> Tensor:
    """`[1 + 2 S, N]`, 0 or 1: all samples, then both halves of each of S halvings.

    Halves are drawn by pairs, as antithetic draws mirror each other two by two.
    """
    n_samples, random = neighbourhood.n_samples, generator(seed, "halvings")
    rows = [torch.ones(n_samples)]
    for _ in range(n_splits):
        half = torch.zeros(n_samples)
        for start, end in resolutions(neighbourhood):
            pairs = start + 2 * torch.randperm((end - start) // 2, generator=random)
            chosen = pairs[: len(pairs) // 2]
            half[torch.cat([chosen, chosen + 1])] = 1
        rows += [half, 1 - half]
    return torch.stack(rows)


def check_enough(neighbourhood: Neighbourhood, method: str) -> None:
    """Refuse a neighbourhood of which a half says nothing.

    Raises:
        ValueError: when a resolution has fewer than 4 samples; names the method.
    """
    fewest = min(end - start for start, end in resolutions(neighbourhood))
    if fewest < _FEWEST:
        raise ValueError(
            f"{method} needs at least {_FEWEST} queries for each resolution, got {fewest}"
        )


def resolutions(neighbourhood: Neighbourhood) -> list[tuple[int, int]]:
    """Where each resolution's samples begin and end."""
    perturbation = neighbourhood.perturbation
    if not isinstance(perturbation, JoinedGrids):
        return [(0, neighbourhood.n_samples)]
    bounds = perturbation.bounds
    return list(itertools.pairwise(bounds))


def find_salience(neighbourhood: Neighbourhood, parts: Tensor) -> Tensor:
    """`[1 + 2 S, F, T]`: for each part of the samples, what keeping a bin adds to the mean score.

    The parts are those of `halvings`. The sums of a second half are those of all samples
    less those of the first, so that they take no memory of their own.
    """
    values, found = neighbourhood.spectrogram.values, resolutions(neighbourhood)
    salience = torch.zeros(len(parts), values.numel(), device=values.device)
    for start, end in found:
        _add_grid(salience, neighbourhood, parts, start, end)
    return salience.div_(len(found)).unflatten(1, values.shape)


def find_fair_salience(neighbourhood: Neighbourhood, parts: Tensor) -> Tensor:
    """As `find_salience`, but every resolution counts by how sure it is, not by how large.

    As they come, cells that are large move the score most, and what small ones tell is hardly
    heard. Here each resolution is brought to the deviation that they have on average, and counts
    as much as two halves of its samples agree (Spearman-Brown).
    """
    values, found = neighbourhood.spectrogram.values, resolutions(neighbourhood)
    if len(found) == 1:
        return find_salience(neighbourhood, parts)
    salience = torch.zeros(len(parts), values.numel(), device=values.device)
    sizes, counts = [], []
    for start, end in found:
        own = torch.zeros_like(salience)
        _add_grid(own, neighbourhood, parts, start, end)
        size = float(own[0].double().std(correction=0))
        if size > 0:
            sure = round(expected_agreement([correlate(*p) for p in own[1:].split(2)]), 6)
            salience += own.mul_(sure / size)
            sizes.append(size)
            counts.append(sure)
    if sum(counts) <= 0:  # all is noise; `find_salience` says so as well as any
        return find_salience(neighbourhood, parts)
    return salience.mul_(sum(sizes) / len(sizes) / sum(counts)).unflatten(1, values.shape)


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


def split_in_two(profiles: Tensor, softness: float) -> Tensor:
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


def correlate(first: Tensor, second: Tensor) -> Tensor:
    """Pearson correlation of two maps; NaN where one is constant."""
    centred = [values.double() - values.double().mean() for values in (first, second)]
    return (centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm())


def expected_agreement(correlations: Sequence[Tensor]) -> float:
    """Spearman-Brown: agreement of whole sets of queries, from that of their halves."""
    known = torch.stack(list(correlations)).tolist()
    mean = sum(known) / len(known)
    if math.isnan(mean):
        return 0.0
    return max(0.0, 2 * mean / max(1 + mean, 1e-9))


def mask_r2(neighbourhood: Neighbourhood, mask: Tensor) -> float:
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


def is_flat(neighbourhood: Neighbourhood) -> bool:
    """Whether the scores hardly differ, so that there is nothing to explain."""
    scores = neighbourhood.scores
    largest = max(abs(neighbourhood.original_score), float(scores.abs().max()))
    return float(scores.std(correction=0)) <= _FLAT * largest


def warnings_of(neighbourhood: Neighbourhood, flat: bool, reliability: float) -> Iterator[str]:
    """What is to be said of a flat score, or of too few queries."""
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
