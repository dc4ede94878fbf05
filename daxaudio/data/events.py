"""Read and write lists of events (TSV, CSV).

Lists of events have the header `filename onset offset event_label` of the DCASE tasks, times in
seconds; a file in which nothing happens has one row with the other three fields empty. All
files are UTF-8. What is written reads back exactly, but for an event that is there twice.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.containers import Event, Events
from daxaudio.runs.files import read_text, write_text

_COLUMNS = ("filename", "onset", "offset", "event_label")
_FORMATS: dict[str, dict[str, Any]] = {
    ".tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None},
    ".csv": {"delimiter": ",", "strict": True},
}
ENDINGS = tuple(_FORMATS)
"""Of lists of events."""

_FORM_OF_R: dict[str, Any] = {"delimiter": "\t", "strict": True}
_QUOTED_HEADER = re.compile(r'\s*"[^"\n]*"([\t,]"[^"\n]*")+[ \t]*(\r?\n|$)')

logger = logging.getLogger(__name__)


def read_events(path: str | os.PathLike[str]) -> dict[str, Events]:
    """Read a list of events.

    Args:
        path: a `.tsv` file (quoted where its header is, as R writes it, else never) or a `.csv`
            file (quoted where needed). Its header names the four columns in any order and case;
            other columns are ignored. Blanks around names of columns and files are no part of
            them; those around a label are.

    Returns:
        The events of each file, files in the order of the rows. An event that is there twice
        counts once; a warning says so.

    Raises:
        ValueError: when the file is missing, has another ending or is not UTF-8, when a column is
            missing or there twice, or when a row has no file name, times that are no numbers, or
            an offset before its onset. The message names the file and the line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "events.tsv"
        >>> write_events({"a.wav": Events([Event(0.5, 2.0, "dog")]), "b.wav": Events()}, path)
        >>> read_events(path)
        {'a.wav': Events([Event(0.5, 2.0, 'dog')]), 'b.wav': Events([])}
    """
    path = Path(path)
    events: dict[str, dict[Event, None]] = {}
    repeated: list[str] = []
    for place, row in _read_rows(path):
        name = row["filename"].strip()
        if not name:
            raise ValueError(f"{place}: filename is empty")
        of_file = events.setdefault(name, {})
        if row["onset"] or row["offset"] or row["event_label"]:
            event = _read_event(place, row)
            if event in of_file:
                repeated.append(place)
            of_file[event] = None
    if repeated:
        what = "%s: %d event(s) are there twice, such as this one, and count once"
        logger.warning(what, repeated[0], len(repeated))
    return {name: Events(of_file) for name, of_file in events.items()}


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows by column, each with its place `file:line` for errors; blank lines are left out."""
    form, text = _format(path), _read_text(path)
    quoted = _QUOTED_HEADER.match(text) is not None  # as by R, in whose tables NA is nothing
    of_r = quoted and path.suffix.lower() == ".tsv"
    if of_r:
        form, text = _FORM_OF_R, text.replace('\\"', '""')
    reader = csv.reader(io.StringIO(text, newline=""), **form)
    try:
        header = _columns(f"{path}:1", next(reader, []))
        for fields in reader:
            place = f"{path}:{reader.line_num}"
            if of_r and len(fields) == len(header) + 1:
                del fields[0]  # the number of the row, over which R writes no name
            if len(fields) > len(header):
                raise ValueError(f"{place}: expected {len(header)} fields, got {len(fields)}")
            if fields:
                # Editors strip the empty fields at the end of a line.
                fields += [""] * (len(header) - len(fields))
                row = dict(zip(header, fields, strict=True))
                if quoted and row["onset"] == row["offset"] == "NA":
                    row |= dict.fromkeys(("onset", "offset", "event_label"), "")
                yield place, row
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}") from error


def _columns(place: str, header: Sequence[str]) -> list[str]:
    """The names of the columns; of ours each once, in small letters and without blanks."""
    plain = [name.strip().lower() for name in header]
    if missing := [column for column in _COLUMNS if column not in plain]:
        raise ValueError(
            f"{place}: lacks the column(s) {', '.join(missing)}; expected a header "
            f"{' '.join(_COLUMNS)}, got {list(header)}"
        )
    if twice := [column for column in _COLUMNS if plain.count(column) > 1]:
        raise ValueError(f"{place}: has the column {twice[0]!r} twice; remove or rename one")
    return plain


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
    return read_text(path)


def write_events(events_by_file: Mapping[str, Events], path: str | os.PathLike[str]) -> None:
    """Write a list of events.

    Args:
        events_by_file: the events of each file; a file without events gets an empty row.
        path: a `.tsv` or `.csv` file to write.

    Raises:
        ValueError: when `path` ends otherwise, a file name is empty or has blanks at its ends, or
            a name or label holds a line break (or, in TSV, a tab).

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "events.csv"
        >>> write_events({"a.wav": Events([Event(0.5, 2.0, "dog")])}, path)
        >>> print(path.read_text(), end="")
        filename,onset,offset,event_label
        a.wav,0.5,2.0,dog
    """
    write_text(events_text(path, events_by_file), path)


def events_text(path: str | os.PathLike[str], events_by_file: Mapping[str, Events]) -> str:
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


def _event_rows(name: str, events: Events) -> list[list[str]]:
    # repr of a float is the shortest text that reads back as the same number
    rows = [[name, repr(float(e.start)), repr(float(e.end)), e.label] for e in events]
    return rows or [[name, "", "", ""]]


def _check_fields(path: Path, row: Sequence[str]) -> None:
    if not row[0]:
        raise ValueError(f"{path}: a file name is empty")
    if row[0] != row[0].strip():
        raise ValueError(f"{path}: the file name {row[0]!r} has blanks at its ends; rename it")
    forbidden = "\r\n\t" if path.suffix.lower() == ".tsv" else "\r\n"
    for field in row:
        if any(character in field for character in forbidden):
            raise ValueError(
                f"{path}: {field!r} holds a tab or a line break, which {path.suffix} cannot hold; "
                "replace it"
            )
