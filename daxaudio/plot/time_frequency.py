"""Values `[F, T]` on true axes, drawn by librosa's `specshow`: bins in Hz, frames in seconds.

Where a front end deleted silence, times jump: what is drawn leaves a gap there. A picture has no
more columns than pixels.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Spectrogram

DELETED_COLOUR = "#C9D6E2"
"""Stands where silence was deleted."""

MOST_COLUMNS = 1300
"""Of a picture, one for each pixel of the widest panel; more frames than that are averaged."""

_JUMP = 1.5
"""Hops between two frames from which on silence was deleted between them."""


def as_array(values: Any) -> NDArray:
    """Numbers of a tensor on any device, or of anything that numpy takes."""
    return np.asarray(values.detach().double().cpu() if isinstance(values, Tensor) else values)


def draw_bins(
    axes: Axes, spectrogram: Spectrogram, values: Any, *, label: str = "", **settings: Any
) -> QuadMesh:
    """Draw `[F, T]` values where their bins and frames are.

    Args:
        axes: to draw on; get the scale and the ticks of the frequencies, time in seconds.
        spectrogram: whose axes the values have.
        values: `[F, T]`.
        label: of a colour bar beside them; "" for none.
        settings: of colours, as `pcolormesh` takes them.

    Returns:
        What was drawn, for a colour bar of several axes.
    """
    from librosa.display import specshow  # slow to come

    frequencies = as_array(spectrogram.frequencies)
    edges, columns = columns_of(spectrogram, values)
    axes.set_facecolor(DELETED_COLOUR)  # shows through where there is no frame
    mesh = specshow(
        columns,
        x_coords=edges,
        y_coords=bin_edges(frequencies),
        x_axis="s",
        y_axis=frequency_scale(frequencies),
        ax=axes,
        **settings,
    )
    axes.xaxis.set_major_formatter(ScalarFormatter())  # librosa's has three digits, 3e+03 s
    axes.set(xlabel="", ylabel="frequency (Hz)", xlim=time_edges(spectrogram))
    if label:
        cast(Figure, axes.get_figure()).colorbar(mesh, ax=axes, label=label, pad=0.01)
    return mesh


def columns_of(
    spectrogram: Spectrogram, values: Any, most: int = MOST_COLUMNS
) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
    """The columns of a picture of `[F, T]` values: one a frame, and one of NaN for each gap.

    Args:
        spectrogram: whose frames they are.
        values: `[F, T]`.
        most: frames; of more than that, those that share one of so many columns are averaged.

    Returns:
        `[n + 1]` increasing edges in seconds, and `[F, n]` columns between them.

    Example:
        >>> import torch
        >>> jumping = Spectrogram(torch.zeros(1, 3), torch.ones(1), torch.tensor([0.0, 1.0, 4.0]))
        >>> edges, columns = columns_of(jumping, [[5.0, 6.0, 7.0]])
        >>> edges.tolist(), columns.tolist()
        ([-0.5, 0.5, 1.5, 3.5, 4.5], [[5.0, 6.0, nan, 7.0]])
    """
    own = values.detach().float().cpu() if isinstance(values, Tensor) else values
    rows: NDArray[np.floating] = np.asarray(own, dtype=np.float32)
    starts, ends = frame_borders(spectrogram).T
    if len(starts) > most:
        places = ((starts - starts[0]) / (ends[-1] - starts[0]) * most).astype(int)
        first = np.flatnonzero(np.diff(places, prepend=-1))
        counts = np.diff(first, append=len(places))
        rows = np.add.reduceat(rows, first, axis=1) / counts
        starts, ends = starts[first], ends[first + counts - 1]
    gaps = np.flatnonzero(ends[:-1] < starts[1:])
    edges = np.append(np.insert(starts, gaps + 1, ends[gaps]), ends[-1])
    return edges, np.insert(rows, gaps + 1, np.nan, axis=1)


def frame_borders(spectrogram: Spectrogram) -> NDArray[np.float64]:
    """`[T, 2]` seconds at which each frame begins and ends: half-way to its neighbours.

    Half a hop from its centre where there is no neighbour, or silence was deleted before it.
    """
    times, hop = as_array(spectrogram.times), spectrogram.hop or 1.0
    middles = (times[1:] + times[:-1]) / 2
    near = np.diff(times) < _JUMP * hop
    starts = np.append(times[0] - hop / 2, np.where(near, middles, times[1:] - hop / 2))
    ends = np.append(np.where(near, middles, times[:-1] + hop / 2), times[-1] + hop / 2)
    return np.stack([starts, ends], axis=1)


def time_edges(spectrogram: Spectrogram) -> tuple[float, float]:
    """Seconds at the outer edges of the first and the last frame."""
    half = (spectrogram.hop or 1.0) / 2
    return float(spectrogram.times[0]) - half, float(spectrogram.times[-1]) + half


def with_gaps(spectrogram: Spectrogram, *series: Any) -> list[NDArray[np.float64]]:
    """Times and series `[T]` with a NaN wherever silence was deleted, so that lines break there."""
    times = as_array(spectrogram.times)
    jumps = 1 + np.flatnonzero(np.diff(times) >= _JUMP * (spectrogram.hop or 1.0))
    return [np.insert(as_array(each).astype(float), jumps, np.nan) for each in (times, *series)]


def frequency_scale(frequencies: NDArray) -> str:
    """How bins are spaced, in librosa's words: "linear", "cqt_hz" (by octaves), else "mel".

    Example:
        >>> frequency_scale(np.arange(9) * 500.0), frequency_scale(55.0 * 2 ** np.arange(4.0))
        ('linear', 'cqt_hz')
        >>> frequency_scale(np.array([250.0, 600.0, 1100.0, 2000.0]))
        'mel'
    """
    steps = np.diff(frequencies)
    if len(frequencies) < 3 or np.allclose(steps, steps[0], rtol=0.01):
        return "linear"
    if frequencies[0] > 0 and np.ptp(np.diff(np.log(frequencies))) < 1e-3:
        return "cqt_hz"
    return "mel"


def bin_edges(frequencies: NDArray) -> NDArray[np.float64]:
    """`[F + 1]` Hz at which bins meet: half-way between their centres, in octaves where these are.

    Example:
        >>> bin_edges(np.array([0.0, 100.0, 200.0])).tolist()
        [0.0, 50.0, 150.0, 250.0]
        >>> bin_edges(np.array([100.0, 400.0, 1600.0])).round(6).tolist()
        [50.0, 200.0, 800.0, 3200.0]
    """
    if len(frequencies) == 1:
        return np.array([frequencies[0] - 0.5, frequencies[0] + 0.5])
    octaves = frequency_scale(frequencies) == "cqt_hz"
    places = np.log2(frequencies) if octaves else np.asarray(frequencies, dtype=float)
    middles = (places[1:] + places[:-1]) / 2
    edges = np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])
    if octaves:
        return np.exp2(edges)
    # nothing lies below 0 Hz
    return np.append(max(edges[0], 0.0) if frequencies[0] >= 0 else edges[0], edges[1:])
