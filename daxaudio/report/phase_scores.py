"""Stored explanations against annotated phases: tables by recording, and pictures."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from daxaudio.containers import Event, Explanation
from daxaudio.experiments.score import find_explanations
from daxaudio.explainers.catalogue import order_methods
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.metrics.phase_events import BACKGROUND
from daxaudio.metrics.phases import measure_phases
from daxaudio.plot.phases import plot_phases
from daxaudio.report.phase_tables import count_events, judge_events
from daxaudio.runs.tables import write_table

VALUES, EVENTS, RECORDINGS = "phases.csv", "events_found.csv", "recordings_found.csv"
PICTURES = "pictures/phases"


def score_phases(
    explanations: str | os.PathLike[str],
    events: Mapping[str, Sequence[Event]],
    out: str | os.PathLike[str],
    background: Collection[str] = BACKGROUND,
    drawn: Sequence[str] = (),
    progress: bool = True,
) -> pd.DataFrame:
    """Measure explanations by phase and event by event; write tables and pictures.

    Args:
        explanations: folder that `daxaudio explain` or `daxaudio compare` wrote, or one above.
        events: phases by recording id. Recordings without are left out.
        out: folder to write to: `phases.csv`, `events_found.csv`, `recordings_found.csv` and
            `pictures/phases/METHOD/RECORDING_ID.png`, each whole or not at all.
        background: labels that are no events to be found.
        drawn: methods whose explanations are drawn.
        progress: show a bar.

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
        for folder in tqdm(kept, desc="phases", disable=not progress):
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


def _annotated(folders: Sequence[Path], events: Mapping[str, Sequence[Event]]) -> list[Path]:
    """Folders of recordings that have events, by recording and then in the order of methods."""
    facts = {folder: load_facts(folder) for folder in folders}
    order = order_methods(fact["method"] for fact in facts.values())
    kept = [folder for folder in folders if facts[folder]["recording_id"] in events]
    return sorted(kept, key=lambda f: (facts[f]["recording_id"], order.index(facts[f]["method"])))
