"""Picture of one explanation over annotated phases: which events were found, what lies outside."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from daxaudio.containers import Event, Events, Explanation
from daxaudio.metrics.phase_events import (
    BACKGROUND,
    FOUND,
    LEVELS,
    MISSED,
    NO_FRAME,
    PARTLY,
    find_events,
    marked_outside,
)
from daxaudio.plot.drawing import (
    MARKED_COLOUR,
    TRUE_COLOUR,
    describe_explanation,
    draw_events,
    draw_picture_panel,
    draw_profile_panel,
    new_figure,
)
from daxaudio.plot.texts import save_figure, set_text, shorten
from daxaudio.plot.time_frequency import time_edges

_LANE = 0.27  # inches
_MARKED = "marked"
_STYLES: dict[str, dict[str, Any]] = {
    FOUND: {"facecolor": TRUE_COLOUR, "edgecolor": TRUE_COLOUR},
    PARTLY: {"facecolor": "#A6CBE3", "edgecolor": TRUE_COLOUR, "hatch": "////"},
    MISSED: {"facecolor": "white", "edgecolor": TRUE_COLOUR},
    "background": {"facecolor": "#DDDDDD", "edgecolor": "#DDDDDD"},
    "marked": {"facecolor": MARKED_COLOUR, "edgecolor": MARKED_COLOUR},
    "outside": {"facecolor": "white", "edgecolor": MARKED_COLOUR, "hatch": "xxxx"},
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
    a front end deleted silence, the spectrogram has a gap.

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
    events = Events(events)
    wanted, others = events.without(*background).labels, events.of(*background).labels
    names = [_MARKED, *reversed([*wanted, *others])]
    figure = new_figure(10, 6.2 + _LANE * len(names))
    set_text(figure.suptitle, describe_explanation(explanation, explanation.method))
    heights = [3.2, 1.4, _LANE * len(names)]
    picture, profile, lanes = figure.subplots(3, 1, sharex=True, height_ratios=heights)
    draw_picture_panel(picture, explanation)
    draw_profile_panel(profile, explanation)
    _draw_phases(lanes, explanation, events, background, names)
    start, end = time_edges(explanation.spectrogram)
    lanes.set_xlim(min([start, *events.borders]), max(end, events.end))
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
    bars: dict[tuple[int, str], list[Event]] = {}
    for event in events:
        if event.label in background:
            bars.setdefault((names.index(event.label), "background"), []).append(event)
    for found in find_events(*where, events, background):
        bars.setdefault((names.index(found.event.label), found.verdict), []).append(found.event)
    bars[0, "marked"] = [*marked_outside(*where, [])]
    bars[0, "outside"] = [*marked_outside(*where, events, background)]
    for (lane, style), own in bars.items():
        draw_events(axes, own, lane, linewidth=1.0, **_STYLES[style])
    axes.set_ylim(-0.6, len(names) - 0.4)
    labels = [shorten(name, 24) or "(no label)" for name in names]
    axes.set_yticks(range(len(names)), labels, parse_math=False)
    axes.set_xlabel("time (s)")
    axes.spines[["top", "right"]].set_visible(False)
