"""What is planted into one phase to tell the classes apart, and into a room to mislead.

Strength 1 means: as loud as the phase itself. The evidence of an interval is scaled so that its
root mean square is `strength` times that of everything that sounds in the interval (6 dB more for
`second_burst`, which is short). The peak of the recording stays as it was: otherwise the level of
all other phases after peak normalisation would tell the class. For this the interval with its
evidence is scaled to its old peak; a `second_burst` is made weaker where it would be the peak of
the recording, as in coughs it often would.

    resonance      a narrow peak at 2850 to 3050 Hz, made of the phase's own sound
    wheeze         a tone within 400 to 800 Hz that drifts slowly
    second_burst   50 ms of noise, 0.3 to 5 kHz, late in the phase
    hum            a steady tone at 280 to 340 Hz and its octave

Nothing is changed outside the samples that are given.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .cough_sounds import (
    SAMPLE_RATE,
    Draws,
    band_pass,
    fade,
    resonate,
    root_mean_square,
)

_Maker = Callable[[np.ndarray, float, Draws], np.ndarray]

_FADE = 0.01  # seconds
_BURST = 0.05  # seconds
_BURST_GAIN = 2.0
_BURST_BAND = (300.0, 5000.0)  # Hz
_DRIFT = 0.15  # of a wheeze, as a share of its centre
_AROUND = 20.0  # Hz; a tone that begins and ends is as wide


def _make_resonance(own: np.ndarray, trait: float, draws: Draws) -> np.ndarray:
    centre = 2850 + 200 * trait
    return resonate(resonate(own, centre, 120), centre, 120)


def _make_wheeze(own: np.ndarray, trait: float, draws: Draws) -> np.ndarray:
    times = np.arange(len(own)) / SAMPLE_RATE
    rate, start = draws.uniform(0.8, 2), draws.uniform(0, 2 * np.pi)
    centre = 500 + 160 * trait
    # the drift keeps 500 to 660 Hz within 425 and 759 Hz
    pitch = centre * (1 + _DRIFT * np.sin(2 * np.pi * rate * times + start))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    return np.sin(phase)


def make_hum(n: int, trait: float) -> np.ndarray:
    """A steady tone and its octave.

    Args:
        n: samples to make.
        trait: 0 to 1, from 280 to 340 Hz.

    Returns:
        `[n]` with a root mean square of about 0.75.
    """
    turns = 2 * np.pi * (280 + 60 * trait) * np.arange(n) / SAMPLE_RATE
    return np.sin(turns) + 0.3 * np.sin(2 * turns)


def _make_hum(own: np.ndarray, trait: float, draws: Draws) -> np.ndarray:
    return make_hum(len(own), trait)


def _make_burst(n: int, draws: Draws) -> np.ndarray:
    times = np.arange(n) / SAMPLE_RATE
    shape = np.minimum(times / 0.002, 1) * np.exp(-times / 0.02)
    return band_pass(draws.standard_normal(n), *_BURST_BAND) * shape * fade(n, 0.002)


_STEADY: dict[str, _Maker] = {
    "resonance": _make_resonance,
    "wheeze": _make_wheeze,
    "hum": _make_hum,
}

EVIDENCE = ("resonance", "wheeze", "second_burst", "hum")
"""The kinds of evidence."""


def bands_of(kind: str, trait: float) -> tuple[tuple[float, float], ...]:
    """Where evidence lies in frequency, `(f_min, f_max)` in Hz each.

    Nine tenths of its power and more lie there, whatever it is planted into.

    Args:
        kind: one of `EVIDENCE`.
        trait: as of `add_evidence`.

    Example:
        >>> bands_of("hum", 0.5), bands_of("resonance", 0.5)
        (((290.0, 330.0), (600.0, 640.0)), ((2800.0, 3100.0),))
    """
    if kind == "second_burst":
        return (_BURST_BAND,)
    if kind == "wheeze":
        centre = 500 + 160 * trait
        return ((centre * (1 - _DRIFT) - _AROUND, centre * (1 + _DRIFT) + _AROUND),)
    if kind == "resonance":
        centre = 2850 + 200 * trait
        return ((centre - 150, centre + 150),)
    pitches = (280 + 60 * trait, 2 * (280 + 60 * trait))
    return tuple((pitch - _AROUND, pitch + _AROUND) for pitch in pitches)


def add_evidence(
    own: np.ndarray, kind: str, strength: float, trait: float, *, peak: float, draws: Draws
) -> tuple[np.ndarray, tuple[int, int]]:
    """Plant evidence into one interval.

    Args:
        own: `[S]`, all that sounds in the interval.
        kind: one of `EVIDENCE`.
        strength: level of the evidence as a factor on the level of `own`, above 0.
        trait: 0 to 1; what is the same in all intervals of a recording, its frequency.
        peak: of the whole recording, at least that of `own`; the result does not exceed it.
        draws: for what differs from one interval to the next.

    Returns:
        `[S]` with the evidence, and the first sample that holds it and the one after the last.

    Example:
        >>> own = np.random.default_rng(0).standard_normal(8000)
        >>> draws = np.random.default_rng(1)
        >>> mixed, span = add_evidence(own, "wheeze", 1.0, 0.5, peak=9.0, draws=draws)
        >>> span, bool(np.isclose(np.abs(mixed).max(), np.abs(own).max()))
        ((0, 8000), True)
    """
    level = strength * root_mean_square(own)
    if kind == "second_burst":
        n = min(round(_BURST * SAMPLE_RATE), len(own) // 3)
        first = round(draws.uniform(0.55, 0.65) * len(own))
        place = slice(first, first + n)
        burst = _make_burst(n, draws)
        louder = (peak - _peak(own[place])) / _peak(burst)
        mixed = own.copy()
        mixed[place] += burst * min(_BURST_GAIN * level / root_mean_square(burst), louder)
        return mixed, (first, first + n)
    evidence = _STEADY[kind](own, trait, draws) * fade(len(own), _FADE)
    mixed = own + evidence * level / root_mean_square(evidence)
    return mixed * _peak(own) / _peak(mixed), (0, len(own))


def _peak(samples: np.ndarray) -> float:
    return float(np.abs(samples).max())
