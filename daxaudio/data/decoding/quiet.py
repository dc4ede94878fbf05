"""Keep what a C library prints from standing beside our own lines."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

_FROM_LIBMPG123 = re.compile(rb"\s*$|.*libmpg123|(Warning|Note|Error): ")
_STANDARD_ERROR = 2

_lock = threading.Lock()
_open: list[tuple[int, IO[bytes]]] = []
_n_inside = 0


@contextlib.contextmanager
def without_words_of_libmpg123() -> Iterator[None]:
    r"""Leave out what libmpg123, the MP3 decoder in libsndfile, writes to standard error.

    It writes to the file descriptor of the whole process, and nothing in libsndfile's interface
    tells it to be quiet. So the descriptor goes to a temporary file inside the block; afterwards
    all other lines in it, of any thread, are written where they belong. Blocks may be nested and
    be in several threads at once.

    Example:
        >>> with without_words_of_libmpg123():
        ...     _ = os.write(2, b"[src/libmpg123/layer3.c:1] error: part2_3_length too large\n")
    """
    global _n_inside
    with _lock:
        if _n_inside == 0:
            _begin()
        _n_inside += 1
    try:
        yield
    finally:
        with _lock:
            _n_inside -= 1
            if _n_inside == 0:
                _end()


def _begin() -> None:
    with contextlib.suppress(OSError):  # no standard error, or no room: then nothing is kept back
        kept = os.dup(_STANDARD_ERROR)
        try:
            words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        except OSError:
            os.close(kept)
            raise
        os.dup2(words.fileno(), _STANDARD_ERROR)
        _open.append((kept, words))


def _end() -> None:
    while _open:
        kept, words = _open.pop()
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
        with words:
            words.seek(0)
            others = [line for line in words if not _FROM_LIBMPG123.match(line)]
        with contextlib.suppress(OSError):
            os.write(_STANDARD_ERROR, b"".join(others))
