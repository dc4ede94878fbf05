"""The front ends by the kinds that configurations and stored models name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxaudio.features.constant_q import Cqt, Vqt
from daxaudio.features.front_end import FrontEnd
from daxaudio.features.mel import LogMel, Pcen
from daxaudio.features.stft import LinearStft
from daxaudio.runs.config import build

__all__ = ["FRONT_ENDS", "Cqt", "LinearStft", "LogMel", "Pcen", "Vqt", "make_front_end"]

FRONT_ENDS: Mapping[str, type[FrontEnd]] = {
    "log_mel": LogMel,
    "linear_stft": LinearStft,
    "cqt": Cqt,
    "vqt": Vqt,
    "pcen": Pcen,
}
"""By kind."""


def make_front_end(settings: Mapping[str, Any]) -> FrontEnd:
    """The front end that settings describe, as a configuration has them or stored with a model.

    Args:
        settings: `kind`, one of `FRONT_ENDS` ("log_mel" where it is not named), and the arguments
            of its constructor.

    Raises:
        ValueError: when the kind is unknown, an argument does not exist or does not fit.

    Example:
        >>> make_front_end({"kind": "linear_stft", "n_fft": 256, "hop_length": 128}).window
        256
    """
    arguments = dict(settings)
    kind = arguments.pop("kind", "log_mel")
    if not isinstance(kind, str) or kind not in FRONT_ENDS:
        raise ValueError(
            f"section 'front_end': kind must be one of {sorted(FRONT_ENDS)}, got {kind!r}"
        )
    return build(FRONT_ENDS[kind], "front_end", arguments)
