"""TFLite files by LiteRT, the runtime that is left of TensorFlow Lite."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from daxaudio.models.foreign.graph import Arrays, Graph, GraphRunner
from daxaudio.models.foreign.labels import names_in
from daxaudio.models.foreign.ports import Port
from daxaudio.models.foreign.runner import Opening
from daxaudio.runs.extras import need

_LARGEST_LABELS = 10_000_000
"""Bytes of a file of labels within a model; a larger one is none."""


def open_tflite(path: str | os.PathLike[str], opening: Opening) -> GraphRunner:
    """Open a TFLite file.

    Inputs and outputs are called as in its signature where it has one, else as its tensors.

    Args:
        path: the file.
        opening: `threads` of what was told counts here, or torch's number of threads.

    Raises:
        ValueError: when it is no TFLite file, needs operators that are not the runtime's own, or
            what was told does not fit it.
    """
    runtime = need("ai_edge_litert.interpreter", "tflite", str(path))
    threads = opening.told.get("threads") or torch.get_num_threads()
    try:
        interpreter = runtime.Interpreter(model_path=os.fspath(path), num_threads=threads)
    except ValueError as error:
        raise ValueError(f"{path}: LiteRT cannot open it: {error}") from error
    inputs, outputs = _details(interpreter)
    shapes: dict[str, tuple[int, ...]] = {}

    def run(feeds: Arrays) -> Arrays:
        wanted = {name: values.shape for name, values in feeds.items()}
        if wanted != shapes:
            shapes.clear()  # what fails below leaves it as it was not
            for name, shape in wanted.items():
                interpreter.resize_tensor_input(inputs[name]["index"], shape)
            interpreter.allocate_tensors()
            shapes.update(wanted)
        for name, values in feeds.items():
            interpreter.set_tensor(inputs[name]["index"], values)
        interpreter.invoke()
        return {name: interpreter.get_tensor(one["index"]) for name, one in outputs.items()}

    ports = [[_port(*one) for one in side.items()] for side in (inputs, outputs)]
    classes = _labels_within(Path(path))
    metadata = {"classes": classes} if classes else {}
    return GraphRunner(Graph(run, ports[0], ports[1], (path,)), opening.told, metadata)


def _details(interpreter: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What is known of each input and of each output, by name."""
    signatures = list(interpreter.get_signature_list())
    if len(signatures) == 1:
        runner = interpreter.get_signature_runner(signatures[0])
        return runner.get_input_details(), runner.get_output_details()
    return (
        {one["name"]: one for one in interpreter.get_input_details()},
        {one["name"]: one for one in interpreter.get_output_details()},
    )


def _port(name: str, details: Mapping[str, Any]) -> Port:
    sizes = [int(size) for size in details["shape_signature"]]
    shape = tuple(None if size < 0 else size for size in sizes)
    scale, zero_point = details["quantization"]
    quantised = float(scale) if scale else None
    return Port(name, np.dtype(details["dtype"]), shape, quantised, int(zero_point))


def _labels_within(path: Path) -> tuple[str, ...]:
    """Names of classes in a text file that is packed behind the graph, where there is one."""
    if not zipfile.is_zipfile(path):
        return ()
    with zipfile.ZipFile(path) as packed:
        texts = [one for one in packed.infolist() if one.filename.endswith(".txt")]
        if len(texts) != 1 or texts[0].file_size > _LARGEST_LABELS:
            return ()
        return names_in(packed.read(texts[0]).decode("utf-8", "replace"))
