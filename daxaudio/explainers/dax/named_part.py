"""DAX V5: the frames that, alone, the classifier still gives the name of the class."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.explainers.dax.shared_filters import SharedFilters, local_mean
from daxaudio.explainers.dax.student import (
    check_enough,
    correlate,
    expected_agreement,
    find_fair_salience,
    halvings,
    is_flat,
    mask_r2,
    split_in_two,
    warnings_of,
)
from daxaudio.perturbation.fills import FILLS
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import ask_masked, ask_rivals
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler
from daxaudio.runs.seeds import generator

GRIDS = ((2, 6), (4, 12), (8, 12), (8, 24))
"""(Rows, columns) of each resolution: those of V4, and one that is fine in frequency alone."""

_SHARES = (1 / 8, 1 / 4, 1 / 2)
"""Shares of a frame's bins that may do as well as all of them, from small to large."""

_AS_GOOD = 0.9
"""What a share of the bins has to keep of the difference that the whole frames make."""

_MORE = 2.0
"""How many times the difference of the frames that of bands must be to be marked instead."""

_POOLED = (15, 41)
"""Bins and frames over which the variance of a mask is averaged."""


@dataclasses.dataclass(frozen=True)
class DaxV5:
    """The DAX whose mask is confirmed by the black box: marked alone, its frames carry the class.

    1. *Student.* As in `DaxV4`: how much the mean score rises where a bin was kept, averaged over
       the resolutions of the neighbourhood. Linear in the masks, found at once, no sign to choose.
       Every resolution counts by how sure it is (in V4 by how large its cells are), and one more
       than there is fine in frequency: it tells which bins of a frame are heard.
    2. *Mask network.* As in `DaxV4`: filters that are shared over the whole spectrogram are fitted
       to the salience. The attribution is their mean, in which the network counts as much as it
       explains of what another set of queries would find again (`explained_share`): nearly all
       where textures tell evidence from the rest, little where one texture is evidence here and
       none there.
    3. *When.* The time profile of the attribution is split in two (Otsu 1979) by a logistic step.
    4. *Where in frequency.* The black box is asked whether the best eighth, quarter or half of the
       bins of each marked frame does as well as all of them: the score with them alone and the
       score without them lie nearly as far apart. The smallest share that does is marked; all bins
       where none does, or where the fill cuts the sound in time and cannot cut it in frequency.
       (V4 marks few bins of each frame, asked or not, and what it keeps alone is often no sound
       of the class any more.)
    5. *Order.* Within what is marked, and within the rest, bins keep the order of the attribution:
       `shading` of the mask is the rank of the bin among all.
    6. *Bands instead.* What sounds all the time, such as a hum, has no frames: one half of them
       does as well as the other. So the frequency profile is split in two likewise; where its upper
       part, alone and taken away, makes more than twice the difference of the frames, it is marked
       in all frames.
    7. *A name or nothing.* Where the class is not the model's answer for the recording, and what is
       marked does not, alone, get its name either, the mask is empty: there is no evidence of
       the class to show. Of a score function that knows no other classes, the mask is empty
       where what is marked scores, alone, no more than the rest.
    8. *How sure.* Steps 1 to 3 and 5 once more on random halves of the queries: the deviation
       between the masks of two halves. It is the standard error that half of the queries leave, an
       upper bound of that of all, and about how far a mask from as many other queries lies from
       this one.

    Source: ours. Args are those of `DaxV4` but for one.

    Args:
        sampler: draws the neighbourhood.
        filters: the mask network.
        softness: width of the logistic step in time, as a share of the distance between the two
            parts' means.
        shading: how much of the mask is the order of the bins.
        n_splits: random halvings of the queries.
        seed: seed of filters and halvings.

    Raises:
        ValueError: when a number is out of range.

    Example:
        >>> picture = Spectrogram(torch.eye(24), torch.arange(24.0), torch.arange(24.0))
        >>> heard = lambda inputs: inputs[:, 6:9, 6:9].mean(dim=(1, 2))
        >>> explanation = DaxV5(MultiGridSampler(600, ((2, 4), (4, 8))))(picture, heard)
        >>> int(explanation.profile.argmax()) in (6, 7, 8)
        True
    """

    sampler: MultiGridSampler | GridSampler = dataclasses.field(
        default_factory=lambda: MultiGridSampler(grids=GRIDS)
    )
    filters: SharedFilters = dataclasses.field(default_factory=SharedFilters)
    softness: float = 0.05
    shading: float = 0.05
    n_splits: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shading <= 1:
            raise ValueError(f"shading must lie in [0, 1], got {self.shading}")
        if not 0 < self.softness < math.inf:
            raise ValueError(f"softness must be above 0 and finite, got {self.softness}")
        if not isinstance(self.filters, SharedFilters):
            raise TypeError(f"filters must be SharedFilters, got {self.filters!r}")
        if self.n_splits < 1:
            raise ValueError(f"n_splits must be at least 1, got {self.n_splits}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`.

        Q + 14 queries, 2 fewer without other classes, 8 fewer where the fill cuts in time alone.
        """
        neighbourhood = self.sampler(spectrogram, score_fn)
        check_enough(neighbourhood, "DAX V5")
        began = time.perf_counter()
        attributions, flat = self._attributions(neighbourhood), is_flat(neighbourhood)
        if flat:
            asked, masks = _Asked(), torch.zeros_like(attributions)
        else:
            when = frames_of(attributions, self.softness)
            bands = split_in_two(attributions.mean(dim=2), self.softness)
            asked = _ask(neighbourhood, score_fn, when[0], bands[0], attributions[0])
            if not asked.named:
                masks = torch.zeros_like(attributions)
            else:
                in_frames = when[:, None, :] * best_bins(attributions, asked.share)
                marked = bands[:, :, None].expand_as(in_frames) if asked.in_bands else in_frames
                masks = marked.lerp(ranks(attributions), self.shading)
        explanation = to_explanation(
            neighbourhood, attributions[0].clone(), "dax_v5", self, began=began
        )
        findings = _findings(neighbourhood, attributions, masks) | asked.findings
        return dataclasses.replace(
            explanation,
            mask=masks[0].cpu(),
            standard_error=_deviation(masks[1:]).cpu(),
            warnings=(
                *warnings_of(neighbourhood, flat, findings["reliability"]),
                *asked.warnings,
            ),
            findings=findings,
            n_queries=explanation.n_queries + asked.n_queries,
            seconds={
                **explanation.seconds,
                "fit": time.perf_counter() - began - asked.seconds,
                "check": asked.seconds,
            },
            seed=self.seed,
        )

    def _attributions(self, neighbourhood: Neighbourhood) -> Tensor:
        """`[1 + 2 S, F, T]`: of all samples, then of both halves of each halving.

        First halves have filters of their own, and second ones, too, as another seed would have.
        """
        parts = halvings(neighbourhood, self.n_splits, self.seed)
        salience = find_fair_salience(neighbourhood, parts)
        values, fitted = neighbourhood.spectrogram.values, torch.empty_like(salience)
        for name, rows in (
            ("filters", slice(0, 1)),
            ("filters of first halves", slice(1, None, 2)),
            ("filters of second halves", slice(2, None, 2)),
        ):
            fitted[rows] = self.filters.fit(values, salience[rows], generator(self.seed, name))
        return salience.lerp_(fitted, explained_share(salience, fitted[0]))


def explained_share(salience: Tensor, fitted: Tensor) -> float:
    """How much a network explains of what other queries would find again, from 0 to 1.

    The share of the salience's variance that the network gives, over the share of it that is no
    noise, as two halves of the queries tell it. Source: signal power explained (Sahani and Linden
    2003), with Spearman-Brown's reliability.

    Args:
        salience: `[1 + 2 S, F, T]`, of all samples, then of both halves of each halving.
        fitted: `[F, T]`, what the network gives for the first.

    Returns:
        0 where it explains nothing, or nothing would come again.

    Example:
        >>> maps = torch.eye(4).expand(3, 4, 4)
        >>> explained_share(maps, maps[0]), explained_share(maps, 1 - maps[0])
        (1.0, 0.0)
    """
    whole, rest = (v.double() - v.double().mean() for v in (salience[0], salience[0] - fitted))
    total = float(whole.square().sum())
    again = expected_agreement([correlate(*pair) for pair in salience[1:].split(2)])
    if total <= 0 or again <= 0:
        return 0.0
    share = (1 - float(rest.square().sum()) / total) / again
    return round(min(1.0, max(0.0, share)), 6)


def in_form(attributions: Tensor, softness: float = 0.05, shading: float = 0.05) -> Tensor:
    """Masks of any maps in the form of V5's, all bins of a marked frame marked; nothing is asked.

    A control: what is left of the difference between two methods when their masks have one form.

    Args:
        attributions: `[B, F, T]`, more is more salient.
        softness: as of `DaxV5`.
        shading: as of `DaxV5`.

    Returns:
        `[B, F, T]` in [0, 1].
    """
    when = frames_of(attributions, softness)[:, None, :].expand_as(attributions)
    return when.lerp(ranks(attributions), shading)


def frames_of(attributions: Tensor, softness: float) -> Tensor:
    """Weights `[B, T]` in [0, 1] of the frames of `[B, F, T]`: 0 or 1 but for a soft step."""
    return split_in_two(attributions.mean(dim=1), softness)


def best_bins(attributions: Tensor, share: float) -> Tensor:
    """`[B, F, T]`, 1 at the share of the bins of each frame that are most salient, else 0."""
    if share >= 1:
        return torch.ones_like(attributions)
    n_bins = attributions.shape[1]
    places = attributions.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (places < max(1, round(share * n_bins))).to(attributions)


def ranks(attributions: Tensor) -> Tensor:
    """`[B, F, T]` in [0, 1]: the place of each bin among all of its map, 1 the most salient.

    Bins that are alike share the mean of their places: by position, a flat map would rise in time.
    """
    flat = attributions.flatten(1)
    ordered = flat.sort(dim=1).values
    below = torch.searchsorted(ordered, flat)
    twice = below + torch.searchsorted(ordered, flat, right=True) - 1
    return (twice / max(2 * flat.shape[1] - 2, 1)).to(attributions).view_as(attributions)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What the black box said of the marked part.

    Args:
        share: of the bins of a marked frame.
        in_bands: bands are marked in all frames, in place of frames.
        named: whether there is evidence of the class to show.
        findings: scores and share.
        warnings: why not to trust the mask.
        n_queries: what it took.
        seconds: what it took.
    """

    share: float = 1.0
    in_bands: bool = False
    named: bool = True
    findings: dict[str, float] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    n_queries: int = 0
    seconds: float = 0.0


def _ask(
    neighbourhood: Neighbourhood,
    score_fn: ScoreFn,
    when: Tensor,
    bands: Tensor,
    attribution: Tensor,
) -> _Asked:
    """Ask about the marked frames `[T]`, their best bins, and the marked bands `[F]`."""
    began = time.perf_counter()
    frames = when.expand_as(attribution)
    parts, shares = [frames], [1.0]
    if not FILLS[neighbourhood.fill].in_sound:
        shares += _SHARES
        parts += [when * best_bins(attribution[None], share)[0] for share in _SHARES]
        parts.append(bands[:, None].expand_as(attribution))
    kept = torch.stack(parts)
    scores = ask_masked(neighbourhood, torch.cat([kept, 1 - kept]), score_fn).double()
    of_kept, of_removed = (part.tolist() for part in scores.chunk(2))
    gaps = [with_it - without for with_it, without in zip(of_kept, of_removed, strict=True)]
    in_bands = len(gaps) > len(shares) and gaps[-1] > max(0.0, _MORE * gaps[0])
    share, chosen = 1.0, len(gaps) - 1 if in_bands else 0
    if not in_bands and gaps[0] > 0:
        enough = [s for s, gap in zip(shares, gaps, strict=False) if gap >= _AS_GOOD * gaps[0]]
        share = min(enough)
    both = torch.stack([torch.ones_like(frames), kept[chosen]])
    rivals = ask_rivals(neighbourhood, both, score_fn)
    if rivals is None:
        named = gaps[chosen] > 0
    else:
        own = torch.tensor([neighbourhood.original_score, of_kept[chosen]])
        named = bool((own >= rivals).any())  # of the recording, or of what is marked, alone
    findings = {
        "score_of_kept": of_kept[chosen],
        "score_of_removed": of_removed[chosen],
        "share_of_bins": float(bands.mean()) if in_bands else share,
    }
    return _Asked(
        share,
        in_bands,
        named,
        findings,
        tuple(_doubts(named, of_kept[chosen], of_removed[chosen])),
        2 * len(kept) + (0 if rivals is None else 2),
        time.perf_counter() - began,
    )


def _doubts(named: bool, of_kept: float, of_removed: float) -> Iterator[str]:
    """What is to be said of a marked part that does not speak for the class."""
    if not named:
        yield (
            "nothing is marked: what speaks most for the class does not alone make the "
            f"classifier name it (score {of_kept:.3f}, of the rest {of_removed:.3f})"
        )
    elif of_removed >= of_kept:
        yield (
            f"the score without the marked part, {of_removed:.3f}, is not below that of the "
            f"marked part alone, {of_kept:.3f}"
        )


def _findings(
    neighbourhood: Neighbourhood, attributions: Tensor, masks: Tensor
) -> dict[str, float]:
    """How far as many other queries would agree, and what the mask explains of the scores."""
    of_maps, of_masks = (
        expected_agreement([correlate(*pair) for pair in maps[1:].split(2)])
        for maps in (attributions, masks)
    )
    empty = not bool(masks[0].any())
    return {
        "reliability": of_maps if empty else min(of_maps, of_masks),
        "salience_reliability": of_maps,
        "mask_reliability": of_masks,
        "mask_r2": mask_r2(neighbourhood, masks[0]),
    }


def _deviation(masks: Tensor) -> Tensor:
    """Standard error `[F, T]` from the masks of halves `[2 S, F, T]`.

    The variance of one half is half of the mean square of the difference of two; neighbouring bins
    are pooled, as a few halvings alone tell the variance of a bin roughly.
    """
    first, second = masks[0::2], masks[1::2]
    return local_mean((first - second).square().mean(dim=0) / 2, _POOLED).sqrt()
