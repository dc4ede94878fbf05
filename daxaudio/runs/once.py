"""Say once a run what would be said at each reading of a file."""

from __future__ import annotations

import functools
import logging


@functools.lru_cache(maxsize=4096)
def warn_once(log: logging.Logger, text: str) -> None:
    """Log a warning, unless the same one was logged by the same logger before.

    Args:
        log: the logger.
        text: the warning.
    """
    log.warning("%s", text)
