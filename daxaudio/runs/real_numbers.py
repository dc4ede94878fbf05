"""Numbers from outside as tensors: once, where they enter the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_real(given: Any, name: str) -> Tensor:
    """Real numbers as a floating tensor without gradients.

    Args:
        given: a tensor, which stays on its device; a list, also one of tensors; or what NumPy takes
            for an array.
        name: of it, for the error.

    Returns:
        Floating tensors as they are, arrays of float16 and float32 in float32, whole numbers and
        all else in float64.

    Raises:
        TypeError: when it holds no real numbers.

    Example:
        >>> as_real([1, 2], "levels")
        tensor([1., 2.], dtype=torch.float64)
        >>> as_real(None, "levels")
        Traceback (most recent call last):
        TypeError: levels must be real numbers (a tensor, a NumPy array or a list), got NoneType
    """
    if not isinstance(given, Tensor):
        return torch.from_numpy(_array(given, name))
    if given.is_complex():
        raise _no_numbers(name, str(given.dtype))
    given = given.detach() if given.requires_grad else given
    return given if given.is_floating_point() else given.double()


def as_float32(given: Any, name: str) -> Tensor:
    """Real numbers as a float32 tensor without gradients; the rest as in `as_real`.

    Example:
        >>> as_float32([[1, 2]], "levels")
        tensor([[1., 2.]])
    """
    return as_real(given, name).float()


def as_axis(given: Any, name: str) -> Tensor:
    """One list of finite real numbers, as in `as_real`: an axis of a spectrogram.

    Raises:
        ValueError: when it has another shape or holds NaN or infinity.
    """
    axis = as_real(given, name)
    if axis.ndim != 1 or not bool(torch.isfinite(axis).all()):
        raise ValueError(f"{name} of a spectrogram must be one list of finite numbers")
    return axis


def check_beside(values: Tensor, mask: Tensor, name: str, *, of: str, lowest: float) -> None:
    """Refuse what goes with a mask and has another shape, NaN, infinity or too small numbers.

    Args:
        values: what goes with it.
        mask: of the shape that they must have.
        name: of the values, for the error.
        of: whose mask it is.
        lowest: the least that they may be: 0, or minus infinity.

    Raises:
        ValueError: says what is wrong.

    Example:
        >>> check_beside(torch.ones(2), torch.ones(3), "error", of="lime", lowest=0.0)
        Traceback (most recent call last):
        ValueError: error is (2,), the mask is (3,)
    """
    if values.shape != mask.shape:
        raise ValueError(f"{name} is {tuple(values.shape)}, the mask is {tuple(mask.shape)}")
    if not bool(((values >= lowest) & values.isfinite()).all()):
        fault = "is negative somewhere or holds" if lowest == 0 else "holds"
        raise ValueError(f"{name} of {of!r} {fault} NaN or infinity")


def _array(given: Any, name: str) -> np.ndarray[Any, Any]:
    plain = given
    if isinstance(given, list | tuple):
        plain = [one.tolist() if isinstance(one, Tensor) else one for one in given]
    try:
        array = np.asarray(plain)
    except ValueError as error:  # rows of unequal length
        raise _no_numbers(name, f"a ragged {type(given).__name__}") from error
    if array.dtype.kind not in "fiub":
        raise _no_numbers(name, type(given).__name__)
    single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    # copied: an array may run backwards, be read only or have another byte order
    return np.array(array, dtype=np.float32 if single else np.float64)


def _no_numbers(name: str, kind: str) -> TypeError:
    return TypeError(f"{name} must be real numbers (a tensor, a NumPy array or a list), got {kind}")


def scale_to_mask(attribution: Tensor) -> Tensor:
    """Scale signed attributions to [0, 1] by their smallest and largest value.

    The order of the values is kept, so rankings and thresholds in units of mean and standard
    deviation give the same frames before and after.

    Args:
        attribution: any shape, finite.

    Returns:
        The same shape in [0, 1]; all zeros when every value is the same (nothing stands out).

    Raises:
        ValueError: when a value is NaN or infinite.

    Example:
        >>> scale_to_mask(torch.tensor([-1.0, 0.0, 3.0]))
        tensor([0.0000, 0.2500, 1.0000])
    """
    if not torch.isfinite(attribution).all():
        raise ValueError("attribution holds NaN or infinite values")
    low, high = attribution.min(), attribution.max()
    if high <= low:
        return torch.zeros_like(attribution)
    return ((attribution - low) / (high - low)).clamp(0, 1)
