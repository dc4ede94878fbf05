"""Files of a data folder as somebody left them, whatever is wrong with them."""

from __future__ import annotations

import codecs
import dataclasses
import re
from pathlib import Path

from daxaudio.runs.files import decode_text

ONE_WORD_FILES = ("utt2spk", "spk2utt", "utt2dur", "segments", "reco2dur")
"""Files whose values are words or numbers, so that a tab in them is no part of a value."""

FILES = ("wav.scp", "segments", "text", "utt2spk", "spk2utt", "utt2dur", "reco2dur")
"""Files of a data folder that are looked at."""

_ID_AND_TAB = re.compile(r"[^ \t]+ *\t")


@dataclasses.dataclass(frozen=True)
class RawLine:
    """One line that is not blank.

    Args:
        number: from 1.
        key: its first word.
        value: the rest, without blanks around it; "" when there is none.
    """

    number: int
    key: str
    value: str


@dataclasses.dataclass(frozen=True)
class RawFile:
    """The lines of a file, and in which lines its form is not what Kaldi's tools expect.

    Args:
        lines: those that are not blank.
        faults: line numbers by fault, such as "ends in CRLF".
        content: the whole text, without a byte order mark.
    """

    lines: tuple[RawLine, ...]
    faults: dict[str, list[int]]
    content: str


def read_raw(path: Path) -> RawFile:
    r"""Read a file of a data folder, mending its form.

    Args:
        path: a file that is there; its name says whether a tab in a value is a fault.

    Raises:
        ValueError: when it is not UTF-8.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "text"
        >>> _ = path.write_bytes(b"a dog bark \r\n")
        >>> read_raw(path).lines, list(read_raw(path).faults)
        ((RawLine(number=1, key='a', value='dog bark'),), ['ends in CRLF', 'has blanks at its end'])
    """
    content = path.read_bytes()
    faults: dict[str, list[int]] = {}
    if content.startswith(codecs.BOM_UTF8):
        faults["begins with a byte order mark"] = [1]
    text = decode_text(path, content)
    # Not splitlines, which would also split at characters that a path may hold.
    rows = text.split("\n")
    if rows[-1]:
        faults["does not end in a line break"] = [len(rows)]
    else:
        rows.pop()
    lines = []
    for number, row in enumerate(rows, start=1):
        for fault in _faults_of(row, path.name):
            faults.setdefault(fault, []).append(number)
        if row.strip():
            key, value = (*re.split(r"[ \t]+", row.strip(), maxsplit=1), "")[:2]
            lines.append(RawLine(number, key, value))
    return RawFile(tuple(lines), faults, text)


def _faults_of(row: str, name: str) -> list[str]:
    bare = row.removesuffix("\r")
    if not bare.strip():
        return ["is blank"]
    faults = {
        "ends in CRLF": bare != row,
        "has blanks at its end": bare != bare.rstrip(),
        "begins with a blank": bare != bare.lstrip(),
        "has a tab where a space belongs": "\t" in bare.strip()
        and (name in ONE_WORD_FILES or _ID_AND_TAB.match(bare.lstrip()) is not None),
    }
    return [fault for fault, found in faults.items() if found]
