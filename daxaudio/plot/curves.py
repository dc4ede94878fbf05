"""Pictures of curves: the score while the input changes, masks while the model is randomised.

With many methods a few stand out in colour and with markers, references are grey and dashed, and
the rest is thin; the legend ranks them all and gives the number that each curve comes to.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from daxaudio.plot.drawing import MARKED_COLOUR, new_figure
from daxaudio.plot.texts import save_figure, set_text
from daxaudio.runs.tables import check_columns

N_STANDING_OUT = 8
"""How many curves are told apart by colour and marker at most."""

_CURVES = ("recording_id", "method", "direction", "unit", "fill", "share", "score")
_STAGES = ("recording_id", "method", "stage", "layer", "correlation")
_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#7F3C8D",
)
_MARKERS = "os^Dv<>P"
_DASHES = ((0, (1, 1.5)), (0, (5, 2)), (0, (6, 2, 1, 2)), (0, (9, 2, 1, 2, 1, 2)), (0, (3, 4)))
_OF_UNIT = {"bins": "bins", "frames": "frames", "events": "the time, event by event,"}
_DONE = {"deletion": "removed", "insertion": "inserted"}

Lines = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""x and y of each method."""


def plot_curves(
    curves: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    unit: str = "bins",
    fill: str | None = None,
    methods: Sequence[str] = (),
    references: Sequence[str] = (),
) -> Path:
    """Draw the mean deletion and insertion curve of each method.

    The mean is over recordings, at every share that one of their curves has; a curve is straight
    between its own points. So the area under the mean is the mean of the areas, also where the
    recordings have different shares.

    Args:
        curves: columns `recording_id`, `method`, `direction`, `unit`, `fill`, `share` (0 to 1) and
            `score`, as in curves.csv; rows without a score are left out.
        path: file to write.
        unit: "bins", "frames" or "events".
        fill: what stands where something is removed; None for the first that the curves have.
        methods: stand out for certain, with a colour each by their place here. As many as there
            are colours left (`N_STANDING_OUT`) go to those with the best mean rank in both panels.
        references: methods that explain nothing and show what a score is worth; they never stand
            out.

    Returns:
        The path.

    Raises:
        ValueError: when a column is missing, a method to stand out is not there or is one too
            many, or no row has the unit and the fill.

    Example:
        >>> import tempfile
        >>> curve = {"recording_id": "a", "method": "rise", "direction": "deletion"}
        >>> curve.update(unit="bins", fill="noise", share=[0.0, 0.5, 1.0], score=[1.0, 0.2, 0.0])
        >>> plot_curves(pd.DataFrame(curve), tempfile.mkdtemp() + "/a.png").name
        'a.png'
    """
    chosen = _choose_curves(curves, unit, fill)
    panels = {
        direction: _mean_curves(chosen[chosen["direction"] == direction])
        for direction in _DONE
        if (chosen["direction"] == direction).any()
    }
    ranked = {name: _rank_by_area(lines, name == "deletion") for name, lines in panels.items()}
    style = _Style.of(_by_mean_rank(list(ranked.values())), methods, references)
    n_methods = max(map(len, ranked.values()))
    figure = new_figure(9, len(panels) * max(3.6, 1.1 + 0.165 * n_methods))
    for axes, (direction, lines) in zip(
        figure.subplots(len(panels), squeeze=False)[:, 0], panels.items(), strict=True
    ):
        areas = {method: _area(*lines[method]) for method in ranked[direction]}
        _draw_lines(axes, lines, areas, style, heading="area, best first")
        axes.set(
            xlabel=f"share of {_OF_UNIT[unit]} {_DONE[direction]}",
            ylabel="score of the class",
            xlim=(0, 1),
        )
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.set_title(direction, fontsize=10, loc="left")
    set_text(figure.suptitle, _describe(chosen), fontsize=10)
    return save_figure(figure, path)


