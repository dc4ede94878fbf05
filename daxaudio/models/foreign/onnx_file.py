"""What must be known of an ONNX file before a runtime opens it, read without running anything.

An ONNX file is a message of Protocol Buffers: fields, each with a number and a way in which its
value is written. Only the fields that are named here are looked at, by their numbers in the
published `onnx.proto`.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from daxaudio.runs.files import real_path

_INSIDE: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Messages within messages, by field, down to the entries that say in which file a tensor lies."""

_NUMBERS = {1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 10: "<f2"}
"""Types of the scales and zero points of quantised numbers."""

Quantisation = tuple[float, int]
"""Scale and zero point."""


@dataclasses.dataclass(frozen=True)
class OnnxFile:
    """An ONNX file, looked at.

    Args:
        path: the file.
        data: files that hold tensors of it.
        quantised: scale and zero point of quantised inputs and outputs, by name.
    """

    path: Path
    data: tuple[Path, ...]
    quantised: Mapping[str, Quantisation]


def look_at(path: str | os.PathLike[str]) -> OnnxFile:
    """Look at an ONNX file; nothing of it is run.

    Args:
        path: the file.

    Raises:
        ValueError: when it is no ONNX file, or a tensor lies outside the folder of the file: no
            absolute path, no `..` and no link may lead out of it.
        OSError: when it cannot be read.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        locations = dict.fromkeys(_locations(content, "model"))
        quantised = dict(_quantised(content))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is no ONNX file ({error})") from None
    return OnnxFile(path, tuple(_data_file(path, one) for one in locations), quantised)


def _data_file(path: Path, location: str) -> Path:
    """The file of a tensor, which lies in the folder of the model, or of what that is a link to."""
    beside = path.parent / location
    folders = (real_path(path.parent), real_path(path).parent)
    if (
        "\0" in location
        or Path(location).is_absolute()
        or ".." in Path(location).parts
        or not any(real_path(beside).is_relative_to(folder) for folder in folders)
    ):
        raise ValueError(
            f"{path}: wants to read {location!r}, which is not in its own folder, where the data "
            "of a model must lie; ask who made it to save it again with its data beside it"
        )
    if not beside.is_file():
        raise ValueError(f"{path}: its data {location!r} is not beside it; copy both files")
    return beside


def _locations(message: memoryview, kind: str) -> Iterator[str]:
    """Files in which tensors within a message lie, as it names them."""
    if kind == "entry":
        if _text(message, 1) == "location":
            yield os.fsdecode(bytes(_last(message, 2)))
        return
    inside = _INSIDE[kind]
    for number, value in _fields(message):
        if number in inside:
            yield from _locations(value, inside[number])


def _quantised(model: memoryview) -> Iterator[tuple[str, Quantisation]]:
    """Scale and zero point of what the graph dequantises or quantises, by name."""
    nodes, tensors = list[memoryview](), dict[str, memoryview]()
    for graph in _all(model, 7):
        nodes += _all(graph, 1)
        tensors |= {_text(tensor, 8): tensor for tensor in _all(graph, 5)}
    for node in nodes:
        if _text(node, 4) == "Constant":
            held = [tensor for attribute in _all(node, 5) for tensor in _all(attribute, 5)]
            tensors |= {_text(node, 2): tensor for tensor in held}
    for node in nodes:
        kind = _text(node, 4)
        names = [str(bytes(name), "utf-8", "replace") for name in _all(node, 1)]
        if kind in ("DequantizeLinear", "QuantizeLinear") and set(names[1:]) <= tensors.keys():
            scale, zero_point = (*(_number(tensors[name]) for name in names[1:]), 0.0)[:2]
            if scale is not None and zero_point is not None:
                name = names[0] if kind == "DequantizeLinear" else _text(node, 2)
                yield name, (scale, int(zero_point))


def _number(tensor: memoryview) -> float | None:
    """The one number of a tensor; None where it holds several, or lies elsewhere."""
    dtype = _NUMBERS.get(_varint(_last(tensor, 2) or memoryview(b"\0"), 0)[0])
    raw, of_floats, of_whole = (bytes(_last(tensor, number)) for number in (9, 4, 5))
    if raw and dtype:
        values = np.frombuffer(raw, dtype).tolist()
    elif of_floats:
        values = np.frombuffer(of_floats, "<f4").tolist()
    else:
        values, place = list[float](), 0
        while place < len(of_whole):
            value, place = _varint(memoryview(of_whole), place)
            values.append(value - 2**64 if value >= 2**63 else value)
    return float(values[0]) if len(values) == 1 else None


def _text(message: memoryview, number: int) -> str:
    return str(bytes(_last(message, number)), "utf-8", "replace")


def _last(message: memoryview, number: int) -> memoryview:
    """The last field of a number, which is the one that counts; empty where there is none."""
    return next(reversed(_all(message, number)), memoryview(b""))


def _all(message: memoryview, number: int) -> list[memoryview]:
    """All fields of a number."""
    return [value for found, value in _fields(message) if found == number]


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and bytes of each field of a message.

    Raises:
        ValueError: when it is no message.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        # runtimes keep 32 bits of a longer tag, and would read a field that is not seen here
        if not 0 < tag >> 3 < 2**29:
            raise ValueError(f"a field has the number {tag >> 3}")
        start, way = place, tag & 7
        if way == 0:
            place = _varint(message, place)[1]
        elif way == 2:
            length, start = _varint(message, place)
            place = start + length
        elif way in (1, 5):
            place += 8 if way == 1 else 4
        else:
            raise ValueError(f"a field is written in way {way}")
        if place > len(message):
            raise ValueError("it ends too early")
        yield tag >> 3, message[start:place]


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    """A whole number of up to ten bytes of seven bits each, and the place behind it."""
    value = 0
    for count, byte in enumerate(content[place : place + 10]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError("it ends too early")
