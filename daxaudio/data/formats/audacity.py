"""Label tracks of Audacity: start, end and label by tabs; a second line may hold a band."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from daxaudio.data.formats.annotated import (
    EVENTS_TIER,
    AnnotatedRecording,
    BandEvent,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.data.formats.text import check_line, decode_file, numbered_lines, parse_number
from daxaudio.runs.files import write_text


@dataclasses.dataclass
class _Entry:
    where: str
    start: float
    end: float
    label: str
    band: dict[str, float | None] = dataclasses.field(default_factory=dict)


def read_audacity(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read a label track.

    Args:
        path: text, one label a line; a line may follow that begins with a backslash and holds the
            lower and upper frequency in Hz, -1 where a bound is open.
        recording_id: name of the recording.

    Returns:
        One recording of one tier; labels with frequencies are `BandEvent`. An empty file has no
        events.

    Raises:
        ValueError: when a line has no two times, or frequencies come before the first label. The
            message names the file and the line.

    Source:
        The manual of Audacity, "Importing and exporting labels".
    """
    entries: list[_Entry] = []
    for number, line in numbered_lines(decode_file(path)):
        place, fields = f"{path}:{number}", line.split("\t", 2)
        if len(fields) < 2 or (fields[0] == "\\" and not entries):
            raise ValueError(f"{place}: expected start, end and label by tabs, got {line!r}")
        if fields[0] == "\\":
            low, high = (_frequency(place, text) for text in (*fields[1:], "-1")[:2])
            entries[-1].band = {"f_min": low, "f_max": high}
            continue
        start, end = (parse_number(place, text, "a time in seconds") for text in fields[:2])
        entries.append(_Entry(f"line {number}", start, end, fields[2] if len(fields) > 2 else ""))
    events, problems = sort_out(
        event_or_problem(e.where, e.start, e.end, e.label, **e.band) for e in entries
    )
    return [AnnotatedRecording(recording_id, (Tier(EVENTS_TIER, events),), None, problems)]


def _frequency(place: str, text: str) -> float | None:
    frequency = parse_number(place, text, "a frequency in Hz")
    return None if frequency < 0 else frequency


def write_audacity(recording: AnnotatedRecording, path: Path) -> None:
    """Write the only tier of a recording as a label track; bands of frequencies are kept.

    Args:
        recording: what to write.
        path: the file to write.

    Raises:
        ValueError: when there is not exactly one tier, or a label holds a line break.
    """
    lines = []
    for event in recording.events():
        check_line(f"{path}: label", event.label)
        lines.append(f"{float(event.start)!r}\t{float(event.end)!r}\t{event.label}\n")
        if isinstance(event, BandEvent):
            low, high = (-1.0 if f is None else float(f) for f in (event.f_min, event.f_max))
            lines.append(f"\\\t{low!r}\t{high!r}\n")
    write_text("".join(lines), path)
