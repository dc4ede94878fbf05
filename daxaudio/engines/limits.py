"""How long a worker may be at what it does, and what is said of one that took longer."""

from __future__ import annotations

OPENING = 900.0
"""Seconds that a worker may take to open its job, where units have a limit."""


def limit_of(ready: bool, time_limit: float) -> float:
    """Seconds that a worker may take.

    Args:
        ready: whether its job is open, so that it is at a unit.
        time_limit: of a unit.
    """
    return time_limit if ready else OPENING


def took_too_long(ready: bool, time_limit: float) -> str:
    """What is said of a worker that took longer; arguments as of `limit_of`.

    Example:
        >>> took_too_long(True, 5.0)
        'took more than 5 s'
        >>> took_too_long(False, 5.0)
        'took more than 900 s to load the model'
    """
    loading = "" if ready else " to load the model"
    return f"took more than {limit_of(ready, time_limit):g} s{loading}"
