"""A recording of hours in one picture: scores over time, what was explained, what was marked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor

from daxaudio.containers import Event, Explanation
from daxaudio.plot.drawing import (
    MARKED_COLOUR,
    PROFILE_COLOUR,
    TRUE_COLOUR,
    describe_explanation,
    draw_events,
    new_figure,
)
from daxaudio.plot.texts import save_figure, set_text
from daxaudio.plot.time_axis import name_time_axis
from daxaudio.plot.time_frequency import with_gaps

_EXPLAINED_COLOUR = "#009E73"


def plot_long_recording(
    explanation: Explanation | None,
    path: str | os.PathLike[str],
    *,
    windows: pd.DataFrame,
    marked: Sequence[Event] = (),
    own_threshold: Tensor | None = None,
    events: Sequence[Event] = (),
    explained: Sequence[Event] = (),
    threshold: float | None = None,
    title: str = "",
) -> Path:
    """Draw how the score of a class goes over a long recording, and what was marked where.

    Stretches that were not explained have no profile: the line ends there, and nothing is drawn.
    Windows that could not be heard have no score.

    Args:
        explanation: stitched of windows, on the axis of the whole recording; None where no window
            was explained.
        path: file to write.
        windows: in order of time: `start`, `end`, `score`, `level_db` and `explained` (0 or 1).
        marked: stretches that are marked.
        own_threshold: `[T]`, above which the profile is marked; None draws none.
        events: the true events, if known.
        explained: stretches that lie in an explained window.
        threshold: of the score, from which on windows are explained, where there was one.
        title: stands above; recording, method and class when "".

    Returns:
        The path.
    """
    figure = new_figure(11, 7.2)
    lanes_height = 0.3 * (2 + bool(events))
    panels = figure.subplots(4, 1, sharex=True, height_ratios=[2.2, 1.0, 1.6, lanes_height])
    described = describe_explanation(explanation, explanation.method) if explanation else ""
    set_text(figure.suptitle, title or described)
    _draw_scores(panels[0], windows, threshold)
    _draw_levels(panels[1], windows)
    _draw_profile(panels[2], explanation, own_threshold)
    lanes = {"explained": explained, "marked": marked, **({"true": events} if events else {})}
    _draw_lanes(panels[3], lanes)
    panels[3].set_xlim(0.0, float(windows["end"].max()))
    name_time_axis(panels[3])
    return save_figure(figure, path)


def _draw_scores(axes: Axes, windows: pd.DataFrame, threshold: float | None) -> None:
    middles = (windows["start"] + windows["end"]) / 2
    axes.plot(middles, windows["score"], color=PROFILE_COLOUR, linewidth=0.8)
    own = windows[windows["explained"] == 1]
    at = (own["start"] + own["end"]) / 2
    axes.plot(at, own["score"], "o", color=_EXPLAINED_COLOUR, markersize=4)
    handles = [
        Line2D([], [], color=PROFILE_COLOUR, label="score of a window, at its middle"),
        Line2D([], [], color=_EXPLAINED_COLOUR, marker="o", linestyle="", label="explained"),
    ]
    if threshold is not None:
        axes.axhline(threshold, color=MARKED_COLOUR, linestyle="--", linewidth=1.0)
        label = f"threshold {threshold:g}"
        handles.append(Line2D([], [], color=MARKED_COLOUR, linestyle="--", label=label))
    axes.set(ylabel="score")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=8)


def _draw_levels(axes: Axes, windows: pd.DataFrame) -> None:
    middles = (windows["start"] + windows["end"]) / 2
    axes.plot(middles, windows["level_db"], color=PROFILE_COLOUR, linewidth=0.8)
    axes.set(ylabel="level (dBFS)")
    axes.grid(axis="y", alpha=0.3)


def _draw_profile(axes: Axes, explanation: Explanation | None, threshold: Tensor | None) -> None:
    axes.set(ylabel="profile")
    if explanation is None:
        axes.text(0.5, 0.5, "no window was explained", transform=axes.transAxes, ha="center")
        return
    shown = explanation.spectrogram
    times, profile = with_gaps(shown, explanation.profile)
    axes.plot(times, profile, color=PROFILE_COLOUR, linewidth=1.0)
    if threshold is not None:
        _, borders = with_gaps(shown, threshold)
        axes.plot(times, borders, color=MARKED_COLOUR, linestyle="--", linewidth=1.0)
        above = profile > borders
        look: dict[str, Any] = {"color": MARKED_COLOUR, "alpha": 0.35, "linewidth": 0}
        axes.fill_between(times, profile, borders, where=above, **look)
    axes.set_ylim(bottom=0.0)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title("Time profile of what was explained; elsewhere there is none", loc="left")


def _draw_lanes(axes: Axes, lanes: Mapping[str, Sequence[Event]]) -> None:
    colours = {"explained": _EXPLAINED_COLOUR, "marked": MARKED_COLOUR, "true": TRUE_COLOUR}
    for height, (name, lane) in enumerate(lanes.items()):
        # an edge of its own keeps what is narrower than a pixel visible
        look = {"facecolors": colours[name], "edgecolors": colours[name], "linewidths": 0.8}
        draw_events(axes, lane, height, **look)
    axes.set_ylim(-0.5, len(lanes) - 0.5)
    axes.set_yticks(range(len(lanes)), list(lanes))
