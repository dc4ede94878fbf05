"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from daxaudio.commands.sections import read_sections
from daxaudio.containers import Events
from daxaudio.data.formats.events import read_any_events
from daxaudio.data.kaldi import DataFolder, read_data_folder
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.foreign.http import HttpRunner
from daxaudio.models.foreign.load import load_model
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.model import Model
from daxaudio.models.precision import PRECISIONS
from daxaudio.perturbation.fills import FILLS
from daxaudio.runs.config import build
from daxaudio.runs.names import without_audio_ending

_BESIDE = 8
"""Most queries of a recording beside those of methods: is it heard as it is, what is predicted."""


def add_common(parser: argparse.ArgumentParser) -> None:
    """`--config`, `--seed` and `--quiet`."""
    add_config(parser)
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of every random draw (default 0)"
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--quiet`, of commands that draw nothing or take their seed elsewhere."""
    parser.add_argument(
        "--config", metavar="FILE", help="YAML file of settings; what it leaves out has defaults"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bars")


def add_model(parser: argparse.ArgumentParser) -> None:
    """`--model`, and how it runs."""
    parser.add_argument(
        "--model",
        required=True,
        metavar="MODEL",
        help="folder that `daxaudio train` wrote, or somebody else's classifier: an ONNX, TFLite, "
        "torch.export or TorchScript file, a Hugging Face folder, http://..., or "
        "package.module:function",
    )
    parser.add_argument(
        "--model_config",
        metavar="FILE",
        help="YAML file that says of somebody else's classifier what cannot be read off it, such "
        "as sample_rate and classes (default: model.yaml beside it); see `daxaudio model inspect`",
    )
    parser.add_argument(
        "--allow_code",
        action="store_true",
        help="run code that comes with the model (TorchScript, pickles, functions): it can do "
        "whatever you can; only for models that you trust",
    )
    parser.add_argument(
        "--cache",
        default="auto",
        metavar="DIR",
        help="keep answers of somebody else's classifier here and ask nothing twice; none keeps "
        "none (default: those of services, in $DAXAUDIO_CACHE or your cache folder)",
    )
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... (default cpu)")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="auto takes bf16 where the device has it in hardware, else fp32 (default "
        "auto); masks differ a little",
    )


@dataclasses.dataclass(frozen=True)
class ModelOpener:
    """Opens the classifier of a command, in this process or in another one.

    Args:
        settings: arguments of `load_model`, as the command was given them.
    """

    settings: Mapping[str, Any]

    def __call__(self, device: str | None = None) -> Model:
        """The classifier, on a device; None for that of the settings."""
        given = dict(self.settings) if device is None else {**self.settings, "device": device}
        return build(load_model, "black_box", given)


def model_opener(arguments: argparse.Namespace) -> ModelOpener:
    """What opens the classifier of `--model`, as the other options and `--config` ask for it."""
    settings = read_sections(arguments.config)["black_box"]
    for name in ("device", "precision"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    given = {
        "config": arguments.model_config,
        "allow_code": arguments.allow_code,
        "cache": arguments.cache,
    }
    return ModelOpener({**settings, **given, "source": arguments.model})


def open_model(arguments: argparse.Namespace) -> Model:
    """The classifier of `--model`, open; what it is, is said."""
    model = model_opener(arguments)()
    print(model.describe(), flush=True)
    return model


def print_requests(
    model: Model,
    n_queries: int,
    seconds: float = 0.0,
    n_recordings: int = 1,
    *,
    others: str = "a check",
) -> None:
    """Say before the first how much is sent to a service, where the model is one.

    Args:
        model: any.
        n_queries: of the methods, for each recording, at most.
        seconds: of each sound.
        n_recordings: that are explained.
        others: what asks besides the methods.
    """
    if isinstance(model, ForeignModel) and isinstance(model.runner, HttpRunner):
        n_inputs = n_recordings * (n_queries + _BESIDE) * model.n_windows(seconds)
        size = model.runner.request_size
        print(
            f"{model.source}: at most {n_inputs} sounds are sent in requests of up to {size}, "
            f"about {math.ceil(n_inputs / size)} requests, and those of {others}; answers that are "
            "known already are not asked for",
            flush=True,
        )


def print_cost(model: Model) -> None:
    """What asking somebody else's classifier has cost, where that is known."""
    if isinstance(model, ForeignModel) and model.n_queries:
        print(model.describe_cost(), flush=True)


def add_queries(parser: argparse.ArgumentParser) -> None:
    """`--queries`."""
    parser.add_argument(
        "--queries", type=int, metavar="N", help="black-box evaluations a method (default 1000)"
    )


def add_fill(parser: argparse.ArgumentParser) -> None:
    """`--fill`."""
    kinds = "; ".join(f"{name}: {row.text}" for name, row in FILLS.items())
    parser.add_argument(
        "--fill",
        choices=("auto", *FILLS),
        help=f"what stands where a part is masked off; {kinds}; auto, the default: floor where the "
        "classifier hears masked sound, so that removal adds no energy, else global_mean",
    )


def method_settings(arguments: argparse.Namespace) -> MethodSettings:
    """Settings of the methods, as `--config`, `--queries` and `--fill` say."""
    section = read_sections(arguments.config)["explain"]
    for name in ("queries", "fill"):
        if getattr(arguments, name, None) is not None:  # recipes have fewer options
            section[name] = getattr(arguments, name)
    return build(MethodSettings, "explain", section)


def add_allow_commands(parser: argparse.ArgumentParser) -> None:
    """`--allow_commands`."""
    parser.add_argument(
        "--allow_commands",
        action="store_true",
        help="run the shell commands of wav.scp (entries that end in |): only for folders that "
        "you trust",
    )


def counted(text: str) -> int:
    """A number that is counted from 1, as a type of arguments."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return number


def add_channel(parser: argparse.ArgumentParser) -> None:
    """`--channel`."""
    parser.add_argument(
        "--channel",
        type=counted,
        metavar="N",
        help="take channel N of each file, counted from 1 (default: the average of all channels)",
    )


def load_data(
    arguments: argparse.Namespace, folder: str | os.PathLike[str], no_label: str | None = None
) -> DataFolder:
    """A Kaldi data folder, read as `--allow_commands` and `--channel` say.

    Args:
        arguments: of a command that has both.
        folder: the data folder.
        no_label: see `read_data_folder`.
    """
    return read_data_folder(folder, arguments.allow_commands, arguments.channel, no_label)


def existing(path: str | os.PathLike[str]) -> Path:
    """A file or folder that a command reads; ValueError where there is none."""
    if str(path).endswith(("/", os.sep)) and Path(path).is_file():
        raise ValueError(f"{path}: is a file, not a folder; leave out the / at its end")
    if not Path(path).exists():
        raise ValueError(f"{path}: no such file or folder")
    return Path(path)


def is_data_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a Kaldi-style data folder; an audio file is none."""
    if not existing(path).is_dir():
        return False
    if not (Path(path) / "wav.scp").is_file():
        raise ValueError(f"{path}: a folder without wav.scp; give an audio file or a data folder")
    return True


def events_by_recording(path: str | os.PathLike[str]) -> dict[str, Events]:
    """Events of a table, or of other annotations, by recording id.

    Args:
        path: see `read_any_events`. An id is the file name without folder and audio ending.

    Raises:
        ValueError: as `read_any_events`, and when two file names give the same id.
    """
    found: dict[str, Events] = {}
    for file, events in read_any_events(path).items():
        name = without_audio_ending(file)
        if name in found:
            raise ValueError(f"{path}: two files are named {name!r} without folder and ending")
        found[name] = events
    return found


def quote_command(
    arguments: argparse.Namespace, configure: Callable[[argparse.ArgumentParser], None]
) -> str:
    """The command again, as it could be typed: what its parser reads as these arguments.

    Args:
        arguments: of a command. `--quiet` changes no result and is left out.
        configure: adds the arguments of the command to a parser.

    Example:
        >>> given = argparse.Namespace(command="compare", config="my.yaml", seed=0, quiet=True)
        >>> quote_command(given, add_common)
        'daxaudio compare --config my.yaml --seed 0'
    """
    parser = argparse.ArgumentParser(add_help=False)
    configure(parser)
    words = ["daxaudio", arguments.command]
    # an option that takes several words would take those that belong to no option
    for action in sorted(parser._actions, key=lambda action: bool(action.option_strings)):
        value = getattr(arguments, action.dest)
        if action.dest == "quiet" or value is None or value is False:
            continue
        texts = [str(item) for item in (value if isinstance(value, list) else [value])]
        if not action.option_strings:
            words += texts
        elif value is True:
            words.append(action.option_strings[0])
        elif texts[0].startswith("-"):  # would be taken for an option
            words.append(f"{action.option_strings[0]}={texts[0]}")
        else:
            words += [action.option_strings[0], *texts]
    return " ".join(map(shlex.quote, words))
