"""Picture of one explanation over annotated phases: which events were found, what lies outside."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from torch import Tensor

from daxaudio.containers import Event, Explanation
from daxaudio.metrics.phase_events import (
    BACKGROUND,
    FOUND,
    LEVELS,
    MISSED,
    NO_FRAME,
    PARTLY,
    fill_jumps,
    find_events,
    marked_outside,
)
from daxaudio.plot.drawing import (
    PREDICTED_COLOUR,
    TRUE_COLOUR,
    describe_explanation,
    draw_level,
    draw_overlay,
    draw_profile,
    new_figure,
    save_figure,
    set_text,
    time_edges,
)

_LANE = 0.27  # inches
_MARKED = "marked"
_STYLES: dict[str, dict[str, Any]] = {
    FOUND: {"facecolor": TRUE_COLOUR, "edgecolor": TRUE_COLOUR},
    PARTLY: {"facecolor": "#A6CBE3", "edgecolor": TRUE_COLOUR, "hatch": "////"},
    MISSED: {"facecolor": "white", "edgecolor": TRUE_COLOUR},
    "background": {"facecolor": "#DDDDDD", "edgecolor": "#DDDDDD"},
    "marked": {"facecolor": PREDICTED_COLOUR, "edgecolor": PREDICTED_COLOUR},
    "outside": {"facecolor": "white", "edgecolor": PREDICTED_COLOUR, "hatch": "xxxx"},
}
_STYLES[NO_FRAME] = _STYLES[MISSED]
_LEGEND = {
    FOUND: f"found, IoU from {LEVELS[FOUND]}",
    PARTLY: f"in part, IoU from {LEVELS[PARTLY]}",
    MISSED: "missed",
    "background": "background",
    "marked": "marked in an event",
    "outside": "marked outside any event",
}


def plot_phases(
    explanation: Explanation,
    path: str | os.PathLike[str],
    events: Sequence[Event],
    background: Collection[str] = BACKGROUND,
) -> Path:
    """Draw an explanation, and below it a lane for each phase and one for what was marked.

    Marked are the frames whose profile is above its mean plus standard deviation. Each event is
    drawn as found, found in part or missed (see `daxaudio.metrics.phase_events.find_events`). Where
    a front end deleted silence, the spectrogram is as dark as its darkest bin.

    Args:
        explanation: what to draw.
        path: file to write.
        events: true events of all phases.
        background: labels that are shown, but are no events to be found.

    Returns:
        The path.

    Example:
        >>> import tempfile, torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> events = [Event(0, 3, "noise"), Event(3, 7, "inhale"), Event(8, 11, "cough")]
        >>> folder = Path(tempfile.mkdtemp())
        >>> explanation = Explanation(torch.rand(8, 20), picture, "rise")
        >>> plot_phases(explanation, folder / "a.png", events).name
        'a.png'
    """
    wanted = sorted({event.label for event in events} - set(background))
    others = sorted({event.label for event in events} & set(background))
    names = [_MARKED, *reversed([*wanted, *others])]
    figure = new_figure(10, 6.2 + _LANE * len(names))
    set_text(figure.suptitle, describe_explanation(explanation, explanation.method))
    heights = [3.2, 1.4, _LANE * len(names)]
    picture, profile, lanes = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    whole = _without_jumps(explanation)
    level = draw_level(picture, whole.spectrogram)
    figure.colorbar(level, ax=picture, label="level (dB)", pad=0.01)
    draw_overlay(picture, whole)
    picture.set_title("Spectrogram, and the mask over it", loc="left")
    draw_profile(profile, explanation)
    profile.set_title("Time profile: mean of the mask over frequency", loc="left")
    profile.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2, frameon=False)
    _draw_phases(lanes, explanation, events, background, names)
    start, end = time_edges(whole.spectrogram)
    lanes.set_xlim(
        min([start, *(event.start for event in events)]),
        max([end, *(event.end for event in events)]),
    )
    handles = [Patch(**_STYLES[name], label=text) for name, text in _LEGEND.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False, fontsize=8)
    return save_figure(figure, path)


def _draw_phases(
    axes: Axes,
    explanation: Explanation,
    events: Sequence[Event],
    background: Collection[str],
    names: Sequence[str],
) -> None:
    """Lanes from the bottom: what was marked, the background, the phases."""
    where = (explanation.profile, explanation.spectrogram.times)
    for event in events:
        if event.label in background:
            _draw_bar(axes, event, names.index(event.label), "background")
    for found in find_events(*where, events, background):
        _draw_bar(axes, found.event, names.index(found.event.label), found.verdict)
    for run in marked_outside(*where, []):
        _draw_bar(axes, run, 0, "marked")
    for run in marked_outside(*where, events, background):
        _draw_bar(axes, run, 0, "outside")
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_yticks(range(len(names)), [name or "(no label)" for name in names], parse_math=False)
    axes.set_xlabel("time (s)")
    axes.spines[["top", "right"]].set_visible(False)


def _without_jumps(explanation: Explanation) -> Explanation:
    """The explanation with the silence that was deleted: lowest level, lowest value of the mask."""
    spectrogram = explanation.spectrogram
    times, real = fill_jumps(spectrogram.times)
    if real.all():
        return explanation

    def fill(values: Tensor) -> Tensor:
        filled = torch.full((len(values), len(times)), float(values.min()))
        filled[:, torch.from_numpy(real)] = values.float().cpu()
        return filled

    whole = dataclasses.replace(
        spectrogram, values=fill(spectrogram.values), times=torch.from_numpy(times)
    )
    return Explanation(fill(explanation.mask), whole, explanation.method)


def _draw_bar(axes: Axes, event: Event, lane: int, style: str) -> None:
    axes.barh(lane, event.duration, height=0.72, left=event.start, linewidth=1.0, **_STYLES[style])
