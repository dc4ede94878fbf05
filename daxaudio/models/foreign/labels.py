"""Names of classes as people store them: beside a model, or within it."""

from __future__ import annotations

import ast
import csv
import os
from collections.abc import Mapping
from typing import Any

from daxaudio.runs.files import read_text

_CLASSES = ("classes", "class_names", "labels", "label_names", "names", "id2label", "categories")
"""What files call their classes in their metadata."""

_RATES = ("sample_rate", "sampling_rate", "samplerate", "sr", "fs")
"""What files call their sample rate."""

_COLUMNS = ("display_name", "name", "label", "class", "class_name", "common_name", "category")
"""Columns of tables of classes, the first that is there."""


def read_classes(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of classes in a file.

    Args:
        path: a text file with one name a line (a number of the line before it, counted from 0, is
            left out); a table (CSV) with a header and one row a class, which has a column
            `display_name`, `name`, `label`, `class`, ...; or a list, or names by number, as JSON.

    Returns:
        In the order of the numbers where the table has a column `index`, else of the file.

    Raises:
        ValueError: when the file is missing or holds no names.
    """
    if not os.path.isfile(path):
        raise ValueError(f"{path}: no such file of names of classes")
    names = names_in(read_text(path))
    if not names:
        raise ValueError(
            f"{path}: holds no names of classes; write one a line, or a table with a header and a "
            f"column of {', '.join(_COLUMNS)}"
        )
    return names


def names_in(text: str) -> tuple[str, ...]:
    r"""Names of classes in a text; none where it holds no such.

    Example:
        >>> names_in("dog\ncat\n"), names_in("0 dog\n1 cat"), names_in("dog, cat")
        (('dog', 'cat'), ('dog', 'cat'), ('dog', 'cat'))
        >>> names_in("{1: 'cat', 0: 'dog'}"), names_in('["dog", "cat"]')
        (('dog', 'cat'), ('dog', 'cat'))
        >>> names_in("index,mid,display_name\n0,/m/1,Dog\n1,/m/2,\"Cat, kitten\"")
        ('Dog', 'Cat, kitten')
    """
    text = text.strip()
    if text[:1] in ("[", "{"):
        return _of_literal(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    header = next(csv.reader(lines[:1]), [])
    column = next((name for name in _COLUMNS if name in header), None)
    if column is not None and len(lines) > 1 and len(header) > 1:
        rows = list(csv.DictReader(lines))
        if all((row.get("index") or "").isdigit() for row in rows):
            rows.sort(key=lambda row: int(row["index"]))
        return tuple((row[column] or "").strip() for row in rows)
    if len(lines) == 1:
        return tuple(name.strip() for name in lines[0].replace(";", ",").split(","))
    if all(line.split(maxsplit=1)[0] == str(place) for place, line in enumerate(lines)):
        lines = [line.split(maxsplit=1)[-1] for line in lines]
    return tuple(lines)


def _of_literal(text: str) -> tuple[str, ...]:
    """Names in a list, or by number, as JSON or Python writes them."""
    try:
        value = ast.literal_eval(text)
        if isinstance(value, Mapping):
            value = [value[key] for key in sorted(value, key=int)]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        return ()
    return tuple(value)


def entries_of_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Entries of a `model.yaml` that a file holds in its metadata, under the usual names.

    Example:
        >>> entries_of_metadata({"names": "{0: 'dog', 1: 'cat'}", "Sample_Rate": "16000"})
        {'classes': ('dog', 'cat'), 'sample_rate': 16000}
    """
    by_name = {key.lower(): value for key, value in metadata.items()}
    found: dict[str, Any] = {}
    classes = next((names for key in _CLASSES if (names := names_in(by_name.get(key, "")))), ())
    if classes:
        found["classes"] = classes
    for key in _RATES:
        rate = by_name.get(key, "").strip().removesuffix(".0")
        if rate.isdigit() and int(rate) > 0:
            return {**found, "sample_rate": int(rate)}
    return found
