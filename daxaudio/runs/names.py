"""Ids of recordings, and the names of files that they become."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

AUDIO_ENDINGS = frozenset(
    (
        *(".wav", ".wave", ".w64", ".rf64", ".bwf", ".aif", ".aiff", ".aifc", ".au", ".snd"),
        *(".flac", ".ogg", ".oga", ".opus", ".mp2", ".mp3", ".caf", ".sph", ".nist", ".raw"),
        *(".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".mkv", ".mov", ".amr", ".3gp", ".ac3"),
    )
)
"""Endings of audio files, small letters; any other dot in a name is a part of it."""

LONGEST = 230
"""Bytes of UTF-8 that an id may have where it names a file. File systems hold 255; what is left is
for endings and the names of files that are being written."""

_ODD = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")  # separators of folders, and control characters
_NO_ID = re.compile(rf"{_ODD.pattern}|\s|[\ud800-\udfff]|^\ufeff")  # and what UTF-8 cannot hold


def without_audio_ending(path: str | PurePath) -> str:
    """The name of a file without its folder and without the ending of an audio file.

    A dot alone makes no ending: clips are often named by the times that they were cut at.

    Args:
        path: of a file that need not be there.

    Example:
        >>> without_audio_ending("clips/Yabc_30.000_40.000.WAV")
        'Yabc_30.000_40.000'
        >>> without_audio_ending("clips/Yabc_30.000_40.000")
        'Yabc_30.000_40.000'
    """
    path = PurePath(path)
    return path.stem if path.suffix.lower() in AUDIO_ENDINGS else path.name


def check_id(place: str, name: str) -> None:
    r"""Refuse an id that cannot name a file in a folder, or that leads out of the folder.

    Args:
        place: stands before the error: the file, or the file and the line.
        name: the id.

    Raises:
        ValueError: when it is empty, "." or "..", or holds `/`, `\`, or a control character.

    Example:
        >>> check_id("wav.scp:1", "../../a")
        Traceback (most recent call last):
        ValueError: wav.scp:1: the id '../../a' holds '/', but ids name files; rename it
    """
    odd = _ODD.search(name)
    if odd or name in ("", ".", ".."):
        what = f"holds {odd[0]!r}, but ids name files" if odd else "can name no file"
        raise ValueError(f"{place}: the id {name!r} {what}; rename it")


def as_id(text: str) -> str:
    """An id of the letters of any text, `_` in the place of what no id may hold.

    Example:
        >>> as_id("dog bark 1")
        'dog_bark_1'
    """
    return _NO_ID.sub("_", text)


def check_length(name: str) -> None:
    """Refuse an id that is too long for the name of a file.

    Args:
        name: the id, which `check_id` lets pass.

    Raises:
        ValueError: when it has more than `LONGEST` bytes.

    Example:
        >>> check_length("a" * 300)
        Traceback (most recent call last):
        ValueError: the id 'aaaaaaaaaaaaaaaaaaaaaaaa...' has 300 bytes, more than the 230 ...
    """
    n_bytes = len(name.encode())
    if n_bytes > LONGEST:
        raise ValueError(
            f"the id {name[:24] + '...'!r} has {n_bytes} bytes, more than the {LONGEST} that the "
            "name of a file may have; shorten it"
        )


def find_alike(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of ids that name one file where letters' case or composition is not told apart.

    So do the usual file systems of macOS and Windows.

    Example:
        >>> find_alike(["a_1", "b", "A_1"])
        [('a_1', 'A_1')]
    """
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        known = first.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if known != name:
            pairs.append((known, name))
    return pairs


def name_some(names: Iterable[str], most: int = 5) -> str:
    """The first of many names, for a line that must stay short.

    Example:
        >>> name_some(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    listed = list(names)
    rest = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(map(repr, listed[:most])) + rest
