"""Refuse what can never fit into memory, before any of it is made."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

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
        ValueError: when they need more than the memory that there is; says how many fit.

    Example:
        >>> check_fits("perturbed inputs", 6000, 200, "n_samples")
        >>> check_fits("perturbed inputs", 10**15, 200, "n_samples")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: 1e+15 perturbed inputs need 2e+08 GB of memory and there are ...
    """
    there = total_memory()
    if n_items * bytes_each > there:
        raise ValueError(
            f"{n_items:.3g} {what} need {n_items * bytes_each / 1e9:.2g} GB of memory and there "
            f"are {there / 1e9:.2g} GB: take at most {there // bytes_each} ({name})"
        )


def total_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or what its container allows.

    Example:
        >>> total_memory() > 2**20
        True
    """
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        there = _UNKNOWN
    return min([there, *_limits()])


def _limits(
    own: str | os.PathLike[str] = "/proc/self/cgroup",
    root: str | os.PathLike[str] = "/sys/fs/cgroup",
) -> Iterator[int]:
    """Bytes that the control groups of this process allow (Linux, version 1 and 2).

    A limit of a group holds for all below it. Within a container its own group is often shown as
    the root of the tree, so the root is looked at, too.
    """
    try:
        lines = Path(own).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":  # version 2
            tree, name = Path(root), "memory.max"
        elif "memory" in controllers.split(","):
            tree, name = Path(root) / "memory", "memory.limit_in_bytes"
        else:
            continue
        place = tree / group.strip("/")
        for folder in (place, *place.parents):
            with contextlib.suppress(OSError, ValueError):  # no such group; "max"
                yield int((folder / name).read_text())
            if folder == tree:
                break
