"""What is asked about, in writing: `CLASS`, `CLASS@START-END`, either with `:falls` behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

FALLS = ":falls"
"""Ends a target whose score is to fall."""

_AT = re.compile(r"(.+)@(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


class _Labelled(Protocol):
    """A stretch of time with a label."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def label(self) -> str: ...


_Part = TypeVar("_Part", bound=_Labelled)


def split_target(target: str) -> tuple[str, tuple[float, float] | None, bool]:
    """Class, seconds and direction of a target.

    Names of classes are not known here: one that is itself written like this must be looked for
    first.

    Example:
        >>> split_target("speech@2.1-2.9"), split_target("quality:falls")
        (('speech', (2.1, 2.9), False), ('quality', None, True))
    """
    rest = target.removesuffix(FALLS)
    found = _AT.fullmatch(rest)
    between = (float(found[2]), float(found[3])) if found else None
    return found[1] if found else rest, between, rest != target


def told_by(parts: Sequence[_Part], target: str) -> list[_Part]:
    """Which of several events, or pieces of evidence, are those of a target.

    Those whose label is the target; else those of its class, and of `CLASS@START-END` those that
    sound in that time, if any do; else all, whose labels are then no classes. A direction changes
    nothing.
    """
    own = [part for part in parts if target and part.label == target]
    if not own and target:
        name, between, _ = split_target(target)
        own = [part for part in parts if part.label == name]
        if between:
            start, end = between
            own = [part for part in own if part.start < end and part.end > start] or own
    return own or list(parts)
