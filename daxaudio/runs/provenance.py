"""What is stored beside a number: settings as plain values, versions, digests."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def describe(part: Any) -> dict[str, Any]:
    """Fields of a dataclass as plain values; parts that are dataclasses by their own fields.

    The `seed` is left out, as it is stored on its own.

    Args:
        part: a dataclass instance.

    Returns:
        `name`, the class, and each field. Anything that is neither a plain value nor a dataclass
        is named by its `repr`.

    Example:
        >>> describe(dataclasses.make_dataclass("Grid", [("cells", tuple)])((4, 12)))
        {'name': 'Grid', 'cells': [4, 12]}
    """
    settings: dict[str, Any] = {"name": type(part).__name__}
    for field in dataclasses.fields(part):
        if field.name != "seed":
            settings[field.name] = _plain(getattr(part, field.name))
    return settings


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return describe(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return repr(value)


def versions() -> dict[str, str]:
    """Versions of what makes the numbers.

    Example:
        >>> sorted(versions())
        ['daxaudio', 'numpy', 'python', 'torch', 'torchaudio', 'torchvision']
    """
    return dict(_versions())


@functools.cache
def _versions() -> Mapping[str, str]:
    """Read once, as it takes milliseconds."""
    names = ("daxaudio", "numpy", "torch", "torchaudio", "torchvision")
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
    }


def without_nan(value: Any) -> Any:
    """NaN is no JSON: it becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value


def digest(values: Tensor) -> str:
    """Short hash of what a tensor holds."""
    content = values.float().cpu().contiguous().numpy()
    return hashlib.sha256(content.tobytes()).hexdigest()[:16]


def digest_of_files(paths: Iterable[str | os.PathLike[str]]) -> str:
    """Short hash of what files hold, whatever they are called.

    Args:
        paths: of the files; their order counts.

    Returns:
        16 hexadecimal digits.

    Raises:
        OSError: when one cannot be read.

    Example:
        >>> digest_of_files([])
        'e3b0c44298fc1c14'
    """
    state = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256()
        with open(path, "rb") as file:
            for part in iter(lambda: file.read(2**20), b""):
                content.update(part)
        state.update(content.digest())
    return state.hexdigest()[:16]
