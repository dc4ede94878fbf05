"""One picture of all methods by all measures: a table of means, coloured by rank."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Rectangle

from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.plot.drawing import new_figure
from daxaudio.plot.texts import save_figure
from daxaudio.runs.tables import check_columns

_ARROWS = {"higher": " ↑", "lower": " ↓", "neither": ""}
_COLUMNS = ("method", "metric", "mean")

_MOST_COLUMNS = 16  # of a block
_GAP = 0.35  # of a cell, between groups and before the references
_CELL = (0.56, 0.235)  # inches
_LEAST_WIDTH = 5.0  # inches, for the key below
_WORST_TO_BEST = colors.LinearSegmentedColormap.from_list(
    "ranks", ["#F2A66F", "#F8F8F8", "#6FB1DE"]
)
_NO_MERIT = "#E4E4E4"


def head_of(metric: str) -> str:
    """The name of a measure with an arrow that says which way is better, if any.

    Example:
        >>> head_of("iou"), head_of("deletion_auc"), head_of("complexity")
        ('iou ↑', 'deletion_auc ↓', 'complexity')
    """
    return metric + _ARROWS[MEASURES[metric].better]


def share_beaten(means: pd.Series, metric: str) -> pd.Series:
    """For each row, the share of the other rows whose mean is worse; equal ones count half.

    References are rows like the others: who is not above `random` and `energy` does not shine.

    Args:
        means: of one measure, by method.
        metric: name of the measure.

    Returns:
        0 (all others are better) to 1 by row; NaN where the mean is undefined, where there is no
        other row with a mean, and for a measure without a good direction.

    Example:
        >>> share_beaten(pd.Series({"rise": 0.1, "lime": 0.3, "energy": 0.2}), "deletion_auc")
        rise      1.0
        lime      0.0
        energy    0.5
        dtype: float64
    """
    sign = {"higher": 1.0, "lower": -1.0, "neither": math.nan}[MEASURES[metric].better]
    merits = means.astype(float) * sign

    def share(method: str) -> float:
        own, others = merits[method], merits.drop(method).dropna()
        if math.isnan(own) or others.empty:
            return math.nan
        return float(((others < own) + (others == own) / 2).mean())

    return pd.Series({method: share(method) for method in merits.index}, dtype=float)


def plot_measures(
    summary: pd.DataFrame, path: str | os.PathLike[str], references: Collection[str] = ()
) -> Path:
    """Draw the mean of every method by every measure, in blocks of groups of measures.

    A cell is bluer the more of the other rows it beats, and more orange the more beat it. Cells of
    a measure without a good direction are grey, and so is a value that has no other to be compared
    with. References are compared like methods, and stand apart below them.

    Args:
        summary: columns `method`, `metric` (names of `MEASURES`), `mean`, as in summary.csv; the
            methods are drawn in its order.
        path: file to write.
        references: methods that explain nothing and show what a score is worth.

    Returns:
        The path.

    Raises:
        ValueError: when a column is missing, there is no row, a metric is unknown or a method has
            two rows for one.

    Example:
        >>> import tempfile
        >>> rows = {"method": ["rise", "random"], "metric": "iou", "mean": [0.4, 0.1]}
        >>> plot_measures(pd.DataFrame(rows), tempfile.mkdtemp() + "/a.png").name
        'a.png'
    """
    _check(summary)
    table = summary.pivot(index="method", columns="metric", values="mean")
    order = list(summary["method"].unique())
    rows = _place_rows(order, references)
    blocks = _wrap([str(metric) for metric in table.columns])
    width = max(block.width for block in blocks) * _CELL[0]
    height = len(blocks) * ((max(rows.values()) + 1) * _CELL[1] + 1.6)
    figure = new_figure(max(width + 1.9, _LEAST_WIDTH), height + 0.8)
    panels = figure.subplots(len(blocks), squeeze=False)[:, 0]
    for axes, block in zip(panels, blocks, strict=True):
        _draw_block(axes, table.reindex(order), rows, block)
        axes.set_xlim(-0.1, max(block.width for block in blocks))
    scale = ScalarMappable(colors.Normalize(0, 1), _WORST_TO_BEST)
    bar = figure.colorbar(
        scale, ax=list(panels), location="bottom", shrink=0.45, aspect=40, pad=0.02
    )
    bar.set_ticks([0, 0.5, 1], labels=["none", "half", "all"])
    bar.set_label(
        "share of the other rows that it beats (grey: nothing to beat, or no direction is better)",
        fontsize=8,
    )
    return save_figure(figure, path)


@dataclasses.dataclass(frozen=True)
class _Block:
    """Columns that stand side by side: `groups` holds left edge and measures by group name."""

    groups: dict[str, tuple[float, list[str]]]

    @property
    def width(self) -> float:
        return max(left + len(names) for left, names in self.groups.values())


def _check(summary: pd.DataFrame) -> None:
    check_columns(summary, _COLUMNS, "a summary")
    if summary.empty:
        raise ValueError("the summary has no row; there is nothing to draw")
    unknown = [str(name) for name in summary["metric"].unique() if name not in MEASURES]
    if unknown:
        raise ValueError(f"metric {unknown[0]!r} is unknown; choose from {', '.join(MEASURES)}")
    if summary.duplicated(["method", "metric"]).any():
        raise ValueError("a method has two rows for one metric; a summary has one")


def _place_rows(methods: Sequence[str], references: Collection[str]) -> dict[str, float]:
    """Upper edge of the row of each method; references last and a little apart."""
    explained = [name for name in methods if name not in references]
    rows = {name: float(number) for number, name in enumerate(explained)}
    start = len(explained) + (_GAP if explained else 0.0)
    below = [name for name in methods if name in references]
    return rows | {name: start + number for number, name in enumerate(below)}


def _wrap(metrics: Sequence[str]) -> list[_Block]:
    """Groups of measures side by side, as many as have room; a group is never cut."""
    blocks: list[_Block] = []
    for group, members in GROUPS.items():
        names = [name for name in members if name in metrics]
        if not names:
            continue
        n_columns = sum(len(own) for _, own in blocks[-1].groups.values()) if blocks else 0
        if not blocks or n_columns + len(names) > _MOST_COLUMNS:
            blocks.append(_Block({group: (0.0, names)}))
        else:
            blocks[-1].groups[group] = (blocks[-1].width + _GAP, names)
    return blocks


def _draw_block(axes: Axes, table: pd.DataFrame, rows: dict[str, float], block: _Block) -> None:
    bottom, heads = max(rows.values()) + 1, {}
    for group, (left, names) in block.groups.items():
        for number, metric in enumerate(names):
            heads[left + number + 0.5] = head_of(metric)
            _draw_column(axes, table[metric], metric, left + number, rows)
        title = group.replace("_", "\n" if len(names) < 3 else " ")
        middle = left + len(names) / 2
        axes.text(middle, bottom + 0.25, title, ha="center", va="top", fontsize=9, weight="bold")
    axes.set_ylim(bottom, 0)
    axes.xaxis.tick_top()
    axes.set_xticks(
        list(heads),
        list(heads.values()),
        rotation=40,
        ha="left",
        rotation_mode="anchor",
        fontsize=8,
    )
    places = [top + 0.5 for top in rows.values()]
    axes.set_yticks(places, list(rows), parse_math=False, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_column(
    axes: Axes, means: pd.Series, metric: str, left: float, rows: dict[str, float]
) -> None:
    shares = share_beaten(means, metric)
    for method, top in rows.items():
        mean, share = float(means[method]), float(shares[method])
        colour = _WORST_TO_BEST(share) if np.isfinite(share) else _NO_MERIT
        if not np.isfinite(mean):
            colour = "white"
        axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white"))
        text = f"{mean:.{MEASURES[metric].decimals}f}" if np.isfinite(mean) else "-"
        cell = axes.text(left + 0.5, top + 0.52, text, ha="center", va="center", fontsize=7.5)
        cell.set_in_layout(False)  # hundreds of them; they lie inside the axes
