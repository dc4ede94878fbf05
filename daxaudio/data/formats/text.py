"""Text of annotation files in the encodings in which they are met."""

from __future__ import annotations

import codecs
import math
import re
from pathlib import Path

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode_file(path: Path, errors: str = "strict") -> str:
    """The text of a file in UTF-8 or UTF-16, with or without a byte order mark.

    Line ends stay as they are. No other encoding is guessed: a wrong guess would spoil labels
    without a word.

    Args:
        path: the file.
        errors: as for `bytes.decode`.

    Raises:
        ValueError: when the file is missing or has another encoding.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; check the path")
    raw = path.read_bytes()
    try:
        return raw.decode(_encoding(raw), errors)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: is neither UTF-8 nor UTF-16 text ({error.reason} at byte {error.start}); "
            "save it as UTF-8"
        ) from error


def _encoding(raw: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            return encoding
    # The first character of every format is ASCII, of which one byte in UTF-16 is zero.
    if len(raw) >= 2 and 0 in raw[:2]:
        return "utf-16-be" if raw[0] == 0 else "utf-16-le"
    return "utf-8"


def numbered_lines(text: str) -> list[tuple[int, str]]:
    r"""Lines that hold more than blanks, with their numbers from 1.

    Not splitlines, which would also split at characters that a label may hold.

    Example:
        >>> numbered_lines("a\r\n\nb")
        [(1, 'a'), (3, 'b')]
    """
    lines = enumerate(_LINE_END.split(text), start=1)
    return [(number, line) for number, line in lines if line.strip()]


def parse_number(place: str, text: str, name: str) -> float:
    """A finite number from the text of a file.

    Args:
        place: file and line, for the error.
        text: what stands there.
        name: what it should be, with its unit.

    Raises:
        ValueError: when it is no number.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{place}: {name} must be a number with a decimal point, got {text!r}")
    return number


def check_line(place: str, text: str, forbidden: str = "\r\n") -> None:
    """Refuse what a line of text cannot hold.

    Raises:
        ValueError: when `text` holds one of the forbidden characters.
    """
    if any(character in text for character in forbidden):
        raise ValueError(
            f"{place}: {text!r} holds a line break or a tab, which this format cannot hold; "
            "replace it"
        )