def plot_randomisation(
    randomisation: pd.DataFrame,
    path: str | os.PathLike[str],
    threshold: float,
    *,
    methods: Sequence[str] = (),
    references: Sequence[str] = (),
) -> Path:
    """Draw how alike each method's mask stays while more and more of the model is randomised.

    Args:
        randomisation: columns `recording_id`, `method`, `stage` (0 is the trained model), `layer`
            and `correlation`, as in randomisation.csv. Undefined correlations are left out of the
            means over recordings.
        path: file to write.
        threshold: rank correlation from which, and from whose negative, masks count as alike.
        methods: stand out for certain, with a colour each by their place here. As many as there
            are colours left (`N_STANDING_OUT`) go to those whose mask stays most alike, which the
            check is about.
        references: as `plot_curves` takes them.

    Returns:
        The path.

    Raises:
        ValueError: when a column is missing, there is no row, or a method to stand out is not
            there or is one too many.

    Example:
        >>> import tempfile
        >>> stages = {"recording_id": "a", "method": "rise", "stage": [0, 1]}
        >>> stages.update(layer=["trained", "fc"], correlation=[1.0, 0.1])
        >>> plot_randomisation(pd.DataFrame(stages), tempfile.mkdtemp() + "/a.png", 0.5).name
        'a.png'
    """
    check_columns(randomisation, _STAGES, "a randomisation")
    if randomisation.empty:
        raise ValueError("the randomisation has no row; there is nothing to draw")
    means = randomisation.groupby(["method", "stage"], sort=False)["correlation"].mean()
    lines = {}
    for method in randomisation["method"].unique():
        own = means[method].sort_index()
        lines[str(method)] = (own.index.to_numpy(float), own.to_numpy(float))
    last = {method: float(values[-1]) for method, (_, values) in lines.items()}
    # nan is no number to rank by
    ranked = sorted(last, key=lambda name: -last[name] if math.isfinite(last[name]) else math.inf)
    figure = new_figure(9, max(4.0, 1.5 + 0.165 * len(lines)))
    axes = figure.subplots()
    lowest = min(float(np.nanmin([*y, 0.0])) for _, y in lines.values())
    _draw_threshold(axes, threshold, with_negative=lowest < 0)
    numbers = {method: last[method] for method in ranked}
    style = _Style.of(ranked, methods, references)
    _draw_lines(axes, lines, numbers, style, heading="all layers random,\nmost alike first")
    _label_stages(axes, randomisation)
    axes.set_title(f"randomised model; {_count_recordings(randomisation)}", fontsize=10)
    axes.set_ylabel("rank correlation with\nthe trained model's mask")
    return save_figure(figure, path)


def _choose_curves(curves: pd.DataFrame, unit: str, fill: str | None) -> pd.DataFrame:
    """Rows of one unit and one fill that have a score."""
    check_columns(curves, _CURVES, "a table of curves")
    if unit not in _OF_UNIT:
        raise ValueError(f"unit must be one of {', '.join(_OF_UNIT)}, got {unit!r}")
    of_unit = curves[(curves["unit"] == unit) & curves["score"].notna()]
    fills = list(of_unit["fill"].unique())
    chosen = of_unit[of_unit["fill"] == (fill if fill is not None or not fills else fills[0])]
    if chosen.empty:
        wanted = f"unit {unit!r}" + ("" if fill is None else f" and fill {fill!r}")
        raise ValueError(f"no curve has {wanted}; fills of this unit: {fills}")
    return chosen


def _mean_curves(curves: pd.DataFrame) -> Lines:
    """Mean over recordings at every share that occurs."""
    shares = np.unique(curves["share"].to_numpy(float))
    lines = {}
    for method, own in curves.sort_values("share", kind="stable").groupby("method", sort=False):
        rows = [
            np.interp(shares, one["share"].to_numpy(float), one["score"].to_numpy(float))
            for _, one in own.groupby("recording_id")
        ]
        lines[str(method)] = (shares, np.mean(rows, axis=0))
    return lines


