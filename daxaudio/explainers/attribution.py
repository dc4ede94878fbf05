"""Explanations that ask the black box nothing but the score of the input."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram, target_of
from daxaudio.runs.asking import answers, check_finite
from daxaudio.runs.provenance import describe


def explain_by_mask(
    spectrogram: Spectrogram,
    score_fn: ScoreFn,
    mask: Tensor,
    method: str,
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
        >>> from daxaudio.explainers.energy import Energy
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> mask = torch.eye(2)
        >>> explain_by_mask(picture, lambda x: x[:, 0, 0], mask, "energy", Energy(), 0).score
        1.0
    """
    mask = mask.detach().float().cpu()
    began = time.perf_counter()
    score = answers(score_fn, spectrogram.values[None].clone())
    check_finite(score)
    return Explanation(
        mask,
        spectrogram.to("cpu"),
        method,
        target_of(score_fn),
        float(score),
        n_queries=1,
        seconds={"query": time.perf_counter() - began, "fit": seconds},
        settings=describe(explainer),
        seed=seed,
        attribution=mask if attribution is None else attribution.detach().float().cpu(),
    )
