"""Recordings heard chunk by chunk, as streaming models hear them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def in_chunks(
    inputs: Tensor, ask: Callable[[Tensor], Tensor], *, axis: int, chunk: int, context: int = 0
) -> Tensor:
    """Answers to each chunk of a batch of sounds, one after the other, as `[N, L, K]`.

    Args:
        inputs: sounds, N of them along the first of several dimensions, or a single one.
        ask: a chunk with its context to its answers, `[N, L, K]` or N times K numbers.
        axis: that of the samples.
        chunk: samples of a chunk; zeros fill up the last.
        context: samples of the chunk before, in front of each chunk; zeros before the first.

    Example:
        >>> sound = torch.tensor([1.0, 2.0, 3.0])
        >>> in_chunks(sound, lambda part: part.sum(), axis=0, chunk=2).flatten()
        tensor([3., 3.])
    """
    n, n_samples = 1 if inputs.ndim == 1 else len(inputs), inputs.shape[axis]
    n_chunks = -(-n_samples // chunk)
    before, behind = (
        inputs.new_zeros([*inputs.shape[:axis], size, *inputs.shape[axis + 1 :]])
        for size in (context, n_chunks * chunk - n_samples)
    )
    inputs = torch.cat([before, inputs, behind], dim=axis)
    answers = []
    for start in range(0, n_chunks * chunk, chunk):
        answer = ask(inputs.narrow(axis, start, context + chunk))
        answers.append(answer if answer.ndim == 3 else answer.reshape(n, 1, -1))
    return torch.cat(answers, dim=1)
