"""What all pictures share: figures, masks over spectrograms, profiles, event lanes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.metrics import marking_threshold, paper_threshold
from daxaudio.plot.texts import shorten
from daxaudio.plot.time_axis import name_time_axis
from daxaudio.plot.time_frequency import (
    DELETED_COLOUR,
    as_array,
    columns_of,
    draw_bins,
    time_edges,
    with_gaps,
)

TRUE_COLOUR, MARKED_COLOUR, PROFILE_COLOUR = "#0072B2", "#D55E00", "#333333"
BAND_COLOUR = "#56B4E9"
_OVERLAY = colors.LinearSegmentedColormap.from_list(
    "overlay", [(0.90, 0.62, 0.0, alpha) for alpha in (0.0, 0.2, 0.75)]
)
_TITLE_WIDTH = 105  # letters that fit beside each other
MOST_BORDER = 0.1  # of the bins; the contour of a speckled mask would hide the picture
_BAR = 0.72  # of the height of a lane
_LEAST_LABELLED = 0.008  # of the time axis; a shorter event has no room for a letter
_CONTOUR = "#F0E442"


def new_figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """A figure of its own, in inches, that no display and no pyplot state knows of."""
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def describe_explanation(explanation: Explanation, method: str = "") -> str:
    """Recording, method, class and score in a line or two, as far as they are known."""
    joint = "for class " if method else "class "
    target = f"{joint}{shorten(explanation.target)!r}" if explanation.target else ""
    score = f"(score {explanation.score:.2f})" if np.isfinite(explanation.score) else ""
    what = " ".join(filter(None, [method, target, score]))
    name = shorten(explanation.spectrogram.recording_id, 60)
    return textwrap.fill(": ".join(filter(None, [name, what])), _TITLE_WIDTH)


def describe_doubts(explanation: Explanation, verdict: str, width: int) -> str:
    """The verdict and the warnings in lines of at most `width` letters; "" without any."""
    texts = [f"Verdict: {verdict}"] * bool(verdict)
    texts += [f"Warning: {warning}" for warning in explanation.warnings]
    return "\n".join(textwrap.fill(text, width) for text in texts)


def draw_level(axes: Axes, spectrogram: Spectrogram, *, colour_bar: bool = True) -> None:
    """Draw the spectrogram itself, light is loud."""
    label = f"level ({spectrogram.unit})" if colour_bar else ""
    draw_bins(axes, spectrogram, spectrogram.values, label=label, cmap="gray")


def draw_mask(axes: Axes, explanation: Explanation) -> None:
    """Draw the mask on a colour scale from its lowest to its highest value."""
    low, high = mask_limits(explanation.mask)
    settings: dict[str, Any] = {"cmap": "viridis", "vmin": low, "vmax": high}
    draw_bins(axes, explanation.spectrogram, explanation.mask, label="mask", **settings)


def mask_limits(*masks: Any) -> tuple[float, float]:
    """Lowest and highest value of all masks together; 0 and 1 where nothing stands out."""
    low = min(float(as_array(mask).min()) for mask in masks)
    high = max(float(as_array(mask).max()) for mask in masks)
    return (low, high) if low < high else (0.0, 1.0)


def draw_picture_panel(axes: Axes, explanation: Explanation, *, colour_bar: bool = True) -> None:
    """Draw the spectrogram and the mask over it, with a title and a legend above."""
    handles = draw_picture(axes, explanation, colour_bar=colour_bar)
    axes.set_title("Spectrogram, and the mask over it", loc="left")
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 0.99),
        ncols=len(handles),
        fontsize=8,
        borderpad=0.2,
        facecolor="#555555",
        labelcolor="white",
        framealpha=1.0,
    )


def draw_picture(
    axes: Axes, explanation: Explanation, *, colour_bar: bool = True
) -> Sequence[Artist]:
    """Draw the spectrogram, and the mask over it as a colour that is stronger where it is larger.

    A contour lies half-way between the mask's lowest and highest value, where it does not hide the
    picture.

    Returns:
        What a legend of it says.
    """
    spectrogram, mask = explanation.spectrogram, explanation.mask
    draw_level(axes, spectrogram, colour_bar=colour_bar)
    low, high = mask_limits(mask)
    draw_bins(axes, spectrogram, mask, cmap=_OVERLAY, vmin=low, vmax=high)
    handles: list[Artist] = [Patch(color=_OVERLAY(0.9), label="mask: stronger where larger")]
    edges, columns = columns_of(spectrogram, mask)
    half_way, shown = (low + high) / 2, np.ma.masked_invalid(columns)
    if min(shown.shape) >= 2 and 0 < border_share(shown.filled(low) > half_way) <= MOST_BORDER:
        where = (edges[1:] + edges[:-1]) / 2, as_array(spectrogram.frequencies)
        axes.contour(*where, shown, levels=[half_way], colors=[_CONTOUR], linewidths=0.8)
        label = f"contour: {half_way:.2g}, half-way up"
        handles.append(Line2D([], [], color=_CONTOUR, linewidth=1.6, label=label))
    if shown.mask.any():
        stitched = "window_step" in explanation.settings  # see `experiments.stitch`
        label = "not explained" if stitched else "deleted silence"
        handles.append(Patch(color=DELETED_COLOUR, label=label))
    return handles


def draw_profile_panel(axes: Axes, explanation: Explanation) -> None:
    """Draw the time profile with a title and a legend, and what is known of its error as a band."""
    draw_profile(axes, explanation)
    if explanation.standard_error is not None:
        _draw_profile_band(axes, explanation)
    axes.set_title("Time profile (mean over frequency)", loc="left")
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 0.95),
        ncols=4,
        columnspacing=1.2,
        fontsize=8,
        frameon=False,
    )


def draw_profile(axes: Axes, explanation: Explanation) -> None:
    """Draw the time profile from 0 with the threshold of what is marked, filled above it."""
    values = as_array(explanation.profile)
    threshold = marking_threshold(values)
    named = "mean + std" if threshold == paper_threshold(values) else "half-way up"
    times, profile = with_gaps(explanation.spectrogram, explanation.profile)
    axes.plot(times, profile, color=PROFILE_COLOUR, linewidth=1.2, label="profile")
    axes.axhline(
        threshold,
        color=MARKED_COLOUR,
        linestyle="--",
        linewidth=1.2,
        label=f"threshold: {named}",
    )
    axes.fill_between(
        times,
        profile,
        threshold,
        where=profile > threshold,
        color=MARKED_COLOUR,
        alpha=0.35,
        linewidth=0,
        label="marked",
    )
    axes.set_xlim(*time_edges(explanation.spectrogram))
    _end_axis_above(axes, max(threshold, float(np.nanmax(profile))))
    axes.grid(axis="y", alpha=0.3)


def _draw_profile_band(axes: Axes, explanation: Explanation) -> None:
    """Draw a band around the time profile: plus and minus the mean of the standard errors.

    The mean over frequency of the mask's standard error is an upper bound of the profile's own
    standard error. The bound is reached when all errors of a frame rise and fall together. Errors
    of one mask are correlated to a degree that is not known here, so they are not taken as
    independent, which would make the band narrower by up to the square root of F.
    """
    assert explanation.standard_error is not None
    width = as_array(explanation.standard_error).mean(axis=0)
    times, profile, width = with_gaps(explanation.spectrogram, explanation.profile, width)
    axes.fill_between(
        times,
        profile - width,
        profile + width,
        color=BAND_COLOUR,
        alpha=0.4,
        linewidth=0,
        label="± standard error, at most",
        zorder=0.5,  # below the profile
    )
    _end_axis_above(axes, float(np.nanmax(profile + width)))


def _end_axis_above(axes: Axes, highest: float) -> None:
    """From 0 to a little above a value that is drawn; 0 to 1 where everything is 0."""
    axes.set_ylim(0.0, 1.08 * highest or 1.0)


def draw_lanes(axes: Axes, explanation: Explanation, events: Sequence[Event]) -> None:
    """Draw the true events, if any, above what the profile marks, as bars in time."""
    lanes = [("marked", explanation.events(), MARKED_COLOUR)]
    if events:
        lanes.append(("true", Events(events), TRUE_COLOUR))
    axes.set_xlim(*time_edges(explanation.spectrogram))
    for height, (_, lane, colour) in enumerate(lanes):
        draw_events(axes, lane, height, facecolors=colour, edgecolors=colour, linewidths=0.4)
        _write_labels(axes, lane, height)
    axes.set_ylim(-0.5, len(lanes) - 0.5)
    axes.set_yticks(range(len(lanes)), [name for name, _, _ in lanes])
    name_time_axis(axes)


def draw_events(axes: Axes, events: Sequence[Event], height: float, **style: Any) -> None:
    """Draw events as bars at one height: one collection, however many there are."""
    spans = [(event.start, event.duration) for event in events]
    if spans:
        axes.broken_barh(spans, (height - _BAR / 2, _BAR), **style)


def _write_labels(axes: Axes, events: Sequence[Event], height: float) -> None:
    """Write the labels of events into their bars, where there is room for a letter."""
    left, right = axes.get_xlim()
    for event in events:
        if not event.label or event.duration < _LEAST_LABELLED * (right - left):
            continue
        text = axes.text(
            event.start,
            height,
            f" {shorten(event.label)}",
            va="center",
            color="white",
            parse_math=False,
        )
        corner = (event.start, height - _BAR / 2)
        bar = Rectangle(corner, event.duration, _BAR, transform=axes.transData)
        text.set_clip_path(bar)  # a label longer than its bar ends with the bar
        text.set_in_layout(False)  # nor does it take room from the panels


def border_share(inside: NDArray) -> float:
    """Share of neighbouring pairs of bins of which one is inside."""
    crossings = (inside[:, 1:] != inside[:, :-1]).mean() + (inside[1:] != inside[:-1]).mean()
    return float(crossings) / 2


def mark_events(axes: Axes, events: Sequence[Event]) -> None:
    """A bracket around each event: its borders, with a white rim that shows on dark masks."""
    borders = Events(events).borders
    height = axes.get_xaxis_transform()
    axes.vlines(borders, 0, 1, transform=height, color="white", linewidth=3.2, alpha=0.7)
    axes.vlines(borders, 0, 1, transform=height, color=TRUE_COLOUR, linewidth=2.0)
