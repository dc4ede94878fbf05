"""How many processor threads compute a unit: another number of them rounds a sum otherwise."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

_NAMES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextlib.contextmanager
def started_with(threads: int | None) -> Iterator[None]:
    """Processes that are started inside compute by so many threads.

    Args:
        threads: of each; None for its own choice.
    """
    if threads is None:
        yield
        return
    before = {name: os.environ.get(name) for name in _NAMES}
    os.environ.update(dict.fromkeys(_NAMES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def computed_with(threads: int | None) -> Iterator[None]:
    """What is done inside by this process is computed by so many threads of torch.

    Args:
        threads: as above.
    """
    torch = sys.modules.get("torch")
    if threads is None or torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
