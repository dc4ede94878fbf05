"""ONNX files by ONNX Runtime: no library of custom operators, data from their own folder only."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from daxaudio.models.foreign.graph import Arrays, Graph, GraphRunner
from daxaudio.models.foreign.labels import entries_of_metadata
from daxaudio.models.foreign.onnx_file import OnnxFile, look_at
from daxaudio.models.foreign.ports import Port
from daxaudio.models.foreign.runner import Opening
from daxaudio.runs.extras import need

logger = logging.getLogger(__name__)

_TYPES = {
    "float": "float32",
    "float16": "float16",
    "double": "float64",
    **{name: name for name in ("int8", "int16", "int32", "int64", "bool")},
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64")},
}
"""Types of numbers by their names in the runtime."""


def open_onnx(path: str | os.PathLike[str], opening: Opening) -> GraphRunner:
    """Open an ONNX file.

    Args:
        path: the file.
        opening: `threads` of what was told counts here, or torch's number of threads; on a CUDA
            device where the installed runtime has that.

    Raises:
        ValueError: when it is no ONNX file, needs operators that are not the runtime's own, would
            read outside its folder, or what was told does not fit it.
    """
    runtime = need("onnxruntime", "onnx", str(path))
    file = look_at(path)
    session = _session(runtime, file, opening)
    inputs = [_port(one, file) for one in session.get_inputs()]
    outputs = [_port(one, file) for one in session.get_outputs()]
    names = [port.name for port in outputs]

    def run(feeds: Arrays) -> Arrays:
        try:
            return dict(zip(names, session.run(names, dict(feeds)), strict=True))
        except Exception as error:  # those of the runtime have no class of their own
            raise RuntimeError(_reason(error)) from error

    metadata = entries_of_metadata(session.get_modelmeta().custom_metadata_map)
    graph = Graph(run, inputs, outputs, (file.path, *file.data))
    return GraphRunner(graph, opening.told, metadata)


def _session(runtime: ModuleType, file: OnnxFile, opening: Opening) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised, and said once
    options.intra_op_num_threads = opening.told.get("threads") or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(
            os.fspath(file.path), options, providers=_providers(runtime, opening, file.path)
        )
    except Exception as error:  # those of the runtime have no class of their own
        raise ValueError(f"{file.path}: onnxruntime cannot open it: {_reason(error)}") from error


def _providers(runtime: ModuleType, opening: Opening, path: Path) -> list[Any]:
    device, processor = torch.device(opening.device), "CPUExecutionProvider"
    if device.type != "cuda":
        return [processor]
    if "CUDAExecutionProvider" not in runtime.get_available_providers():
        logger.warning(
            "%s runs on the processor: this onnxruntime has no CUDA (pip install onnxruntime-gpu)",
            path,
        )
        return [processor]
    return [("CUDAExecutionProvider", {"device_id": device.index or 0}), processor]


def _port(port: Any, file: OnnxFile) -> Port:
    inner = port.type.removeprefix("tensor(").removesuffix(")")
    if inner not in _TYPES:
        raise ValueError(
            f"{file.path}: {port.name} is a {port.type}; only tensors of numbers can be given"
        )
    shape = tuple(port.shape)
    scale, zero_point = file.quantised.get(port.name, (None, 0))
    return Port(port.name, np.dtype(_TYPES[inner]), shape, scale, zero_point)


def _reason(error: Exception) -> str:
    """What a runtime's error says, in one line without its codes and lines of source."""
    text = " ".join(str(error).split())
    return re.sub(
        r"\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed:|/onnxruntime_src\S+ ",
        "",
        text,
    )
