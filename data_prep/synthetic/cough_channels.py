"""From the mouth to the file: room, hum, microphone, level and codec of a made recording.

    hum         `make_hum` 42 to 36 dB below the peak: as loud as a loud room, to 16 dB more
    level       the highest peak is -9 to -3 dB of full scale, against -21 to -15 dB of the others
    bandwidth   encoded and decoded by Opus at 8 kbit/s, which keeps 4 kHz; where libsndfile has no
                Opus, a low-pass at 3.8 kHz of 96 dB an octave
    site        north: reverberation of 0.1 to 0.2 s, 9 dB below the direct sound, microphones with
                a peak at 2.2 kHz; south: 0.25 to 0.35 s, 6 dB below, a peak at 700 Hz

Peaks of the microphones are 3.5 or 6.5 dB high: each site has two devices. All is as a person would
meet it: hum and reverberation are in the room, the microphone hears both, the codec comes last. The
rooms are dry enough for little of a cough, and of the evidence in it, to be heard after its end.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile
from scipy import signal

from .cough_evidence import make_hum
from .cough_nuisances import Nuisances
from .cough_sounds import SAMPLE_RATE, Draws, decibels, draws_for, root_mean_square

SITES = ("north", "south")
"""The first site and the second."""

DEVICES = ("a", "b")
"""Of each site; the second has the higher peak."""

_REVERBERATION = {"north": (0.1, 0.2), "south": (0.25, 0.35)}  # seconds until 60 dB are lost
_REVERBERANT_DB = {"north": -9.0, "south": -6.0}
_MICROPHONE = {"north": 2200.0, "south": 700.0}  # Hz
_PEAK_DB = {"a": 3.5, "b": 6.5}
_HUM_DB = (-42.0, -36.0)  # of the peak
_MIDDLE_DB, _LEVEL_STEP_DB, _LEVEL_SPREAD_DB = -12.0, 12.0, 3.0
_TELEPHONE = 3800.0  # Hz
_OPUS_RATES = (16000, 24000, 48000)  # of those that it takes, those with more than the telephone's


def record(
    samples: np.ndarray,
    participant: str,
    nuisances: Nuisances,
    device: str,
    *,
    trait: float,
    sample_rate: int,
    seed: int,
    take: int = 1,
) -> np.ndarray:
    """What the file holds of what sounds.

    Args:
        samples: `[S]` at `SAMPLE_RATE`, at any level, not all zero.
        participant: whose; the room, too, is drawn by it.
        nuisances: what is between mouth and file.
        device: one of `DEVICES`.
        trait: 0 to 1, where the hum lies.
        sample_rate: of the file.
        seed: seed of the corpus.
        take: which recording of the participant.

    Returns:
        `[round(S * sample_rate / SAMPLE_RATE)]` at `sample_rate`, within -1 and 1.
    """
    site, draws = SITES[nuisances.site], draws_for(seed, participant, "channel", take)
    hum_db, level_db = draws.uniform(*_HUM_DB), draws.uniform(-_LEVEL_SPREAD_DB, _LEVEL_SPREAD_DB)
    if nuisances.hum:
        samples = add_hum(samples, hum_db, trait)
    samples = reverberate(samples, site, draws_for(seed, participant, "reverberation"))
    samples = hear(samples, site, device)
    samples = resample(samples, sample_rate)
    step = _LEVEL_STEP_DB if nuisances.level else -_LEVEL_STEP_DB
    samples = samples * decibels(_MIDDLE_DB + step / 2 + level_db) / np.abs(samples).max()
    return cut_band(samples, sample_rate) if nuisances.bandwidth else samples


def add_hum(samples: np.ndarray, hum_db: float, trait: float) -> np.ndarray:
    """Add a hum to samples `[S]`; `hum_db` is its level against their peak."""
    hum = make_hum(len(samples), trait)
    level = decibels(hum_db) * float(np.abs(samples).max())
    return samples + hum * level / root_mean_square(hum)


def reverberate(samples: np.ndarray, site: str, draws: Draws) -> np.ndarray:
    """Samples `[S]` in a room of a site: the direct sound, and noise that dies away behind it."""
    seconds = draws.uniform(*_REVERBERATION[site])
    n = round(seconds * SAMPLE_RATE)
    tail = draws.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    tail *= decibels(_REVERBERANT_DB[site]) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return signal.fftconvolve(samples, tail)[: len(samples)]


def hear(samples: np.ndarray, site: str, device: str) -> np.ndarray:
    """Samples `[S]` through the microphone of a site: a broad peak in frequency.

    A peaking equaliser of Q 1, by the cookbook of R. Bristow-Johnson.
    """
    amplitude = decibels(_PEAK_DB[device] / 2)
    turn = 2 * np.pi * _MICROPHONE[site] / SAMPLE_RATE
    alpha, cosine = np.sin(turn) / 2, -2 * np.cos(turn)
    ahead = [1 + alpha * amplitude, cosine, 1 - alpha * amplitude]
    back = [1 + alpha / amplitude, cosine, 1 - alpha / amplitude]
    return signal.lfilter(ahead, back, samples)


def resample(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples `[S]` at another rate; as many as last as long, to the nearest."""
    n = round(len(samples) * sample_rate / SAMPLE_RATE)
    changed = signal.resample_poly(samples, sample_rate, SAMPLE_RATE)
    return np.pad(changed, (0, max(0, n - len(changed))))[:n]


def cut_band(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples `[S]` through a codec of telephone bandwidth; as many come out, in their places.

    Args:
        samples: within -1 and 1.
        sample_rate: at least 16 kHz; what Opus does not take (all but 16, 24 and 48 kHz) goes
            through the filter.
    """
    if "OPUS" not in soundfile.available_subtypes("OGG") or sample_rate not in _OPUS_RATES:
        sections = signal.butter(8, _TELEPHONE, fs=sample_rate, output="sos")
        return signal.sosfiltfilt(sections, samples)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="OGG", subtype="OPUS", compression_level=1.0)
    file.seek(0)
    decoded, _ = soundfile.read(file)
    return np.clip(decoded, -1, 1)
