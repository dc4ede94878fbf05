"""What the mean spectrum of a recording, or of its background, says of how it was made.

Conventions: power `[F]` at equal steps from 0 Hz to half the sample rate, at least one of them not
0; levels in dB.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

Power = NDArray[np.float64]

_BANDS = tuple(1000 * 2 ** (k / 3) for k in range(-12, 10))  # 62.5 Hz to 8 kHz
_FLOOR = 1e-9  # of the largest power: 90 dB below it, or less, is nothing
_AROUND, _EXCESS = 100.0, 6.0  # Hz on either side of a line; dB that it stands out by
_LOWEST_LINE, _LOWEST_FALL = 40.0, 1000.0  # Hz


def roll_off(power: Power, nyquist: float, share: float = 0.99) -> float:
    """Frequency in Hz below which a share of the power lies.

    Example:
        >>> roll_off(np.array([0.0, 1.0, 1.0, 0.0, 0.0]), 4000.0)
        2000.0
    """
    below = np.cumsum(power)
    place = int(np.searchsorted(below, share * below[-1]))
    return min(place, len(power) - 1) * nyquist / (len(power) - 1)


def highest_within(power: Power, nyquist: float, range_db: float = 60.0) -> float:
    """Highest frequency in Hz at which there is more than `range_db` below the largest power."""
    smooth = _smoothed(power)
    there = np.flatnonzero(smooth > smooth.max() * 10 ** (-range_db / 10))
    return int(there[-1]) * nyquist / (len(power) - 1)


def band_level(power: Power, low: float, high: float) -> float:
    """Power in dB, against all of it, between two shares of half the sample rate.

    Example:
        >>> round(band_level(np.ones(101), 0.5, 1.0))
        -3
    """
    n = len(power) - 1
    inside = power[math.ceil(low * n) : math.floor(high * n) + 1].sum()
    return 10 * math.log10(max(inside / power.sum(), _FLOOR))


def fall(power: Power, nyquist: float) -> float:
    """The steepest fall, in dB within an eighth of the frequency, above 1 kHz: the edge of a codec.

    NaN where half the sample rate is hardly above 1 kHz.
    """
    levels = _decibels(_smoothed(power))
    n = len(levels) - 1
    places = np.arange(math.ceil(_LOWEST_FALL / nyquist * n), math.floor(0.94 * n))
    if not len(places):
        return math.nan
    below = levels[np.round(places * 0.94).astype(int)]
    above = levels[np.round(places * 1.06).astype(int)]
    return float((below - above).max())


def tilt(power: Power, nyquist: float) -> float:
    """Slope of the level over log frequency above 62 Hz, in dB an octave; NaN below 3 bands.

    Example:
        >>> bins = np.maximum(np.linspace(0, 8000, 1025), 1)
        >>> round(tilt(1 / bins, 8000.0)), round(tilt(1 / bins**2, 8000.0))
        (-3, -6)
    """
    levels = np.array([v for v in _band_levels(power, nyquist).values() if not math.isnan(v)])
    if len(levels) < 3:
        return math.nan
    octaves = np.arange(len(levels)) / 3
    return float(np.polyfit(octaves, levels, 1)[0])


def third_octaves(power: Power | None = None, nyquist: float = 0.0) -> dict[str, float]:
    """Levels of third octaves from 62 Hz to 8 kHz, in dB against their mean; all NaN of nothing.

    A band that does not lie below half the sample rate is NaN.
    """
    if power is None:
        return {_name(centre): math.nan for centre in _BANDS}
    levels = _band_levels(power, nyquist)
    heard = [level for level in levels.values() if not math.isnan(level)]
    mean = sum(heard) / len(heard) if heard else 0.0
    return {name: level - mean for name, level in levels.items()}


def line_levels(power: Power, nyquist: float) -> tuple[float, float]:
    """How far the strongest line stands out, in dB, and the share of all lines of the power.

    A line stands 6 dB or more above the median of 100 Hz on either side, above 40 Hz. Both are NaN
    where half the sample rate is below 200 Hz.

    Example:
        >>> power = np.ones(1025)
        >>> power[40] = 100.0
        >>> strongest, share = line_levels(power, 8000.0)
        >>> round(strongest), round(share, 2)
        (20, 0.09)
    """
    n = len(power) - 1
    first = max(1, math.ceil(_LOWEST_LINE / nyquist * n))
    around = _around(power, nyquist)
    if around is None:
        return math.nan, math.nan
    excess = _decibels(np.maximum(power, power.max() * _FLOOR) / around)
    lines = excess > _EXCESS
    lines[:first] = False
    share = float(power[lines].sum() / power[first:].sum()) if power[first:].sum() > 0 else 0.0
    return float(excess[first:].max()), share


def without_lines(power: Power, nyquist: float) -> Power:
    """The same spectrum with what is around each line in its place, so that none is heard.

    Example:
        >>> power = np.ones(1025)
        >>> power[40] = 100.0
        >>> without_lines(power, 8000.0).max()
        np.float64(1.0)
    """
    around = _around(power, nyquist)
    if around is None:
        return power
    return np.where(power > around * 10 ** (_EXCESS / 10), around, power)


def _around(power: Power, nyquist: float) -> Power | None:
    """Median of 100 Hz on either side of each bin; None where the band is too narrow."""
    n = len(power) - 1
    width = 2 * max(3, round(_AROUND / nyquist * n)) + 1
    if nyquist < 2 * _AROUND or width > n:
        return None
    floor = np.maximum(power, power.max() * _FLOOR)
    return np.asarray(scipy.ndimage.median_filter(floor, width, mode="nearest"))


def _band_levels(power: Power, nyquist: float) -> dict[str, float]:
    """Mean power in dB of each third octave; NaN where it does not lie in the band."""
    n, floor = len(power) - 1, max(float(power.max()), 1e-30) * _FLOOR
    found = {}
    for centre in _BANDS:
        low, high = centre * 2 ** (-1 / 6), centre * 2 ** (1 / 6)
        first, last = round(low / nyquist * n), round(high / nyquist * n)
        mean = float(power[first : max(last, first + 1)].mean()) if high <= 1.15 * nyquist else None
        known = mean is not None and first < n
        found[_name(centre)] = 10 * math.log10(max(mean or 0.0, floor)) if known else math.nan
    return found


def _name(centre: float) -> str:
    return f"background_{centre:.0f}_hz"


def _smoothed(power: Power) -> Power:
    return np.asarray(scipy.ndimage.uniform_filter1d(power, 9, mode="nearest"))


def _decibels(power: Power) -> Power:
    return np.asarray(10 * np.log10(np.maximum(power, max(float(power.max()), 1e-30) * _FLOOR)))
