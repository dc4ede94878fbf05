"""Pictures of explanations: one in full, several side by side; the segments of one."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.plot.drawing import (
    MARKED_COLOUR,
    PROFILE_COLOUR,
    TRUE_COLOUR,
    describe_doubts,
    describe_explanation,
    draw_lanes,
    draw_level,
    draw_mask,
    draw_picture,
    draw_picture_panel,
    draw_profile,
    draw_profile_panel,
    mark_events,
    new_figure,
)
from daxaudio.plot.texts import DPI, save_figure, set_text, shorten
from daxaudio.plot.time_axis import name_time_axis
from daxaudio.plot.time_frequency import (
    as_array,
    bin_edges,
    draw_bins,
    frame_borders,
    time_edges,
    with_gaps,
)

_MAX_COLUMNS = 3
_NOTE_WIDTH = 130  # letters that fit beside each other
_NARROW = 40  # letters of a title of axes that may be narrow
_BRIEF_DPI = 80
_ABOUT_BAND = (
    "band: the mean over frequency of the mask's standard error; that of the profile is at most as "
    "large"
)


def plot_explanation(
    explanation: Explanation,
    path: str | os.PathLike[str] | None = None,
    *,
    axes: Axes | None = None,
    events: Sequence[Event] = (),
    verdict: str = "",
    brief: bool = False,
) -> Axes:
    """Draw where the black box listened: spectrogram, mask, time profile and events.

    The mask lies over the spectrogram as a colour that is stronger where the mask is larger, with
    a contour halfway between its lowest and highest value (left out of speckled masks, where it
    would hide everything). Colours run from the mask's lowest to its highest value. Marked are the
    frames whose profile is above its mean plus standard deviation, as in the paper, or half-way up
    where none is. Frames stand at their true times: where silence was deleted, there is a gap.

    An explanation with a standard error has a panel of it, and its profile a band of plus and minus
    the mean over frequency of the standard error. That is an upper bound of the profile's standard
    error, because the errors of a frame are correlated. Verdict and warnings stand in small letters
    under the title.

    Args:
        explanation: what to draw.
        path: file to write; None to look at the picture in a notebook or by `pyplot.show()`.
        axes: draw there nothing but the mask over the spectrogram, with brackets around the true
            events; None for all panels in a figure of their own.
        events: the true events, if known.
        verdict: what is to be thought of it, in a sentence, such as `Verdict.summary`.
        brief: for a list of many, drawn in a fifth of a second: neither the mask alone nor its
            standard error, no colour bar, verdict or warning.

    Returns:
        The axes of the spectrogram with the mask over it.

    Example:
        >>> import tempfile, torch
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> path = Path(tempfile.mkdtemp()) / "a.png"
        >>> plot_explanation(Explanation(torch.rand(8, 20), picture, "rise"), path).get_ylabel()
        'frequency (Hz)'
    """
    if axes is None:
        notes = "" if brief else describe_doubts(explanation, verdict, _NOTE_WIDTH)
        height = 5.2 if brief else 8.5 + 0.16 * len(notes.splitlines())
        height += 2.5 * (explanation.standard_error is not None and not brief)
        # finding a layout would take a brief picture as long as drawing it
        figure = _new_figure(height, "constrained" if not brief else None, shown=path is None)
        axes = _draw_panels(figure, explanation, events, brief)
        if notes:
            colour = MARKED_COLOUR if explanation.warnings else PROFILE_COLOUR
            _write(axes, notes, (0.5, 1), 22, ha="center", va="bottom", color=colour)
    else:
        axes.legend(handles=draw_picture(axes, explanation), loc="upper right", fontsize=7)
        title = describe_explanation(explanation, explanation.method)
        set_text(axes.set_title, textwrap.fill(title, _NARROW), fontsize=10)
        name_time_axis(axes)
        mark_events(axes, events)
    if path is not None:
        save_figure(
            cast(Figure, axes.get_figure(root=True)), path, dpi=_BRIEF_DPI if brief else DPI
        )
    return axes


def _new_figure(height: float, layout: Literal["constrained"] | None, *, shown: bool) -> Figure:
    """A figure of its own, or one that notebooks and `pyplot.show()` know of."""
    if not shown:
        return new_figure(10, height, layout)
    from matplotlib import pyplot

    return pyplot.figure(figsize=(10, height), layout=layout)


def _draw_panels(
    figure: Figure, explanation: Explanation, events: Sequence[Event], brief: bool
) -> Axes:
    """All panels of an explanation, from top to bottom; gives the uppermost."""
    error = None if brief else explanation.standard_error
    set_text(figure.suptitle, describe_explanation(explanation, explanation.method))
    alone = 0 if brief else 1 + (error is not None)
    heights = [3, *[3] * alone, 1.6, 0.35 * (1 + bool(events))]
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    picture, *masks, profile, lanes = panels
    draw_picture_panel(picture, explanation, colour_bar=not brief)
    draw_profile_panel(profile, explanation)
    draw_lanes(lanes, explanation, events)
    if brief:
        figure.subplots_adjust(0.085, 0.1, 0.985, 0.88, hspace=0.3)
        return cast(Axes, picture)
    draw_mask(masks[0], explanation)
    masks[0].set_title("Mask", loc="left")
    if error is not None:
        settings: dict[str, Any] = {"vmin": 0.0, "vmax": float(error.max()) or 1.0, "cmap": "magma"}
        draw_bins(masks[1], explanation.spectrogram, error, label="standard error", **settings)
        masks[1].set_title("Standard error of the mask", loc="left")
        _write(lanes, _ABOUT_BAND, (0, 0), -38, color=PROFILE_COLOUR)
    return cast(Axes, picture)


def plot_comparison(
    explanations: Sequence[Explanation], path: str | os.PathLike[str], events: Sequence[Event] = ()
) -> Path:
    """Draw the masks and time profiles of several methods on one recording.

    Each mask has colours of its own range, from its lowest to its highest value.

    Args:
        explanations: one a method, of the same recording.
        path: file to write.
        events: the true events, if known; marked on every mask and profile.

    Returns:
        The path.

    Raises:
        ValueError: when there is no explanation or they are of different recordings.

    Example:
        >>> import tempfile, torch
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> both = [Explanation(torch.rand(8, 20), picture, name) for name in ("lime", "rise")]
        >>> plot_comparison(both, Path(tempfile.mkdtemp()) / "a.png", [Event(3, 9)]).name
        'a.png'
    """
    spectrogram = _shared_spectrogram(explanations)
    n_cells = 1 + len(explanations)
    n_columns = min(_MAX_COLUMNS, n_cells)
    n_rows = -(-n_cells // n_columns)
    figure = new_figure(4.8 * n_columns, 0.8 + 2.9 * n_rows)
    set_text(figure.suptitle, describe_explanation(explanations[0]))
    panels = figure.subplots(
        2 * n_rows, n_columns, squeeze=False, sharex=True, height_ratios=[3, 1] * n_rows
    )
    # a cell is a picture above a time profile
    uppers, lowers = panels.reshape(n_rows, 2, n_columns).swapaxes(0, 1).reshape(2, -1)
    _draw_input_cell(uppers[0], lowers[0], spectrogram, events)
    for upper, lower, explanation in zip(uppers[1:], lowers[1:], explanations, strict=False):
        _draw_method_cell(upper, lower, explanation, events)
    for axes in (*uppers[n_cells:], *lowers[n_cells:]):
        axes.set_visible(False)
    legend = _comparison_legend(with_events=bool(events))
    figure.legend(handles=legend, loc="outside lower center", ncols=len(legend), frameon=False)
    return save_figure(figure, path)


def plot_segments(spectrogram: Spectrogram, path: str | os.PathLike[str], segments: Tensor) -> Path:
    """Draw a spectrogram with the borders of its segments.

    Args:
        spectrogram: what was segmented.
        path: file to write.
        segments: int64 `[F, T]` labels.

    Returns:
        The path.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> import tempfile, torch
        >>> picture = Spectrogram(torch.rand(2, 4), torch.tensor([100.0, 200]), torch.arange(4.0))
        >>> segments = torch.tensor([[0, 0, 1, 1], [2, 2, 3, 3]])
        >>> plot_segments(picture, Path(tempfile.mkdtemp()) / "a.png", segments).name
        'a.png'
    """
    if segments.shape != spectrogram.values.shape:
        raise ValueError(
            f"segments are {tuple(segments.shape)}, the spectrogram is "
            f"{tuple(spectrogram.values.shape)}; pass the segments of this spectrogram"
        )
    figure = new_figure(10, 4)
    axes = figure.subplots()
    draw_level(axes, spectrogram)
    borders = LineCollection(
        list(_borders(segments, spectrogram)), colors="#E69F00", linewidths=1.0
    )
    axes.add_collection(borders, autolim=False)
    name_time_axis(axes)
    title = f"{len(segments.unique())} segments"
    name = shorten(spectrogram.recording_id, 60)
    set_text(axes.set_title, ": ".join(filter(None, [name, title])))
    return save_figure(figure, path)


def _write(axes: Axes, text: str, at: tuple[float, float], away: int, **style: Any) -> None:
    """Small text some points above or below a place of the axes, with room made for it."""
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    set_text(axes.annotate, text, xy=at, xytext=(0, away), fontsize=8, **place, **style)


def _draw_input_cell(
    upper: Axes, lower: Axes, spectrogram: Spectrogram, events: Sequence[Event]
) -> None:
    draw_level(upper, spectrogram)
    upper.set_title("spectrogram")
    mark_events(upper, events)
    times, levels = with_gaps(spectrogram, spectrogram.values.mean(dim=0))
    lower.plot(times, levels, color=PROFILE_COLOUR, linewidth=1.2)
    lower.set(ylabel=f"mean ({spectrogram.unit})", xlim=time_edges(spectrogram))
    name_time_axis(lower)
    lower.tick_params(labelbottom=True)
    mark_events(lower, events)


def _comparison_legend(with_events: bool) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=PROFILE_COLOUR, label="time profile"),
        Line2D(
            [], [], color=MARKED_COLOUR, linestyle="--", label="threshold: mean + std, or half-way"
        ),
        Patch(color=MARKED_COLOUR, alpha=0.35, label="marked: above it"),
    ]
    if with_events:
        handles.append(Line2D([], [], color=TRUE_COLOUR, linewidth=2, label="true event"))
    return handles


def _draw_method_cell(
    upper: Axes, lower: Axes, explanation: Explanation, events: Sequence[Event]
) -> None:
    draw_mask(upper, explanation)
    set_text(upper.set_title, explanation.method)
    draw_profile(lower, explanation)
    lower.set(ylabel="profile")
    name_time_axis(lower)
    lower.tick_params(labelbottom=True)
    for axes in (upper, lower):
        mark_events(axes, events)


def _shared_spectrogram(explanations: Sequence[Explanation]) -> Spectrogram:
    if not explanations:
        raise ValueError("a comparison needs at least one explanation, got none")
    first = explanations[0].spectrogram
    for explanation in explanations[1:]:
        other = explanation.spectrogram
        if (other.recording_id, other.values.shape) != (first.recording_id, first.values.shape):
            raise ValueError(
                f"a comparison shows one recording, got {first.recording_id!r} "
                f"{tuple(first.values.shape)} and {other.recording_id!r} "
                f"{tuple(other.values.shape)} (method {explanation.method!r}); "
                "draw one picture a recording"
            )
    return first


def _borders(segments: Tensor, spectrogram: Spectrogram) -> NDArray:
    """`[n, 2, 2]` lines (seconds, Hz) between neighbouring bins of different segments."""
    labels, edges = as_array(segments), bin_edges(as_array(spectrogram.frequencies))
    starts, ends = frame_borders(spectrogram).T
    bins, frames = np.nonzero(labels[:, 1:] != labels[:, :-1])
    upright = [[ends[frames], edges[bins]], [ends[frames], edges[bins + 1]]]
    bins, frames = np.nonzero(labels[1:] != labels[:-1])
    level = [[starts[frames], edges[bins + 1]], [ends[frames], edges[bins + 1]]]
    return np.concatenate([np.moveaxis(np.array(lines), -1, 0) for lines in (upright, level)])
