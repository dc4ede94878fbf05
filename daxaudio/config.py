"""Settings of a run from a YAML file: one section for each constructor, and no other key.

front_end:    arguments of `LogMel`
model:        `kind`: resnet (default), with `depth`, `imagenet` of `SpectrogramResNet`, or blstm,
              with arguments of `WindowBlstm`
augmentation: arguments of `Augmentation`
training:     arguments of `TrainingSettings`
padding:      arguments of `NoisePadding`
black_box:    `precision`, `batch_size`, `channels_last`, `device` of `BlackBox`
explain:      arguments of `MethodSettings`
compare:      arguments of `MeasureSettings`
"""

from __future__ import annotations

import math
import os
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

SECTIONS = (
    "front_end",
    "model",
    "augmentation",
    "training",
    "padding",
    "black_box",
    "explain",
    "compare",
)

Built = TypeVar("Built")


def load_config(path: str | os.PathLike[str] | None) -> dict[str, dict[str, Any]]:
    """Read a YAML file of sections; what it leaves out keeps its default.

    Args:
        path: the file; None gives all defaults.

    Returns:
        Every section, empty where the file has none.

    Raises:
        ValueError: when the file is missing, is no YAML, or has an unknown section.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    if path is None:
        return sections
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such configuration file")
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(document, Mapping):
        raise ValueError(f"{path}: must hold sections {', '.join(SECTIONS)}")
    for name, section in document.items():
        if name not in sections or not isinstance(section, Mapping):
            raise ValueError(
                f"{path}: {name!r} is no section; known sections are {', '.join(SECTIONS)}"
            )
        sections[name] = dict(section)
    return sections


def build(constructor: Callable[..., Built], section: str, settings: Mapping[str, Any]) -> Built:
    """Call a constructor with the settings of a section; lists become tuples.

    YAML reads `1e-3` as a text: where a number is expected, a text that is one is taken.

    Args:
        constructor: what to build.
        section: its name, for the error.
        settings: its keyword arguments.

    Raises:
        ValueError: when a key does not exist or a value does not fit.

    Example:
        >>> def rate(learning_rate: float = 0.1) -> float:
        ...     return learning_rate
        >>> build(rate, "training", {"learning_rate": "1e-3"})
        0.001
        >>> build(rate, "training", {"learning_rate": "fast"})
        Traceback (most recent call last):
        ValueError: section 'training': learning_rate must be a number, got 'fast'
    """
    try:
        hints = _hints_of(constructor)
        plain = {key: _fitting(section, key, v, hints.get(key)) for key, v in settings.items()}
        return constructor(**plain)
    except TypeError as error:
        raise ValueError(f"section {section!r}: {error}") from error


def _hints_of(constructor: Callable[..., Any]) -> dict[str, Any]:
    takes = constructor.__init__ if isinstance(constructor, type) else constructor  # type: ignore[misc]
    return typing.get_type_hints(takes)


def _as_tuple(value: Any) -> Any:
    """Lists as tuples, at any depth."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _fitting(section: str, key: str, value: Any, expected: Any) -> Any:
    """The value as the constructor expects it; only numbers and truth values are looked at."""
    union = typing.get_origin(expected) in (typing.Union, types.UnionType)
    parts = typing.get_args(expected) if union else (expected,)
    kinds = [part for part in parts if part is not type(None)]
    if isinstance(value, list):
        return _as_tuple(value)
    if value is None or len(kinds) != 1:
        return value
    (kind,) = kinds
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"section {section!r}: {key} must be true or false, got {value!r}")
    if kind in (int, float) and type(value) is not int:  # an integer is exact as it is
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number) or isinstance(value, bool):
            raise ValueError(f"section {section!r}: {key} must be a number, got {value!r}")
        if kind is int and number != int(number):
            raise ValueError(f"section {section!r}: {key} must be a whole number, got {value!r}")
        return kind(number)
    return value
