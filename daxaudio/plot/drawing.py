"""What all pictures share: figures, time-frequency axes, profiles, event lanes."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.text import Text
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Explanation, Spectrogram
from daxaudio.files import whole_file
from daxaudio.metrics import frames_to_events, paper_threshold

TRUE_COLOUR, PREDICTED_COLOUR, PROFILE_COLOUR = "#0072B2", "#D55E00", "#333333"
BAND_COLOUR = "#56B4E9"
_OVERLAY = colors.LinearSegmentedColormap.from_list(
    "overlay", [(0.90, 0.62, 0.0, alpha) for alpha in (0.0, 0.2, 0.75)]
)
_OCTAVES = tuple(31.25 * 2**octave for octave in range(12))
_CLOSEST_TICKS = 0.07  # of the height of the axes
_MOST_BORDER = 0.1  # of the bins; the contour of a speckled mask would hide the picture
_DPI = 130


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own, in inches, that no display and no pyplot state knows of."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure whole or not at all."""
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)
    return Path(path)


def set_text(setter: Callable[..., Text], text: str, **settings: Any) -> None:
    """Set a text that may hold names: a dollar sign in one starts no formula."""
    setter(text, **settings).set_parse_math(False)


def describe_explanation(explanation: Explanation, method: str = "") -> str:
    """Recording, method, class and score in one line, as far as they are known."""
    joint = "for " if method else ""
    target = f"{joint}{explanation.target!r}" if explanation.target else ""
    score = f"(score {explanation.score:.2f})" if np.isfinite(explanation.score) else ""
    what = " ".join(filter(None, [method, target, score]))
    return ": ".join(filter(None, [explanation.spectrogram.recording_id, what]))


def wrap_warnings(explanation: Explanation, width: int) -> str:
    """The warnings of an explanation in lines of at most `width` letters; "" without warnings."""
    lines = (textwrap.fill(f"Warning: {text}", width) for text in explanation.warnings)
    return "\n".join(lines)


def as_array(values: Any) -> NDArray:
    """Numbers of a tensor on any device, or of anything that numpy takes."""
    return np.asarray(values.detach().double().cpu() if isinstance(values, Tensor) else values)


def time_edges(spectrogram: Spectrogram) -> tuple[float, float]:
    """Seconds at the outer edges of the first and the last frame."""
    half = (spectrogram.hop or 1.0) / 2
    return float(spectrogram.times[0]) - half, float(spectrogram.times[-1]) + half


def draw_bins(axes: Axes, spectrogram: Spectrogram, values: Any, **settings: Any) -> AxesImage:
    """Draw `[F, T]` values on the axes of a spectrogram, with ticks in Hz."""
    n_bins = len(spectrogram.frequencies)
    extent = (*time_edges(spectrogram), -0.5, n_bins - 0.5)
    image = axes.imshow(
        as_array(values),
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        **settings,
    )
    axes.set_yticks(*frequency_ticks(as_array(spectrogram.frequencies)))
    axes.set_ylabel("frequency (Hz)")
    return image


def draw_level(axes: Axes, spectrogram: Spectrogram) -> AxesImage:
    """Draw the spectrogram itself, light is loud."""
    return draw_bins(axes, spectrogram, spectrogram.values, cmap="gray")


def draw_mask(
    axes: Axes, spectrogram: Spectrogram, mask: Any, limits: tuple[float, float]
) -> AxesImage:
    """Draw a mask on a colour scale between two limits."""
    low, high = limits
    return draw_bins(axes, spectrogram, mask, cmap="viridis", vmin=low, vmax=high)


def draw_standard_error(axes: Axes, explanation: Explanation) -> AxesImage:
    """Draw the standard error of a mask that has one, on a colour scale from 0 to its largest."""
    assert explanation.standard_error is not None
    errors = as_array(explanation.standard_error)
    high = float(errors.max()) or 1.0
    return draw_bins(axes, explanation.spectrogram, errors, cmap="magma", vmin=0.0, vmax=high)


def mask_limits(*masks: Any) -> tuple[float, float]:
    """Lowest and highest value of all masks together; 0 and 1 where nothing stands out."""
    low = min(float(as_array(mask).min()) for mask in masks)
    high = max(float(as_array(mask).max()) for mask in masks)
    return (low, high) if low < high else (0.0, 1.0)


def draw_overlay(axes: Axes, explanation: Explanation) -> None:
    """Lay the mask over a spectrogram that is drawn already: colour where it is large."""
    spectrogram, mask = explanation.spectrogram, as_array(explanation.mask)
    low, high = mask_limits(mask)
    draw_bins(axes, spectrogram, mask, cmap=_OVERLAY, vmin=low, vmax=high)
    level = (low + high) / 2
    if min(mask.shape) >= 2 and 0 < _border_share(mask > level) <= _MOST_BORDER:
        axes.contour(
            as_array(spectrogram.times),
            np.arange(len(mask)),
            mask,
            levels=[level],
            colors=["#F0E442"],
            linewidths=0.8,
        )


