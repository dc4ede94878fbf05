"""TorchScript files: networks with their code, which is run where the user allows it."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from daxaudio.models.foreign.answers import last_line
from daxaudio.models.foreign.network import Argument, Kind, Network
from daxaudio.models.foreign.runner import Opening
from daxaudio.models.precision import usable_device

_RESETS = ("reset_states", "reset_state", "reset_hidden", "reset")
"""What a method is called that makes a network forget what it heard."""

_KINDS: Mapping[str, Kind] = {"int": "int", "float": "float", "bool": "bool", "str": "str"}


def open_torchscript(path: str | os.PathLike[str], opening: Opening) -> Network:
    """Open a file that `torch.jit.save` wrote.

    A network that hears a recording chunk by chunk is asked so (`chunk`, `context`), its state
    begins anew for every batch (`reset`, or `state`), and further arguments get the same value each
    time (`inputs`; one named for the sample rate gets it).

    Args:
        path: the file.
        opening: must allow code: the interpreter of TorchScript is no sandbox.

    Raises:
        ValueError: when code is not allowed, it is no such file, or what was told does not fit it.
    """
    path = Path(path)
    _check_kind(path)
    if not opening.allow_code:
        raise ValueError(
            f"{path}: a TorchScript file holds code, which could do to this computer whatever you "
            "can; if you trust who made it, allow that code to run by --allow_code"
        )
    device = usable_device(opening.device)
    module = _load(path, device)
    schema = _schema(module, path)
    known, forget = dict(opening.told), None
    name = known.get("reset") or next((name for name in _RESETS if _forgets(module, name)), None)
    if name is not None:
        if not _forgets(module, name):
            raise ValueError(f"{path}: reset: it has no method {name!r} without arguments")
        known["reset"], forget = name, getattr(module, name)
    return Network(
        lambda arguments: module(**arguments),
        [_argument(one) for one in schema.arguments[1:]],
        known,
        device=device,
        source=str(path),
        forget=forget,
    )


def _check_kind(path: Path) -> None:
    """Raise ValueError when a file is no TorchScript; nothing of it is run."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    names: list[str] = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return
    what = "holds weights alone, or a pickle," if "data.pkl" in names or not names else "is"
    raise ValueError(
        f"{path}: {what} no TorchScript; save the network with what it computes by "
        "torch.export.save (NAME.pt2) or as ONNX, or give a function"
    )


def _load(path: Path, device: torch.device) -> Any:
    try:
        with warnings.catch_warnings():
            # that the format is deprecated is for those who write it
            warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
            return torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        words = last_line(error) if "\n" not in str(error) else str(error).splitlines()[0]
        raise ValueError(f"{path}: is no TorchScript file that can be read: {words}") from error


def _schema(module: Any, path: Path) -> Any:
    try:
        return module.forward.schema
    except (AttributeError, RuntimeError):
        raise ValueError(f"{path}: has no method `forward` that could be asked") from None


def _argument(argument: Any) -> Argument:
    kind = str(argument.type).removeprefix("Optional[").removesuffix("]")
    optional = argument.has_default_value()
    return Argument(argument.name, _KINDS.get(kind, "tensor"), optional)


def _forgets(module: Any, name: str) -> bool:
    """Whether a module has a method that takes nothing."""
    if not module._c._has_method(name):
        return False
    return len(getattr(module, name).schema.arguments) == 1
