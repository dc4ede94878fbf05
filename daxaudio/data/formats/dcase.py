"""Tables of events as the DCASE tasks have them: filename, onset, offset, event_label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxaudio.containers import Events
from daxaudio.data.events import read_events, write_events
from daxaudio.data.formats.annotated import EVENTS_TIER, AnnotatedRecording, Tier


def read_dcase(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read a list of events as `read_events` does; recordings are named as the table has them.

    Args:
        path: a `.tsv` or `.csv` file.
        recording_id: not needed, the table names its recordings.

    Raises:
        ValueError: as `read_events`: one wrong row makes the table unreadable.
    """
    events_by_file = read_events(path)
    return [
        AnnotatedRecording(name, (Tier(EVENTS_TIER, tuple(events)),))
        for name, events in events_by_file.items()
    ]


def write_dcase(recordings: Sequence[AnnotatedRecording], path: Path) -> None:
    """Write a list of events as `write_events` does, of the only tier of each recording.

    Args:
        recordings: what to write.
        path: a `.tsv` or `.csv` file to write.

    Raises:
        ValueError: as `write_events`, or when a recording has not exactly one tier.
    """
    write_events({one.recording_id: Events(one.events()) for one in recordings}, path)
