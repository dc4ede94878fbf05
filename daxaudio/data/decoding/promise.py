"""What the bytes of an audio file say of its length."""

from __future__ import annotations

import dataclasses

from daxaudio.data.decoding.splice import Piece


@dataclasses.dataclass(frozen=True)
class Promise:
    """How long a file should be, beside how long it is.

    Args:
        missing: what is promised and not there, "" when nothing.
        damage: what is there and broken, "" when nothing.
        unread: what is there and cannot be read, and what to do; "" when nothing.
        odd: what should be said, though all audio can be read; "" when nothing.
        known: whether the length that libsndfile finds in the header is to be trusted.
        n_samples: length in samples; None where it is the one that libsndfile finds.
        pieces: the file as libsndfile should see it; empty where it may see it as it is.
    """

    missing: str = ""
    damage: str = ""
    unread: str = ""
    odd: str = ""
    known: bool = True
    n_samples: int | None = None
    pieces: tuple[Piece, ...] = ()


def more_than_promised(promised: int, there: int) -> str:
    """Words for a header that says less than there is, both in bytes.

    Example:
        >>> more_than_promised(100, 300)
        'its header promises 100 bytes of audio, 300 are there; all of them are read'
    """
    return f"its header promises {promised} bytes of audio, {there} are there; all of them are read"
