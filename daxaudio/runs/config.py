"""Settings of a run from a YAML file: one section for each constructor, and no other key.

front_end:    `kind`: log_mel (default), linear_stft, cqt, vqt or pcen, and the arguments of its
              constructor; `vad` there holds `kind`: energy (default) or split, and its arguments
model:        `kind`: resnet (default), with `depth`, `imagenet` of `SpectrogramResNet`, or blstm,
              with arguments of `WindowBlstm`
augmentation: arguments of `Augmentation`
training:     arguments of `TrainingSettings`
padding:      arguments of `NoisePadding`
black_box:    arguments of `load_black_box`, but for its folder
explain:      arguments of `MethodSettings`
compare:      arguments of `MeasureSettings`

Which constructor a section belongs to is known in `commands/sections.py`, which reads a file and
looks at every key of it.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import inspect
import math
import os
import types
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

import yaml

from daxaudio.runs.files import read_text

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
Part = TypeVar("Part")

_OF_YAML = (bool, int, float, str, type(None))


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors, whose values could hold themselves, and without repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "write the value out: no anchors", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(text: str, path: str | os.PathLike[str]) -> Any:
    r"""The plain values of a YAML document: no tags, no anchors, no key twice.

    Args:
        text: the document.
        path: where it stood, for the error.

    Raises:
        ValueError: when it is something else; names the file and the line.

    Example:
        >>> read_yaml("a: 1", "x.yaml")
        {'a': 1}
        >>> read_yaml("a: 1\na: 2", "x.yaml")
        Traceback (most recent call last):
        ValueError: x.yaml, line 2: not YAML that can be read: key 'a' stands twice
    """
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise ValueError(f"{path}{line}: not YAML that can be read: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # a character, or a date such as 2026-13-45
        words = " ".join(str(error).split())
        raise ValueError(f"{path}: not YAML that can be read: {words}") from error
    except RecursionError:
        raise ValueError(f"{path}: not YAML that can be read: nested too deeply") from None


def load_config(path: str | os.PathLike[str] | None) -> dict[str, dict[str, Any]]:
    """Read a YAML file of sections; what it leaves out keeps its default.

    Args:
        path: the file; None gives all defaults.

    Returns:
        Every section, empty where the file has none. Their keys are not looked at.

    Raises:
        ValueError: when the file is missing, is no YAML, or has an unknown section.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    if path is None:
        return sections
    if not Path(path).is_file():
        there = Path(path).exists()
        what = "is a folder, a pipe or a device, not a" if there else "no such"
        raise ValueError(f"{path}: {what} configuration file")
    document = read_yaml(read_text(path), path)
    if not isinstance(document, Mapping | None):
        raise ValueError(f"{path}: must hold sections {', '.join(SECTIONS)}")
    for name, section in (document or {}).items():
        if name not in sections:
            known = ", ".join(SECTIONS)
            raise ValueError(f"{path}: {name!r} is no section{_near(name, SECTIONS)}: {known}")
        if not isinstance(section, Mapping | None):
            raise ValueError(f"{path}: section {name!r} must hold keys and values, got {section!r}")
        sections[name] = dict(section or {})
    return sections


