"""What a caller gave, looked at where it enters: another kind of thing is one clear sentence."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


def check_kind(given: Any, kinds: type | tuple[type, ...], expected: str) -> None:
    """Refuse an argument of another kind.

    Args:
        given: what the caller gave.
        kinds: what it may be, as in `isinstance`.
        expected: what to give, as the sentence begins.

    Raises:
        TypeError: says what is expected and what was given.

    Example:
        >>> check_kind(3, str, "give the name of a method")
        Traceback (most recent call last):
        TypeError: give the name of a method, got int
    """
    if not isinstance(given, kinds):
        raise TypeError(f"{expected}, got {type(given).__name__}")


def check_whole(given: Any, name: str) -> None:
    """Refuse what is no whole number, such as a seed that is a text or has a fraction.

    Raises:
        TypeError: names the argument.

    Example:
        >>> check_whole(1.5, "seed")
        Traceback (most recent call last):
        TypeError: seed must be a whole number, got 1.5
    """
    if isinstance(given, bool) or not isinstance(given, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {given!r:.60}")


def as_listed(given: Iterable[Item], expected: str) -> Sequence[Item]:
    """Several things as a tuple: a generator is used up once, and one thing alone is refused.

    Args:
        given: a list or anything else that gives one after the other, but no text, whose letters
            nobody means.
        expected: what to give, as the sentence begins.

    Raises:
        TypeError: says what is expected and what was given.

    Example:
        >>> as_listed((name for name in ["rise", "lime"]), "give a list of methods")
        ('rise', 'lime')
        >>> as_listed("rise", "give a list of methods")
        Traceback (most recent call last):
        TypeError: give a list of methods, got str
    """
    plain = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    if not plain:
        raise TypeError(f"{expected}, got {type(given).__name__}")
    return tuple(given)
