"""Picture of how a mask was learned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from daxaudio.containers import Explanation
from daxaudio.plot.drawing import (
    MARKED_COLOUR,
    TRUE_COLOUR,
    describe_explanation,
    mask_limits,
    new_figure,
)
from daxaudio.plot.texts import save_figure, set_text
from daxaudio.plot.time_frequency import as_array, draw_bins

_MAX_MASKS = 6
_HISTORY = ("masks", "mask_epochs", "train_loss", "validation_loss")


def plot_history(explanation: Explanation, path: str | os.PathLike[str]) -> Path:
    """Draw how a mask was learned: the mask at up to six epochs, and the losses (Figure 5).

    Args:
        explanation: of a method that learns; its history holds `masks` (one `[F, T]` an entry),
            `mask_epochs`, `train_loss` and `validation_loss` (one an epoch, from epoch 1).
        path: file to write.

    Returns:
        The path.

    Raises:
        ValueError: when the history lacks one of these, because the method does not learn.

    Example:
        >>> import tempfile, torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.rand(8, 20), torch.arange(1, 9) * 500.0, torch.arange(20.0))
        >>> history = {"masks": [picture.values], "mask_epochs": [1]}
        >>> history.update(train_loss=[0.5], validation_loss=[0.6])
        >>> learned = Explanation(picture.values, picture, "dax_v2", history=history)
        >>> plot_history(learned, Path(tempfile.mkdtemp()) / "a.png").name
        'a.png'
    """
    history = _check_history(explanation)
    shown = _spread(list(zip(history["mask_epochs"], history["masks"], strict=True)), _MAX_MASKS)
    limits = mask_limits(*(mask for _, mask in shown))
    n_columns = min(2, len(shown))
    n_rows = -(-len(shown) // n_columns)
    figure = new_figure(5.0 * n_columns + 4.5, 1.0 + max(2.0 * n_rows, 3.0))
    set_text(figure.suptitle, describe_explanation(explanation, explanation.method))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[5.0 * n_columns, 4.5])[0]
    panels = left.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flatten()[len(shown) :]:
        axes.set_visible(False)
    for axes, (epoch, mask) in zip(panels.flatten(), shown, strict=False):
        image = draw_bins(
            axes, explanation.spectrogram, mask, cmap="viridis", vmin=limits[0], vmax=limits[1]
        )
        axes.set(title=f"epoch {epoch}", xlabel="time (s)")
        axes.label_outer()
    left.colorbar(image, ax=panels, label="mask", pad=0.01)
    _draw_losses(right.subplots(), history)
    return save_figure(figure, path)


def _draw_losses(axes: Axes, history: Mapping[str, Any]) -> None:
    for name, colour, style in (
        ("train_loss", TRUE_COLOUR, "o-"),
        ("validation_loss", MARKED_COLOUR, "s--"),
    ):
        losses = as_array(history[name])
        label = name.removesuffix("_loss")
        axes.plot(
            1 + np.arange(len(losses)), losses, style, color=colour, markersize=4, label=label
        )
    axes.set(xlabel="epoch", ylabel="loss", title="Losses")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def _check_history(explanation: Explanation) -> Mapping[str, Any]:
    history = explanation.history
    missing = [name for name in _HISTORY if len(history.get(name, ())) == 0]
    if missing:
        raise ValueError(
            f"the history of {explanation.method!r} has no {', '.join(missing)}: it does not learn "
            "its mask by epochs; draw it with plot_explanation"
        )
    if len(history["masks"]) != len(history["mask_epochs"]):
        raise ValueError(
            f"the history of {explanation.method!r} has {len(history['masks'])} masks but "
            f"{len(history['mask_epochs'])} mask_epochs; give one epoch a mask"
        )
    return history


def _spread(entries: list[Any], limit: int) -> list[Any]:
    """At most `limit` entries, evenly spread, the first and the last among them."""
    numbers = np.linspace(0, len(entries) - 1, min(limit, len(entries))).round().astype(int)
    return [entries[number] for number in numbers]