def frequency_ticks(frequencies: NDArray) -> tuple[list[float], list[str]]:
    """Positions in bins and labels of ticks at octaves of 31.25 Hz, as far as they have room.

    Args:
        frequencies: `[F]` centre of each bin in Hz, increasing.

    Returns:
        Positions (fractions of bins are interpolated) and labels such as "500" and "2k". When
        fewer than two octaves fit, the lowest and the highest bin.

    Example:
        >>> frequency_ticks(np.arange(9) * 500.0)
        ([8.0, 4.0, 2.0, 1.0, 0.25], ['4k', '2k', '1k', '500', '125'])
    """
    bins = np.arange(len(frequencies))
    inside = [f for f in reversed(_OCTAVES) if frequencies[0] <= f <= frequencies[-1]]
    ticks: dict[float, str] = {}
    for frequency in inside:
        position = float(np.interp(frequency, frequencies, bins))
        if not ticks or min(ticks) - position >= _CLOSEST_TICKS * len(bins):
            ticks[position] = _in_hertz(frequency)
    if len(ticks) < 2:
        ends = sorted({0, len(bins) - 1})
        ticks = {float(end): _in_hertz(float(frequencies[end])) for end in ends}
    return list(ticks), list(ticks.values())


def draw_profile(axes: Axes, explanation: Explanation) -> None:
    """Draw the time profile with the paper's threshold, filled where it is above."""
    times, profile = as_array(explanation.spectrogram.times), as_array(explanation.profile)
    threshold = paper_threshold(profile)
    axes.plot(times, profile, color=PROFILE_COLOUR, linewidth=1.2, label="profile")
    axes.axhline(
        threshold, color=PREDICTED_COLOUR, linestyle="--", linewidth=1.2, label="mean + std"
    )
    axes.fill_between(
        times,
        profile,
        threshold,
        where=profile > threshold,
        color=PREDICTED_COLOUR,
        alpha=0.35,
        linewidth=0,
    )
    axes.set_xlim(*time_edges(explanation.spectrogram))
    axes.grid(axis="y", alpha=0.3)


def draw_profile_band(axes: Axes, explanation: Explanation) -> None:
    """Draw a band around the time profile: plus and minus the mean of the standard errors.

    The mean over frequency of the mask's standard error is an upper bound of the profile's own
    standard error. The bound is reached when all errors of a frame rise and fall together. Errors
    of one mask are correlated to a degree that is not known here, so they are not taken as
    independent, which would make the band narrower by up to the square root of F.

    Args:
        axes: of the profile.
        explanation: has a standard error.
    """
    assert explanation.standard_error is not None
    times, profile = as_array(explanation.spectrogram.times), as_array(explanation.profile)
    width = as_array(explanation.standard_error).mean(axis=0)
    axes.fill_between(
        times,
        profile - width,
        profile + width,
        color=BAND_COLOUR,
        alpha=0.4,
        linewidth=0,
        label="± error (at most)",
        zorder=0.5,  # below the profile
    )


def draw_lanes(axes: Axes, explanation: Explanation, events: Sequence[Event]) -> None:
    """Draw the true events, if any, above those that the profile predicts, as bars in time."""
    profile = as_array(explanation.profile)
    active = profile > paper_threshold(profile)
    predicted = frames_to_events(active, explanation.spectrogram.times)
    lanes = [("predicted", predicted, PREDICTED_COLOUR)]
    if events:
        lanes.append(("true", list(events), TRUE_COLOUR))
    for height, (_, lane, colour) in enumerate(lanes):
        for event in lane:
            _draw_event(axes, event, height, colour)
    axes.set_ylim(-0.5, len(lanes) - 0.5)
    axes.set_yticks(range(len(lanes)), [name for name, _, _ in lanes])
    axes.set_xlim(*time_edges(explanation.spectrogram))
    axes.set_xlabel("time (s)")


def _draw_event(axes: Axes, event: Event, height: float, colour: str) -> None:
    (bar,) = axes.barh(height, event.duration, height=0.7, left=event.start, color=colour)
    text = axes.text(
        event.start, height, f" {event.label}", va="center", color="white", parse_math=False
    )
    # a label longer than its bar ends with the bar
    text.set_clip_path(bar)


def _border_share(inside: NDArray) -> float:
    """Share of neighbouring pairs of bins of which one is inside."""
    crossings = (inside[:, 1:] != inside[:, :-1]).mean() + (inside[1:] != inside[:-1]).mean()
    return float(crossings) / 2


def _in_hertz(frequency: float) -> str:
    return f"{frequency / 1000:g}k" if frequency >= 1000 else f"{frequency:.4g}"
