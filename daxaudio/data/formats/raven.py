"""Selection tables of Raven: a header, then one selection a line, by tabs."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path, PureWindowsPath

from daxaudio.containers import Event
from daxaudio.data.formats.annotated import (
    EVENTS_TIER,
    AnnotatedRecording,
    BandEvent,
    Problem,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.data.formats.text import check_line, decode_file, numbered_lines, parse_number
from daxaudio.runs.files import write_text
from daxaudio.runs.names import without_audio_ending
from daxaudio.runs.tolerances import TIME_TOLERANCE

START, END = "Begin Time (s)", "End Time (s)"
LOW, HIGH = "Low Freq (Hz)", "High Freq (Hz)"
SOUND_COLUMNS = ("Begin Path", "Begin File")
"""Name the sound file that a selection begins in; the first that is filled counts."""

OFFSET = "File Offset (s)"
"""When a selection begins in its own sound file; begin times run on over a sequence of files."""

LABEL_COLUMNS = ("annotation", "label", "species", "class", "common name", "species code")
"""Raven lets users name the column of labels; the first of these is taken, in any case."""

NO_LABEL_COLUMN = "no label column"
"""Kind of the problem of a table in which no column is known to hold labels."""

_HEADER = ("Selection", "View", "Channel", START, END, LOW, HIGH, "Annotation")

_Row = tuple[str, dict[str, str]]
"""The place `file:line` of a row, and its fields by column."""


def read_raven(
    path: Path, recording_id: str, label_column: str | None = None
) -> list[AnnotatedRecording]:
    """Read a selection table of Raven, or of a program that writes them, such as BirdNET.

    A selection that is there once for each view or channel is one event; the row of the
    spectrogram counts, since it has the frequencies. Columns of measurements are ignored.

    A table may be of a sequence of sound files: then it names several (`SOUND_COLUMNS`), or its
    begin times are not those in the file (`OFFSET`). Each file is a recording of its own, named by
    its name without folder and ending, and its events start at their offset in it.

    Args:
        path: text with a header that names at least the begin and end times.
        recording_id: name of the recording, where the table is of one sound file.
        label_column: name of the column of labels, in any case; None takes the first of
            `LABEL_COLUMNS`.

    Returns:
        Recordings of one tier, in the order of their first selection; selections with frequencies
        are `BandEvent`. A table without a column of labels has empty ones, and a problem says so.

    Raises:
        ValueError: when a column is missing or there twice, a time or frequency is no number, or
            the selections are of several sound files and do not say where in each. The message
            names the file and the line.

    Source:
        The manual of Raven Pro on selection tables; written tables have not been tried in Raven.
    """
    columns, found = _rows(path)
    label, rows = _label_column(path, columns, label_column), _once_each(found)
    problems: list[Problem] = []
    if rows and label is None:
        text = f"none of the columns {', '.join(columns)} holds labels; choose one"
        text += " (--label_column, label_column=)"
        problems.append(Problem(NO_LABEL_COLUMN, text))
    if not _is_sequence(rows):
        return [_recording(recording_id, [_entry(row, label) for row in rows], problems)]
    by_sound: dict[str, list[_Row]] = {}
    for row in rows:
        by_sound.setdefault(_sound(row), []).append(row)
    if OFFSET not in columns or "" in by_sound:
        what = "name no sound file" if "" in by_sound else f"lack the column {OFFSET!r}"
        raise ValueError(
            f"{path}: has selections of {len(by_sound)} sound files, and some {what}; write one "
            "table each, or say where in each file they begin"
        )
    names = _names(by_sound)
    return [
        _recording(names[sound], [_entry(row, label, OFFSET) for row in own], problems)
        for sound, own in by_sound.items()
    ]


def _recording(
    name: str, entries: Sequence[Event | Problem], problems: Sequence[Problem]
) -> AnnotatedRecording:
    events, lost = sort_out(entries)
    return AnnotatedRecording(name, (Tier(EVENTS_TIER, events),), None, (*problems, *lost))


def _label_column(path: Path, columns: Sequence[str], wanted: str | None) -> str | None:
    names = LABEL_COLUMNS if wanted is None else (wanted.strip().lower(),)
    found = next((c for name in names for c in columns if c.lower() == name), None)
    if wanted is not None and found is None:
        raise ValueError(f"{path}:1: has no column {wanted!r}; it has {', '.join(columns)}")
    return found


def _is_sequence(rows: Sequence[_Row]) -> bool:
    """Whether the selections are of several sound files, or of one that does not begin at 0."""
    if len({_sound(row) for row in rows}) > 1:
        return True
    offsets = [row for row in rows if _sound(row) and row[1].get(OFFSET, "").strip()]
    return any(abs(_number(row, OFFSET) - _number(row, START)) > TIME_TOLERANCE for row in offsets)


def _sound(row: _Row) -> str:
    found = (row[1].get(column, "").strip() for column in SOUND_COLUMNS)
    return next((name for name in found if name), "")


def _names(sounds: Collection[str]) -> dict[str, str]:
    """An id for each sound file: its name without ending, or more of its path if that is shared.

    More is the folders below the one that all share, and then the ending too. Paths may be those
    of Windows wherever the table is read.
    """
    files = [PureWindowsPath(sound) for sound in sounds]
    paths = [file.with_name(without_audio_ending(file)) for file in files]
    levels = zip(*(path.parent.parts for path in paths), strict=False)
    shared = len(list(itertools.takewhile(lambda folders: len(set(folders)) == 1, levels)))
    choices = [
        [path.name for path in paths],
        *(["/".join(path.parts[shared:]) for path in those] for those in (paths, files)),
    ]
    names = next((choice for choice in choices if len(set(choice)) == len(paths)), choices[-1])
    return dict(zip(sounds, names, strict=True))


def _rows(path: Path) -> tuple[list[str], list[_Row]]:
    """The columns, and the rows."""
    lines = numbered_lines(decode_file(path))
    header = [name.strip() for name in lines[0][1].split("\t")] if lines else []
    if missing := [name for name in (START, END) if name not in header]:
        raise ValueError(f"{path}:1: lacks the column(s) {', '.join(missing)}; got {header}")
    if twice := [name for name in header if name and header.count(name) > 1]:
        raise ValueError(f"{path}:1: has the column {twice[0]!r} twice; remove or rename one")
    rows = []
    for number, line in lines[1:]:
        fields = line.split("\t")
        if len(fields) > len(header):
            raise ValueError(f"{path}:{number}: expected {len(header)} fields, got {len(fields)}")
        fields += [""] * (len(header) - len(fields))
        rows.append((f"{path}:{number}", dict(zip(header, fields, strict=True))))
    return header, rows


def _once_each(rows: Sequence[_Row]) -> list[_Row]:
    chosen: dict[tuple[str, ...], _Row] = {}
    for place, row in rows:
        number = row.get("Selection") or place  # rows without a number are never the same
        key = (number, row[START], row[END], _sound((place, row)))
        if key not in chosen or row.get("View", "").startswith("Spectrogram"):
            chosen[key] = place, row
    return list(chosen.values())


def _number(row: _Row, column: str) -> float:
    return parse_number(row[0], row[1][column], column)


def _entry(row: _Row, label: str | None, start_column: str = START) -> Event | Problem:
    place, fields = row
    start, duration = _number(row, start_column), _number(row, END) - _number(row, START)
    end = _number(row, END) if start_column == START else round(start + duration, 9)
    low, high = (_number(row, name) if fields.get(name) else None for name in (LOW, HIGH))
    text = fields[label] if label else ""
    return event_or_problem(
        f"line {place.rpartition(':')[2]}", start, end, text, f_min=low, f_max=high
    )


def write_raven(recording: AnnotatedRecording, path: Path) -> None:
    """Write the only tier of a recording as a selection table; bands of frequencies are kept.

    Events without a band are selections of the waveform, with empty frequencies.

    Args:
        recording: what to write.
        path: the file to write.

    Raises:
        ValueError: when there is not exactly one tier, or a label holds a line break or a tab.
    """
    lines = ["\t".join(_HEADER)]
    for number, event in enumerate(recording.events(), start=1):
        check_line(f"{path}: label", event.label, "\r\n\t")
        band = (event.f_min, event.f_max) if isinstance(event, BandEvent) else (None, None)
        view = "Spectrogram 1" if isinstance(event, BandEvent) else "Waveform 1"
        times = [repr(float(time)) for time in (event.start, event.end)]
        frequencies = ["" if f is None else repr(float(f)) for f in band]
        lines.append("\t".join([str(number), view, "1", *times, *frequencies, event.label]))
    write_text("\n".join(lines) + "\n", path)
