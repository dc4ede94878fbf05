"""Read and write lists of events (TSV, CSV).

Lists of events have the header `filename onset offset event_label` of the DCASE tasks, times in
seconds; a file in which nothing happens has one row with the other three fields empty. All
files are UTF-8. What is written reads back exactly.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.containers import Event
from daxaudio.files import write_text

_COLUMNS = ("filename", "onset", "offset", "event_label")
_FORMATS: dict[str, dict[str, Any]] = {
    ".tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None},
    ".csv": {"delimiter": ",", "strict": True},
}


def read_events(path: str | os.PathLike[str]) -> dict[str, list[Event]]:
    """Read a list of events.

    Args:
        path: a `.tsv` file (never quoted) or a `.csv` file (quoted where needed). Its header
            names the four columns in any order; other columns are ignored.

    Returns:
        The events of each file, files and events in the order of the rows.

    Raises:
        ValueError: when the file is missing, has another ending or is not UTF-8, when a column is
            missing, or when a row has no file name, times that are no numbers, or an offset
            before its onset. The message names the file and the line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "events.tsv"
        >>> write_events(path, {"a.wav": [Event(0.5, 2.0, "dog")], "b.wav": []})
        >>> read_events(path)
        {'a.wav': [Event(start=0.5, end=2.0, label='dog')], 'b.wav': []}
    """
    path = Path(path)
    events: dict[str, list[Event]] = {}
    for place, row in _read_rows(path):
        if not row["filename"]:
            raise ValueError(f"{place}: filename is empty")
        of_file = events.setdefault(row["filename"], [])
        if row["onset"] or row["offset"] or row["event_label"]:
            of_file.append(_read_event(place, row))
    return events


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows by column, each with its place `file:line` for errors; blank lines are left out."""
    text, place = _read_text(path), f"{path}:1"
    reader = csv.reader(io.StringIO(text, newline=""), **_format(path))
    try:
        header = next(reader, [])
        if missing := [column for column in _COLUMNS if column not in header]:
            raise ValueError(
                f"{place}: lacks the column(s) {', '.join(missing)}; expected a header "
                f"{' '.join(_COLUMNS)}, got {header}"
            )
        for fields in reader:
            place = f"{path}:{reader.line_num}"
            if len(fields) > len(header):
                raise ValueError(f"{place}: expected {len(header)} fields, got {len(fields)}")
            if fields:
                # Editors strip the empty fields at the end of a line.
                fields += [""] * (len(header) - len(fields))
                yield place, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}") from error


def _read_event(place: str, row: Mapping[str, str]) -> Event:
    onset, offset = (_read_number(place, row[name], name) for name in ("onset", "offset"))
    try:
        return Event(onset, offset, row["event_label"])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _read_number(place: str, text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{place}: {name} must be a number of seconds, got {text!r}") from None


def _format(path: Path) -> dict[str, Any]:
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"{path}: lists of events end in .tsv or .csv")
    return _FORMATS[path.suffix.lower()]


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; check the path")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error})") from error


def write_events(
    path: str | os.PathLike[str], events_by_file: Mapping[str, Sequence[Event]]
) -> None:
    """Write a list of events.

    Args:
        path: a `.tsv` or `.csv` file to write.
        events_by_file: the events of each file; a file without events gets an empty row.

    Raises:
        ValueError: when `path` ends otherwise, a file name is empty, or a name or label holds a
            line break (or, in TSV, a tab).

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "events.csv"
        >>> write_events(path, {"a.wav": [Event(0.5, 2.0, "dog")]})
        >>> print(path.read_text(), end="")
        filename,onset,offset,event_label
        a.wav,0.5,2.0,dog
    """
    write_text(path, events_text(path, events_by_file))


def events_text(path: str | os.PathLike[str], events_by_file: Mapping[str, Sequence[Event]]) -> str:
    """What `write_events` would write; raises what it raises."""
    path = Path(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", **_format(path))
    writer.writerow(_COLUMNS)
    for name, events in events_by_file.items():
        for row in _event_rows(name, events):
            _check_fields(path, row)
            writer.writerow(row)
    return text.getvalue()


def _event_rows(name: str, events: Sequence[Event]) -> list[list[str]]:
    # repr of a float is the shortest text that reads back as the same number
    rows = [[name, repr(float(e.start)), repr(float(e.end)), e.label] for e in events]
    return rows or [[name, "", "", ""]]


def _check_fields(path: Path, row: Sequence[str]) -> None:
    if not row[0]:
        raise ValueError(f"{path}: a file name is empty")
    forbidden = "\r\n\t" if path.suffix.lower() == ".tsv" else "\r\n"
    for field in row:
        if any(character in field for character in forbidden):
            raise ValueError(
                f"{path}: {field!r} holds a tab or a line break, which {path.suffix} cannot hold; "
                "replace it"
            )
