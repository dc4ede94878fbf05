"""How many inputs are made, or asked about, at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch

BatchSize = int | Literal["auto"]
"""How many inputs at once: a number, or what suits the device (see `fit_batch`)."""

MOST_BINS = 2**23
"""Bins of the inputs, or masks, made at once where nothing is trained: 32 MiB of float32."""

MOST_BINS_ON_DEVICE = 2**25
"""The same on an accelerator, which is kept busy by large batches: 128 MiB."""

AUTO_BATCH = 32
"""Most inputs at once on a processor where "auto" is asked for and a black box answers."""

AUTO_BINS = 3 * 2**17
"""Most bins of these: what lies between the layers of more leaves a processor's caches."""

MOST_AT_ONCE = 4096
"""Inputs at once on an accelerator, where they are small."""


def fit_batch(
    batch_size: BatchSize,
    shape: Sequence[int],
    device: torch.device | str = "cpu",
    on_processor: int | None = None,
) -> int:
    """How many inputs to make at once: `batch_size`, or fewer of a long recording, at least 1.

    "auto" depends on the shape alone on a processor, so that a run gives the same bits again, for
    rounding may depend on it: as many as `AUTO_BINS` hold, at most `AUTO_BATCH` (measured: see
    `benchmarks.throughput`). On an accelerator it is as many as `MOST_BINS_ON_DEVICE` hold, a power
    of two.

    Args:
        batch_size: how many were asked for, or "auto".
        shape: of one input.
        device: where they are made.
        on_processor: what "auto" is there, where no black box answers.

    Example:
        >>> fit_batch("auto", (64, 500)), fit_batch(64, (64, 60000))  # 5 s and 10 minutes
        (12, 2)
        >>> fit_batch("auto", (64, 500), "cuda"), fit_batch(64, (64, 500), "cuda")
        (1024, 64)
    """
    is_processor = torch.device(device).type == "cpu"
    room = (MOST_BINS if is_processor else MOST_BINS_ON_DEVICE) // math.prod(shape)
    if batch_size != "auto":
        return max(1, min(batch_size, room))
    if is_processor:
        wanted = on_processor or min(AUTO_BATCH, AUTO_BINS // math.prod(shape))
        return max(1, min(wanted, room))
    return 2 ** max(0, min(MOST_AT_ONCE, room).bit_length() - 1)


def check_batch_size(batch_size: BatchSize) -> None:
    """Raise ValueError when it is neither "auto" nor a whole number of at least 1."""
    if batch_size != "auto" and (type(batch_size) is not int or batch_size < 1):
        raise ValueError(f"batch_size must be at least 1, got {batch_size!r}; or take 'auto'")
