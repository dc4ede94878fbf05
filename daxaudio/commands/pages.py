"""Pages of stored explanations: what is on them, and the sound that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxaudio.commands.events import TrueEvents
from daxaudio.commands.listen import recording_of
from daxaudio.containers import Event, Explanation
from daxaudio.explainers.storage import is_stored, is_up_to_date, load_explanation, load_facts
from daxaudio.features.sound_masks import split_by_mask
from daxaudio.report.explanation_page import PAGE_FILE, Sounds, write_explanation_page
from daxaudio.runs.progress import progress_bar


def add_page(folder: Path, events: Sequence[Event] = (), allow_commands: bool = False) -> Path:
    """Write the page of a stored explanation beside it.

    It has sound where the recording can still be read, and is as long as it was.

    Args:
        folder: of the explanation.
        events: the true events, if known.
        allow_commands: run the command that gives the recording, where it is one.

    Returns:
        The page.
    """
    explanation, facts = load_explanation(folder), load_facts(folder)
    hidden = ("history", "verdict", "warnings", "recording_id", "target", "score")
    return write_explanation_page(
        explanation,
        folder / PAGE_FILE,
        events=events,
        verdict=facts.get("verdict"),
        facts={name: value for name, value in facts.items() if name not in hidden},
        sounds=_sounds_of(folder, explanation, allow_commands),
    )


def add_pages(folders: Sequence[Path], events: TrueEvents, allow_commands: bool = False) -> None:
    """Write the pages that are not there yet, or are older than their explanation."""
    for folder in progress_bar(folders, "pages"):
        if is_stored(folder) and not is_up_to_date(folder, PAGE_FILE):
            add_page(folder, events.of(folder.name), allow_commands)


def _sounds_of(folder: Path, explanation: Explanation, allow_commands: bool) -> Sounds | None:
    try:
        recording = recording_of(folder, explanation, allow_commands=allow_commands)
    except (ValueError, OSError):  # it has moved or was changed since
        return None
    shown = explanation.spectrogram
    kept, removed = split_by_mask(recording, explanation.mask, shown.frequencies, shown.times)
    return Sounds(recording, kept, removed)
