"""Functions of a user's own package, found by name: `package.module:function`."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daxaudio.models.foreign.answers import asked, last_line, numbers_in
from daxaudio.models.foreign.description import ENTRIES
from daxaudio.models.foreign.runner import Opening


class Function:
    """Asks a function.

    Args:
        function: takes a float32 tensor on the CPU in the layout of its description; answers with
            numbers of any kind, see `numbers_in`.
        told: entries of a `model.yaml`.
        source: as it was named, for errors.

    Attributes:
        described: entries of a `model.yaml` that the function has as attributes.

    Example:
        >>> def loudness(sounds):
        ...     return [float(sound.abs().mean()) for sound in sounds]
        >>> loudness.sample_rate, loudness.output = 8000, "regression"
        >>> runner = Function(loudness, {}, "ears:loudness")
        >>> runner(torch.ones(2, 80)), dict(runner.described)
        (tensor([1., 1.]), {'sample_rate': 8000, 'output': 'regression'})
    """

    def __init__(self, function: Callable[..., Any], told: Mapping[str, Any], source: str) -> None:
        self._function, self.source = function, source
        self.described: Mapping[str, Any] = {
            name: getattr(function, name)
            for name in ENTRIES
            if _is_plain(getattr(function, name, None))
        }
        self._output_name = told.get("output_name", self.described.get("output_name"))

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, as they are.

        Raises:
            ValueError: when it fails.
            TypeError: when it answers with something else than numbers.
        """
        inputs = inputs.detach().float().cpu()
        with torch.inference_mode():
            answer = asked(self._function, inputs.clone(), source=self.source)
            return numbers_in(answer, self._output_name, self.source)

    def digest(self) -> str:
        """Hash of its name and of the file that it is written in; not of what that imports."""
        plain = inspect.unwrap(self._function)
        while isinstance(plain, functools.partial):
            plain = plain.func
        kind = plain if inspect.isroutine(plain) else type(plain)
        with contextlib.suppress(TypeError, OSError):
            return _hash(self.source.encode(), Path(inspect.getfile(kind)).read_bytes())
        return _hash(self.source.encode())


def open_function(name: str, opening: Opening) -> Function:
    """Import a function.

    The working folder is looked in first, as `python -m` does. An object that can be called will
    do as well, so a class can keep a network that its module loads once. Where it computes is its
    own affair.

    Args:
        name: `package.module:function`; `module:object.method` leads further in.
        opening: must allow code, as the module is run when it is imported.

    Raises:
        ValueError: when code is not allowed, or there is no such function.
    """
    module, _, path = name.partition(":")
    if not module or not path:
        raise ValueError(f"{name}: write package.module:function")
    if not opening.allow_code:
        raise ValueError(
            f"{name}: importing it runs the code of {module}, which can do to this computer "
            "whatever you can; if you trust who wrote it, allow that by --allow_code"
        )
    found: Any = _import(module, name)
    for part in path.split("."):
        if not hasattr(found, part):
            raise ValueError(f"{name}: {module} has no {path!r}")
        found = getattr(found, part)
    if not callable(found) or isinstance(found, type):
        raise ValueError(f"{name}: is no function, but of type {type(found).__name__}")
    return Function(found, opening.told, name)


def _import(module: str, name: str) -> Any:
    try:
        with _working_folder_first():
            return importlib.import_module(module)
    except Exception as error:
        what = type(error).__name__
        raise ValueError(f"{name}: {module} cannot be imported: {what}: {last_line(error)}") from (
            error
        )


@contextlib.contextmanager
def _working_folder_first() -> Iterator[None]:
    """Modules of the working folder can be imported inside; afterwards all is as before."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _is_plain(value: Any) -> bool:
    """Whether an attribute is an entry; objects have methods of such names, too."""
    return isinstance(value, str | int | float | list | tuple | Mapping)


def _hash(*parts: bytes) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(hashlib.sha256(part).digest())
    return state.hexdigest()[:16]
