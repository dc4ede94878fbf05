"""Weights of a module: whether they are numbers at all."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def check_finite(weights: Mapping[str, Tensor], where: str) -> None:
    """Raise ValueError when a weight is NaN or infinite: every score would be NaN.

    Args:
        weights: as `state_dict` of a module gives them.
        where: whose they are, for the error.

    Example:
        >>> import torch
        >>> check_finite({"layer.bias": torch.tensor([0.0, torch.nan])}, "model.safetensors")
        Traceback (most recent call last):
        ValueError: model.safetensors: 1 of 1 weights hold NaN or infinite numbers, the first is \
'layer.bias'
    """
    wrong = [
        name
        for name, values in weights.items()
        if values.is_floating_point() and not bool(values.isfinite().all())
    ]
    if wrong:
        raise ValueError(
            f"{where}: {len(wrong)} of {len(weights)} weights hold NaN or infinite numbers, the "
            f"first is {wrong[0]!r}"
        )