def keys_of(constructor: Callable[..., Any], but: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the keyword arguments of a constructor, apart from some."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(constructor).parameters.values()
    return tuple(p.name for p in parameters if p.kind in by_name and p.name not in but)


def section_of(constructor: Callable[..., Part], *set_by_run: str) -> Part:
    """A field of a dataclass of settings that is a section of its own, and holds what it builds.

    Args:
        constructor: what the keys and values of the section build; without any, the default.
        set_by_run: its arguments that are no keys of the section.

    Example:
        >>> Rate = dataclasses.make_dataclass("Rate", [("start", float, 0.1)])
        >>> Settings = dataclasses.make_dataclass("Settings", [("rate", Rate, section_of(Rate))])
        >>> build(Settings, "training", {"rate": {"start": 1}})
        Settings(rate=Rate(start=1.0))
    """
    found: Part = dataclasses.field(
        default_factory=constructor, metadata={"section": (constructor, set_by_run)}
    )
    return found


def sections_in(settings: Any) -> dict[str, tuple[Callable[..., Any], tuple[str, ...]]]:
    """Fields of a dataclass made by `section_of`: their constructor, and what the run sets."""
    fields = dataclasses.fields(settings) if dataclasses.is_dataclass(settings) else ()
    return {one.name: one.metadata["section"] for one in fields if "section" in one.metadata}


def check_keys(section: str, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse keys that a section does not have.

    Raises:
        ValueError: for the first such key; lists the known ones.

    Example:
        >>> check_keys("rise", {"cell": [4, 12]}, ["cells", "keep"])
        Traceback (most recent call last):
        ValueError: section 'rise': unknown key 'cell' (cells?); known: cells, keep
    """
    for key in settings:
        if key not in known:
            raise ValueError(
                f"section {section!r}: unknown key {key!r}{_near(key, known)}; "
                f"known: {', '.join(known)}"
            )


def build(
    constructor: Callable[..., Built],
    section: str,
    settings: Mapping[str, Any],
) -> Built:
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
    # a constructor that takes any keyword looks at them itself
    known = keys_of(constructor) or tuple(settings)
    plain = fitting(constructor, section, settings, known)
    try:
        return constructor(**plain)
    except TypeError as error:
        raise ValueError(f"section {section!r}: {error}") from error


def fitting(
    constructor: Callable[..., Any],
    section: str,
    settings: Mapping[str, Any],
    known: Collection[str],
) -> dict[str, Any]:
    """Settings as a constructor's annotations want them; nothing is called.

    Args:
        constructor: whose arguments they are.
        section: its name, for the error.
        settings: keys and values.
        known: keys that may stand there.

    Raises:
        ValueError: when a key is not known or a value does not fit.
    """
    check_keys(section, settings, known)
    takes = constructor.__init__ if isinstance(constructor, type) else constructor  # type: ignore[misc]
    hints, sections = typing.get_type_hints(takes), sections_in(constructor)
    found = {}
    for key, value in settings.items():
        name = f"section {section!r}: {key}"
        if key not in sections:
            found[key] = _fitting(name, value, hints.get(key))
            continue
        inner, set_by_run = sections[key]
        held = _fitting(name, value, Mapping[str, Any])
        check_keys(key, held, keys_of(inner, set_by_run) or held)
        found[key] = build(inner, key, held)
    return found


def _near(key: object, known: Collection[str]) -> str:
    """What may have been meant, in brackets."""
    meant = difflib.get_close_matches(str(key), known, n=1)
    return f" ({meant[0]}?)" if meant else ""


def _fitting(name: str, value: Any, expected: Any) -> Any:
    """A value as an annotation wants it; annotations that YAML has nothing for take anything."""
    origin = typing.get_origin(expected)
    if origin in (Union, types.UnionType):
        return _one_of(name, value, typing.get_args(expected))
    if expected is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {value!r}")
        return value
    if expected in (int, float):
        return _number(name, value, expected)
    if expected in (str, Path) and not isinstance(value, str):
        raise ValueError(f"{name} must be a text, got {value!r}")
    if origin is Literal and value not in typing.get_args(expected):
        choices = ", ".join(map(str, typing.get_args(expected)))
        raise ValueError(f"{name} must be one of {choices}, got {value!r}")
    if origin is collections.abc.Mapping and not isinstance(value, Mapping):
        raise ValueError(f"{name} must hold keys and values, got {value!r}")
    if origin in (tuple, collections.abc.Sequence):
        return _row(name, value, typing.get_args(expected))
    return _as_tuple(value)


def _one_of(name: str, value: Any, kinds: tuple[Any, ...]) -> Any:
    """A value as the first of some annotations that takes it."""
    if value is None and type(None) in kinds:
        return None
    # YAML has nothing for paths and devices, for which texts stand, too
    objects = tuple(kind for kind in kinds if _is_class(kind) and kind not in _OF_YAML)
    others = [kind for kind in kinds if kind not in (*objects, type(None))]
    if isinstance(value, objects) or not others:
        return _as_tuple(value)
    problems = []
    for kind in others:
        try:
            return _fitting(name, value, kind)
        except ValueError as error:
            problems.append(str(error).removeprefix(f"{name} ").partition(", got ")[0])
    raise ValueError(f"{name} {' or '.join(dict.fromkeys(problems))}, got {value!r}")


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type) and typing.get_origin(kind) is None


def _number(name: str, value: Any, kind: type) -> int | float:
    if type(value) is int and kind is int:
        return value  # exact, however large
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"{name} must be a number, got {value!r}")
    if math.isinf(number):
        raise ValueError(f"{name} must be a finite number, got {value!r}")
    if kind is int and number != int(number):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    return int(number) if kind is int else number


def _row(name: str, value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list as a tuple of values that fit, as many as there must be."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} must be a list, got {value!r}")
    several = len(kinds) == 1 or (len(kinds) == 2 and kinds[1] is Ellipsis)
    if not several and len(value) != len(kinds):
        raise ValueError(f"{name} must be a list of {len(kinds)}, got {value!r}")
    wanted = [kinds[0]] * len(value) if several else kinds
    return tuple(_fitting(name, item, kind) for item, kind in zip(value, wanted, strict=True))


def _as_tuple(value: Any) -> Any:
    """Lists as tuples, at any depth."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
