"""Ask a black box about a spectrogram, whatever it is written in, and make sure that it answered.

A score function may answer with a tensor, a NumPy array, a list or, for one input, a plain number.
Tensors stay on their device and are not waited for: who asks many batches checks them at the end.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from daxaudio.runs.real_numbers import as_real


def answers(score_fn: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    """Scores `[n]` of inputs `[n, F, T]`, without gradients, where the black box left them.

    Args:
        score_fn: the black box.
        inputs: spectrograms.

    Returns:
        Floating numbers in the type that they came in; they may still be NaN (see `check_finite`).

    Raises:
        TypeError: when `score_fn` is no function, or answers with something that is no numbers.
        ValueError: when it does not give one score per input.

    Example:
        >>> answers(lambda inputs: [float(one.mean()) for one in inputs], torch.ones(2, 3, 4))
        tensor([1., 1.], dtype=torch.float64)
    """
    if not callable(score_fn):
        raise TypeError(
            f"score_fn must be a function of spectrograms [N, F, T], got a "
            f"{type(score_fn).__name__}; of a BlackBox take .score_fn(class name)"
        )
    with torch.no_grad():
        scores = as_real(score_fn(inputs), "score_fn: scores")
    if scores.ndim == 0:
        scores = scores[None]
    if scores.shape != (len(inputs),):
        raise ValueError(
            f"score_fn must give one score per input: {len(inputs)} inputs, got shape "
            f"{tuple(scores.shape)}; choose one class, and take away dimensions of 1"
        )
    return scores


def check_finite(scores: Tensor) -> None:
    """Refuse scores that are no numbers.

    Raises:
        ValueError: when one is NaN or infinite.
    """
    if not torch.isfinite(scores).all():
        raise ValueError("score_fn answered NaN or infinite scores")


def ask(score_fn: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    """Scores float32 `[n]` of inputs `[n, F, T]`, on the CPU.

    Raises:
        TypeError: as `answers`.
        ValueError: when the black box does not give one finite score per input.

    Example:
        >>> ask(lambda inputs: 0.5, torch.ones(1, 3, 4))
        tensor([0.5000])
    """
    scores = answers(score_fn, inputs)
    check_finite(scores)
    return scores.float().cpu()
