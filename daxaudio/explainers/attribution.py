"""From what a method found of each bin to the explanation: scaling, and what it cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.models.module_score import ModuleScore, Of
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, Perturbation
from daxaudio.runs.asking import ask, target_of
from daxaudio.runs.batches import fit_batch
from daxaudio.runs.provenance import describe
from daxaudio.runs.real_numbers import scale_to_mask

_BATCH = 128
"""Masks held in memory at once on a processor, fewer of long recordings."""

Sign = Literal["absolute", "positive"]
"""What of a signed attribution the mask shows: its size, or only what speaks for the class."""


def to_explanation(
    neighbourhood: Neighbourhood, attribution: Tensor, method: str, explainer: Any, *, began: float
) -> Explanation:
    """The explanation that a perturbation method drew from a neighbourhood.

    Args:
        neighbourhood: what was asked.
        attribution: `[F, T]` signed importance; the mask is its `scale_to_mask`.
        method: name of the method, as in tables.
        explainer: the dataclass whose fields are stored as settings, the sampler's apart.
        began: `time.perf_counter()` when the fit began.

    Returns:
        The explanation; its settings hold `sampler`, how the neighbourhood was really drawn.
    """
    attribution = attribution.detach().float().cpu()
    settings = {**describe(explainer), "sampler": dict(neighbourhood.settings)}
    return Explanation(
        scale_to_mask(attribution),
        neighbourhood.spectrogram.to("cpu"),
        method,
        neighbourhood.target,
        score=neighbourhood.original_score,
        n_queries=neighbourhood.n_queries,
        seconds={"query": neighbourhood.seconds, "fit": time.perf_counter() - began},
        settings=settings,
        seed=neighbourhood.seed,
        attribution=attribution,
    )


def segments_of(neighbourhood: Neighbourhood, explainer: object, samplers: str) -> SegmentMasks:
    """The segments that a neighbourhood keeps and drops, of which an explainer makes its map.

    Args:
        neighbourhood: should be of segments.
        explainer: who needs them, for the error.
        samplers: what draws them, for the error.

    Raises:
        TypeError: when the neighbourhood has no segments.
    """
    perturbation = neighbourhood.perturbation
    if not isinstance(perturbation, SegmentMasks):
        raise TypeError(
            f"{type(explainer).__name__} needs a neighbourhood of segments, got "
            f"{type(perturbation).__name__}: draw it with {samplers}"
        )
    return perturbation


def mean_score_of_kept(neighbourhood: Neighbourhood) -> Tensor:
    """The mean score of the samples, weighted at each bin by how far they kept it.

    `sum_i mask_i score_i / sum_i mask_i`; the mean score where no sample kept a bin.

    Args:
        neighbourhood: drawn by any sampler.

    Returns:
        float64 `[F, T]` on the CPU, in units of the score.
    """
    perturbation, scores = neighbourhood.perturbation, neighbourhood.scores.double()
    # Centred scores keep the sums small, and leave 0 where no sample kept a bin.
    centred = scores - scores.mean()
    if isinstance(perturbation, SegmentMasks):
        kept = perturbation.kept.cpu().double()
        by_part = torch.stack([centred @ kept, kept.sum(dim=0)])
        sums = by_part[:, perturbation.segments.cpu()]
    else:
        sums = _summed_masks(perturbation, centred, neighbourhood.spectrogram.values.shape)
    return scores.mean() + sums[0] / sums[1].clamp(min=1e-12)


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


def map_of(explanation: Explanation) -> Tensor:
    """What a method found of each bin, `[F, T]`, before it was scaled or formed to a mask.

    Its attribution, in its own unit; the mask where it gives no more.

    Example:
        >>> import torch
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> map_of(Explanation(torch.eye(2), picture, "own", attribution=-torch.eye(2))).min()
        tensor(-1.)
    """
    return explanation.mask if explanation.attribution is None else explanation.attribution


def explain_by_mask(
    spectrogram: Spectrogram,
    score_fn: ScoreFn,
    mask: Tensor,
    method: str,
    *,
    explainer: Any,
    seconds: float,
    attribution: Tensor | None = None,
    seed: int = 0,
) -> Explanation:
    """An explanation whose mask does not depend on the black box, with the input's score.

    Args:
        spectrogram: the input.
        score_fn: asked once, for the score of the input.
        mask: `[F, T]` in [0, 1].
        method: name of the method, as in tables.
        explainer: the dataclass whose fields are stored as settings.
        seconds: time that the mask took.
        attribution: `[F, T]` values before they were scaled; the mask when not given.
        seed: seed of the method's draws.

    Returns:
        The explanation, on the CPU.

    Raises:
        ValueError: when the black box does not give one finite score.

    Example:
        >>> import torch
        >>> from daxaudio.explainers.references import Energy
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> mask = torch.eye(2)
        >>> how = {"explainer": Energy(), "seconds": 0.0}
        >>> explain_by_mask(picture, lambda x: x[:, 0, 0], mask, "energy", **how).score
        1.0
    """
    mask = mask.detach().float().cpu()
    began = time.perf_counter()
    score = ask(score_fn, spectrogram.values[None].clone())
    return Explanation(
        mask,
        spectrogram.to("cpu"),
        method,
        target_of(score_fn),
        score=float(score),
        n_queries=1,
        seconds={"query": time.perf_counter() - began, "fit": seconds},
        settings=describe(explainer),
        seed=seed,
        attribution=mask if attribution is None else attribution.detach().float().cpu(),
    )


def check_choices(of: str, sign: str = "positive") -> None:
    """Refuse unknown words.

    Raises:
        ValueError: names the field and what it may be.
    """
    for name, value, kind in (("of", of, Of), ("sign", sign, Sign)):
        if value not in get_args(kind):
            known = " or ".join(map(repr, get_args(kind)))
            raise ValueError(f"{name} must be {known}, got {value!r}")


def mask_of_signed(attribution: Tensor, sign: Sign) -> Tensor:
    """Signed attributions as a mask: zero stays zero and the largest value becomes 1.

    Unlike `scale_to_mask`, which keeps the order of the values and moves their zero.

    Args:
        attribution: any shape.
        sign: "absolute" for the size of each value; "positive" to set negative ones, which speak
            against the class, to 0.

    Returns:
        The same shape in [0, 1]; all zeros when nothing is left.

    Raises:
        ValueError: when a value is NaN or infinite.

    Example:
        >>> mask_of_signed(torch.tensor([-4.0, 0.0, 2.0]), "absolute")
        tensor([1.0000, 0.0000, 0.5000])
        >>> mask_of_signed(torch.tensor([-4.0, 0.0, 2.0]), "positive")
        tensor([0., 0., 1.])
    """
    if not torch.isfinite(attribution).all():
        raise ValueError("attribution holds NaN or infinite values")
    shown = attribution.abs() if sign == "absolute" else attribution.clamp(min=0)
    return shown / highest if (highest := shown.max()) > 0 else torch.zeros_like(shown)


def explain_by_gradients(
    spectrogram: Spectrogram,
    score: ModuleScore,
    method: str,
    explainer: Any,
    *,
    attribution: Tensor,
    began: float,
    n_gradients: int,
    sign: Sign = "positive",
    n_values: int = 0,
    findings: Mapping[str, Any] | None = None,
    warnings: Iterable[str] = (),
) -> Explanation:
    """The explanation that a gradient method drew from its passes; asks for the input's score.

    Args:
        spectrogram: the input.
        score: asked once, for the probability of the input.
        method: name of the method, as in tables.
        explainer: the dataclass whose fields are stored as settings.
        attribution: float32 `[F, T]` on the CPU, signed, as the method defines it.
        began: `time.perf_counter()` when the passes began.
        n_gradients: forward and backward passes so far, one an input.
        sign: what of the attribution the mask shows.
        n_values: plain forward passes so far, one an input.
        findings: what was found beside the attribution.
        warnings: why it should not be trusted.

    Returns:
        The explanation; all time up to this call counts as `query`.

    Raises:
        ValueError: when the attribution or the score is not finite.
    """
    ended = time.perf_counter()
    mask = mask_of_signed(attribution, sign)
    seed = getattr(explainer, "seed", 0)
    fit = time.perf_counter() - ended
    explanation = explain_by_mask(
        spectrogram,
        score,
        mask,
        method,
        explainer=explainer,
        seconds=fit,
        attribution=attribution,
        seed=seed,
    )
    if not mask.any():
        warnings = (*warnings, "the attribution is nowhere above 0: nothing is marked")
    return dataclasses.replace(
        explanation,
        n_queries=explanation.n_queries + n_values,
        n_gradients=n_gradients,
        seconds={**explanation.seconds, "query": explanation.seconds["query"] + ended - began},
        findings=findings or {},
        warnings=tuple(warnings),
    )
