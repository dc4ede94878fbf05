"""In which precision and memory layout networks run: what a device is fast at, and why.

bf16 halves what is moved and multiplied where the device has instructions for it. Where it has
none, torch imitates it, many times slower than fp32 (see `benchmarks/README.md`), and some layers
cannot be run in it at all. Nobody should have to know the processor for that: "auto" looks.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
from collections.abc import Callable
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from daxaudio.runs.once import warn_once

Module = TypeVar("Module", bound=nn.Module)
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

Precision = Literal["auto", "fp32", "bf16"]
ChannelsLast = bool | Literal["auto"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WITHOUT_BF16 = (
    "sse41",
    "avx",
    "avx2",
    "avx2_vnni",
    "avx2_vnni_2",
    "avx512_core",
    "avx512_core_vnni",
)
"""Values of these variables that hide the bf16 instructions of a processor from oneDNN."""


_FEW_CHANNELS = {"fp32": 8, "bf16": 16}
"""Convolutions with fewer do not fill a vector of AVX2, or one of AVX-512 in bf16."""


@dataclasses.dataclass(frozen=True)
class PrecisionChoice:
    """What was asked for, what was chosen, and why.

    Args:
        asked: "auto", "fp32" or "bf16".
        precision: what runs: "fp32", or "bf16" by autocast.
        channels_last: memory layout of convolutions.
        reason: why this precision.
    """

    asked: Precision
    precision: Literal["fp32", "bf16"]
    channels_last: bool
    reason: str

    def __str__(self) -> str:
        """One line, as commands print it."""
        layout = ", channels-last" if self.channels_last else ""
        return f"{self.precision}{layout} ({self.reason})"

    def as_dict(self) -> dict[str, str | bool]:
        """As it is stored beside a result."""
        return dataclasses.asdict(self)

    def autocast(self, device_type: str) -> torch.autocast:
        """The context in which forward passes run on a kind of device."""
        return torch.autocast(device_type, torch.bfloat16, enabled=self.precision == "bf16")

    def lay_out(self, module: Module) -> Module:
        """Bring the convolutions of a module into the chosen layout, in place.

        Modules with convolutions in three dimensions stay as they are: the layout knows two. One
        with convolutions of a few channels never lies channels-last, as its backward pass writes
        outside its memory (torch 2.11): seen with 4 and 5 channels on processors without AVX-512,
        and in bf16 on those with it, with 4, 8 and 12, not with 16 and more.
        """
        if any(parameter.ndim > 4 for parameter in module.parameters()):
            return module
        channels = [len(parameter) for parameter in module.parameters() if parameter.ndim == 4]
        few = _FEW_CHANNELS[self.precision]
        fit = not any(1 < number < few for number in channels)
        layout = torch.channels_last if self.channels_last and fit else torch.contiguous_format
        return module.to(memory_format=layout)  # type: ignore[call-overload]


def check_precision(precision: str) -> None:
    """Raise ValueError when the name is unknown."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be 'auto', 'fp32' or 'bf16', got {precision!r}")


def choose_precision(
    asked: Precision = "auto",
    device: torch.device | str = "cpu",
    channels_last: ChannelsLast = "auto",
) -> PrecisionChoice:
    """Choose how networks run on a device.

    The choice depends on the device and on what is asked alone, never on a clock: the same machine
    gives the same numbers. bf16 on a device that has it not in hardware is allowed, and one
    warning says that it is slow. Convolutions lie channels-last where nothing else is asked: of all
    networks measured on processors with and without bf16 none was slower so, most were faster
    (`benchmarks/README.md`), and the matrix units of GPUs want it.

    Args:
        asked: "auto" for bf16 where the device has it in hardware, else fp32; or one of the two.
        device: where the networks run.
        channels_last: whether convolutions lie so; "auto" decides.

    Raises:
        ValueError: when a name is unknown.

    Example:
        >>> choose_precision("fp32").precision
        'fp32'
    """
    check_precision(asked)
    if channels_last not in (True, False, "auto"):
        raise ValueError(f"channels_last must be true, false or 'auto', got {channels_last!r}")
    layout = True if channels_last == "auto" else bool(channels_last)
    native, found = bf16_in_hardware(device)
    if asked == "auto":
        return PrecisionChoice(asked, "bf16" if native else "fp32", layout, found)
    if asked == "bf16" and not native:
        text = f"bf16 was asked for, but {found}: this will be slow; 'auto' would take fp32"
        warn_once(logger, text)
        return PrecisionChoice(asked, asked, layout, f"asked for; slow, for {found}")
    return PrecisionChoice(asked, asked, layout, "asked for")


