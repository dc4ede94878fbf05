"""Mean ranks of methods on a line, and which of them are not told apart."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from daxaudio.metrics import RankComparison
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.texts import save_figure, set_text, shorten

_LEADER, _METHOD, _REFERENCE, _ALIKE = "#D55E00", "#222222", "#8A8A8A", "#0072B2"
_NAME, _BAR = 0.24, 0.14  # inches of height, of a name and of a bar below the line
_WIDTH = 9.5  # inches


def plot_ranks(
    ranks: RankComparison,
    path: str | os.PathLike[str],
    *,
    leader: str = "",
    references: Collection[str] = (),
    title: str = "",
) -> Path:
    """Draw a critical-difference diagram (Demsar 2006): the best methods stand on the left.

    Methods that a bar joins are not told apart by Nemenyi's test. Differs from the paper's in that
    the names of both halves read from the line outwards with their mean rank, and bars lie between
    the line and the names, so that fifteen methods are readable.

    Args:
        ranks: as `rank_methods` gives them.
        path: file to write.
        leader: a method that stands out.
        references: methods that explain nothing and show what a score is worth; they are grey.
        title: what was ranked; how many blocks there are is written behind it.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> from daxaudio.metrics import rank_methods
        >>> ranks = rank_methods([[0.9, 0.5, 0.1]] * 5, ["ours", "rise", "random"])
        >>> plot_ranks(ranks, tempfile.mkdtemp() + "/a.png", references=["random"]).name
        'a.png'
    """
    means = ranks.mean_ranks
    n_left = (len(means) + 1) // 2
    bars = _stack(ranks)
    depth = max((row for *_, row in bars), default=-1) + 1
    first = depth * _BAR + 0.3  # where names begin, inches below the line
    bottom = first + n_left * _NAME
    above = 1.1  # of the ticks, the critical difference and the title
    figure = new_figure(_WIDTH, above + bottom, layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, _WIDTH)
    axes.set_ylim(-bottom, above)
    place = _Places(len(means))
    _draw_scale(axes, place, ranks, title)
    for start, end, row in bars:
        y = -_BAR * (row + 0.8)
        edges = place(start) - 0.04, place(end) + 0.04
        axes.plot(edges, (y, y), color=_ALIKE, linewidth=4, solid_capstyle="butt", gid="alike")
    for number, (name, mean) in enumerate(means.items()):
        colour = _LEADER if name == leader else _REFERENCE if name in references else _METHOD
        on_left = number < n_left
        row = number if on_left else len(means) - 1 - number
        y, x = -first - row * _NAME, place(mean)
        edge = place.left - 0.12 if on_left else place.right + 0.12
        axes.plot((x, x, edge), (0, y, y), color=colour, linewidth=0.9, zorder=1)
        _write(axes, edge, y, name, mean, on_left=on_left, colour=colour, bold=name == leader)
    return save_figure(figure, path)


class _Places:
    """Where a rank stands on the line, in inches from the left edge of the picture."""

    left, right = 2.75, _WIDTH - 2.75

    def __init__(self, n_methods: int) -> None:
        self.n_methods = n_methods

    def __call__(self, rank: float) -> float:
        return self.left + (rank - 1) / (self.n_methods - 1) * (self.right - self.left)


def _stack(ranks: RankComparison) -> list[tuple[float, float, int]]:
    """First and last mean rank of each group that is not told apart, and the row of its bar."""
    means, ends, found = ranks.mean_ranks, list[float](), []
    gap = 0.02 * (len(means) - 1)
    for group in ranks.alike:
        start, end = means[group[0]], means[group[-1]]
        free = [row for row, last in enumerate(ends) if last + gap < start]
        row = free[0] if free else len(ends)
        ends[row : row + 1] = [end]
        found.append((start, end, row))
    return found


def _draw_scale(axes: Axes, place: _Places, ranks: RankComparison, title: str) -> None:
    axes.plot((place(1), place(place.n_methods)), (0, 0), color="black", linewidth=1.2)
    step = -(-place.n_methods // 12)
    for rank in range(1, place.n_methods + 1):
        x, labelled = place(rank), (rank - 1) % step == 0
        axes.plot((x, x), (0, 0.09 if labelled else 0.05), color="black", linewidth=1)
        if labelled:
            axes.text(x, 0.12, str(rank), ha="center", va="bottom", fontsize=8.5)
    width = ranks.critical_difference
    end, y = 1 + min(width, place.n_methods - 1), 0.42
    axes.plot((place(1), place(end)), (y, y), color="black", linewidth=1.2, marker="|")
    text = f"critical difference {width:.2f} (level {ranks.alpha:g})"
    if width > place.n_methods - 1:
        text += ", wider than the line"
    axes.text(place(1), y + 0.06, text, ha="left", va="bottom", fontsize=8.5)
    words = f"{ranks.n_blocks} blocks, Friedman p {_p_value(ranks.p_value)}"
    words += f", Kendall's W {ranks.kendall_w:.2f}"
    line = shorten("; ".join(filter(None, [title, words])), 120)
    set_text(axes.set_title, line, y=0.0, fontsize=10)
    axes.title.set_position((0.5, 1 - 0.28 / (axes.get_ylim()[1] - axes.get_ylim()[0])))


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _write(
    axes: Axes,
    x: float,
    y: float,
    name: str,
    mean: float,
    *,
    on_left: bool,
    colour: str,
    bold: bool,
) -> None:
    """A method's name outwards from its line, with its mean rank."""
    number, side = f"{mean:.2f}", shorten(name, 26)
    text = f"{side}  {number}" if on_left else f"{number}  {side}"
    settings: dict[str, Any] = {"ha": "right" if on_left else "left", "va": "center"}
    settings |= {"fontsize": 9.5, "color": colour, "weight": "bold" if bold else "normal"}
    shift = -0.06 if on_left else 0.06
    axes.text(x + shift, y, text, parse_math=False, **settings)
