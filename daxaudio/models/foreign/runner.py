"""What runs somebody else's classifier: arrays in, arrays out, and what it says of itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor


class Runner(Protocol):
    """A file, folder, service or function that can be asked; one class a kind.

    Attributes:
        described: entries of a `model.yaml` (see `Description`) that could be read off it.
    """

    described: Mapping[str, Any]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, as they are.

        Args:
            inputs: float32 in the layout of its description, at most `batch_size` of them, all of
                one length; waveforms at its own sample rate.

        Returns:
            float32, in its own output layout; each input's numbers depend on that input alone.
        """

    def digest(self) -> str:
        """Hash, 16 hexadecimal digits, that differs where its answers may."""


@dataclasses.dataclass(frozen=True)
class Opening:
    """How a model is opened.

    Args:
        told: entries of a `model.yaml` beside it, or of `--model_config`.
        allow_code: run code that comes with the model; nothing of it is run otherwise.
        device: where it runs, for kinds that can choose.
    """

    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    allow_code: bool = False
    device: torch.device | str = "cpu"
