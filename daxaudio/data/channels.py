"""Several channels of a recording become one: their average, or one of them."""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import Tensor

from daxaudio.runs.once import warn_once

_log = logging.getLogger(__name__)

_LOST = 0.1
"""Share of the power that unrelated channels would leave; an average below it lost most."""

_BLOCK = 1 << 20


def one_channel(samples: np.ndarray, channel: int | None, place: str) -> Tensor:
    """One channel of several: the one asked for, or the average of all.

    Channels of opposite phases cancel when they are averaged, and what is left is mostly rounding.
    N unrelated channels leave an N-th of their mean power; an average with less than a tenth of
    that is warned of, once a place, with the channel to take in its stead.

    Args:
        samples: float32 `[S, C]`.
        channel: which one, from 1 to C; None for the average.
        place: stands before errors and warnings, such as the file's name.

    Returns:
        float32 `[1, S]`.

    Raises:
        ValueError: when there is no such channel, or when all zeros are left of channels that are
            not silent.

    Example:
        >>> samples = np.array([[0.5, 0.0], [0.25, 0.25]], dtype=np.float32)
        >>> one_channel(samples, None, "a.wav"), one_channel(samples, 2, "a.wav")
        (tensor([[0.2500, 0.2500]]), tensor([[0.0000, 0.2500]]))
    """
    n_channels = samples.shape[1]
    if channel is not None:
        if not 1 <= channel <= n_channels:
            raise ValueError(
                f"{place}: has {n_channels} channel{'s' * (n_channels > 1)}, there is no channel "
                f"{channel}; channels are counted from 1"
            )
        return torch.from_numpy(samples[:, channel - 1].copy()).unsqueeze(0)
    average = torch.from_numpy(samples).mean(dim=1).unsqueeze(0)
    if n_channels > 1:
        _log.info("%s: averaged %d channels to one", place, n_channels)
        _check_average(average, samples, place)
    return average


def _check_average(average: Tensor, samples: np.ndarray, place: str) -> None:
    """Raise or warn when channels cancel."""
    powers = _powers(samples)
    left, expected = float(_powers(average.numpy().T)[0]), powers.mean() / len(powers)
    if left >= _LOST * expected:
        return
    loudest = 1 + int(powers.argmax())
    remedy = f"take one of them, for instance --channel {loudest} (the loudest)"
    if not average.any():
        raise ValueError(
            f"{place}: its {len(powers)} channels cancel when averaged; all zeros are left; "
            f"{remedy}"
        )
    warn_once(
        _log,
        f"{place}: its {len(powers)} channels cancel when averaged, {left / powers.mean():.2g} of "
        f"their power is left; {remedy}",
    )


def _powers(samples: np.ndarray) -> np.ndarray:
    """Mean square of each channel `[C]`, block by block: squares of a long recording are large."""
    blocks = (samples[i : i + _BLOCK] for i in range(0, len(samples), _BLOCK))
    return sum(np.square(block, dtype=np.float64).sum(axis=0) for block in blocks) / len(samples)
