"""The table of what is known of recordings or of participants: CSV in, one row a recording out."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.runs.files import read_text

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "."))
"""What stands in a cell, in small letters, where nothing is known."""

RECORDING, PARTICIPANT = "recording_id", "participant"

_TAKEN = (*(PARTICIPANT, "label", "predicted", "score", "correct", "duration", "input", "problem"),)
"""Columns that the audit adds; the participant's only where theirs is named otherwise."""


@dataclasses.dataclass(frozen=True, eq=False)
class Known:
    """What is known of the recordings of a corpus.

    Args:
        table: one row a recording, in the order of the corpus: `recording_id`, `participant`, and
            a column for each of the file's. Numbers are float64, all else is text; what is not
            known is NaN or None.
        columns: names of the file's columns, without ids and participants.
        unknown: ids of rows that no recording of the corpus has.
        without: recordings that have no row.
        by: "recording_id" or "participant", what a row of the file is of.
    """

    table: pd.DataFrame
    columns: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    by: str = RECORDING


def nothing_known(participants: Mapping[str, str]) -> Known:
    """What is known without a table: who each recording is of.

    Args:
        participants: participant of each recording.

    Example:
        >>> nothing_known({"a1": "a"}).table.to_dict("list")
        {'recording_id': ['a1'], 'participant': ['a']}
    """
    table = pd.DataFrame({RECORDING: list(participants), PARTICIPANT: list(participants.values())})
    return Known(table.astype(object))


def read_known(
    path: str | os.PathLike[str],
    participants: Mapping[str, str],
    *,
    participant: str = PARTICIPANT,
    categories: Sequence[str] = (),
    needed: Sequence[str] = (),
) -> Known:
    r"""Read the table of what is known.

    A row is of a recording where there is a column `recording_id`, otherwise of a participant.
    Where a row of a recording names its participant, that goes before the data folder's speaker.
    A column is one of numbers when every cell is a number or missing.

    Args:
        path: a CSV file with a header; `,`, `;` or tab between cells.
        participants: participant of each recording of the corpus, as its data folder says.
        participant: column that names the participant.
        categories: columns whose numbers are names.
        needed: columns that must be there.

    Returns:
        What is known, with the rows that no recording has and the recordings that have no row.

    Raises:
        ValueError: when the file is missing, is no table, lacks a column or has one of the
            audit's names, has an id twice or a row without, or when none of its ids is one of the
            corpus; names the file, the line and what to do.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "known.csv"
        >>> _ = path.write_text("participant,age,sex\na,31,f\nz,,m\n")
        >>> known = read_known(path, {"a1": "a", "a2": "a", "b1": "b"})
        >>> known.table["age"].tolist(), known.unknown, known.without
        ([31.0, 31.0, nan], ('z',), ('b1',))
    """
    header, rows = _read(Path(path), participant)
    key = RECORDING if RECORDING in header else participant
    if key not in header:
        raise ValueError(
            f"{path}: needs a column recording_id or {participant!r}, got {', '.join(header)}; "
            "name the participant's column in the questions (participant: ...)"
        )
    if lacking := [name for name in needed if name not in header]:
        raise ValueError(
            f"{path}: has no column {lacking[0]!r}, which the questions name; it has "
            f"{', '.join(header)}"
        )
    by_id = _by_id(path, rows, key)
    who = dict(participants)
    if key == RECORDING and participant in header:
        told = {name: row[participant] for name, row in by_id.items() if name in who}
        who |= {name: text for name, text in told.items() if text.lower() not in MISSING}
    key_of = {name: name if key == RECORDING else person for name, person in who.items()}
    there = set(key_of.values())
    unknown = [name for name in by_id if name not in there]
    if len(unknown) == len(by_id):
        raise ValueError(
            f"{path}: none of its ids ({key}) is one of the data, such as {unknown[0]!r} against "
            f"{next(iter(key_of.values()))!r}; write them as the data folder does"
        )
    columns = [name for name in header if name not in (RECORDING, participant)]
    found = {RECORDING: list(who), PARTICIPANT: list(who.values())}
    table = pd.DataFrame(found, dtype=object)
    for name in columns:
        cells = [by_id.get(key_of[one], {}).get(name, "") for one in who]
        table[name] = _typed(cells, name in categories)
    without = [name for name in who if key_of[name] not in by_id]
    by = RECORDING if key == RECORDING else PARTICIPANT
    return Known(table, tuple(columns), tuple(unknown), tuple(without), by)


def _read(path: Path, participant: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Names of the columns; the line and the cells of each row."""
    if not path.is_file():
        raise ValueError(f"{path}: no such table of what is known; check the path")
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, participant)
        rows = []
        for cells in reader:
            place = f"{path}:{reader.line_num}"
            if len(cells) > len(header):
                raise ValueError(f"{place}: expected {len(header)} cells, got {len(cells)}")
            if any(cell.strip() for cell in cells):
                cells += [""] * (len(header) - len(cells))
                plain = (cell.strip() for cell in cells)
                rows.append((reader.line_num, dict(zip(header, plain, strict=True))))
    except csv.Error as error:
        raise ValueError(f"{path}:{reader.line_num}: {error}") from error
    if not rows:
        raise ValueError(f"{path}: holds no row below its header")
    return header, rows


def _check_header(path: Path, header: Sequence[str], participant: str) -> None:
    if not any(header):
        raise ValueError(f"{path}: is empty; expected a header and rows")
    if "" in header:
        raise ValueError(f"{path}:1: column {header.index('') + 1} has no name")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise ValueError(f"{path}:1: has the column {twice[0]!r} twice; remove or rename one")
    if taken := [name for name in header if name in _TAKEN and name != participant]:
        raise ValueError(f"{path}:1: the column {taken[0]!r} has a name of the audit's; rename it")


def _by_id(
    path: str | os.PathLike[str], rows: Sequence[tuple[int, dict[str, str]]], key: str
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line, row in rows:
        if not row[key]:
            raise ValueError(f"{path}:{line}: has no {key}")
        if row[key] in found:
            raise ValueError(f"{path}:{line}: {key} {row[key]!r} stands twice; keep one row")
        found[row[key]] = row
    return found


def _typed(cells: Sequence[str], names: bool) -> pd.Series:
    """Numbers as float64 with NaN, texts with None."""
    known = [None if cell.lower() in MISSING else cell for cell in cells]
    if not names:
        try:
            numbers = [float("nan") if cell is None else float(cell) for cell in known]
        except ValueError:
            pass
        else:
            if not any(map(math.isinf, numbers)):
                return pd.Series(numbers, dtype="float64")
    return pd.Series(known, dtype=object)
