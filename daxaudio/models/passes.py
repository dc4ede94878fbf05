"""How many inputs one forward pass of a module takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from daxaudio.runs.batches import BatchSize, check_batch_size, fit_batch
from daxaudio.runs.progress import wait_for

_FIRST = 64
"""Inputs of the first passes on an accelerator."""

_GAIN = 1.02
"""Passes must get faster by this factor an input for a larger batch to be worth its memory."""


class PassSize:
    """The batch size of a module's forward passes; less when memory runs out.

    A number stays what it is. "auto" is what `fit_batch` says on a processor. On an accelerator it
    begins at 64 and is doubled for as long as that raises the inputs a second, measured on passes
    that are asked for anyway: the second full one of each size, as the first prepares kernels. What
    is found once holds for all shapes, by their numbers of bins.

    Args:
        batch_size: a number, or "auto".
        device: where the module runs.
        fixed: never grow, as compiled modules want batches of one size: "auto" is then what
            `fit_batch` says.

    Attributes:
        size: inputs at once, of the shape that was first measured.

    Raises:
        ValueError: when the number is below 1.
    """

    def __init__(self, batch_size: BatchSize, device: torch.device, fixed: bool = False) -> None:
        check_batch_size(batch_size)
        fixed = fixed or device.type == "cpu"
        self.size = self._first = _FIRST if batch_size == "auto" else batch_size
        self.growing = batch_size == "auto" and not fixed
        self._fixed = batch_size == "auto" and fixed
        self._device = device
        self._bins: int | None = None
        self._n_passes = 0
        self._best = (0.0, self.size)  # inputs a second, and the size that reached them

    def of(self, shape: Sequence[int]) -> int:
        """How many inputs of a shape one pass takes."""
        bins = math.prod(shape)
        if self._bins is None:
            return fit_batch("auto", shape, self._device) if self._fixed else self.size
        if bins == self._bins:
            return self.size
        size = max(1, self.size * self._bins // bins)
        return size - size % 8 if size > 8 else size

    @property
    def backward(self) -> int:
        """Inputs of a backward pass, which takes more memory than what forward passes grew to."""
        return min(self.size, self._first)

    def run(self, forward: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        """One pass, timed while the size still grows."""
        if not self.growing or len(inputs) < self.of(inputs.shape[1:]):
            return forward(inputs)
        if self._bins is None:
            self._bins = math.prod(inputs.shape[1:])
        wait_for(inputs.device)
        began = time.perf_counter()
        found = forward(inputs)
        wait_for(found.device)
        self._measured(len(inputs) / (time.perf_counter() - began))
        return found

    def halve(self, inputs: Tensor) -> bool:
        """Take half as much as these, which did not fit into memory; False when it was one."""
        self.growing = False
        if len(inputs) == 1:
            return False
        bins = math.prod(inputs.shape[1:])
        self._bins = self._bins or bins
        self.size = max(1, len(inputs) // 2 * bins // self._bins)
        return True

    def _measured(self, rate: float) -> None:
        self._n_passes += 1
        if self._n_passes % 2:
            return
        best, size = self._best
        if rate < _GAIN * best:
            self.size, self.growing = size, False
        else:
            self._best, self.size = (rate, self.size), 2 * self.size
