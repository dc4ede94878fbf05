"""Open any classifier by what it is: a folder, a file, an address or a function."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from daxaudio.models.blackbox import FACTS_FILE, WEIGHTS_FILE, load_black_box
from daxaudio.models.foreign.answer_cache import AnswerCache, RememberingRunner, default_folder
from daxaudio.models.foreign.description import ENTRIES, Description, check_numbers, describe
from daxaudio.models.foreign.graph import GraphRunner
from daxaudio.models.foreign.http import HttpRunner
from daxaudio.models.foreign.labels import read_classes
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.foreign.runner import Opening, Runner
from daxaudio.models.model import Model
from daxaudio.models.precision import ChannelsLast, Precision
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.config import fitting, read_yaml
from daxaudio.runs.files import read_text

_FILES = {
    ".onnx": "onnx",
    ".tflite": "tflite",
    ".pt2": "exported",
    ".pt": "torchscript",
    ".pth": "torchscript",
    ".ts": "torchscript",
    ".jit": "torchscript",
}
"""Kinds of files by their endings."""

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

_KNOWN = (
    "give a folder that `daxaudio train` wrote, an .onnx, .tflite, .pt2 or TorchScript .pt file, a "
    "Hugging Face folder, http://..., or package.module:function (or :object.method)"
)


def load_model(
    source: str | os.PathLike[str],
    *,
    config: str | os.PathLike[str] | None = None,
    allow_code: bool = False,
    cache: str | os.PathLike[str] | None = "auto",
    device: torch.device | str = "cpu",
    precision: Precision = "auto",
    batch_size: BatchSize = "auto",
    channels_last: ChannelsLast = "auto",
    compile: bool = False,
) -> Model:
    """Open a classifier, ours or somebody else's; nothing is unpickled, and no code of it runs.

    Args:
        source: a folder that `daxaudio train` wrote; an ONNX (`.onnx`), TFLite (`.tflite`),
            torch.export (`.pt2`) or TorchScript (`.pt`, `.ts`) file; a Hugging Face folder;
            an address (`http://...`); or `package.module:function`.
        config: YAML file of the entries of `Description` that cannot be read off it; by default
            `NAME.yaml` or `model.yaml` beside a file, and `model.yaml` in a folder.
        allow_code: run code that comes with the model, which can do whatever you can: needed by
            TorchScript files and functions.
        cache: folder where answers of somebody else's classifier are kept, so that nothing is asked
            twice (see `AnswerCache`); None or "none" keeps none, "auto" keeps those of services,
            in `$DAXAUDIO_CACHE` or the user's cache folder.
        device: where it runs, for kinds that can choose.
        precision: of a classifier trained here (see `load_black_box`).
        batch_size: most inputs at once; of somebody else's where its description says none.
        channels_last: memory layout of a classifier trained here.
        compile: compile a classifier trained here.

    Raises:
        ValueError: when there is none, it is of no known kind, something must be known of it that
            it does not say, a package is missing that runs it, or a setting goes only with
            classifiers trained here; says what to do.
    """
    kind = kind_of(source)
    if kind == "trained":
        if config is not None:
            raise ValueError(f"{source}: was trained by daxaudio and needs no model_config")
        return load_black_box(
            source,
            device=device,
            precision=precision,
            batch_size=batch_size,
            channels_last=channels_last,
            compile=compile,
        )
    _refuse_ours(
        source, precision=precision, channels_last=channels_last, compile=compile or "auto"
    )
    check_batch_size(batch_size)
    opening = Opening(read_entries(source, config), allow_code, device)
    runner = open_runner(source, opening)
    description = description_of(runner, opening.told, str(source))
    if description.batch_size is None and batch_size != "auto":
        description = dataclasses.replace(description, batch_size=batch_size)
    runner = _remembering(runner, opening, cache)
    return ForeignModel(runner, description, device=device, source=str(source))


def _refuse_ours(source: str | os.PathLike[str], **settings: object) -> None:
    """Refuse settings, unless "auto", that only classifiers trained here have."""
    for name, value in settings.items():
        if value != "auto":
            raise ValueError(
                f"{source}: {name} goes with classifiers that daxaudio trained; leave it out, as "
                "somebody else's runs as it is"
            )


def _remembering(runner: Runner, opening: Opening, cache: str | os.PathLike[str] | None) -> Runner:
    """A runner that asks nothing twice, where answers are kept."""
    is_service = isinstance(runner, HttpRunner)
    if cache in (None, "none") or (cache == "auto" and not is_service):
        return runner
    answers = AnswerCache(default_folder() if cache == "auto" else cache)
    if isinstance(runner, HttpRunner):
        return runner.remembering(answers)
    return RememberingRunner(runner, answers, opening.told)


def kind_of(source: str | os.PathLike[str]) -> str:
    """What a classifier is: "trained", or the module of this folder that opens it.

    Raises:
        ValueError: when there is none, or it is of no known kind.

    Example:
        >>> kind_of("http://127.0.0.1:8765")
        'http'
    """
    text, path = str(source), Path(source)
    if text.startswith(("http://", "https://")):
        return "http"
    if path.is_dir():
        if (path / "config.json").is_file():
            return "hugging_face"
        if (path / WEIGHTS_FILE).is_file() or (path / FACTS_FILE).is_file():
            return "trained"
        raise ValueError(f"{source}: no {WEIGHTS_FILE} here, and no config.json; {_KNOWN}")
    if path.is_file():
        kind = _FILES.get(path.suffix.lower())
        if kind is None:
            raise ValueError(f"{source}: a file of no known kind; {_KNOWN}")
        return kind
    if _FUNCTION.fullmatch(text):
        return "function"
    raise ValueError(f"{source}: no such file or folder; {_KNOWN}")


def open_runner(source: str | os.PathLike[str], opening: Opening) -> Runner:
    """Open what runs somebody else's classifier, by `open_KIND` of the module of its kind."""
    kind = kind_of(source)
    module = importlib.import_module(f"daxaudio.models.foreign.{kind}")
    opened: Runner = getattr(module, f"open_{kind}")(source, opening)
    return opened


