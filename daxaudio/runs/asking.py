"""Ask a black box about a spectrogram, whatever it is written in, and make sure that it answered.

A score function may answer with a tensor, a NumPy array, a list or, for one input, a plain number.
Whatever asks one goes through here, and gets one finite score an input or a sentence that says what
is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from daxaudio.runs.real_numbers import as_real

Mix = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Background `[F, T]`, input `[F, T]` and masks `[n, F, T]` to masked inputs `[n, F, T]`."""

_ROUNDING = 1e-6
"""How far a probability may lie beyond 0 or 1."""


def answers(score_fn: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    """Scores `[n]` of inputs `[n, F, T]`, without gradients, where the black box left them.

    An accelerator is not waited for: who asks it many batches looks at them at the end, by
    `check_finite`.

    Args:
        score_fn: the black box.
        inputs: spectrograms.

    Returns:
        Floating numbers in the type that they came in; finite where they lie on a processor.

    Raises:
        TypeError: when `score_fn` is no function, or answers with something that is no numbers.
        ValueError: when it does not give one score per input, or one is found not to be finite.

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
    if scores.device.type == "cpu":
        check_finite(scores)
    return scores


def check_finite(scores: Tensor) -> None:
    """Refuse scores that are no numbers.

    Raises:
        ValueError: when one is NaN or infinite.
    """
    if not torch.isfinite(scores).all():
        raise ValueError("score_fn answered NaN or infinite scores")


def ask(score_fn: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    """Scores `[n]` of inputs `[n, F, T]`, on the CPU, in the type that they came in.

    Raises:
        TypeError: as `answers`.
        ValueError: when the black box does not give one finite score per input.

    Example:
        >>> ask(lambda inputs: inputs.mean(), torch.ones(1, 3, 4))
        tensor([1.])
    """
    scores = answers(score_fn, inputs).cpu()
    check_finite(scores)
    return scores


def ask_classes(probabilities: Callable[[Tensor], object], inputs: Tensor) -> Tensor:
    """Probabilities float64 `[n, C]` of inputs `[n, F, T]`, on the CPU.

    Args:
        probabilities: the black box, for all of its classes.
        inputs: spectrograms.

    Raises:
        TypeError: when it answers with something that is no numbers.
        ValueError: when it does not give C probabilities per input; beyond [0, 1] by up to 1e-6 is
            rounding.
    """
    with torch.no_grad():
        found = as_real(probabilities(inputs), "probabilities")
    if found.ndim != 2 or len(found) != len(inputs):
        raise ValueError(
            f"class_probabilities must give [n, C]: {len(inputs)} inputs, got shape "
            f"{tuple(found.shape)}"
        )
    if not bool(((found >= -_ROUNDING) & (found <= 1 + _ROUNDING)).all()):
        raise ValueError("class_probabilities left [0, 1] or answered NaN; give it a softmax")
    return found.cpu().double().clamp(0, 1)


def target_of(score_fn: object) -> str:
    """The class that a score function scores, where it says so in `target`; else "".

    `BlackBox.score_fn(target)` says so; a bare function may be given the attribute.

    Example:
        >>> target_of(lambda inputs: inputs[:, 0, 0])
        ''
    """
    return str(getattr(score_fn, "target", ""))
