"""Numbers with their intervals below each other, and how far scores are probabilities."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxaudio.plot.drawing import new_figure
from daxaudio.plot.texts import save_figure, set_text, shorten

MOST_ROWS = 60
"""Rows of a picture; of more, the first ones are drawn."""

_INK, _SURE, _UNSURE, _FAINT = "#333333", "#0072B2", "#8a96a3", "#b8c0c8"
_LETTERS = 46


@dataclasses.dataclass(frozen=True, eq=False)
class Intervals:
    """Numbers with intervals, from top to bottom.

    Args:
        names: one a row.
        values: `[n]`; NaN is left out.
        low: `[n]`, the lower ends; NaN where there is no interval.
        high: `[n]`, the upper ends.
        hollow: `[n]`, rows that rest on little and are drawn pale; none when empty.

    Raises:
        ValueError: when they are not of one length.
    """

    names: Sequence[str]
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    hollow: Sequence[bool] = ()

    def __post_init__(self) -> None:
        lengths = {len(one) for one in (self.names, self.values, self.low, self.high)}
        if len(lengths | ({len(self.hollow)} if len(self.hollow) else set())) != 1:
            raise ValueError("names, values and ends of intervals must be of one length")


def plot_intervals(
    intervals: Intervals,
    path: str | os.PathLike[str],
    *,
    axis: str,
    reference: float | None = None,
    reference_name: str = "",
) -> Path:
    """Draw each number as a point with its interval as a line, a row each (a forest plot).

    Args:
        intervals: at least one number; of more than `MOST_ROWS` the first are drawn.
        path: .png, .pdf or .svg.
        axis: what the numbers are.
        reference: where a dashed line stands, such as that of chance.
        reference_name: what it is.

    Returns:
        The path.

    Raises:
        ValueError: when there is no number.

    Example:
        >>> import tempfile
        >>> ends = np.array([0.6, 0.4]), np.array([0.9, 0.8])
        >>> rows = Intervals(["women", "men"], np.array([0.8, 0.6]), *ends)
        >>> plot_intervals(rows, tempfile.mkdtemp() + "/a.svg", axis="AUC", reference=0.5).name
        'a.svg'
    """
    kept = np.flatnonzero(np.isfinite(np.asarray(intervals.values, float)))[:MOST_ROWS]
    if not len(kept):
        raise ValueError("expected one number or more to draw, got none")
    figure = new_figure(8.2, 0.75 + 0.26 * len(kept))
    axes = figure.subplots()
    if reference is not None:
        axes.axvline(reference, color=_INK, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    for row, place in enumerate(kept):
        hollow = bool(len(intervals.hollow) and intervals.hollow[place])
        colour = _UNSURE if hollow else _SURE
        ends = intervals.low[place], intervals.high[place]
        if np.isfinite(ends).all():
            axes.plot(ends, (row, row), color=colour, linewidth=2.2, solid_capstyle="butt")
        face = "white" if hollow else colour
        point = float(intervals.values[place])
        axes.plot([point], [row], "o", color=colour, markerfacecolor=face, markersize=5.5, zorder=3)
    names = [shorten(intervals.names[place], _LETTERS) for place in kept]
    axes.set_yticks(range(len(kept)), names, parse_math=False)
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.grid(axis="x", color=_FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    line = f"; dashed: {reference_name}" if reference is not None and reference_name else ""
    set_text(axes.set_xlabel, f"{axis}{line}")
    return save_figure(figure, path)


def plot_calibration(
    scores: NDArray[np.float64],
    shares: NDArray[np.float64],
    counts: NDArray[np.float64],
    path: str | os.PathLike[str],
) -> Path:
    """Draw which share of recordings of a score is positive: a score that is one lies on the line.

    Args:
        scores: `[n]` mean scores of the bins, in [0, 1]; NaN of one without recordings.
        shares: `[n]` share of positives of each.
        counts: `[n]` recordings of each, written beside its point.
        path: .png, .pdf or .svg.

    Returns:
        The path.

    Raises:
        ValueError: when no bin has a recording.

    Example:
        >>> import tempfile
        >>> bins = np.array([0.2, 0.7]), np.array([0.1, 0.9]), np.array([10.0, 20.0])
        >>> plot_calibration(*bins, tempfile.mkdtemp() + "/a.svg").name
        'a.svg'
    """
    kept = np.isfinite(scores) & np.isfinite(shares) & (counts > 0)
    if not kept.any():
        raise ValueError("expected one bin or more with recordings, got none")
    figure = new_figure(4.2, 3.5)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=_INK, linestyle=(0, (4, 3)), linewidth=1)
    axes.plot(scores[kept], shares[kept], "-o", color=_SURE, linewidth=1.5, markersize=5.5)
    for x, y, n in zip(scores[kept], shares[kept], counts[kept], strict=True):
        beside = (6, -11) if y > 0.5 else (6, 6)
        axes.annotate(f"n={n:g}", (x, y), beside, textcoords="offset points", fontsize=8)
    axes.set(xlim=(-0.02, 1.08), ylim=(-0.04, 1.04))
    axes.grid(color=_FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    set_text(axes.set_xlabel, "mean score; dashed: scores that are probabilities")
    set_text(axes.set_ylabel, "share of positives")
    return save_figure(figure, path)
