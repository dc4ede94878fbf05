"""Refuse what can never fit into memory, before any of it is made."""

from __future__ import annotations

import os

_UNKNOWN = 2**36
"""Bytes taken to be there where the system does not tell."""


def check_fits(what: str, n_items: int, bytes_each: int, name: str) -> None:
    """Refuse a number of things that this machine cannot hold.

    Args:
        what: the things, for the error.
        n_items: how many.
        bytes_each: what each takes, about.
        name: of the setting that says how many.

    Raises:
        ValueError: when they need more than the memory that the machine has; says how many fit.

    Example:
        >>> check_fits("perturbed inputs", 6000, 200, "n_samples")
        >>> check_fits("perturbed inputs", 10**15, 200, "n_samples")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: 1e+15 perturbed inputs need 2e+08 GB of memory and this machine has ...
    """
    there = total_memory()
    if n_items * bytes_each > there:
        raise ValueError(
            f"{n_items:.3g} {what} need {n_items * bytes_each / 1e9:.2g} GB of memory and this "
            f"machine has {there / 1e9:.2g} GB: take at most {there // bytes_each} ({name})"
        )


def total_memory() -> int:
    """Bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN
