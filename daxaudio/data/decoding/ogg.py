"""Pages of an Ogg file: whether all are there and whole.

libsndfile leaves out pages that are damaged and takes the last whole one for the end, so the pages
are looked at here. Source: RFC 3533.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from daxaudio.data.decoding.promise import Promise

_HEADER = 27
_FIRST, _LAST = 2, 4
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclasses.dataclass(frozen=True)
class _Page:
    at: int
    data: bytes
    """Header, lengths of the segments and body."""
    n_segments: int

    @property
    def is_first(self) -> bool:
        return bool(self.data[5] & _FIRST)

    @property
    def is_last(self) -> bool:
        return bool(self.data[5] & _LAST)

    @property
    def ends_in_a_packet(self) -> bool:
        """Whether the last packet goes on in another page."""
        return self.n_segments > 0 and self.data[_HEADER + self.n_segments - 1] == 255

    @property
    def is_whole(self) -> bool:
        return self.data[22:26] == struct.pack("<I", checksum(_without_checksum(self.data)))


def promise_of_ogg(path: Path) -> Promise:
    """Whether the pages of an Ogg file are whole, and the last one is marked as the last.

    A stream that ends with a whole page which is not marked may have been cut between two pages,
    or come from a recorder that never sets the mark: it is read, and this is said.

    Args:
        path: begins with "OggS".
    """
    about = path.stat()
    return _promise(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=256)  # a recording of many segments is looked at once
def _promise(path: Path, size: int, mtime_ns: int) -> Promise:
    page: _Page | None = None
    at, number = 0, dict[int, int]()
    with open(path, "rb") as file:
        while at < size:
            previous, page = page, _read_page(file, at)
            if page is None:
                if previous is not None and previous.is_last:
                    return Promise()  # something else behind the stream, such as a tag
                return _broken(file, at, size)
            if previous is not None and previous.is_last and page.is_first:
                return Promise(
                    unread=f"another stream begins at byte {at}, and only the first would be read; "
                    "join them, for instance with `ffmpeg -i IN.ogg OUT.wav`"
                )
            if not page.is_whole:
                return Promise(damage=f"the checksum of the page at byte {at} is wrong")
            stream, count = struct.unpack("<II", page.data[14:22])
            if count > number.get(stream, count - 1) + 1:
                return Promise(damage=f"pages are missing before byte {at}")
            number[stream] = count
            at += len(page.data)
    if page is None or page.is_last:
        return Promise()
    if page.ends_in_a_packet:
        return Promise(missing="no end of stream")
    return Promise(
        odd="no page is marked as its last: it is read to its end, but may have been cut there",
        pieces=((0, page.at), _marked_as_last(page)),
    )


def _read_page(file: BinaryIO, at: int) -> _Page | None:
    """The page at a byte; None when no whole page is there."""
    file.seek(at)
    header = file.read(_HEADER)
    if len(header) < _HEADER or header[:4] != b"OggS":
        return None
    lengths = file.read(header[26])
    body = file.read(sum(lengths))
    if len(lengths) < header[26] or len(body) < sum(lengths):
        return None
    return _Page(at, header + lengths + body, header[26])


def _broken(file: BinaryIO, at: int, size: int) -> Promise:
    """The promise of a file in which a page should be and is not, or not to its end."""
    file.seek(at)
    rest = file.read(min(size - at, 1 << 20))
    if rest[:4] == b"OggS"[: len(rest)] and b"OggS" not in rest[4:]:
        return Promise(missing="no end of stream")
    return Promise(damage=f"no page begins at byte {at}")


def _marked_as_last(page: _Page) -> bytes:
    data = bytearray(_without_checksum(page.data))
    data[5] |= _LAST
    data[22:26] = struct.pack("<I", checksum(bytes(data)))
    return bytes(data)


def _without_checksum(data: bytes) -> bytes:
    return data[:22] + bytes(4) + data[26:]


def checksum(data: bytes) -> int:
    """CRC of an Ogg page: polynomial 0x04C11DB7, the highest bit first, from 0.

    That of zlib has the same polynomial with the bits the other way round, so both are turned.

    Args:
        data: the page, with zeros where its checksum stands.

    Example:
        >>> hex(checksum(b"123456789"))
        '0x89a1897f'
    """
    mirrored = zlib.crc32(data.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
