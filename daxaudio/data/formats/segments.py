"""Kaldi's `segments`, with labels in `text` and durations in `reco2dur` beside it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from daxaudio.containers import Event
from daxaudio.data.formats.annotated import (
    EVENTS_TIER,
    AnnotatedRecording,
    Problem,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.data.formats.text import check_line, decode_file, numbered_lines, parse_number
from daxaudio.runs.files import write_text

logger = logging.getLogger(__name__)

TO_THE_END = -1.0
"""In place of the end of a segment: it ends with the recording."""

BESIDE = ("text", "reco2dur")
"""Files with labels and durations."""

_LINE = re.compile(r"(\S+)(?:[ \t](.*))?", re.DOTALL)


def read_segments(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read `segments`, `text` and `reco2dur`.

    Args:
        path: lines of utterance, recording, start and end in seconds; an end of -1 is that of
            the recording. A fifth field, the channel, is a problem and not kept. `text` and
            `reco2dur` may be missing beside it.
        recording_id: not needed, the table names its recordings.

    Returns:
        The recordings in the order of the lines, then those that only `reco2dur` knows. Labels
        are empty where there is no `text`.

    Raises:
        ValueError: when a line has other fields, or `text` and `segments` have other utterances.
            The message names the file and the line.

    Source:
        Kaldi, "Data preparation".
    """
    durations = {
        name: parse_number(f"{path.parent / 'reco2dur'}: {name}", text, "a duration in seconds")
        for name, text in _values(path.parent / "reco2dur").items()
    }
    found: dict[str, list[Event | Problem]] = {}
    for recording, entry in _entries(path, durations):
        found.setdefault(recording, []).append(entry)
    recordings = []
    for name in {**found, **durations}:
        events, problems = sort_out(found.get(name, []))
        tier = Tier(EVENTS_TIER, events)
        recordings.append(AnnotatedRecording(name, (tier,), durations.get(name), problems))
    return recordings


def _entries(path: Path, durations: Mapping[str, float]) -> Iterator[tuple[str, Event | Problem]]:
    """Recording and what was found of it, line by line."""
    text, seen = path.parent / "text", set()
    labels = _values(text)
    for number, line in numbered_lines(decode_file(path)):
        place, fields = f"{path}:{number}", line.split()
        if len(fields) not in (4, 5):
            raise ValueError(f"{place}: expected utterance, recording, start and end, got {line!r}")
        utterance, recording = fields[:2]
        if utterance in seen or (text.is_file() and utterance not in labels):
            fault = "is there twice" if utterance in seen else f"is not in {text}"
            raise ValueError(f"{place}: {utterance!r} {fault}")
        seen.add(utterance)
        start, end = (parse_number(place, field, "a time in seconds") for field in fields[2:4])
        last, where = durations.get(recording) if end == TO_THE_END else end, f"line {number}"
        yield recording, event_or_problem(where, start, last, labels.get(utterance, ""))
        if len(fields) == 5:
            yield recording, Problem("channel", f"{where}: is of channel {fields[4]}")
    if unknown := sorted(set(labels) - seen):
        raise ValueError(f"{path}: lacks {unknown[0]!r}, which is in {text}")


def _values(path: Path) -> dict[str, str]:
    """Ids and the rest of each line after one blank; labels may begin with more blanks."""
    values: dict[str, str] = {}
    for number, line in numbered_lines(decode_file(path)) if path.is_file() else ():
        match = _LINE.fullmatch(line)
        if match is None or match[1] in values:
            raise ValueError(f"{path}:{number}: expected an id not seen before, got {line!r}")
        values[match[1]] = match[2] or ""
    return values


def write_segments(recordings: Sequence[AnnotatedRecording], path: Path) -> None:
    """Write `segments`, and beside it `text` (labels) and `reco2dur` (known durations).

    Utterances are named `<recording>-<number>`; all files are sorted by bytes, as Kaldi wants it.
    A recording without events and duration leaves no trace: a warning names it.

    Args:
        recordings: what to write, of each the only tier.
        path: the file to write, in a folder that is no Kaldi data folder.

    Raises:
        ValueError: when the folder has a `wav.scp`, whose `text` must not be lost, a recording's
            id holds white space, or a label a line break.
    """
    if (path.parent / "wav.scp").exists():
        raise ValueError(f"{path.parent}: is a data folder, whose text would be lost; use another")
    segments, labels, durations = [], [], []
    for recording in recordings:
        name, events = recording.recording_id, recording.events()
        if not name or any(character.isspace() for character in name):
            raise ValueError(f"{path}: recording {name!r} must be one word without white space")
        if recording.duration is not None:
            durations.append(f"{name} {float(recording.duration)!r}")
        elif not events:
            logger.warning("%s: %s has no events and no duration and is left out", path, name)
        width = max(4, len(str(len(events))))
        for number, event in enumerate(events, start=1):
            check_line(f"{path}: label", event.label)
            utterance = f"{name}-{number:0{width}d}"
            segments.append(f"{utterance} {name} {float(event.start)!r} {float(event.end)!r}")
            labels.append(f"{utterance} {event.label}" if event.label else utterance)
    for file, lines in zip((*BESIDE, path.name), (labels, durations, segments), strict=True):
        ordered = sorted(lines, key=lambda line: line.split(" ")[0].encode())
        write_text("".join(f"{line}\n" for line in ordered), path.parent / file)