def bf16_in_hardware(device: torch.device | str = "cpu") -> tuple[bool, str]:
    """Whether a device has instructions for bf16, and what says so.

    A processor has them by AVX-512 BF16, AMX or ARM BF16, unless `ONEDNN_MAX_CPU_ISA` makes it
    imitate a lesser one. (`ATEN_CPU_CAPABILITY` alone does not matter: it limits the kernels of
    torch's own, while convolutions, matrix products and LSTMs, where the time goes, are oneDNN's;
    measured, bf16 stays the faster one under it.) A CUDA device has them from compute capability 8
    on. Of other devices nothing is known: they count as without.

    Args:
        device: a device or its name.

    Returns:
        Whether it has, and the reason as half a sentence.
    """
    device = torch.device(device)
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        has = "has" if major >= 8 else "has no"
        return major >= 8, f"the GPU {has} bf16 in hardware, compute capability {major}.{minor}"
    if device.type == "cpu":
        return _bf16_of_processor()
    return False, f"of bf16 on {device.type} nothing is known"


def _bf16_of_processor() -> tuple[bool, str]:
    known = bool(getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)())
    if platform.machine().lower() in ("aarch64", "arm64"):
        has = "has" if known else "has no"
        return known, f"the processor {has} bf16 in hardware (ARM)"
    kinds = {
        "AMX": torch.cpu._is_amx_tile_supported(),
        "AVX-512 BF16": torch.cpu._is_avx512_bf16_supported(),
    }
    kind = next((name for name, has in kinds.items() if has), None)
    if kind is None:
        return False, "the processor has no bf16 in hardware"
    for variable in _VARIABLES:
        value = os.environ.get(variable, "")
        if value.lower() in _WITHOUT_BF16:
            return False, f"{variable}={value} hides the processor's {kind}"
    if not known:
        return False, "this torch does not use the processor's bf16"
    return True, f"the processor has bf16 in hardware, {kind}"


def run_or_fall_back(run: Callable[[Tensor], Result], inputs: Tensor, what: str) -> Result:
    """Call a layer, in fp32 where the device cannot run it in the bf16 of the autocast around it.

    An LSTM, for instance, is not imitated on processors without bf16 but raises. That this part
    ran in fp32 is said once.

    Args:
        run: the layer.
        inputs: what it takes.
        what: its name, for the message.

    Raises:
        RuntimeError: any other error of the layer.
    """
    kind = inputs.device.type
    try:
        return run(inputs)
    except RuntimeError as error:
        if not torch.is_autocast_enabled(kind) or not _cannot_run(error):
            raise
    warn_once(logger, f"this device cannot run {what} in bf16: that part runs in fp32")
    with torch.autocast(kind, enabled=False):
        return run(inputs.float())


def _cannot_run(error: RuntimeError) -> bool:
    """Whether an error says that the device has no such operation, rather than that it failed."""
    text = str(error)
    return any(
        words in text
        for words in ("could not create a primitive", "not implemented for 'BFloat16'")
    )


def usable_device(device: torch.device | str) -> torch.device:
    """The device of a name, on which numbers can be computed and read back.

    Raises:
        ValueError: when there is no such device here, or it holds no numbers, as `meta`.

    Example:
        >>> usable_device("cpu")
        device(type='cpu')
    """
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        why = str(error).partition("\n")[0].partition(". ")[0]
        raise ValueError(
            f"device {str(device)!r} cannot be used ({why}); give cpu, or cuda where torch sees a "
            "GPU"
        ) from error
    return found
