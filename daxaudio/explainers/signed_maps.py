"""Signed attributions of gradient methods, and the masks and explanations made of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.explainers.attribution import explain_by_mask
from daxaudio.models.module_score import ModuleScore, Of

Sign = Literal["absolute", "positive"]
"""What of a signed attribution the mask shows: its size, or only what speaks for the class."""


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
    explainer: Any,
    method: str,
    spectrogram: Spectrogram,
    score: ModuleScore,
    attribution: Tensor,
    began: float,
    n_gradients: int,
    sign: Sign = "positive",
    n_values: int = 0,
    facts: Mapping[str, Any] | None = None,
    warnings: Iterable[str] = (),
) -> Explanation:
    """The explanation that a gradient method drew from its passes; asks for the input's score.

    Args:
        explainer: the dataclass whose fields are stored as settings.
        method: name of the method, as in tables.
        spectrogram: the input.
        score: asked once, for the probability of the input.
        attribution: float32 `[F, T]` on the CPU, signed, as the method defines it.
        began: `time.perf_counter()` when the passes began.
        n_gradients: forward and backward passes so far, one an input.
        sign: what of the attribution the mask shows.
        n_values: plain forward passes so far, one an input.
        facts: settings beyond the fields.
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
        spectrogram, score, mask, method, explainer, fit, attribution, seed
    )
    if not mask.any():
        warnings = (*warnings, "the attribution is nowhere above 0: nothing is marked")
    return dataclasses.replace(
        explanation,
        n_queries=explanation.n_queries + n_values,
        n_gradients=n_gradients,
        seconds={**explanation.seconds, "query": explanation.seconds["query"] + ended - began},
        settings={**explanation.settings, **(facts or {})},
        warnings=tuple(warnings),
    )
