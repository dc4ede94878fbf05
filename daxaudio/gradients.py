"""The score of one class of a torch module, and what gradient methods may ask of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torch import Tensor, nn


@dataclasses.dataclass(frozen=True, eq=False)
class ModuleScore:
    """The score of one class: a black box to ask, and the module behind it to look into.

    Args:
        module: `[N, F, T]` spectrograms in dB to logits `[N, C]`, in eval mode.
        index: of the class, from 0 to C - 1.
        ask: `[N, F, T]` to probabilities `[N, C]`, without gradients, as the black box runs it
            (batches, precision).
        batch_size: most inputs of one backward pass.
    """

    module: nn.Module
    index: int
    ask: Callable[[Tensor], Tensor]
    batch_size: int = 64

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """Probabilities `[N]` of the class for spectrograms `[N, F, T]`, without gradients."""
        return self.ask(spectrograms)[:, self.index]
