"""A module compiled for long runs: batches of one size, kernels fused, launches recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daxaudio.models.module_score import logits_of, out_of_memory

logger = logging.getLogger(__name__)

_SMALLEST_SHARE = 8
"""Batches smaller than the fixed one by this factor are not worth padding."""


class CompiledModule:
    """Calls a module through `torch.compile`, in batches of one fixed size for each shape.

    Compiling takes about a minute for a large network, once for each shape of input, so it pays
    for long runs on recordings of one length. On a GPU the launches of all kernels are recorded
    (CUDA graphs), for which every batch must have one size: the last one is padded with zeros, and
    what is answered to these is thrown away. Batches of less than an eighth of that size go
    through the module as it is. Scores differ from those of the plain module by rounding.

    Where nothing can be compiled (torch finds no compiler), or the recorded passes do not fit into
    memory, one warning says so, and the plain module answers.

    Args:
        module: inputs `[n, F, T]` to `[n, C]`, in eval mode.
        size_of: shape of an input to the fixed number of inputs in a batch.

    Example:
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
        >>> compiled = CompiledModule(module, lambda shape: 64)
        >>> compiled(torch.ones(1, 2, 3)).shape  # too few to be worth it
        torch.Size([1, 2])
    """

    def __init__(self, module: nn.Module, size_of: Callable[[Sequence[int]], int]) -> None:
        self.module = module
        self.size_of = size_of
        self._compiled: Callable[[Tensor], Tensor] | None = None
        self._usable = True

    def __call__(self, inputs: Tensor) -> Tensor:
        """What the module answers to inputs `[n, F, T]`, at most as many as the fixed size."""
        size = self.size_of(inputs.shape[1:])
        if not self._usable or _SMALLEST_SHARE * len(inputs) < size:
            return self.module(inputs)
        try:
            return self._padded(inputs, size)
        except Exception as error:
            no_memory = isinstance(error, RuntimeError) and out_of_memory(error)
            if not _is_of_the_compiler(error) and not no_memory:
                raise
            logger.warning("goes on without compile: %s", _in_one_line(error))
            self._usable = False
            return self.module(inputs)

    def _padded(self, inputs: Tensor, size: int) -> Tensor:
        if self._compiled is None:
            self._compiled = torch.compile(self.module, dynamic=False, mode="reduce-overhead")
        if len(inputs) < size:
            padded = F.pad(inputs, (0, 0, 0, 0, 0, size - len(inputs)))
        else:
            padded = inputs
        torch.compiler.cudagraph_mark_step_begin()
        # A copy: the next call writes to where this one's answer stands.
        return logits_of(self._compiled(padded), size)[: len(inputs)].clone()


def _is_of_the_compiler(error: Exception) -> bool:
    """Whether an error comes from torch's compiler and not from the module."""
    parts = {kind.__module__.partition(".")[2].split(".")[0] for kind in type(error).__mro__}
    return bool(parts & {"_dynamo", "_inductor"})


def _in_one_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip() if lines else ''}"
