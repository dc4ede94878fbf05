"""Change the sample rate of a waveform."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LARGEST_KERNEL = 1 << 22
_ZERO_CROSSINGS = 6


def resample(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample a waveform, with what is above the new Nyquist frequency removed.

    Done by `torchaudio.functional.resample`, whose kernel holds a filter for each phase of the two
    rates. Where they share no large factor (44101 and 16000 Hz) that would be gigabytes: there soxr
    does it, at its quality HQ, whose filters are longer.

    Args:
        waveform: `[*, S]`.
        from_rate: samples per second of the waveform, at least 1.
        to_rate: samples per second of the result, at least 1.

    Returns:
        `[*, ceil(S * to_rate / from_rate)]` of the same type and device.

    Example:
        >>> resample(torch.ones(2, 8001), 8001, 8000).shape
        torch.Size([2, 8000])
    """
    if from_rate == to_rate:
        return waveform
    if _kernel_size(from_rate, to_rate) > _LARGEST_KERNEL:
        return _resample_by_soxr(waveform, from_rate, to_rate)
    import torchaudio.functional

    return torchaudio.functional.resample(waveform, from_rate, to_rate)


def _kernel_size(from_rate: int, to_rate: int) -> int:
    """Numbers in torchaudio's kernel: as many filters as the new rate has phases."""
    common = math.gcd(from_rate, to_rate)
    old, new = from_rate // common, to_rate // common
    return new * (old + 2 * _ZERO_CROSSINGS * max(1, old // new))


def _resample_by_soxr(waveform: Tensor, from_rate: int, to_rate: int) -> Tensor:
    import soxr

    rows = waveform.detach().reshape(-1, waveform.shape[-1]).cpu().numpy()
    n = -(-waveform.shape[-1] * to_rate // from_rate)
    result = torch.zeros(len(rows), n, dtype=waveform.dtype)
    for i, row in enumerate(rows):
        found = torch.from_numpy(soxr.resample(row, from_rate, to_rate, quality="HQ"))[:n]
        result[i, : len(found)] = found
    return result.reshape(*waveform.shape[:-1], n).to(waveform.device)
