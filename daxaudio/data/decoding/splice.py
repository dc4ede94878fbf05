"""A file as a decoder should see it: some bytes replaced, nothing written."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Sequence

_TAG = 128  # bytes of an ID3v1 tag, for which decoders of MP3 look at the end


@dataclasses.dataclass(frozen=True)
class Claimed:
    """Bytes by which a file says to be longer than it is; where they begin, reading finds its end.

    Only the last bytes can be read, as zeros: a decoder that finds no tag there is content.

    Args:
        size: number of bytes.
    """

    size: int


Piece = bytes | tuple[int, int] | Claimed
"""Bytes as they are, (first, end) of a stretch of the file, or what is claimed at its end."""


class SplicedFile(io.RawIOBase):
    """Pieces of a file and other bytes, one after the other, read as one file.

    Args:
        path: the file.
        pieces: what is seen, in order.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a"
        >>> _ = path.write_bytes(b"0123456789")
        >>> with SplicedFile(path, [b"ab", (2, 5)]) as file:
        ...     file.read(), file.seek(-2, os.SEEK_END), file.read(9)
        (b'ab234', 3, b'34')
    """

    def __init__(self, path: str | os.PathLike[str], pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._file = open(path, "rb")  # noqa: SIM115 - closed in close
        self._pieces = pieces
        self._at = 0
        self._size = sum(map(_length, pieces))

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte of what is seen; returns its place."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # any writable buffer
        """Fill a buffer as far as there are bytes; libsndfile asks once and takes less for the end.

        Returns:
            Bytes read.
        """
        wanted, n_read, begin = memoryview(buffer).cast("B"), 0, 0
        for piece in self._pieces:
            skipped = self._at - begin
            begin += _length(piece)
            if self._at >= begin or n_read == len(wanted):
                continue
            data = self._read_piece(piece, skipped, len(wanted) - n_read)
            wanted[n_read : n_read + len(data)] = data
            n_read += len(data)
            self._at += len(data)
        return n_read

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _read_piece(self, piece: Piece, skipped: int, n: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[skipped : skipped + n]
        if isinstance(piece, Claimed):
            return bytes(min(n, piece.size - skipped)) if skipped >= piece.size - _TAG else b""
        self._file.seek(piece[0] + skipped)
        return self._file.read(min(n, _length(piece) - skipped))


def _length(piece: Piece) -> int:
    if isinstance(piece, Claimed):
        return piece.size
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
