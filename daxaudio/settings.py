"""Settings of a part as plain values, to be stored beside what it made."""

from __future__ import annotations

import dataclasses
from typing import Any


def describe(part: Any) -> dict[str, Any]:
    """Fields of a dataclass as plain values; parts that are dataclasses by their own fields.

    Fields that cannot change a result (`progress`) or are stored on their own (`seed`) are left
    out.

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
        if field.name not in ("progress", "seed"):
            settings[field.name] = _plain(getattr(part, field.name))
    return settings


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return describe(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return repr(value)
