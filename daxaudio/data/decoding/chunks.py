"""Lengths in the headers of WAV, RF64, Wave64, AIFF, AU, NIST and ASF files.

libsndfile mends a length that goes beyond the end of the file without a word, and believes one
that is too small, as a recorder leaves it that was switched off, or that counts on from 0 at 4 GiB.
So the bytes are looked at here.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from daxaudio.data.decoding.promise import Promise, more_than_promised
from daxaudio.data.decoding.splice import Piece

# Programs that write to a pipe put the largest number (ffmpeg), the largest one with a sign, both
# less some headers (sox), or 0 where the length of a WAV file should stand.
_LENGTHS_NOT_KNOWN = (range(0x7FFF0000, 0x80000001), range(0xFFFF0000, 1 << 32))
_LONG_NOT_KNOWN = (1 << 64) - 1
_WRAP = 1 << 32
_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_LOOKED_AT = 1 << 16
_SHORTEST_REST = 64  # bytes; less is no audio worth a warning


def promise_of_riff(path: Path) -> Promise:
    """The promise of a RIFF, RIFX, RF64 or BW64 file, or of an AIFF or 8SVX one.

    Args:
        path: begins with the name of one of these.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        form = file.read(12)[:4]
        order = ">" if form in (b"FORM", b"RIFX") else "<"
        long_length = None
        for name, at, length in _chunks(file, order, size):
            if name == b"ds64":
                long_length = struct.unpack("<Q", file.read(16)[8:].ljust(8, b"\0"))[0]
            elif name in (b"data", b"SSND", b"BODY"):
                if long_length is not None and length == _WRAP - 1:
                    length = long_length
                elif _is_unknown(length) and at + length >= size:
                    return Promise()
                elif _is_unknown(length) and form == b"RIFF":
                    return Promise(pieces=_as_rf64(file, at, size))
                if length == _LONG_NOT_KNOWN:
                    return Promise(pieces=_as_rf64(file, at, size))
                if at + length > size or order == ">":
                    return _missing(at + length - size)
                return _what_follows(file, at, length, size, wraps=long_length is None)
    return Promise()


def promise_of_wave64(path: Path) -> Promise:
    """The promise of a Sony Wave64 file."""
    size, at = path.stat().st_size, 40
    with open(path, "rb") as file:
        file.seek(at)
        while len(header := file.read(24)) == 24:
            name, length = header[:16], struct.unpack("<Q", header[16:])[0]
            if name == _W64_DATA:
                return _missing(at + length - size)
            if length < 24:
                break
            at += length + -length % 8
            file.seek(min(at, size))
    return Promise()


def promise_of_au(path: Path) -> Promise:
    """The promise of a Sun or NeXT AU file of either byte order."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
    if len(head) < 12:
        return Promise()
    order = ">" if head[:4] == b".snd" else "<"
    begin, length = struct.unpack(f"{order}II", head[4:])
    if length == _WRAP - 1:
        return Promise()
    there = size - begin
    if there <= length:
        return _missing(length - there)
    unknown = head[:8] + struct.pack(f"{order}I", _WRAP - 1)
    return Promise(odd=more_than_promised(length, there), pieces=(unknown, (12, size)))


def promise_of_nist(path: Path) -> Promise:
    """The promise of a NIST SPHERE file."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(1024)
    fields = {
        name: int(value) for name, value in re.findall(rb"^(\w+) -i (\d+)", head, re.MULTILINE)
    }
    counts = [fields.get(name) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    begin = re.match(rb"NIST_1A\s+(\d+)", head)
    coded = re.search(rb"^sample_coding -s\d+ \S*(shorten|wavpack|shortpack)", head, re.MULTILINE)
    if not begin or coded or None in counts:
        return Promise()
    n_samples, n_channels, n_bytes = (count or 0 for count in counts)
    return _missing(int(begin[1]) + n_samples * n_channels * n_bytes - size)


def promise_of_asf(path: Path) -> Promise:
    """The promise of an ASF file, such as WMA: ffmpeg finds no fault with one that is cut."""
    with open(path, "rb") as file:
        head = file.read(_LOOKED_AT)
    at = head.find(_ASF_PROPERTIES)
    if at < 0 or len(head) < at + 48:
        return Promise()
    return _missing(int.from_bytes(head[at + 40 : at + 48], "little") - path.stat().st_size)


def _is_unknown(length: int) -> bool:
    return any(length in unknown for unknown in _LENGTHS_NOT_KNOWN)


def _missing(n_bytes: int) -> Promise:
    return Promise(missing=f"{n_bytes} bytes missing") if n_bytes > 0 else Promise()


def _chunks(file: BinaryIO, order: str, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk from where the file stands."""
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack(f"{order}4sI", header)
        at = file.tell()
        yield name, at, length
        file.seek(min(at + length + length % 2, size))


def _what_follows(file: BinaryIO, at: int, length: int, size: int, wraps: bool) -> Promise:
    """The promise of a WAV file whose audio should end before the file does, or with it."""
    end = at + length
    file.seek(end)
    rest = file.read(_LOOKED_AT)
    if _is_chunk(rest) or _is_chunk(rest[length % 2 :]):
        return Promise()
    if wraps and size - end >= _WRAP:
        end += (size - end) // _WRAP * _WRAP
    elif len(rest) < _SHORTEST_REST or rest.startswith(_TAGS) or not any(rest):
        return Promise()
    else:
        end = size
    return Promise(odd=more_than_promised(length, end - at), pieces=_as_rf64(file, at, end))


def _as_rf64(file: BinaryIO, at: int, end: int) -> tuple[Piece, ...]:
    """A WAV file whose audio is in these bytes, as a format shows it that knows no limit."""
    file.seek(12)
    chunks = file.read(at - 8 - 12)
    if chunks[:4] == b"ds64":
        chunks = chunks[8 + int.from_bytes(chunks[4:8], "little") :]
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, end - at + len(chunks) + 48, end - at, 0, 0)
    unknown = b"\xff\xff\xff\xff"
    return (b"RF64" + unknown + b"WAVE" + sizes + chunks + b"data" + unknown, (at, end))


def _is_chunk(data: bytes) -> bool:
    return len(data) >= 8 and all(32 <= byte < 127 for byte in data[:4])