def description_of(runner: Runner, told: Mapping[str, Any], source: str) -> Description:
    """What is known of a model that was opened.

    Raises:
        MissingEntriesError: says all that must be told.
        ValueError: when an entry does not fit.
    """
    reading = runner.reading if isinstance(runner, GraphRunner) else None
    missing = reading.missing if reading else ()
    n_classes = reading.n_classes if reading else None
    return describe(runner.described, told, source, missing=missing, n_classes=n_classes)


def read_entries(
    source: str | os.PathLike[str], config: str | os.PathLike[str] | None
) -> Mapping[str, Any]:
    """What somebody says of a classifier, in `config` or beside it; nothing where there is none.

    `classes` may be the name of a file that lies beside it (see `read_classes`).

    Raises:
        ValueError: when the file cannot be read or holds another entry than `Description` has.
    """
    path = Path(config) if config is not None else _beside(source)
    if path is None:
        return {}
    entries = read_yaml(read_text(path), path) or {}
    if not isinstance(entries, dict):
        raise ValueError(f"{path}: must hold entries such as `sample_rate: 16000`")
    if isinstance(entries.get("classes"), str):
        entries["classes"] = read_classes(path.parent / entries["classes"])
    try:
        fitted = fitting(Description, "model", entries, ENTRIES)
        check_numbers(fitted)
        return fitted
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _beside(source: str | os.PathLike[str]) -> Path | None:
    """`FILE.yaml`, or `model.yaml` in its folder; of a folder the one in it."""
    path = Path(source)
    places = [path / FACTS_FILE] if path.is_dir() else []
    if path.is_file():
        places = [path.with_name(f"{path.name}.yaml"), path.with_name(FACTS_FILE)]
    return next((place for place in places if place.is_file()), None)
