"""True events by recording, from a table or from annotations of any format."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from daxaudio.containers import Event, Events
from daxaudio.data.events import ENDINGS, read_events
from daxaudio.data.formats.annotated import AnnotatedRecording
from daxaudio.data.formats.folder import FolderReading, read_folder

logger = logging.getLogger(__name__)

_CONVERT = "`daxaudio annotations convert` writes a table of it"


def read_any_events(path: str | os.PathLike[str]) -> dict[str, Events]:
    r"""Events of recordings, whatever they are written in.

    Args:
        path: a list of events (`.tsv`, `.csv`, see `read_events`), another annotation file, or a
            folder of such files, in which one that cannot be read is left out with a warning.

    Returns:
        By recording, named as the table has it or by the file of its annotations; see
        `read_folder`. Frequencies of events are left out.

    Raises:
        ValueError: when there is no such path, the file or all of a folder cannot be read, a
            recording stands in two files, or has several tiers; names the file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_text("0.5\t1.25\tcough\n")
        >>> read_any_events(path)
        {'a': Events([Event(0.5, 1.25, 'cough')])}
    """
    path = Path(path)
    if path.suffix.lower() in ENDINGS and not path.is_dir():
        return read_events(path)
    reading = read_folder(path)
    if not reading.recordings:
        raise ValueError(_why_nothing(path, reading))
    for problem in reading.unreadable.values():
        logger.warning("left out: %s", problem)
    found: dict[str, Events] = {}
    for file, recordings in reading.recordings.items():
        for recording in recordings:
            if recording.recording_id in found:
                raise ValueError(f"{file}: {recording.recording_id!r} is in another file too")
            found[recording.recording_id] = _events_of(file, recording)
    return found


def _events_of(file: Path, recording: AnnotatedRecording) -> Events:
    for problem in recording.problems:
        if problem.lost:
            logger.warning("%s: left out: %s", file, problem.text)
    if len(recording.tiers) > 1:
        try:
            recording.tier()
        except ValueError as error:
            raise ValueError(f"{file}: {error} (--tier): {_CONVERT}") from error
    events = [event for tier in recording.tiers for event in tier.events]
    # each once, as in a table, and without frequencies
    return Events(dict.fromkeys(Event(one.start, one.end, one.label) for one in events))


def _why_nothing(path: Path, reading: FolderReading) -> str:
    for problem in reading.unreadable.values():
        return f"{problem}; where `--format` tells which it is, {_CONVERT}"
    aside = ", ".join(file.name for file in reading.left_aside[:3])
    return f"{path}: holds no annotations; {aside} look like none"
