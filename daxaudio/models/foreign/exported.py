"""Files of torch.export: graphs with the sizes that they take."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daxaudio.models.foreign.answers import last_line
from daxaudio.models.foreign.exported_check import unsafe_part
from daxaudio.models.foreign.network import Argument, Network
from daxaudio.models.foreign.runner import Opening
from daxaudio.models.precision import usable_device

_UNBOUNDED = 2**31

Range = tuple[int, int]
"""Smallest and largest size of a dimension."""


class Exported:
    """Asks a graph, and holds to the sizes that it was exported with.

    Args:
        network: the graph.
        sizes: smallest and largest size of each dimension of its input.
        described: entries that could be read off.

    Attributes:
        described: these and those of the network.
    """

    def __init__(
        self, network: Network, sizes: Sequence[Range], described: Mapping[str, Any]
    ) -> None:
        self._network, self._sizes = network, sizes
        self.described: Mapping[str, Any] = {**described, **network.described}

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, as they are.

        A batch that is smaller than what it takes is filled up by its last input.

        Raises:
            ValueError: when it takes inputs of another size, or fails; says which it takes.
        """
        n = len(inputs)
        lacking = self._sizes[0][0] - n if inputs.ndim == len(self._sizes) > 1 else 0
        if lacking > 0:
            inputs = torch.cat([inputs, inputs[-1:].expand(lacking, *inputs.shape[1:])])
        if not self._network.described.get("chunk"):
            self._check(inputs)
        numbers = self._network(inputs)
        return numbers[:n] if lacking > 0 else numbers

    def digest(self) -> str:
        """Hash of its file."""
        return self._network.digest()

    def _check(self, inputs: Tensor) -> None:
        fits = inputs.ndim == len(self._sizes) and all(
            low <= size <= high for size, (low, high) in zip(inputs.shape, self._sizes, strict=True)
        )
        if not fits:
            takes = ", ".join(map(_range_in_words, self._sizes))
            raise ValueError(
                f"{self._network.source}: was exported for inputs of shape ({takes}), got "
                f"{tuple(inputs.shape)}; write its `seconds` into model.yaml so that recordings "
                "are cut to that, or export it with dynamic_shapes"
            )


def open_exported(path: str | os.PathLike[str], opening: Opening) -> Exported:
    """Open a file that `torch.export.save` wrote.

    The batch sizes and the length that it takes are read off it.

    Args:
        path: the file.
        opening: must allow code where the file holds something that could run it when it is opened
            (see `unsafe_part`).

    Raises:
        ValueError: when it is no such file, holds such a thing and code is not allowed, or what was
            told does not fit it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    device, content = usable_device(opening.device), path.read_bytes()
    if not opening.allow_code:
        _check_content(content, path)
    program = _load(content, path, device)
    arguments, ranges = _arguments(program, path)
    described = _described(ranges, opening.told)
    network = Network(
        _caller(program, path),
        arguments,
        {**described, **opening.told},
        device=device,
        source=str(path),
    )
    name = opening.told.get("input_name") or arguments[0].name
    return Exported(network, ranges[name], described)


def _check_content(content: bytes, path: Path) -> None:
    try:
        unsafe = unsafe_part(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; give a file that torch.export.save wrote") from None
    if unsafe:
        raise ValueError(
            f"{path}: holds {unsafe}, which could run code when it is opened, and do to this "
            "computer whatever you can; if you trust who made it, allow that by --allow_code"
        )


def _load(content: bytes, path: Path, device: torch.device) -> Any:
    try:
        with warnings.catch_warnings():
            # that weights share the memory of what was read matters to nobody here
            warnings.filterwarnings("ignore", message="The given buffer is not writable")
            with _silent("torch.export"):  # what fails is raised, and said once
                program = torch.export.load(io.BytesIO(content))
        if device.type != "cpu":
            from torch.export.passes import move_to_device_pass

            program = move_to_device_pass(program, device)
        return program
    except Exception as error:
        raise ValueError(f"{path}: torch.export cannot read it: {last_line(error)}") from error


@contextlib.contextmanager
def _silent(name: str) -> Iterator[None]:
    """A logger says nothing inside."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _arguments(program: Any, path: Path) -> tuple[list[Argument], dict[str, list[Range]]]:
    """Inputs of a program in their order, and the sizes of each one's dimensions."""
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
    if not names or not all(isinstance(values[name], Tensor) for name in names):
        raise ValueError(f"{path}: takes something else than tensors; export it with tensors alone")
    limits = program.range_constraints
    ranges = {name: [_range(size, limits) for size in values[name].shape] for name in names}
    return [Argument(name) for name in names], ranges


def _range(size: Any, limits: Mapping[Any, Any]) -> Range:
    if isinstance(size, int):
        return size, size
    found = limits.get(size.node.expr)
    if found is None:
        return 1, _UNBOUNDED
    low, high = (float(end) for end in (found.lower, found.upper))
    return max(1, int(low)), int(min(high, _UNBOUNDED))


def _caller(program: Any, path: Path) -> Any:
    """The program as a function of its inputs by name."""
    module = program.module()
    positional, keywords = program.call_spec.in_spec.children()
    names = list(program.graph_signature.user_inputs)
    if positional.num_children + keywords.num_children != len(names):
        raise ValueError(f"{path}: takes tensors within tuples; export it with tensors alone")
    first, rest = names[: positional.num_children], names[positional.num_children :]

    def call(arguments: Mapping[str, Any]) -> Any:
        by_name = zip(keywords.context or (), rest, strict=True)
        return module(
            *(arguments[name] for name in first),
            **{key: arguments[name] for key, name in by_name},
        )

    return call


def _described(ranges: Mapping[str, list[Range]], told: Mapping[str, Any]) -> dict[str, Any]:
    """Entries that the sizes of the sound's dimensions say."""
    sizes = ranges.get(str(told.get("input_name")), next(iter(ranges.values())))
    described: dict[str, Any] = {}
    if len(sizes) > 1 and sizes[0][1] < _UNBOUNDED:
        described["batch_size"] = sizes[0][1]
    if told.get("input", "waveform") != "waveform" or len(sizes) > 3:
        return described
    middle = sizes[1][1] if len(sizes) == 3 else None
    described["layout"] = {1: "S", 2: "N S", 3: "N 1 S" if middle == 1 else "N C S"}[len(sizes)]
    if middle is not None and 1 < middle < _UNBOUNDED:
        described["channels"] = middle
    low, high = sizes[-1]
    if low == high and told.get("sample_rate") and not told.get("chunk"):
        described["seconds"] = high / told["sample_rate"]
    return described


def _range_in_words(sizes: Range) -> str:
    low, high = sizes
    return str(low) if low == high else f"{low} to {'any' if high == _UNBOUNDED else high}"
