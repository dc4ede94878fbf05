"""Graphs in files (ONNX, TFLite) as runners: named arrays in and out, chunk by chunk if need be."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.models.foreign.answers import asked
from daxaudio.models.foreign.chunks import in_chunks
from daxaudio.models.foreign.ports import Port, named
from daxaudio.models.foreign.reading import PortReading
from daxaudio.runs.provenance import digest_of_files

logger = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]
"""By the names of inputs or outputs."""


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """What a runtime opened.

    Args:
        run: inputs to outputs.
        inputs: all inputs.
        outputs: all outputs.
        files: that it was read from.
    """

    run: Callable[[Arrays], Arrays]
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    files: Sequence[str | os.PathLike[str]]


class GraphRunner:
    """Asks a graph.

    A batch that is too small for a file with a fixed one is filled up; a file that fails on several
    inputs at once is asked about one after the other, whatever it declares.

    Args:
        graph: an opened file.
        told: entries of a `model.yaml`.
        metadata: entries that the file holds beside its graph.

    Attributes:
        described: entries that could be read off.
        reading: what the graph's inputs and outputs say, and what is missing.

    Raises:
        ValueError: when what was told does not fit the graph; names the file.
    """

    def __init__(
        self, graph: Graph, told: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> None:
        self.graph, self.source = graph, str(graph.files[0])
        known = {**(metadata or {}), **told}
        try:
            self.reading = PortReading(graph.inputs, graph.outputs, known)
        except ValueError as error:
            raise ValueError(f"{self.source}: {error}") from error
        self.described: Mapping[str, Any] = {**(metadata or {}), **self.reading.entries}
        self.known = {**self.described, **told}
        self._one_by_one = False

    def digest(self) -> str:
        """Hash, 16 hexadecimal digits, of its files."""
        return digest_of_files(self.graph.files)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, as they are; those of chunks as `[N, L, K]`.

        Args:
            inputs: float32 in the layout of its description.

        Raises:
            ValueError: when it fails; says on what, and why.
        """
        values, n = inputs.detach().cpu().numpy(), len(inputs)
        wanted = self._sizes_of(values).get("N")
        if isinstance(wanted, int) and n < wanted:  # one of a batch does not hear the others
            values = np.concatenate([values, np.repeat(values[-1:], wanted - n, axis=0)])
        answers = self._split(values) if self._one_by_one else self._whole_or_split(values)
        return torch.from_numpy(np.ascontiguousarray(answers if len(values) == n else answers[:n]))

    def _sizes_of(self, values: NDArray[Any]) -> dict[str, int | str | None]:
        """Declared sizes of the input's dimensions, by the letters of its layout."""
        letters = str(self.known["layout"]).split()
        if len(letters) != values.ndim:
            raise ValueError(f"{self.source}: layout {self.known['layout']} of {values.shape}")
        return dict(zip(letters, self.reading.audio.shape, strict=True))

    def _whole_or_split(self, values: NDArray[Any]) -> NDArray[np.float32]:
        try:
            return self._answers(values)
        except ValueError as error:
            if len(values) == 1 or isinstance(self._sizes_of(values).get("N", 1), int):
                raise
            answers = self._split(values)  # fails where the length is wrong, or else
            self._one_by_one = True
            logger.warning(
                "%s takes one input at a time, though it declares any number: `batch_size: 1` in "
                "its model.yaml says so (%s)",
                self.source,
                error,
            )
            return answers

    def _split(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Numbers of each input of a batch by itself."""
        answers = [self._answers(values[place : place + 1]) for place in range(len(values))]
        alone = answers[0].ndim and len(answers[0]) == 1
        return np.concatenate(answers) if alone else np.stack(answers)

    def _answers(self, values: NDArray[Any]) -> NDArray[np.float32]:
        if self.known.get("chunk") is None:
            return self._ask(values, {})[0]
        state = self._no_state(len(values))

        def ask(part: Tensor) -> Tensor:
            nonlocal state
            answer, state = self._ask(part.numpy(), state)
            return torch.from_numpy(np.ascontiguousarray(answer))

        found: NDArray[np.float32] = in_chunks(
            torch.from_numpy(values),
            ask,
            axis=str(self.known["layout"]).split().index("S"),
            chunk=int(self.known["chunk"]),
            context=int(self.known.get("context", 0)),
        ).numpy()
        return found

    def _no_state(self, n: int) -> Arrays:
        """What a model that has heard nothing remembers."""
        told = self.known.get("state_shapes") or {}
        found = {}
        for name in self.known.get("state") or {}:
            port = named(name, self.graph.inputs, "state")
            if name in told:
                sizes = tuple(n if size == -1 else int(size) for size in told[name])
            else:
                sizes = self._sizes(port, n, {})
            found[name] = port.encode(np.zeros(sizes, np.float32))
        return found

    def _ask(self, values: NDArray[Any], state: Arrays) -> tuple[NDArray[np.float32], Arrays]:
        """Numbers of one batch, and the state behind it."""
        audio, answer = self.reading.audio, self.reading.answer
        feeds = {audio.name: audio.encode(values), **self._constants(values), **state}
        found = asked(lambda _: self.graph.run(feeds), feeds[audio.name], source=self.source)
        kept = self.known.get("state") or {}
        return answer.decode(found[answer.name]), {
            taking: self._again(found[giving], giving, taking) for taking, giving in kept.items()
        }

    def _again(self, numbers: NDArray[Any], giving: str, taking: str) -> NDArray[Any]:
        """Numbers of an output as an input takes them."""
        given = named(giving, self.graph.outputs, "state").decode(numbers)
        return named(taking, self.graph.inputs, "state").encode(given)

    def _constants(self, values: NDArray[Any]) -> Arrays:
        """What the other inputs take, once for each input of the batch where they have a batch."""
        named_sizes = zip(self.reading.audio.shape, values.shape, strict=True)
        known = {name: size for name, size in named_sizes if isinstance(name, str)}
        found = {}
        for name, value in (self.known.get("inputs") or {}).items():
            port = named(name, self.graph.inputs, "inputs")
            sizes = self._sizes(port, len(values), known)
            try:
                found[name] = port.encode(np.broadcast_to(np.asarray(value, float), sizes))
            except (TypeError, ValueError):
                raise ValueError(
                    f"{self.source}: inputs: {name} takes numbers of shape {sizes}, got {value!r}"
                ) from None
        return found

    def _sizes(self, port: Port, n: int, known: Mapping[str, int]) -> tuple[int, ...]:
        try:
            return port.sizes(n, known)
        except ValueError as error:
            example = f"state_shapes: {{{port.name}: [2, -1, 128]}}"
            raise ValueError(
                f"{self.source}: {error}; if it is a state, write it into model.yaml: {example}, "
                "-1 for N"
            ) from None
