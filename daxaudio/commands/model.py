"""`daxaudio model`: what is known of a classifier, and what must still be said of it."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch

from daxaudio.commands.arguments import add_channel
from daxaudio.commands.explain_file import recording_for
from daxaudio.models.foreign.description import Description, MissingEntriesError
from daxaudio.models.foreign.graph import GraphRunner
from daxaudio.models.foreign.load import (
    description_of,
    kind_of,
    load_model,
    open_runner,
    read_entries,
)
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.foreign.runner import Opening
from daxaudio.models.model import Model
from daxaudio.runs.names import name_some

_BEST = 5
"""Classes of a recording that are listed."""

_TIMES = 5
"""Queries that are timed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio model`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "tell what a classifier takes and answers, how fast it is, and what must still be said"
    inspect = actions.add_parser("inspect", help=text, description=f"{text}.")
    inspect.add_argument("model", metavar="MODEL", help="as --model of daxaudio explain")
    inspect.add_argument("audio", metavar="AUDIO", nargs="?", help="recording to ask it about")
    inspect.add_argument("--model_config", metavar="FILE", help="as of daxaudio explain")
    inspect.add_argument("--allow_code", action="store_true", help="as of daxaudio explain")
    inspect.add_argument("--device", metavar="NAME", default="cpu", help="default cpu")
    add_channel(inspect)


def run(arguments: argparse.Namespace) -> None:
    """Print what is known of a classifier.

    Raises:
        ValueError: when it cannot be opened, or asked about the recording.
    """
    model = _known(arguments)
    if model is not None and arguments.audio is not None:
        _ask(model, arguments)


def _known(arguments: argparse.Namespace) -> Model | None:
    """Print what is known; the model, where that is enough to ask it."""
    source, kind = arguments.model, kind_of(arguments.model)
    print(f"{source}: {kind.replace('_', ' ')}")
    if kind == "trained":
        model = load_model(source, device=arguments.device)
        _print_entries({"classes": model.class_names, **model.front_end.settings}, {}, {})
        return model
    told = read_entries(source, arguments.model_config)
    runner = open_runner(source, Opening(told, arguments.allow_code, arguments.device))
    if isinstance(runner, GraphRunner):
        for side, ports in (("input", runner.graph.inputs), ("output", runner.graph.outputs)):
            for port in ports:
                print(f"  {side} {port}")
    try:
        description = description_of(runner, told, source)
    except MissingEntriesError as error:
        _print_entries({}, runner.described, told)
        print("It cannot be asked yet. Write into model.yaml beside it, or for --model_config:")
        for line in error.lines:
            print(f"  {line}")
        return None
    _print_entries(_entries_of(description), runner.described, told)
    return ForeignModel(runner, description, device=arguments.device, source=source)


def _entries_of(description: Description) -> dict[str, Any]:
    """Entries of a description that say something."""
    found = {name: getattr(description, name) for name in Description.__dataclass_fields__}
    return {name: value for name, value in found.items() if value not in (None, {}, "")}


def _print_entries(
    known: Mapping[str, Any], read_off: Mapping[str, Any], told: Mapping[str, Any]
) -> None:
    """Each entry, and where it came from."""
    for name, value in {**known, **read_off, **told}.items():
        origin = "told" if name in told else "read off" if name in read_off else "default"
        if name == "classes":
            value = f"{len(value)}: {name_some(value)}"
        print(f"  {name}: {value}" + (f"  ({origin})" if read_off or told else ""))


def _ask(model: Model, arguments: argparse.Namespace) -> None:
    """Print the best classes of a recording, and what a query of it costs."""
    recording = recording_for(model, arguments.audio, arguments.channel)
    asked, spectrogram = model.about(recording), model.front_end.spectrogram(recording)
    values = spectrogram.values[None].to(model.device)
    scores = asked.probabilities(values)[0]
    print(f"{arguments.audio}: {recording.duration:.2f} s")
    for place in scores.argsort(descending=True)[:_BEST].tolist():
        print(f"  {float(scores[place]):8.4f}  {model.class_names[place]}")
    many = values.expand(8, -1, -1)
    seconds = statistics.median(_seconds(asked, many) for _ in range(_TIMES)) / len(many)
    whole = f"{1000 * seconds:.0f} s" if seconds < 0.3 else f"{1000 * seconds / 60:.0f} minutes"
    print(f"{1000 * seconds:.3g} ms a query; an explanation of 1000 queries: about {whole}")


def _seconds(model: Model, spectrograms: torch.Tensor) -> float:
    began = time.perf_counter()
    model.probabilities(spectrograms)
    return time.perf_counter() - began
