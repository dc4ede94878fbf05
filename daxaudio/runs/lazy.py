"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path


def lazily(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """What makes names of a package known without importing them.

    The names are those that its `__init__.py` imports under `if TYPE_CHECKING:`, where editors and
    type checkers find them, too: there is one list. Its modules and folders are there as well.

    Args:
        package: its name.

    Returns:
        For `__getattr__`, `__dir__` and `__all__` of the package.

    Example:
        >>> find, _, names = lazily("daxaudio")
        >>> find("Event").__name__, "explain" in names
        ('Event', True)
    """
    module = sys.modules[package]
    modules = {found.name for found in pkgutil.iter_modules(module.__path__)}
    origins = _origins(Path(str(module.__file__)))

    def find(name: str) -> object:
        if name in origins:
            value = getattr(importlib.import_module(origins[name]), name)
        elif name in modules:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(module, name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(module), *origins, *modules})

    return find, list_names, sorted(origins)


def _origins(path: Path) -> dict[str, str]:
    """Module of each name that a file imports for type checkers alone."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    blocks = [node.body for node in body if isinstance(node, ast.If)]
    imports = [node for block in blocks for node in block if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}
