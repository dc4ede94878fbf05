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


def check_sentences(given: Any, of: str) -> None:
    """Refuse warnings that are no tuple of texts, or of which one says nothing.

    Args:
        given: the warnings.
        of: what they are of, for the errors.

    Raises:
        TypeError: when they are no tuple of texts.
        ValueError: when one is empty.

    Example:
        >>> check_sentences(["loud"], "of 'lime'")
        Traceback (most recent call last):
        TypeError: warnings of 'lime' must be a tuple of texts, got ['loud']
    """
    if not isinstance(given, tuple) or not all(isinstance(one, str) for one in given):
        raise TypeError(f"warnings {of} must be a tuple of texts, got {given!r}")
    if not all(warning.strip() for warning in given):
        raise ValueError(f"a warning {of} is empty; say what is wrong")


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