def _area(shares: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    return float(((scores[1:] + scores[:-1]) / 2 * np.diff(shares)).sum())


def _rank_by_area(lines: Lines, lower_is_better: bool) -> list[str]:
    sign = 1 if lower_is_better else -1
    return sorted(lines, key=lambda method: sign * _area(*lines[method]))


def _by_mean_rank(ranked: Sequence[Sequence[str]]) -> list[str]:
    """Methods by their mean rank in several rankings; one that is missing there comes last."""
    names = list(dict.fromkeys(name for ranking in ranked for name in ranking))
    places = {
        name: sum(r.index(name) if name in r else len(names) for r in ranked) for name in names
    }
    return sorted(names, key=lambda name: places[name])


@dataclasses.dataclass(frozen=True)
class _Style:
    """How lines are told apart: references by dashes, who stands out by the number of a colour."""

    references: Sequence[str]
    standing_out: Mapping[str, int]

    @staticmethod
    def of(ranked: Sequence[str], methods: Sequence[str], references: Sequence[str]) -> _Style:
        known = [name for name in ranked if name not in references]
        if not set(methods) <= set(known) or len(methods) > N_STANDING_OUT:
            raise ValueError(
                f"methods must be at most {N_STANDING_OUT} of {', '.join(sorted(known))}, "
                f"got {', '.join(methods)}"
            )
        chosen = list(dict.fromkeys([*methods, *known]))[:N_STANDING_OUT]
        return _Style(references, {name: number for number, name in enumerate(chosen)})

    def line(self, method: str, n_points: int) -> dict[str, Any]:
        """Settings of the line of one method."""
        if method in self.references:
            dashes = _DASHES[self.references.index(method) % len(_DASHES)]
            return {"color": "#777777", "linestyle": dashes, "linewidth": 1.6, "zorder": 2.5}
        if method not in self.standing_out:
            return {"color": "#9FB3C4", "linewidth": 0.8, "zorder": 2}
        number, every = self.standing_out[method], max(1, n_points // 8)
        return {
            "color": _COLOURS[number],
            "linewidth": 1.6,
            "marker": _MARKERS[number],
            "markersize": 4,
            "markevery": (number % every, every),  # markers of curves on one grid stand apart
            "zorder": 3,
        }


def _draw_lines(
    axes: Axes,
    lines: Lines,
    numbers: Mapping[str, float],
    style: _Style,
    *,
    heading: str,
) -> None:
    """Draw the lines, and a legend in the order of `numbers`, which stand behind the names."""
    for method, number in numbers.items():
        text = f"{number:.3f}" if math.isfinite(number) else "-"
        x, y = lines[method]
        axes.plot(x, y, label=f"{text}  {method}", **style.line(method, len(x)))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        title=heading,
        alignment="left",
        fontsize=8,
        title_fontsize=8,
        frameon=False,
        handlelength=3.2,
        labelspacing=0.25,
    )
    for entry in legend.get_texts():
        entry.set_parse_math(False)


def _describe(chosen: pd.DataFrame) -> str:
    fills = ", ".join(str(fill) for fill in chosen["fill"].unique() if fill)
    filled = f", filled with {fills}" if fills else ""
    return f"score while the best places go or come{filled}; {_count_recordings(chosen)}"


def _count_recordings(table: pd.DataFrame) -> str:
    """How many recordings a mean is over, by method."""
    counts = table.groupby("method")["recording_id"].nunique()
    low, high = int(counts.min()), int(counts.max())
    return f"mean over {high if low == high else f'{low} to {high}'} recordings"


def _draw_threshold(axes: Axes, threshold: float, with_negative: bool) -> None:
    for height in (threshold, -threshold) if with_negative else (threshold,):
        axes.axhline(height, color=MARKED_COLOUR, linestyle="--", linewidth=1.0, zorder=1)
    axes.annotate(
        "counts as alike",
        (1, threshold),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=MARKED_COLOUR,
    )


def _label_stages(axes: Axes, randomisation: pd.DataFrame) -> None:
    layers = randomisation.groupby("stage")["layer"].first()
    names = [str(name) for name in layers]
    crowded = sum(map(len, names)) > 60
    axes.set_xticks(
        layers.index.to_numpy(float),
        names,
        rotation=30 if crowded else 0,
        ha="right" if crowded else "center",
        rotation_mode="anchor",
        parse_math=False,
    )
    axes.set_xlabel("layers at random: from the output down to this one")
