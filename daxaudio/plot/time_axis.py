"""Frames at their true times, and no more columns than a picture has pixels.

Where a front end deleted silence, times jump: what is drawn leaves a gap there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Spectrogram

MOST_COLUMNS = 2600
"""Of a picture: two for each pixel of the widest panel; more frames than that are averaged."""

_JUMP = 1.5
"""Hops between two frames from which on silence was deleted between them."""

_NEAR = 0.55
"""Hops from a frame's centre up to which a column shows it: half a hop, and rounding."""


def as_array(values: Any) -> NDArray:
    """Numbers of a tensor on any device, or of anything that numpy takes."""
    return np.asarray(values.detach().double().cpu() if isinstance(values, Tensor) else values)


def time_edges(spectrogram: Spectrogram) -> tuple[float, float]:
    """Seconds at the outer edges of the first and the last frame."""
    half = (spectrogram.hop or 1.0) / 2
    return float(spectrogram.times[0]) - half, float(spectrogram.times[-1]) + half


def even_columns(
    spectrogram: Spectrogram, values: Any, most: int = MOST_COLUMNS
) -> NDArray[np.floating]:
    """`[F, T]` values in columns of equal width from the first frame's edge to the last one's.

    Args:
        spectrogram: whose frames they are.
        values: `[F, T]`.
        most: columns; of more frames than that, those that share a column are averaged.

    Returns:
        `[F, n]`, a column a hop or wider; NaN where there is no frame.

    Example:
        >>> import torch
        >>> jumping = Spectrogram(torch.zeros(1, 3), torch.ones(1), torch.tensor([0.0, 1.0, 4.0]))
        >>> even_columns(jumping, [[5.0, 6.0, 7.0]]).tolist()
        [[5.0, 6.0, nan, nan, 7.0]]
    """
    own = values.detach().float().cpu() if isinstance(values, Tensor) else values
    rows, times = np.asarray(own, dtype=np.float32), as_array(spectrogram.times)
    left, right = time_edges(spectrogram)
    hop = spectrogram.hop or 1.0
    n_columns = max(1, round((right - left) / hop))
    if n_columns > most:
        return _averaged(rows, ((times - left) / (right - left) * most).astype(int), most)
    centres = column_centres(spectrogram, n_columns)
    places = _nearest(times, centres)
    near = np.abs(times[places] - centres) <= _NEAR * hop
    return np.where(near, rows[:, places], np.float32(np.nan))


def column_centres(spectrogram: Spectrogram, n_columns: int) -> NDArray[np.float64]:
    """Seconds at the middle of each of `n_columns` columns of `even_columns`."""
    left, right = time_edges(spectrogram)
    return left + (np.arange(n_columns) + 0.5) * (right - left) / n_columns


def frame_borders(spectrogram: Spectrogram) -> NDArray[np.float64]:
    """`[T, 2]` seconds at which each frame begins and ends: half-way to its neighbours.

    Half a hop from its centre where there is no neighbour, or silence was deleted before it.
    """
    times, half = as_array(spectrogram.times), (spectrogram.hop or 1.0) / 2
    middles = (times[1:] + times[:-1]) / 2
    near = np.diff(times) < 2 * _JUMP * half
    starts = np.concatenate([[times[0] - half], np.where(near, middles, times[1:] - half)])
    ends = np.concatenate([np.where(near, middles, times[:-1] + half), [times[-1] + half]])
    return np.stack([starts, ends], axis=1)


def with_gaps(spectrogram: Spectrogram, *series: Any) -> list[NDArray[np.float64]]:
    """Times and series `[T]` with a NaN wherever silence was deleted, so that lines break there."""
    times = as_array(spectrogram.times)
    jumps = 1 + np.flatnonzero(np.diff(times) >= _JUMP * (spectrogram.hop or 1.0))
    return [np.insert(as_array(each).astype(float), jumps, np.nan) for each in (times, *series)]


def _nearest(times: NDArray, wanted: NDArray) -> NDArray:
    """For each wanted time the place of the nearest of increasing times."""
    after = np.searchsorted(times, wanted).clip(max=len(times) - 1)
    before = (after - 1).clip(min=0)
    closer = np.abs(times[before] - wanted) <= np.abs(times[after] - wanted)
    return np.where(closer, before, after)


def _averaged(rows: NDArray, columns: NDArray, n_columns: int) -> NDArray[np.floating]:
    """Mean of the frames of each column; NaN without one. Nothing as long as `rows` is made."""
    found, first, counts = np.unique(
        columns.clip(0, n_columns - 1), return_index=True, return_counts=True
    )
    even = np.full((len(rows), n_columns), np.nan, dtype=np.float32)
    even[:, found] = np.add.reduceat(rows, first, axis=1) / counts
    return even
