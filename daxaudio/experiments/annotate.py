"""What an explanation marks, as annotations that other programs show."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from daxaudio.containers import Event, Explanation
from daxaudio.data.formats.annotated import AnnotatedRecording, BandEvent, Tier
from daxaudio.metrics import marking_threshold
from daxaudio.metrics.events import frames_to_events

SMALLEST = 0.01
"""Share of all that is marked below which a region makes no box."""


def annotate(
    explanation: Explanation, *, boxes: bool = False, threshold: float | None = None
) -> AnnotatedRecording:
    """The marked stretches of an explanation, or its marked regions as boxes.

    Args:
        explanation: by any method.
        boxes: of time and frequency, one around each connected region of marked bins, corner to
            corner, but for those of less than `SMALLEST` of all that is marked; else stretches of
            time (see `Explanation.events`).
        threshold: of the mask, above which a bin is marked, for boxes; that of
            `daxaudio.metrics.marking_threshold` when None.

    Returns:
        One tier, named as the method; labels are the class that was explained, or "marked".

    Raises:
        ValueError: when there is a threshold without boxes, which has no meaning, or it is not
            from 0 on and below 1.
    """
    if threshold is not None and not 0 <= threshold < 1:
        raise ValueError(f"threshold must be from 0 on and below 1, got {threshold}")
    label, spectrogram = explanation.target or "marked", explanation.spectrogram
    found: list[Event]
    if boxes:
        found = list(_boxes(explanation, threshold, label))
    elif threshold is not None:
        raise ValueError("a threshold goes with boxes; stretches of time have one of their own")
    else:
        found = [Event(event.start, event.end, label) for event in explanation.events()]
    duration = float(spectrogram.times[-1]) + spectrogram.hop / 2
    last = max((event.end for event in found), default=0.0)
    tier = Tier(explanation.method, tuple(sorted(found, key=lambda event: event.start)))
    return AnnotatedRecording(spectrogram.recording_id, (tier,), max(duration, last))


def _boxes(explanation: Explanation, threshold: float | None, label: str) -> list[BandEvent]:
    mask = explanation.mask.cpu().numpy()
    times = explanation.spectrogram.times.cpu().numpy()
    above = marking_threshold(mask.ravel()) if threshold is None else threshold
    regions, n_regions = scipy.ndimage.label(mask > above)
    edges = _edges(explanation.spectrogram.frequencies.double().cpu().numpy())
    sizes = np.bincount(regions.ravel(), minlength=n_regions + 1)[1:]
    found = []
    for number, place in enumerate(scipy.ndimage.find_objects(regions)):
        if sizes[number] < SMALLEST * sizes.sum():
            continue
        frames = np.zeros(len(times), dtype=bool)
        frames[place[1]] = True
        (event,) = frames_to_events(frames, times)
        low, high = float(edges[place[0].start]), float(edges[place[0].stop])
        found.append(BandEvent(event.start, event.end, label, f_min=low, f_max=high))
    return found


def _edges(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where bins begin and end: half-way to their neighbours."""
    if len(frequencies) == 1:
        return np.array([0.0, 2 * frequencies[0]])
    inner = (frequencies[1:] + frequencies[:-1]) / 2
    first, last = 2 * frequencies[0] - inner[0], 2 * frequencies[-1] - inner[-1]
    return np.array([max(0.0, first), *inner, last])
