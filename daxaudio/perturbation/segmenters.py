"""The ways of cutting a spectrogram by the kinds that configurations name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daxaudio.perturbation.segments import Grid, QuickShift, Segmenter, Slic, TimeBands
from daxaudio.perturbation.sound_segments import Agglomerative, HarmonicPercussive
from daxaudio.runs.config import build

SEGMENTERS: Mapping[str, Callable[..., Segmenter]] = {
    "quick_shift": QuickShift,
    "slic": Slic,
    "grid": Grid,
    "time_bands": TimeBands,
    "harmonic_percussive": HarmonicPercussive,
    "agglomerative": Agglomerative,
}
"""By kind."""


def make_segmenter(settings: Mapping[str, Any]) -> Segmenter:
    """The segmenter that settings describe.

    Args:
        settings: `kind`, one of `SEGMENTERS` ("quick_shift" where it is not named), and the
            arguments of its constructor.

    Raises:
        ValueError: when the kind is unknown, or an argument does not exist or does not fit.

    Example:
        >>> make_segmenter({"kind": "grid", "n_time_bands": 6})
        Grid(n_frequency_bands=4, n_time_bands=6)
    """
    arguments = dict(settings)
    kind = arguments.pop("kind", "quick_shift")
    if not isinstance(kind, str) or kind not in SEGMENTERS:
        raise ValueError(
            f"section 'segmenter': kind must be one of {sorted(SEGMENTERS)}, got {kind!r}"
        )
    return build(SEGMENTERS[kind], "segmenter", arguments)
