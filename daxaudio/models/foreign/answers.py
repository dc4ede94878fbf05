"""What a foreign network or function answered as numbers, and how it failed in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from torch import Tensor

from daxaudio.models.module_score import out_of_memory
from daxaudio.runs.real_numbers import as_float32


def asked(call: Callable[..., Any], *inputs: Any, source: str) -> Any:
    """What a network or function answers.

    Args:
        call: the network or function.
        inputs: its positional arguments; the first is the batch.
        source: of the model, for the error.

    Raises:
        ValueError: when it fails; one line that says on what, and why.
        RuntimeError: as it was raised, when memory ran out, so that who asks may ask for less.

    Example:
        >>> import torch
        >>> asked(lambda inputs: inputs[3], torch.zeros(2, 8), source="x.pt")
        Traceback (most recent call last):
        ValueError: x.pt: fails on an input of shape (2, 8): IndexError: index 3 is out of bounds \
for dimension 0 with size 2
    """
    try:
        return call(*inputs)
    except Exception as error:
        if isinstance(error, RuntimeError) and out_of_memory(error):
            raise
        shape = tuple(getattr(inputs[0], "shape", ()))
        raise ValueError(
            f"{source}: fails on an input of shape {shape}: {type(error).__name__}: "
            f"{last_line(error)}"
        ) from error


def last_line(error: BaseException) -> str:
    r"""What went wrong, in one line; interpreters say it below the way that led there.

    Example:
        >>> last_line(RuntimeError("Traceback of TorchScript:\n  at line 3\nwrong size"))
        'wrong size'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


def numbers_in(answer: Any, output_name: str | None, source: str) -> Tensor:
    """The numbers in an answer.

    Args:
        answer: a tensor, a NumPy array, a list or a number; or a tuple, a mapping or an object with
            several such.
        output_name: which of several, by name or by position from "0"; None takes `logits`, or the
            only one.
        source: of the model, for errors.

    Returns:
        float32, where the answer was; one number has the shape `[1]`.

    Raises:
        TypeError: when it holds no real numbers.
        ValueError: when it holds several answers and it is not said which counts.

    Example:
        >>> numbers_in({"logits": [[1, 2]], "states": None}, None, "x.pt")
        tensor([[1., 2.]])
    """
    parts = parts_of(answer)
    if parts is None:
        if output_name is not None:
            raise ValueError(f"{source}: output_name is {output_name!r}, but it has one answer")
        numbers = as_float32(answer, f"{source}: its answer")
        return numbers[None] if numbers.ndim == 0 else numbers
    name = output_name
    if name is None and len(parts) == 1:
        name = next(iter(parts))
    elif name is None:
        name = "logits"
    if name not in parts:
        told = f"has no output {name!r}" if output_name else "answers with several things"
        raise ValueError(f"{source}: {told}; output_name is one of {', '.join(parts)}")
    return numbers_in(parts[name], None, source)


def parts_of(answer: Any) -> dict[str, Any] | None:
    """Several answers by their names or positions; None where there is one."""
    if isinstance(answer, Mapping):
        return {str(key): value for key, value in answer.items()}
    if isinstance(answer, tuple) and not all(isinstance(one, Real) for one in answer):
        return {str(number): value for number, value in enumerate(answer)}
    if not isinstance(answer, Tensor) and hasattr(answer, "logits"):
        return {"logits": answer.logits}
    return None
