"""Inputs and outputs of a graph that a file holds: numbers in and out, in the file's own types."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int | str | None, ...]
"""Size of each dimension; a name or None where any goes."""


@dataclasses.dataclass(frozen=True)
class Port:
    """One input or output of a graph.

    Args:
        name: as the file has it.
        dtype: of its numbers.
        shape: its dimensions.
        scale: of quantised numbers, which stand for `scale * (number - zero_point)`; None where
            they stand for themselves.
        zero_point: of quantised numbers.

    Example:
        >>> port = Port("audio", np.dtype("uint8"), (1, None, 64), scale=0.5, zero_point=10)
        >>> str(port), port.decode(port.encode(np.float32([1.0, 500.0])))
        ('audio uint8 [1, ?, 64]', array([  1. , 122.5], dtype=float32))
    """

    name: str
    dtype: np.dtype[Any]
    shape: Shape
    scale: float | None = None
    zero_point: int = 0

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.dtype} [{sizes}]"

    @property
    def fixed(self) -> bool:
        """Whether every dimension has a size."""
        return all(isinstance(size, int) for size in self.shape)

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Real numbers as the graph takes them; whole ones are rounded, and cut at their limits."""
        if self.dtype.kind not in "iu":
            return np.ascontiguousarray(values, dtype=self.dtype)
        if self.scale is not None:
            values = values / self.scale + self.zero_point
        limits = np.iinfo(self.dtype)
        return np.asarray(np.rint(values).clip(limits.min, limits.max), dtype=self.dtype)

    def decode(self, numbers: NDArray[Any]) -> NDArray[np.float32]:
        """Numbers that the graph gave, as real ones."""
        values = np.asarray(numbers, dtype=np.float32)
        if self.scale is None:
            return values
        return np.float32(self.scale) * (values - np.float32(self.zero_point))

    def sizes(self, n: int, known: Mapping[str, int]) -> tuple[int, ...]:
        """Its shape for N inputs.

        Args:
            n: takes the first dimension that has neither a size nor a known name.
            known: sizes of dimensions that have a name.

        Raises:
            ValueError: when another dimension has no size, either.
        """
        found, free = list[int](), [n]
        for size in self.shape:
            size = known.get(size) if isinstance(size, str) else size
            if size is None and not free:
                raise ValueError(f"the size of {self} cannot be read off")
            found.append(free.pop() if size is None else size)
        return tuple(found)


def named(name: object, ports: Sequence[Port], entry: str) -> Port:
    """The port of a name.

    Args:
        name: what it is called.
        ports: all that there are.
        entry: of a `model.yaml` that has the name, for the error.

    Raises:
        ValueError: when there is none; lists them.
    """
    for port in ports:
        if port.name == name:
            return port
    raise ValueError(f"{entry}: there is no {name!r} among {', '.join(map(str, ports))}")
