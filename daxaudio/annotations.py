"""Read and write lists of events (TSV, CSV) and Kaldi data folders.

Lists of events have the header `filename onset offset event_label` of the DCASE tasks, times in
seconds; a file in which nothing happens has one row with the other three fields empty. Kaldi
data folders have `wav.scp`, `text`, `utt2spk` and `utt2dur`, one `id value` a line. All files are
UTF-8. What is written reads back exactly.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.containers import Event
from daxaudio.files import write_text

_COLUMNS = ("filename", "onset", "offset", "event_label")
_FORMATS: dict[str, dict[str, Any]] = {
    ".tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None},
    ".csv": {"delimiter": ",", "strict": True},
}
_LINE = re.compile(r"(?P<id>\S+)[ \t]+(?P<value>.*\S)\s*")


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
    path = Path(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", **_format(path))
    writer.writerow(_COLUMNS)
    for name, events in events_by_file.items():
        for row in _event_rows(name, events):
            _check_fields(path, row)
            writer.writerow(row)
    write_text(path, text.getvalue())


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


@dataclasses.dataclass(frozen=True)
class DataFolder:
    """What a Kaldi data folder says of its recordings; all four tables have the same ids.

    Ids should begin with the speaker's name, so that both sort alike, as Kaldi wants it.

    Args:
        wav_scp: path of each recording's audio file; may hold spaces.
        text: label of each recording; may hold spaces.
        utt2spk: speaker of each recording, one word.
        utt2dur: duration of each recording in seconds, above 0.

    Raises:
        ValueError: when the tables have other ids, an id or speaker holds white space, a value is
            empty, begins or ends with white space or holds a line break, a path is a shell
            command (ends in `|`), or a duration is not above 0.

    Example:
        >>> DataFolder({"a-1": "a 1.wav"}, {"a-1": "dog bark"}, {"a-1": "a"}, {"a-1": 5.0}).ids
        ['a-1']
    """

    wav_scp: Mapping[str, str]
    text: Mapping[str, str]
    utt2spk: Mapping[str, str]
    utt2dur: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, table in self._tables().items():
            for utterance_id, value in table.items():
                _check_word(name, utterance_id)
                _CHECKS[name](name, value)
            if differing := sorted(set(table) ^ set(self.wav_scp)):
                has, lacks = (
                    ("wav.scp", name) if differing[0] in self.wav_scp else (name, "wav.scp")
                )
                raise ValueError(f"{differing[0]!r} is in {has} but not in {lacks}")

    @property
    def ids(self) -> list[str]:
        """Ids of the recordings, sorted as `LC_ALL=C sort` does: by their bytes."""
        return _byte_sorted(self.wav_scp)

    @property
    def spk2utt(self) -> dict[str, list[str]]:
        """The recordings of each speaker, both sorted by their bytes."""
        of_speaker: dict[str, list[str]] = {
            name: [] for name in _byte_sorted(self.utt2spk.values())
        }
        for utterance_id in self.ids:
            of_speaker[self.utt2spk[utterance_id]].append(utterance_id)
        return of_speaker

    def _tables(self) -> dict[str, Mapping[str, Any]]:
        tables = (self.wav_scp, self.text, self.utt2spk, self.utt2dur)
        return dict(zip(_CHECKS, tables, strict=True))


def _byte_sorted(words: Iterable[str]) -> list[str]:
    return sorted(set(words), key=lambda word: word.encode())


def _check_word(place: str, word: str) -> None:
    if not word or any(character.isspace() for character in word):
        raise ValueError(f"{place}: expected one word without white space, got {word!r}")


def _check_line(place: str, value: str) -> None:
    if not value or value != value.strip() or "\n" in value or "\r" in value:
        raise ValueError(
            f"{place}: expected one line of text that neither begins nor ends with white space, "
            f"got {value!r}"
        )


def _check_path(place: str, value: str) -> None:
    _check_line(place, value)
    if value.endswith("|"):
        raise ValueError(
            f"{place}: {value!r} is a shell command, which is never run; write its output to a "
            "file and give the path of that"
        )


def _check_duration(place: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{place}: expected a duration above 0 seconds, got {value}")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "wav.scp": _check_path,
    "text": _check_line,
    "utt2spk": _check_word,
    "utt2dur": _check_duration,
}


def write_data_folder(folder: str | os.PathLike[str], data: DataFolder) -> None:
    """Write `wav.scp`, `text`, `utt2spk`, `spk2utt` and `utt2dur`, each sorted by id.

    The order is that of `LC_ALL=C sort`, which Kaldi's tools ask for.

    Args:
        folder: where to write; made where missing.
        data: what to write.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> data = DataFolder({"a-1": "a 1.wav"}, {"a-1": "dog"}, {"a-1": "a"}, {"a-1": 5.0})
        >>> write_data_folder(folder, data)
        >>> print((folder / "wav.scp").read_text(), end="")
        a-1 a 1.wav
    """
    folder = Path(folder)
    for name, table in data._tables().items():
        values = {i: v if isinstance(v, str) else repr(float(v)) for i, v in table.items()}
        write_text(folder / name, "".join(f"{i} {values[i]}\n" for i in data.ids))
    speakers = data.spk2utt.items()
    write_text(folder / "spk2utt", "".join(f"{name} {' '.join(ids)}\n" for name, ids in speakers))


def read_data_folder(folder: str | os.PathLike[str]) -> DataFolder:
    """Read `wav.scp`, `text`, `utt2spk` and `utt2dur`, sorted or not.

    `spk2utt` follows from `utt2spk` and is not read.

    Args:
        folder: a Kaldi data folder.

    Returns:
        Its tables in the order of the lines; paths are left as they stand there.

    Raises:
        ValueError: when a file is missing, a line has no value, an id is there twice or not in
            all files, an entry of `wav.scp` is a shell command, or a duration is no number above
            0. The message names the file and the line.

    Example:
        >>> read_data_folder("nowhere")
        Traceback (most recent call last):
        ValueError: nowhere/wav.scp: no such file; check the path
    """
    folder = Path(folder)
    tables = {name: _read_table(folder / name) for name in _CHECKS}
    for name in tables:
        for has, lacks in ((name, "wav.scp"), ("wav.scp", name)):
            for utterance_id, (line, _) in tables[has].items():
                if utterance_id not in tables[lacks]:
                    raise ValueError(
                        f"{folder / has}:{line}: {utterance_id!r} is not in {folder / lacks}"
                    )
    return DataFolder(*[{i: value for i, (_, value) in table.items()} for table in tables.values()])


def _read_table(path: Path) -> dict[str, tuple[int, Any]]:
    """Line number and value of each id."""
    table: dict[str, tuple[int, Any]] = {}
    # Not splitlines, which would also split at characters that a path may hold.
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place, found = f"{path}:{number}", _LINE.fullmatch(line)
        if not found:
            raise ValueError(f"{place}: expected an id, a space and a value, got {line!r}")
        if found["id"] in table:
            raise ValueError(f"{place}: {found['id']!r} is already in line {table[found['id']][0]}")
        text = found["value"]
        value = _read_number(place, text, "duration") if path.name == "utt2dur" else text
        _CHECKS[path.name](place, value)
        table[found["id"]] = number, value
    return table
