"""Settings of a run from a YAML file: one section for each constructor, and no other key.

front_end:    arguments of `LogMel`
model:        `depth`, `imagenet` of `SpectrogramResNet`
augmentation: arguments of `Augmentation`
training:     arguments of `TrainingSettings`
padding:      arguments of `NoisePadding`
black_box:    `precision`, `batch_size`, `channels_last`, `device` of `BlackBox`
explain:      arguments of `MethodSettings`
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

SECTIONS = ("front_end", "model", "augmentation", "training", "padding", "black_box", "explain")

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

    Args:
        constructor: what to build.
        section: its name, for the error.
        settings: its keyword arguments.

    Raises:
        ValueError: when a key does not exist or a value does not fit.

    Example:
        >>> build(complex, "number", {"real": 1.0})
        (1+0j)
        >>> build(complex, "number", {"size": 1.0})
        Traceback (most recent call last):
        ValueError: section 'number': complex() got an unexpected keyword argument 'size'
    """
    plain = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
    try:
        return constructor(**plain)
    except TypeError as error:
        raise ValueError(f"section {section!r}: {error}") from error
