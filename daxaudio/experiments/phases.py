"""Stored explanations against annotated phases: tables by recording, and pictures."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.containers import Event, Events, Explanation
from daxaudio.experiments.score import find_explanations
from daxaudio.explainers.catalogue import order_methods
from daxaudio.explainers.storage import load_explanation, load_facts
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
from daxaudio.metrics.phases import measure_phases
from daxaudio.plot.phases import plot_phases
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.tables import write_table

VALUES, EVENTS, RECORDINGS = "phases.csv", "events_found.csv", "recordings_found.csv"
PICTURES = "pictures/phases"

_KEYS = ["recording_id", "target", "method"]


def score_phases(
    explanations: str | os.PathLike[str],
    events: Mapping[str, Events],
    out: str | os.PathLike[str],
    *,
    background: Collection[str] = BACKGROUND,
    drawn: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure explanations by phase and event by event; write tables and pictures.

    Args:
        explanations: folder that `daxaudio explain` or `daxaudio compare` wrote, or one above.
        events: phases by recording id. Recordings without are left out.
        out: folder to write to: `phases.csv`, `events_found.csv`, `recordings_found.csv` and
            `pictures/phases/METHOD/RECORDING_ID.png`, each whole or not at all.
        background: labels that are no events to be found.
        drawn: methods whose explanations are drawn.

    Returns:
        What is in `phases.csv`: see `daxaudio.metrics.phases.measure_phases`.

    Raises:
        ValueError: when there is no explanation, or none of a recording with events.
    """
    judged: list[pd.DataFrame] = []
    counted: list[dict[str, object]] = []
    folders = find_explanations(explanations)
    kept = _annotated(folders, events)
    if not kept:
        raise ValueError(f"{explanations}: no recording that is explained is annotated")

    def each() -> Iterator[Explanation]:
        for folder in progress_bar(kept, "phases"):
            explanation = load_explanation(folder)
            name = explanation.spectrogram.recording_id
            judged.append(judge_events(explanation, events[name], background))
            counted.append(count_events(explanation, events[name], background))
            if explanation.method in drawn:
                path = Path(out) / PICTURES / explanation.method / f"{name}.png"
                plot_phases(explanation, path, events[name], background)
            yield explanation

    values = measure_phases(each(), events).round({"value": 6})
    write_table(values, Path(out) / VALUES)
    write_table(pd.concat(judged, ignore_index=True).round(6), Path(out) / EVENTS)
    write_table(pd.DataFrame(counted).round(6), Path(out) / RECORDINGS)
    return values


def judge_events(
    explanation: Explanation,
    events: Sequence[Event],
    background: Collection[str] = BACKGROUND,
) -> pd.DataFrame:
    """Each event of a recording, and what is marked outside any event.

    Args:
        explanation: of one method.
        events: true events of the recording.
        background: labels that are no events.

    Returns:
        One row for each event, of which those of one class that touch or overlap are one, with its
        `verdict` ("found", "partly", "missed", or "no frame" for one that holds no frame), then one
        for each stretch that is marked "outside". Columns
        `recording_id`, `target`, `method`, `verdict`, `label`, `start`, `end`, `iou`,
        `marked_start`, `marked_end` (seconds).

    Example:
        >>> import torch
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.zeros(1, 6), torch.ones(1), torch.arange(6) + 0.5, "a")
        >>> explanation = Explanation(torch.eye(6)[:1], picture, "rise")
        >>> table = judge_events(explanation, [Event(0, 2, "cough"), Event(3, 4, "cough")])
        >>> table[["verdict", "iou"]].to_numpy().tolist()
        [['found', 0.5], ['missed', 0.0]]
    """
    names = (explanation.spectrogram.recording_id, explanation.target, explanation.method)
    where = (explanation.profile, explanation.spectrogram.times, events, background)
    rows: list[tuple[object, ...]] = []
    nan = float("nan")
    for found in find_events(*where):
        marked = (nan, nan) if found.marked is None else (found.marked.start, found.marked.end)
        event = found.event
        rows.append(
            (*names, found.verdict, event.label, event.start, event.end, found.iou, *marked)
        )
    for run in marked_outside(*where):
        rows.append((*names, "outside", "", nan, nan, nan, run.start, run.end))
    columns = [*_KEYS, "verdict", "label", "start", "end", "iou", "marked_start", "marked_end"]
    return pd.DataFrame(rows, columns=columns)


def count_events(
    explanation: Explanation,
    events: Sequence[Event],
    background: Collection[str] = BACKGROUND,
) -> dict[str, object]:
    """How many events of a recording were found, and how much is marked outside any event.

    Args:
        explanation: of one method.
        events: true events of the recording.
        background: labels that are no events.

    Returns:
        `recording_id`, `target`, `method`, `events`, `found_at_0.5` and `found_at_0.3` (events
        whose IoU is at least that), `missed` (below), `no_frame` (no frame),
        `seconds_marked` and, of these, `seconds_outside`.
    """
    judged = judge_events(explanation, events, background)
    counts = judged["verdict"].value_counts()
    found, partly, missed, short = (
        int(counts.get(verdict, 0)) for verdict in (FOUND, PARTLY, MISSED, NO_FRAME)
    )
    where = (explanation.profile, explanation.spectrogram.times)
    names = (explanation.spectrogram.recording_id, explanation.target, explanation.method)
    return {
        **dict(zip(_KEYS, names, strict=True)),
        "events": found + partly + missed + short,
        f"found_at_{LEVELS[FOUND]}": found,
        f"found_at_{LEVELS[PARTLY]}": found + partly,
        "missed": missed,
        "no_frame": short,
        "seconds_marked": marked_outside(*where, []).duration,
        "seconds_outside": marked_outside(*where, events, background).duration,
    }


def _annotated(folders: Sequence[Path], events: Mapping[str, Events]) -> list[Path]:
    """Folders of recordings that have events, by recording and then in the order of methods."""
    facts = {folder: load_facts(folder) for folder in folders}
    order = order_methods(fact["method"] for fact in facts.values())
    kept = [folder for folder in folders if facts[folder]["recording_id"] in events]
    return sorted(kept, key=lambda f: (facts[f]["recording_id"], order.index(facts[f]["method"])))
