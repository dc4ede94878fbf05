"""True events that a command is given, and what is said when they name other recordings."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Collection, Iterable, Mapping

from daxaudio.commands.arguments import events_by_recording
from daxaudio.containers import Events
from daxaudio.runs.names import name_some

EVENTS_HELP = (
    "true events: a list (TSV or CSV: filename, onset, offset in seconds, event_label), or any "
    "annotation file, or folder of them, that `daxaudio annotations` reads"
)
"""Of `--events`, of every command that takes it."""


def add_evidence(parser: argparse.ArgumentParser, default: str) -> None:
    """`--evidence`, and what is taken where it is not given."""
    parser.add_argument(
        "--evidence",
        metavar="FILE",
        help="CSV of what is known in time and frequency: recording_id, start, end, f_min, f_max, "
        f"label (default {default})",
    )


@dataclasses.dataclass(frozen=True)
class TrueEvents:
    """Events of a table, or of other annotations, by recording.

    Args:
        path: of the table or the annotations; "" where none was given.
        by_recording: events by the id of their recording.
    """

    path: str
    by_recording: Mapping[str, Events]

    def of(self, recording_id: str) -> Events:
        """Those of one recording; none where the table does not name it."""
        return self.by_recording.get(recording_id, Events())

    def check(self, command: str, recording_ids: Iterable[str]) -> None:
        """Say on standard error which recordings the table does not name, if there is one."""
        if self.path:
            tell_missing(command, self.path, self.by_recording, recording_ids, what="events")


def tell_missing(
    command: str, path: str, named: Collection[str], recording_ids: Iterable[str], *, what: str
) -> None:
    """Say on standard error which recordings a table does not name, if there is one."""
    wanted = list(recording_ids)
    missing = [name for name in wanted if name not in named]
    if missing:
        print(
            f"daxaudio {command}: warning: {path} has no {what} of {name_some(missing)}"
            f"{f' ({len(missing)} of {len(wanted)})' if len(wanted) > 1 else ''}; it names "
            f"{name_some(named) or 'no recording'}",
            file=sys.stderr,
        )


def read_events_of(path: str | os.PathLike[str] | None) -> TrueEvents:
    """The events of `--events`; none where it is not given."""
    return TrueEvents("", {}) if path is None else TrueEvents(str(path), events_by_recording(path))
