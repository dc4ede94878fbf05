"""Explanations of windows become one explanation, on the time axis of the whole recording.

Where windows overlap, a frame is the mean of theirs, each weighted by how far from the borders of
its window the frame lies: by sin^2 of its place, which is near 0 at the ends, where a method sees
little of what is around, and 1 in the middle. Windows that follow each other at half a window so
have weights that sum to 1. Frames in no explained window are not there: the time axis jumps, as it
does over deleted silence, and nothing stands for them. They are not without evidence; they were not
explained.

Masks are scaled in each window by itself, as the method does it: within a window they compare
moments, not one window with another. For that there are the scores of the windows. So each window
marks by its own threshold, that of `daxaudio.metrics.marking_threshold`, and where windows overlap,
their thresholds are blended as their masks are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.experiments.windows import Window
from daxaudio.explainers.storage import load_explanation
from daxaudio.metrics import marking_threshold
from daxaudio.metrics.phase_events import marked_outside

MOST_BINS = 1 << 21
"""Bins of a stitched mask; where more were explained, frames in a row are averaged."""


@dataclasses.dataclass(frozen=True, eq=False)
class Stitched:
    """What windows give together.

    Args:
        explanation: on the axis of the whole recording.
        together: frames of the front end that one of its frames is the mean of.
        warned: windows whose explanation has warnings.
        threshold: `[T]`, above which a frame of the profile is marked.
    """

    explanation: Explanation
    together: int
    warned: tuple[str, ...]
    threshold: Tensor

    @property
    def marked(self) -> Events:
        """Stretches in which the profile is above the threshold, with the class as their label."""
        above = self.explanation.profile - self.threshold
        times = self.explanation.spectrogram.times
        found = marked_outside(above, times, (), threshold=0.0)
        label = self.explanation.target or "marked"
        return Events(Event(event.start, event.end, label) for event in found)


def stitch(
    places: Sequence[tuple[Window, Path]],
    recording_id: str,
    frame: float,
    *,
    most_bins: int = MOST_BINS,
) -> Stitched:
    """Put the stored explanations of windows onto one time axis; one is in memory at a time.

    Args:
        places: windows in order of time, and the folder of the explanation of each.
        recording_id: of the whole.
        frame: seconds from one frame of the front end to the next.
        most_bins: how many bins the mask may have.

    Returns:
        The explanation: its score is the highest of a window, its queries are those of all.

    Raises:
        ValueError: when there is no window, or they were explained by different methods or for
            different classes.
    """
    if not places:
        raise ValueError("there is no explained window to stitch")
    first = load_explanation(places[0][1])
    n_frames, n_bins = len(first.spectrogram.times), len(first.spectrogram.frequencies)
    covered = _covered([window.first for window, _ in places], n_frames)
    together = max(1, math.ceil(len(covered) * n_bins / most_bins))
    columns = np.unique(covered // together)
    sums = {name: np.zeros((n_bins, len(columns))) for name in _parts(first)}
    weights, thresholds = np.zeros((1, len(columns))), np.zeros((1, len(columns)))
    scores, n_queries, n_gradients, warned = [], 0, 0, []
    for window, folder in places:
        one = load_explanation(folder)
        if (one.method, one.target) != (first.method, first.target):
            raise ValueError(f"{folder}: is by {one.method} for {one.target!r}, another one is not")
        own = _weights(len(one.spectrogram.times))[None, :n_frames]  # rates may round a frame more
        at = np.searchsorted(columns, (window.first + np.arange(own.shape[1])) // together)
        for name, values in _parts(one).items():
            _add(sums[name], at, values.double().numpy()[:, :n_frames] * own)
        _add(weights, at, own)
        _add(thresholds, at, marking_threshold(one.profile) * own)
        scores.append(one.score)
        n_queries, n_gradients = n_queries + one.n_queries, n_gradients + one.n_gradients
        warned += [window.name] * bool(one.warnings)
    there = weights[0] > 0
    found = {
        name: torch.from_numpy((total[:, there] / weights[:, there]).astype(np.float32))
        for name, total in sums.items()
    }
    times = (columns[there] * together + (together - 1) / 2) * frame
    shown = first.spectrogram
    spectrogram = Spectrogram(
        found["level"], shown.frequencies, torch.from_numpy(times), recording_id, shown.unit
    )
    whole = Explanation(
        found["mask"].clamp(0, 1),
        spectrogram,
        first.method,
        first.target,
        score=max(scores),
        n_queries=n_queries,
        n_gradients=n_gradients,
        attribution=found["attribution"],
        settings=first.settings,
    )
    threshold = torch.from_numpy(thresholds[0, there] / weights[0, there])
    return Stitched(whole, together, tuple(warned), threshold)


def _parts(one: Explanation) -> dict[str, Tensor]:
    attribution = one.mask if one.attribution is None else one.attribution
    return {"mask": one.mask, "attribution": attribution, "level": one.spectrogram.values}


def _covered(firsts: Sequence[int], n_frames: int) -> NDArray[np.int64]:
    """Numbers of the frames in any window, in order."""
    found: list[NDArray[np.int64]] = []
    end = 0
    for first in firsts:
        found.append(np.arange(max(first, end), first + n_frames))
        end = first + n_frames
    return np.concatenate(found)


def _weights(n_frames: int) -> NDArray[np.float64]:
    """`[T]` weights of the frames of a window; all above 0."""
    return np.sin(np.pi * (np.arange(n_frames) + 0.5) / n_frames) ** 2


def _add(total: NDArray[np.float64], at: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Add columns `[F, T]` to the columns of a sum where they belong; several may belong to one."""
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    total[:, at[starts]] += np.add.reduceat(values, starts, axis=1)
