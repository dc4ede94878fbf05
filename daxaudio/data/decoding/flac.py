"""The number of samples in the header of a FLAC file.

libsndfile stops at it, and takes 0, which stands for "not known", for the largest number there is.
So the header is shown to it with 0 always, and what is read is compared with the number here.
Source of the layout: RFC 9639.
"""

from __future__ import annotations

from pathlib import Path

from daxaudio.data.decoding.promise import Promise

_COUNT_AT, _COUNT_BITS = 18, 36  # the lower bits of eight bytes


def promise_of_flac(path: Path) -> Promise:
    """What a FLAC file says of its length.

    Args:
        path: begins with "fLaC".
    """
    with open(path, "rb") as file:
        head = file.read(_COUNT_AT + 8)
    if len(head) < _COUNT_AT + 8:
        return Promise()
    others, n_samples = divmod(int.from_bytes(head[_COUNT_AT:], "big"), 1 << _COUNT_BITS)
    if n_samples == 0:
        return Promise(known=False)
    unknown = (others << _COUNT_BITS).to_bytes(8, "big")
    pieces = (head[:_COUNT_AT] + unknown, (len(head), path.stat().st_size))
    return Promise(n_samples=n_samples, pieces=pieces)
