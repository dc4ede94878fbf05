"""Audio in archives: entries `file.ark:1234` of `wav.scp`, a file and the byte where audio begins.

Read are WAV files as Kaldi's `wav-copy` puts them into an archive, and audio files of any format as
kaldiio does, with the word AUDIO and their size in front, such as the `flac.ark` of ESPnet.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

_PLACE = re.compile(r"(?P<path>.+):(?P<offset>\d+)(?P<range>\[.*\])?")
_LENGTH_NOT_KNOWN = 0x7FFF0000
_BLOCK = 1 << 20


def place_in_archive(source: str) -> tuple[Path, int] | None:
    """File and byte of an entry of `wav.scp` that is a place in an archive; None of any other.

    Args:
        source: the value of the entry. One that names a file that is there is no such place.

    Raises:
        ValueError: when a part of the audio is asked for, as in `file.ark:1234[0:100]`.

    Example:
        >>> place_in_archive("data/raw.ark:27")
        (PosixPath('data/raw.ark'), 27)
    """
    found = _match(source)
    if not found:
        return None
    if found["range"]:
        raise ValueError(
            f"{source}: a part of what is in an archive is not read; leave out {found['range']} "
            "and write the part into `segments`"
        )
    return Path(found["path"]), int(found["offset"])


def source_file(source: str) -> Path:
    """The file that an entry of `wav.scp` is read from, when it is no command.

    Example:
        >>> source_file("a.wav"), source_file("raw.ark:27")
        (PosixPath('a.wav'), PosixPath('raw.ark'))
    """
    found = _match(source)
    return Path(found["path"] if found else source)


def _match(source: str) -> re.Match[str] | None:
    found = _PLACE.fullmatch(source)
    return None if found is None or os.path.exists(source) else found


def extract(archive: Path, offset: int, target: Path) -> None:
    """Copy one audio file out of an archive.

    Args:
        archive: the archive.
        offset: its first byte there.
        target: the file to write.

    Raises:
        ValueError: when there is no such archive, it may not be read, or there is no audio at that
            place.
    """
    place = f"{archive}:{offset}"
    if not os.path.isfile(archive):
        raise ValueError(f"{archive}: no such archive; check the path")
    size = archive.stat().st_size
    with _open(archive) as file:
        file.seek(offset)
        begin, length = _audio_at(file, place)
        if begin + length > size:
            raise ValueError(
                f"{place}: is cut short ({begin + length - size} bytes missing); copy it again"
            )
        file.seek(begin)
        with open(target, "wb") as out:
            while length > 0:
                block = file.read(min(length, _BLOCK))
                out.write(block)
                length -= len(block)


def _open(archive: Path) -> BinaryIO:
    try:
        return open(archive, "rb")
    except PermissionError as error:
        raise ValueError(
            f"{archive}: cannot be opened (permission denied); check its permissions"
        ) from error


def _audio_at(file: BinaryIO, place: str) -> tuple[int, int]:
    """First byte and length of the audio file that begins where an archive stands."""
    offset, head = file.tell(), file.read(16)
    if head[:4] == b"RIFF":
        length = int.from_bytes(head[4:8], "little") + 8
        if 8 < length < _LENGTH_NOT_KNOWN:
            return offset, length
        raise ValueError(f"{place}: a WAV file of unknown length; write it to a file of its own")
    if head[:5] == b"AUDIO" and 0 < head[5] <= 8:
        begin = 6 + head[5]
        return offset + begin, int.from_bytes(head[6:begin], "little")
    what = "a matrix" if head[:2] == b"\0B" else "no audio"
    raise ValueError(
        f"{place}: holds {what} at this byte; expected audio as `wav-copy` or kaldiio writes it: "
        "mend the entry, or give the path of a WAV file"
    )
