"""Where one mask lies: its share by event class, band and level, beside that of a flat mask.

Numbers of one explanation, in `where.json` beside it, so that a corpus is summed up without reading
a mask again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxaudio.containers import Event, Events, Explanation
from daxaudio.explainers.storage import is_stored, is_up_to_date, load_explanation, load_facts
from daxaudio.metrics.phases import phase_mass, phase_share
from daxaudio.runs.files import read_text, write_text

FILE = "where.json"

COLUMNS = ("recording_id", "method", "division", "part", "share", "chance")

EDGES = (0, 250, 500, 1000, 2000, 4000, 8000, 16000)
"""Borders of bands in Hz; the last one has no upper border."""

LEVELS = ("quietest quarter", "second quarter", "third quarter", "loudest quarter")
"""Of the frames of a recording."""


def shares_of(
    explanation: Explanation, events: Sequence[Event]
) -> list[tuple[str, str, float, float]]:
    """Share of the mask in each part of each division, and the share that a flat mask would have.

    Args:
        explanation: on its own axes.
        events: of the recording; without any, nothing is said of events.

    Returns:
        Rows of division ("event", "band" or "level"), part, share and chance; of a mask that is 0
        everywhere, none. A part that holds no bin is left out.

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> hertz, times = torch.tensor([100.0, 300.0, 600.0, 900.0]), torch.arange(4.0)
        >>> picture = Spectrogram(torch.eye(4), hertz, times)
        >>> explanation = Explanation(torch.eye(4)[[0, 0, 0, 3]], picture, "rise")
        >>> for row in shares_of(explanation, [Event(0, 2, "cough")])[:3]:
        ...     print(row)
        ('event', 'cough', 0.75, 0.5)
        ('event', 'unlabelled', 0.25, 0.5)
        ('band', '0-250 Hz', 0.25, 0.25)
    """
    mask = explanation.mask.double().cpu().numpy()
    if not mask.any():
        return []
    spectrogram, rows = explanation.spectrogram, []
    profile, times = explanation.profile.double().cpu().numpy(), spectrogram.times
    if events:
        masses = phase_mass(profile, times, events)
        chances = {name: phase_share(times, events, name) for name in masses}
        rows += [("event", name, masses[name], chances[name]) for name in masses]
    hertz = spectrogram.frequencies.double().cpu().numpy()
    by_band = mask.sum(axis=1) / mask.sum()
    for name, inside in _bands(hertz):
        rows.append(("band", name, float(by_band[inside].sum()), float(inside.mean())))
    levels = spectrogram.values.double().cpu().numpy().mean(axis=0)
    quarters = _quarters(levels)
    for k, name in enumerate(LEVELS):
        inside = quarters == k
        share = float(profile[inside].sum() / profile.sum())
        rows.append(("level", name, share, float(inside.mean())))
    return [row for row in rows if row[3] > 0 and math.isfinite(row[2])]


def _bands(hertz: NDArray[np.float64]) -> list[tuple[str, NDArray[np.bool_]]]:
    found = []
    for low, high in zip(EDGES, [*EDGES[1:], math.inf], strict=True):
        name = f"{low}-{high} Hz" if high < math.inf else f"above {low} Hz"
        found.append((name, (hertz >= low) & (hertz < high)))
    return found


def _quarters(levels: NDArray[np.float64]) -> NDArray[np.int64]:
    """`[T]` 0 to 3: frames by level, in the order of time where they are as loud."""
    order = np.argsort(np.argsort(levels, kind="stable"), kind="stable")
    return np.asarray(order * 4 // max(1, len(levels)))


def look_where(folder: Path, events: Events) -> dict[str, Any]:
    """What is said of a stored explanation, written beside it where it is not there yet.

    Args:
        folder: of the explanation.
        events: of the recording.

    Returns:
        `rows` as of `shares_of`; `recording_id`, `method`, `target`, `score`, `reliability` (None
        where the method knows none), `warnings`, `queries`.
    """
    known = [[event.start, event.end, event.label] for event in events]
    path = folder / FILE
    if is_up_to_date(folder, FILE):
        stored: dict[str, Any] = json.loads(read_text(path))
        if stored["events"] == known:
            return stored
    explanation, facts = load_explanation(folder), load_facts(folder)
    reliability = facts["findings"].get("reliability")
    rows = [
        [division, part, round(share, 6), round(chance, 6)]
        for division, part, share, chance in shares_of(explanation, events)
    ]
    document = {
        "recording_id": facts["recording_id"],
        "method": facts["method"],
        "target": facts["target"],
        "score": facts["score"],
        "queries": facts["queries"],
        "reliability": None if reliability is None else round(float(reliability), 6),
        "warnings": facts.get("warnings", []),
        "events": known,
        "rows": rows,
    }
    write_text(json.dumps(document, indent=1) + "\n", path)
    return document


def agreement_of(first: Path, second: Path) -> float | None:
    """Rank correlation of the masks of two stored explanations of one recording and class.

    Args:
        first: folder of an explanation.
        second: folder of one by another method.

    Returns:
        None where one is not stored or marks all alike, or they are of two classes.
    """
    if not (is_stored(first) and is_stored(second)):
        return None
    one, other = load_explanation(first), load_explanation(second)
    if other.target != one.target or other.mask.shape != one.mask.shape:
        return None
    from scipy.stats import spearmanr  # late: a quarter of a second

    masks = [explanation.mask.flatten().numpy() for explanation in (one, other)]
    if any(np.ptp(mask) == 0 for mask in masks):
        return None
    return round(float(spearmanr(*masks).statistic), 6)
