"""Which part of all recordings a run does: several such runs together do all, each once."""

from __future__ import annotations

import dataclasses
import hashlib
import re


@dataclasses.dataclass(frozen=True)
class Shard:
    """One of several equal parts of all recordings: which of them are in it, their ids alone say.

    Args:
        index: counted from 1.
        count: of the parts.

    Example:
        >>> [name for name in ("a", "b", "c", "d") if name in Shard(1, 2)]
        ['a', 'b', 'c']
        >>> str(Shard(2, 3)), Shard(2, 3).name
        ('2/3', 'shard-2-of-3')
    """

    index: int = 1
    count: int = 1

    def __contains__(self, recording_id: object) -> bool:
        digest = hashlib.sha256(str(recording_id).encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def name(self) -> str:
        """Of its files."""
        return f"shard-{self.index}-of-{self.count}"

    @property
    def whole(self) -> bool:
        """Whether it is all recordings."""
        return self.count == 1


WHOLE = Shard()
"""All recordings."""


def read_shard(text: str) -> Shard:
    """The shard of an option such as `2/3`.

    Args:
        text: the index, counted from 1, and the count.

    Raises:
        ValueError: when it is something else.

    Example:
        >>> read_shard("2/3")
        Shard(index=2, count=3)
        >>> read_shard("0/3")
        Traceback (most recent call last):
        ValueError: a shard is i/n with i from 1 to n, such as 1/3; got '0/3'
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    index, count = (int(part) for part in found.groups()) if found else (0, 0)
    if not 1 <= index <= count:
        raise ValueError(f"a shard is i/n with i from 1 to n, such as 1/3; got {text!r}")
    return Shard(index, count)


def shard_of_name(name: str) -> Shard | None:
    """The shard that a file belongs to by its name, without ending; None for another file.

    Example:
        >>> shard_of_name("shard-2-of-3")
        Shard(index=2, count=3)
        >>> shard_of_name("notes")
    """
    found = re.fullmatch(r"shard-([0-9]{1,9})-of-([0-9]{1,9})", name)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        return None
    return Shard(int(found[1]), int(found[2]))
