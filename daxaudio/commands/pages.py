"""Pages of stored explanations: what is on them, and the sound that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from daxaudio.commands.events import TrueEvents
from daxaudio.containers import Event, Explanation, Recording
from daxaudio.data.decoding import read_samples
from daxaudio.explainers.storage import FACTS_FILE, is_stored, load_explanation, load_facts
from daxaudio.features.sound_masks import split_by_mask
from daxaudio.report.explanation_page import PAGE_FILE, Sounds, write_explanation_page
from daxaudio.runs.progress import progress_bar

_LONGER = 3.0
"""Frames by which a recording may be longer than what was explained of it."""


def add_page(folder: Path, events: Sequence[Event] = ()) -> Path:
    """Write the page of a stored explanation beside it.

    It has sound where the recording still lies where it lay, and is as long as it was.

    Args:
        folder: of the explanation.
        events: the true events, if known.

    Returns:
        The page.
    """
    explanation, facts = load_explanation(folder), load_facts(folder)
    recording = _recording_of(explanation, facts)
    hidden = ("history", "verdict", "warnings", "recording_id", "target", "score")
    return write_explanation_page(
        explanation,
        folder / PAGE_FILE,
        events=events,
        verdict=facts.get("verdict"),
        facts={name: value for name, value in facts.items() if name not in hidden},
        sounds=None if recording is None else _split(explanation, recording),
    )


def add_pages(folders: Sequence[Path], events: TrueEvents) -> None:
    """Write the pages that are not there yet, or are older than their explanation."""
    for folder in progress_bar(folders, "pages"):
        page, facts = folder / PAGE_FILE, folder / FACTS_FILE
        if is_stored(folder) and not (
            page.is_file() and page.stat().st_mtime_ns >= facts.stat().st_mtime_ns
        ):
            add_page(folder, events.of(folder.name))


def _split(explanation: Explanation, recording: Recording) -> Sounds:
    shown = explanation.spectrogram
    kept, removed = split_by_mask(recording, explanation.mask, shown.frequencies, shown.times)
    return Sounds(recording, kept, removed)


def _recording_of(explanation: Explanation, facts: dict[str, Any]) -> Recording | None:
    """The recording at its own rate, with its channels or the one that was explained."""
    path = Path(str(facts.get("audio", "")))
    if not path.is_file():
        return None
    try:
        samples, sample_rate = read_samples(path)
        if facts.get("channel"):
            samples = samples[:, facts["channel"] - 1 : facts["channel"]]
        waveform = torch.from_numpy(samples.T.copy())
        found = Recording(waveform, sample_rate, explanation.spectrogram.recording_id)
    except (ValueError, OSError):  # it was changed since
        return None
    times, hop = explanation.spectrogram.times, explanation.spectrogram.hop
    beyond = found.duration - float(times[-1])
    return found if len(times) == 1 or -hop <= beyond <= _LONGER * hop else None
