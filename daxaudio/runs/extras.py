"""Packages that only some users need: imported when they are, or one line that says how."""

from __future__ import annotations

import importlib
from types import ModuleType


def need(module: str, extra: str, what: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: its full name, such as "onnxruntime".
        extra: of daxaudio, that installs it.
        what: cannot be done without it, such as the name of a file; stands before the error.

    Returns:
        The module.

    Raises:
        ValueError: when it is not installed, or is and cannot be imported; says what to install.

    Example:
        >>> need("math", "onnx", "x.onnx").floor(1.5)
        1
        >>> need("no_such_runtime", "onnx", "x.onnx")
        Traceback (most recent call last):
        ValueError: x.onnx: needs no_such_runtime; install it by: pip install 'daxaudio[onnx]'
    """
    by = f"pip install 'daxaudio[{extra}]'"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ValueError(f"{what}: needs {error.name}; install it by: {by}") from None
        broken = error.msg
    except (ImportError, OSError) as error:  # a shared library is missing or of another machine
        broken = " ".join(str(error).split())
    raise ValueError(
        f"{what}: {module} is installed but cannot be imported ({broken}); install it again by: "
        f"{by}"
    )
