"""The frame of an MP3 file that says its length, and the same for files that have none.

The decoder in libsndfile stops where that frame says. Where it is missing, it guesses from the size
of the first frames and that of the file, and stops there: a file of varying bit rate is then read
short, or thought cut. So such a file is shown to the decoder as larger than any is, and is read to
its end. Source of the layout: ISO/IEC 11172-3 and 13818-3, and the VBR header of Xing.
"""

from __future__ import annotations

import dataclasses
import mmap
from pathlib import Path

from daxaudio.data.decoding.promise import Promise, more_than_promised
from daxaudio.data.decoding.splice import Claimed

_LOOKED_AT = 1 << 17
_ENDLESS = 1 << 27  # frames, weeks of audio
_LARGER_THAN_ANY = 1 << 40  # bytes
_KBPS = {  # by whether it is MPEG-1, of layer III
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_HAS_COUNT, _HAS_BYTES = 1, 2


@dataclasses.dataclass(frozen=True)
class _Frame:
    """The header of a frame of layer III."""

    head: bytes
    """Its four bytes."""

    @property
    def version(self) -> int:
        return self.head[1] >> 3 & 3

    @property
    def is_whole(self) -> bool:
        """Whether these bytes are such a header at all."""
        return (
            len(self.head) == 4
            and self.head[0] == 0xFF
            and self.head[1] >> 5 == 7
            and self.head[1] >> 1 & 3 == 1
            and self.version in _RATES
            and 0 < self.head[2] >> 4 < 15
            and self.head[2] >> 2 & 3 < 3
        )

    @property
    def size(self) -> int:
        kbps = _KBPS[self.version == 3][self.head[2] >> 4]
        rate = _RATES[self.version][self.head[2] >> 2 & 3]
        return (144 if self.version == 3 else 72) * kbps * 1000 // rate + (self.head[2] >> 1 & 1)

    @property
    def length_at(self) -> int:
        """Byte at which a frame with the length says so: behind the side information."""
        mono = self.head[3] >> 6 == 3
        return 4 + ((17 if mono else 32) if self.version == 3 else (9 if mono else 17))

    def goes_with(self, other: _Frame) -> bool:
        """Whether both can be of one stream."""
        return (
            self.is_whole
            and self.version == other.version
            and self.head[2] >> 2 & 3 == other.head[2] >> 2 & 3
        )


def looks_like_mp3(head: bytes) -> bool:
    """Whether the first bytes of a file may be those of an MP3 file."""
    return head[:3] == b"ID3" or (head[:1] == b"\xff" and _Frame(head[:4]).is_whole)


def promise_of_mp3(path: Path) -> Promise:
    """What an MP3 file says of its length, and how it is shown to the decoder.

    Args:
        path: for which `looks_like_mp3` holds.
    """
    promise, at = _promise_of_mp3(path)
    gap = "" if at is None else _find_gap(path, at)
    return dataclasses.replace(promise, odd="; ".join(filter(None, (promise.odd, gap))))


def _promise_of_mp3(path: Path) -> tuple[Promise, int | None]:
    """What a file says of its length, and where its first frame begins."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        begin = end_of_tags(file.read(10))
        file.seek(begin)
        data = file.read(_LOOKED_AT)
        skipped = _first_frame(data)
        if skipped is None:
            return Promise(), None
        at, data = begin + skipped, data[skipped:]
        frame = _Frame(data[:4])
        mark, flags = data[frame.length_at :][:4], data[frame.length_at :][4:8]
        if mark not in (b"Xing", b"Info") or not flags[-1:] or not flags[3] & _HAS_COUNT:
            return Promise(known=False, pieces=((0, size), Claimed(_LARGER_THAN_ANY))), at
        n_bytes = (
            int.from_bytes(data[frame.length_at + 12 :][:4], "big") if flags[3] & _HAS_BYTES else 0
        )
        if not 0 < n_bytes < size - at:
            return Promise(), at
        file.seek(at + n_bytes)
        rest = file.read(_LOOKED_AT)
    if not _Frame(rest[end_of_tags(rest) :][:4]).goes_with(frame):
        return Promise(), at
    place = at + frame.length_at + 8
    with open(path, "rb") as file:
        head = file.read(place)
    promise = Promise(
        odd=more_than_promised(n_bytes, size - at),
        known=False,
        pieces=(head, _ENDLESS.to_bytes(4, "big"), (place + 4, size)),
    )
    return promise, at


def _find_gap(path: Path, at: int) -> str:
    """Words for the first stretch between frames that is no frame, which decoders jump over.

    Args:
        path: the file.
        at: byte of the first frame.

    Returns:
        "" where each frame follows on the one before, or on a tag; what stands behind the last
        frame is no gap.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        first = _Frame(data[at : at + 4])
        while (frame := _Frame(data[at : at + 4])).goes_with(first):
            at += frame.size
            if data[at : at + 3] in (b"TAG", b"ID3"):
                at += end_of_tags(data[at : at + 10])
        found = _next_frame(data, at, first)
    if found is None:
        return ""
    return (
        f"{found - at} bytes in its middle, from byte {at} on, are damaged or no MP3: they are "
        "left out, and what follows may stand too early; copy it again"
    )


def _next_frame(data: mmap.mmap, at: int, first: _Frame) -> int | None:
    """The next byte at which two frames of a stream follow on each other, if there is one."""
    while (at := data.find(b"\xff", at)) >= 0:
        frame = _Frame(data[at : at + 4])
        after = at + frame.size if frame.goes_with(first) else len(data)
        if _Frame(data[after : after + 4]).goes_with(first):
            return at
        at += 1
    return None


def end_of_tags(data: bytes, at: int = 0) -> int:
    """The first byte behind an ID3 tag of version 1 or 2, if one begins at a byte; else that."""
    if data[at : at + 3] == b"TAG":
        return end_of_tags(data, at + 128)
    if data[at : at + 3] != b"ID3" or len(data) < at + 10:
        return at
    size = 0
    for byte in data[at + 6 : at + 10]:
        size = size << 7 | byte & 0x7F
    return at + 10 + size + (10 if data[at + 5] & 0x10 else 0)


def _first_frame(data: bytes) -> int | None:
    """The first byte of the first frame that another one follows."""
    at = data.find(b"\xff")
    while at >= 0:
        frame = _Frame(data[at : at + 4])
        if frame.is_whole and _Frame(data[at + frame.size :][:4]).goes_with(frame):
            return at
        at = data.find(b"\xff", at + 1)
    return None
