"""The sounds of a page: what was recorded, what a mask keeps of it and what it removes.

They are FLAC in 16 bits (14 of loud noise that was kept), written at a loudness that uses them all:
the largest power of two that clips nothing, which the page takes back, so that levels stay honest
and the samples of a file of 16 bits exact. What was removed is the recording less what was kept,
and is not written a second time where the page can subtract.
"""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from daxaudio.containers import Recording

MOST_SAMPLES = 16_000_000
"""Of a recording that a page can play, all channels together: three minutes in stereo."""

_NOMINAL_RATE = 44_100
"""Written into the FLAC whatever the rate is, so that any browser takes it as it is."""

_HARDLY_SMALLER = 0.85

_ALIKE = 1e-4
"""What removed and the recording less kept may differ by, where full scale is 1."""


def sounds_of(original: Recording, kept: Recording, removed: Recording) -> dict[str, Any]:
    """What a page plays.

    Args:
        original: at its own rate and with its own channels; more than two are averaged to one, as
            browsers would mix them by rules for loudspeakers around a listener.
        kept: what a mask keeps of it, of the same shape.
        removed: the rest.

    Returns:
        `sample_rate`, `channels`, whether they are `averaged`, `samples`, the `exponent` of two by
        which all are louder than they were, and `original`, `kept` and `removed` as base64 of FLAC;
        the latter is None where it is the difference of the others.

    Raises:
        ValueError: when the three are not of one shape and rate.

    Example:
        >>> import torch
        >>> one = Recording(torch.tensor([[0.25, -0.5, 0.0]]), 8000)
        >>> half = Recording(one.waveform / 2, 8000)
        >>> sounds = sounds_of(one, half, half)
        >>> sounds["exponent"], sounds["removed"]
        (0, None)
    """
    for name, other in (("kept", kept), ("removed", removed)):
        alike = other.waveform.shape == original.waveform.shape
        if not alike or other.sample_rate != original.sample_rate:
            raise ValueError(
                f"{name} is {tuple(other.waveform.shape)} at {other.sample_rate} Hz, the recording "
                f"{tuple(original.waveform.shape)} at {original.sample_rate} Hz; they must be alike"
            )
    samples = [_for_browsers(one) for one in (original, kept, removed)]
    loudest = max(float(np.abs(one).max()) for one in samples)
    exponent = math.floor(-math.log2(loudest)) if loudest > 0 else 0
    if loudest * 2**exponent > 32767 / 32768:
        exponent -= 1
    whole = [np.rint(one * 2.0 ** (15 + exponent)).astype(np.int16) for one in samples]
    difference = np.abs(samples[0] - samples[1] - samples[2]).max()
    return {
        "sample_rate": original.sample_rate,
        "channels": samples[0].shape[1],
        "averaged": len(original.waveform) > 2,
        "samples": len(samples[0]),
        "exponent": exponent,
        "original": _flac(whole[0]),
        "kept": _smaller(whole[1]),
        "removed": None if difference <= _ALIKE else _flac(whole[2]),
    }


def _for_browsers(recording: Recording) -> NDArray[np.float64]:
    """`[S, C]` with one or two channels."""
    samples = recording.waveform.detach().cpu().numpy().T.astype(np.float64)
    return samples.mean(axis=1, keepdims=True) if samples.shape[1] > 2 else samples


def _smaller(samples: NDArray[np.int16]) -> str:
    """FLAC with two bits less where hardly anything was saved: noise, which hides what they add."""
    written = _flac(samples)
    if len(written) < _HARDLY_SMALLER * samples.nbytes * 4 / 3:
        return written
    return _flac((samples.astype(np.int32) + 2).clip(-32768, 32767).astype(np.int16) & ~np.int16(3))


def _flac(samples: NDArray[np.int16]) -> str:
    content = io.BytesIO()
    soundfile.write(content, samples, _NOMINAL_RATE, format="FLAC", subtype="PCM_16")
    return base64.b64encode(content.getvalue()).decode("ascii")
