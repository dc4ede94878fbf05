"""Spectrogram and mask as small pictures that a page stretches: a pixel a bin, the times even.

A picture's rows are the bins, all of one height, so that its frequency axis is linear, in mels or
in octaves as the bins are. Its columns are equally long; where silence was deleted it is clear.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.plot.drawing import MOST_BORDER, border_share, mask_limits
from daxaudio.plot.time_frequency import as_array, columns_of, frequency_scale, time_edges

MOST_COLUMNS = 4096
"""Of a picture; more frames than that are averaged."""

_MASK_COLOUR = (230, 159, 0)
_LEAST_APART = 0.075  # of the height, between two labels of frequencies
_MOST_LINES = 20_000  # of a contour; more would hide the picture
_ROUND = [one * 10**power for power in range(6) for one in (1, 2, 5)]


def picture_of(explanation: Explanation) -> dict[str, Any]:
    """What a page draws of the spectrogram and of the mask over it.

    Args:
        explanation: any.

    Returns:
        `start` and `end` of the pictures in seconds, `level` and `mask` as data URIs of PNG files,
        `columns` and `rows` of them, `contour` of the mask half-way between its lowest and highest
        value as the path of an SVG in pixels ("" where it would hide the picture), the ends of both
        colour scales, and `ticks` of frequency: what is written at which share of the height.

    Example:
        >>> import torch
        >>> shown = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> picture = picture_of(Explanation(torch.rand(8, 20), shown, "rise"))
        >>> picture["columns"], picture["rows"], picture["ticks"][0]
        (20, 8, ('1 kHz', 0.1875))
    """
    spectrogram = explanation.spectrogram
    start, end = time_edges(spectrogram)
    level, mask = (
        _on_even_times(spectrogram, values) for values in (spectrogram.values, explanation.mask)
    )
    quiet, loud = float(spectrogram.values.min()), float(spectrogram.values.max())
    low, high = mask_limits(explanation.mask)
    return {
        "start": start,
        "end": end,
        "columns": level.shape[1],
        "rows": level.shape[0],
        "level": _png(_shades(level, quiet, loud), _greys()),
        "mask": _png(_shades(mask, low, high), _oranges()),
        "contour": _contour(mask, (low + high) / 2),
        "limits": {"level": [quiet, loud], "mask": [low, high], "unit": spectrogram.unit},
        "ticks": frequency_ticks(as_array(spectrogram.frequencies)),
    }


def frequency_ticks(frequencies: NDArray) -> list[tuple[str, float]]:
    """Round frequencies, and at which share of the height from below they lie.

    Args:
        frequencies: `[F]` centres of bins of one height, in Hz, increasing.

    Example:
        >>> [text for text, _ in frequency_ticks(55.0 * 2 ** (np.arange(48) / 12))]
        ['100 Hz', '200 Hz', '500 Hz']
        >>> [text for text, _ in frequency_ticks(np.arange(257) * 31.25)]
        ['0 Hz', '2 kHz', '4 kHz', '6 kHz', '8 kHz']
    """
    low, high = float(frequencies[0]), float(frequencies[-1])
    if frequency_scale(frequencies) == "linear":
        wanted = np.asarray(MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high))
    else:
        wanted = np.asarray([0, *_ROUND])
    bins = np.arange(len(frequencies)) + 0.5
    found: list[tuple[str, float]] = []
    for frequency in wanted[(wanted >= low) & (wanted <= high)]:
        octaves = frequency_scale(frequencies) == "cqt_hz"
        axis, place = (np.log2(frequencies), np.log2(frequency)) if octaves else (frequencies, 0)
        share = float(np.interp(place if octaves else frequency, axis, bins)) / len(frequencies)
        if not found or share - found[-1][1] >= _LEAST_APART:
            found.append((_in_hz(float(frequency)), share))
    return found


def _in_hz(frequency: float) -> str:
    return f"{frequency / 1000:g} kHz" if frequency >= 1000 else f"{frequency:g} Hz"


def _on_even_times(spectrogram: Spectrogram, values: Any) -> NDArray[np.float64]:
    """`[F, n]` columns of one length from the first to the last edge; NaN where nothing is."""
    edges, columns = columns_of(spectrogram, values, MOST_COLUMNS)
    hop = spectrogram.hop or 1.0
    n_columns = min(max(1, round((edges[-1] - edges[0]) / hop)), MOST_COLUMNS)
    middles = edges[0] + (np.arange(n_columns) + 0.5) * (edges[-1] - edges[0]) / n_columns
    places = np.searchsorted(edges, middles, side="right") - 1
    return columns[:, places.clip(0, columns.shape[1] - 1)].astype(np.float64)


def _shades(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    """1 to 255 from the lowest to the highest value, 0 where there is none; low bins last."""
    scaled = (values - low) / ((high - low) or 1.0)
    shades = np.where(np.isnan(scaled), 0, 1 + np.rint(254 * np.nan_to_num(scaled).clip(0, 1)))
    return shades[::-1].astype(np.uint8)


def _greys() -> NDArray[np.uint8]:
    """Red, green, blue and opacity of each shade of the level: none, then black to white."""
    grey = np.rint(np.linspace(0, 255, 255))
    colours = np.stack([grey, grey, grey, np.full(255, 255)], axis=1)
    return np.concatenate([np.zeros((1, 4)), colours]).astype(np.uint8)


def _oranges() -> NDArray[np.uint8]:
    """The mask's colour, that is the more opaque the larger the mask is."""
    share = np.concatenate([[0], np.linspace(0, 1, 255)])
    opacity = np.interp(share, [0, 0.5, 1], [0, 0.35, 1])
    colours = np.tile(np.array([*_MASK_COLOUR, 0]), (256, 1))
    colours[:, 3] = np.rint(255 * opacity)
    return colours.astype(np.uint8)


def _png(shades: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    image = Image.fromarray(shades)
    image.putpalette(palette[:, :3].tobytes())
    content = io.BytesIO()
    image.save(content, "PNG", transparency=palette[:, 3].tobytes())
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def _contour(mask: NDArray[np.float64], level: float) -> str:
    """The border of what lies above a level, along the pixels, as the path of an SVG."""
    inside = np.nan_to_num(mask, nan=-np.inf)[::-1] > level
    if min(mask.shape) < 2 or not 0 < border_share(inside) <= MOST_BORDER:
        return ""
    rows = _runs(inside[1:] != inside[:-1])
    columns = _runs((inside[:, 1:] != inside[:, :-1]).T)
    if len(rows) + len(columns) > _MOST_LINES:
        return ""
    lines = [f"M{first} {row + 1}H{stop}" for row, first, stop in rows]
    return "".join(lines + [f"M{column + 1} {first}V{stop}" for column, first, stop in columns])


def _runs(borders: NDArray[np.bool_]) -> list[list[int]]:
    """Row, first and past the last column of each run of true values."""
    steps = np.diff(borders.astype(np.int8), axis=1, prepend=0, append=0)
    rows, first = (steps == 1).nonzero()
    return np.stack([rows, first, (steps == -1).nonzero()[1]], axis=1).tolist()
