"""From the numbers that a model answers with to scores of its classes."""

from __future__ import annotations

from torch import Tensor

from daxaudio.models.foreign.description import Description

_ROUNDING = 1e-3
"""How far a probability may lie beyond 0 or 1; quantised models round roughly."""


def in_frames(numbers: Tensor, n_inputs: int, description: Description) -> Tensor:
    """Numbers of a model in its own layout as `[N, L, K]`: inputs, frames in time, classes.

    Args:
        numbers: of one batch.
        n_inputs: N, inputs of the batch.
        description: of the model.

    Raises:
        ValueError: when they are not of this shape; says what came and what can be written.

    Example:
        >>> import torch
        >>> in_frames(torch.zeros(5, 2, 40), 5, Description(["a", "b"], 8000)).shape
        torch.Size([5, 40, 2])
    """
    n_classes = len(description.classes)
    layout = description.output_layout
    if layout == "auto":
        layout = _guess(tuple(numbers.shape), n_inputs, n_classes)
    letters = layout.split()
    if numbers.ndim != len(letters):
        raise _misfit(numbers, n_inputs, description)
    for letter in ("N", "L", "K"):
        if letter not in letters:
            numbers, letters = numbers[..., None], [*letters, letter]
    found = numbers.permute(*(letters.index(letter) for letter in "NLK"))
    if found.shape[0] != n_inputs or found.shape[2] != n_classes:
        raise _misfit(numbers, n_inputs, description)
    return found.float()


def _guess(shape: tuple[int, ...], n_inputs: int, n_classes: int) -> str:
    """The layout by the numbers of dimensions and classes; "" when none fits."""
    of_one = n_inputs == 1
    fits = {
        "N K": shape == (n_inputs, n_classes),
        "N L K": len(shape) == 3 and (shape[0], shape[2]) == (n_inputs, n_classes),
        "N K L": len(shape) == 3 and shape[:2] == (n_inputs, n_classes),
        "N": shape == (n_inputs,) and n_classes == 1,
        "N L": len(shape) == 2 and shape[0] == n_inputs and n_classes == 1,
        "K": of_one and shape == (n_classes,),
        "L K": of_one and len(shape) == 2 and shape[1] == n_classes,
    }
    return next((layout for layout, fit in fits.items() if fit), "")


def _misfit(numbers: Tensor, n_inputs: int, description: Description) -> ValueError:
    return ValueError(
        f"the model answers with shape {tuple(numbers.shape)} for {n_inputs} inputs, which does "
        f"not fit its {len(description.classes)} classes as {description.output_layout}: name one "
        "class for each number in `classes`, and say by `output_layout` what the dimensions are "
        "(N inputs, L frames, K classes), or by `output_name` which output it is"
    )


def activated(numbers: Tensor, description: Description) -> Tensor:
    """Scores `[N, L, K]` of numbers `[N, L, K]`, as `output` and `activation` say.

    Raises:
        ValueError: when they are NaN or infinite, or no probabilities where they should be.
    """
    if not bool(numbers.isfinite().all()):
        raise ValueError("the model answers with NaN or infinite numbers for this recording")
    if description.activation == "softmax":
        return numbers.softmax(dim=-1)
    if description.activation == "sigmoid":
        return numbers.sigmoid()
    if description.output in ("regression", "logits"):
        return numbers
    low, high = float(numbers.min()), float(numbers.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        advice = "activation: sigmoid" if description.output == "multi_label" else "output: logits"
        raise ValueError(
            f"`output` is {description.output}, but the model answers with numbers from {low:.3g} "
            f"to {high:.3g}, which are no probabilities: write `{advice}`, or `output: regression`"
        )
    return numbers.clamp(0, 1)


def doubt(numbers: Tensor, description: Description) -> str:
    """What speaks against the `output` that a model is taken to answer with; "" where nothing does.

    Args:
        numbers: `[N, L, K]`, of its first answer.
        description: of the model.

    Example:
        >>> import torch
        >>> taken_for_logits = Description(["a", "b"], 8000)
        >>> doubt(torch.tensor([[[3.0, -1.0]]]), taken_for_logits)
        ''
        >>> print(doubt(torch.tensor([[[0.9, 0.1]]]), taken_for_logits))
        its numbers are taken for logits, but add up to 1 as probabilities do: if they are, write \
`output: probabilities`
    """
    sums = numbers.sum(dim=-1)
    add_up = bool((numbers >= 0).all()) and bool(((sums - 1).abs() < _ROUNDING).all())
    if description.activation != "softmax" or not add_up:
        return ""
    return (
        f"its numbers are taken for {description.output}, but add up to 1 as probabilities do: "
        "if they are, write `output: probabilities`"
    )


def pooled(scores: Tensor, description: Description) -> Tensor:
    """One score a class `[N, K]` of scores by frame `[N, L, K]`, as `frames` says.

    Example:
        >>> import torch
        >>> heard = Description(["a"], 8000, output="multi_label", frames="noisy_or")
        >>> float(pooled(torch.tensor([[[0.5], [0.5]]]), heard))
        0.75
    """
    if description.frames == "mean":
        return scores.mean(dim=1)
    if description.frames == "max":
        return scores.amax(dim=1)
    if description.frames == "noisy_or":
        return 1 - (1 - scores).prod(dim=1)
    return scores.topk(min(description.top_k, scores.shape[1]), dim=1).values.mean(dim=1)
