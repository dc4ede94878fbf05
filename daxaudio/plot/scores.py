"""Pictures of numbers: how often classes are confused, how methods score."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from daxaudio.plot.drawing import new_figure
from daxaudio.plot.texts import save_figure, set_text, shorten
from daxaudio.runs.tables import check_columns

_COLUMNS = ("method", "metric", "mean", "std", "n")
_INK = "#333333"
_METHOD_STYLE: dict[str, Any] = {"facecolor": "#0072B2", "edgecolor": _INK, "hatch": ""}
_REFERENCE_STYLE: dict[str, Any] = {"facecolor": "#DDDDDD", "edgecolor": _INK, "hatch": "///"}


def plot_confusion(
    matrix: ArrayLike, path: str | os.PathLike[str], class_names: Sequence[str]
) -> Path:
    """Draw a confusion matrix: colours are shares of each true class, written below the counts.

    One recording of one and a hundred of a hundred have the colour of 100 %: the names of the true
    classes say of how many. A class without recordings is grey.

    Args:
        matrix: `[C, C]` counts; rows are true classes, columns predicted ones.
        path: file to write.
        class_names: C names.

    Returns:
        The path.

    Raises:
        ValueError: when the matrix is not square, holds negative counts or does not fit the names.

    Example:
        >>> import tempfile
        >>> plot_confusion([[3, 1], [0, 4]], tempfile.mkdtemp() + "/a.png", ["dog", "rain"]).name
        'a.png'
    """
    counts, n_classes = np.asarray(matrix), len(class_names)
    if n_classes < 1 or counts.shape != (n_classes, n_classes) or (counts < 0).any():
        raise ValueError(
            f"a confusion matrix of {n_classes} classes is [{n_classes}, {n_classes}] with counts "
            f"of at least 0, got shape {counts.shape} and lowest count {counts.min(initial=0)}"
        )
    totals = counts.sum(axis=1)
    shares = np.ma.masked_invalid(
        np.divide(
            100.0 * counts,
            totals[:, None],
            out=np.full(counts.shape, np.nan),
            where=totals[:, None] > 0,
        )
    )
    names = [shorten(name, 30) for name in class_names]
    longest = max(map(len, names))
    width, height = 2.9 + 0.08 * longest, 1.7 + 0.06 * longest  # of all that is not the matrix
    figure = new_figure(width + 0.5 * n_classes, height + 0.5 * n_classes)
    axes = figure.subplots()
    axes.set_facecolor("#DDDDDD")
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(image, ax=axes, label="% of the true class")
    for row, column in np.ndindex(*counts.shape):
        count = counts[row, column]
        text = f"{count:d}" + (f"\n{shares[row, column]:.0f} %" if count else "")
        ink = "white" if count and shares[row, column] > 55 else "black"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    of_class = [f"{name} (n={total})" for name, total in zip(names, totals, strict=True)]
    axes.set_yticks(range(n_classes), of_class, parse_math=False)
    axes.set_xticks(
        range(n_classes),
        names,
        rotation=45,
        ha="right",
        rotation_mode="anchor",
        parse_math=False,
    )
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(f"{int(np.trace(counts))} of {int(counts.sum())} correct")
    return save_figure(figure, path)


def plot_summary(
    summary: pd.DataFrame,
    path: str | os.PathLike[str],
    metric: str,
    references: Collection[str] = (),
) -> Path:
    """Draw one metric of every method: mean as bar, standard deviation as whisker, largest on top.

    Args:
        summary: columns `method`, `metric`, `mean`, `std`, `n`, as in summary.csv.
        path: file to write.
        metric: which of its metrics.
        references: methods that explain nothing and show what a score is worth; they are hatched.

    Returns:
        The path.

    Raises:
        ValueError: when a column is missing or no row has the metric.

    Example:
        >>> import tempfile
        >>> rows = {"method": ["rise", "random"], "metric": "iou", "mean": [0.4, 0.1]}
        >>> summary = pd.DataFrame({**rows, "std": 0.1, "n": 9})
        >>> plot_summary(summary, tempfile.mkdtemp() + "/a.png", "iou", ["random"]).name
        'a.png'
    """
    ordered = _rows_of(summary, metric).sort_values("mean", kind="stable", ascending=False)
    return plot_summaries({"": ordered}, path, [metric], references)


def plot_summaries(
    summaries: Mapping[str, pd.DataFrame],
    path: str | os.PathLike[str],
    metrics: Sequence[str],
    references: Collection[str] = (),
) -> Path:
    """Draw several summaries side by side, a row of panels for each metric.

    Args:
        summaries: by title, each as `plot_summary` takes it. The methods stand in the order of the
            first, from top to bottom, in every panel.
        path: file to write.
        metrics: which of their metrics.
        references: as `plot_summary` takes them.

    Returns:
        The path.

    Raises:
        ValueError: when there is no summary or no metric, a column is missing or no row of a
            summary has the metric.

    Example:
        >>> import tempfile
        >>> rows = {"method": ["rise", "random"], "metric": "iou", "mean": [0.4, 0.1]}
        >>> summary = pd.DataFrame({**rows, "std": 0.1, "n": 9})
        >>> path = tempfile.mkdtemp() + "/a.png"
        >>> plot_summaries({"white": summary, "pink": summary}, path, ["iou"]).name
        'a.png'
    """
    if not summaries or not metrics:
        raise ValueError("expected one or more summaries and metrics to draw, got none")
    methods = list(
        dict.fromkeys(name for summary in summaries.values() for name in summary["method"])
    )
    width = max(8, 5 * len(summaries))
    figure = new_figure(width, 0.4 + len(metrics) * (1.2 + 0.34 * len(methods)))
    panels = figure.subplots(len(metrics), len(summaries), squeeze=False)
    for row, metric in zip(panels, metrics, strict=True):
        for axes, (title, summary) in zip(row, summaries.items(), strict=True):
            rows = _rows_of(summary, metric).set_index("method")
            present = [name for name in reversed(methods) if name in rows.index]
            _draw_bars(axes, rows.loc[present].reset_index(), references)
            set_text(axes.set_title, ", ".join(filter(None, [metric, title])))
        right = max(axes.get_xlim()[1] for axes in row)
        for axes in row:
            axes.set_xlim(right=right)
    for axes in panels[-1]:
        axes.set_xlabel("mean and standard deviation over n recordings")
    if set(methods) & set(references):
        kinds = {"method": _METHOD_STYLE, "reference": _REFERENCE_STYLE}
        handles = [Patch(**style, label=name) for name, style in kinds.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return save_figure(figure, path)


def _draw_bars(axes: Axes, rows: pd.DataFrame, references: Collection[str]) -> None:
    """One bar a row of a summary, the first at the bottom."""
    means, deviations = rows["mean"].to_numpy(float), rows["std"].fillna(0.0).to_numpy(float)
    bars = axes.barh(
        range(len(rows)), means, xerr=deviations, error_kw={"ecolor": _INK, "capsize": 3}
    )
    hatched = rows["method"].isin(list(references))
    for bar, is_reference in zip(bars, hatched, strict=True):
        bar.set(**(_REFERENCE_STYLE if is_reference else _METHOD_STYLE))
    names = [f"{method} (n={n})" for method, n in zip(rows["method"], rows["n"], strict=True)]
    axes.set_yticks(range(len(rows)), names, parse_math=False)
    axes.set_xlim(left=min(0.0, float(np.nanmin(means, initial=0.0))))
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _rows_of(summary: pd.DataFrame, metric: str) -> pd.DataFrame:
    check_columns(summary, _COLUMNS, "a summary")
    rows = summary[summary["metric"] == metric]
    if rows.empty:
        known = ", ".join(map(str, summary["metric"].unique())) or "no metric at all"
        raise ValueError(f"no row of the summary has metric {metric!r}; it has {known}")
    return rows
