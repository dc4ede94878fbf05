"""The sounds that the planted coughs are made of: a speaker, a room, and one maker for each phase.

Conventions: samples are float64 `[S]` at `SAMPLE_RATE`; levels are amplitudes against a full
cough, whose peak is 1. Each maker takes the samples to make, the speaker and random draws. These
are rough source-filter models, made to differ as the phases do, not to pass for a person.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import fft, signal

from daxaudio.data.padding import pink_noise
from daxaudio.runs.seeds import derive_seed, generator

SAMPLE_RATE = 44100
"""Samples per second; with it the real TextGrids last a whole number of samples."""

BACKGROUND = "background"
"""The phase of whatever time no other phase takes."""

Draws = np.random.Generator
Maker = Callable[[int, "Speaker", Draws], np.ndarray]

# Centre in Hz, bandwidth in Hz, gain: an open mouth. None comes near 2850 to 3050 Hz, where
# `cough_evidence` plants its resonance, for any length of the vocal tract that is drawn.
_FORMANTS = (
    (650.0, 120.0, 1.0),
    (1250.0, 160.0, 0.8),
    (2150.0, 220.0, 0.5),
    (3800.0, 300.0, 0.4),
    (4900.0, 400.0, 0.3),
)


def draws_for(seed: int, *names: object) -> Draws:
    """Random draws for one part of the corpus, the same in any order of work.

    Args:
        seed: seed of the corpus.
        names: for instance the participant and "room".

    Returns:
        A generator of its own.
    """
    return np.random.default_rng(derive_seed(seed, "planted_coughs", *names))


@dataclasses.dataclass(frozen=True)
class Speaker:
    """How one participant sounds.

    Args:
        gender: "male" or "female"; pitch and tract length go with it.
        pitch: Hz.
        tract: factor on the resonances of the vocal tract; above 1 for a short one.
        tilt: -0.3 to 0.3; above 0 the voice and coughs are brighter.
        voicing: 0 to 1, the chance that a cough ends in a voiced tail.
        peak_db: highest peak of the recording, dB of full scale.
        breath_db: level of an inhalation against the peak of a cough, dB.
    """

    gender: str
    pitch: float
    tract: float
    tilt: float
    voicing: float
    peak_db: float
    breath_db: float


def draw_speaker(draws: Draws) -> Speaker:
    """A speaker; nothing but the draws decides.

    Example:
        >>> draw_speaker(np.random.default_rng(0)).gender
        'female'
    """
    gender = "male" if draws.random() < 0.5 else "female"
    low, high = (85, 150) if gender == "male" else (160, 250)
    length = (0.9, 1.02) if gender == "male" else (1.0, 1.15)
    return Speaker(
        gender=gender,
        pitch=draws.uniform(low, high),
        tract=draws.uniform(*length),
        tilt=draws.uniform(-0.3, 0.3),
        voicing=draws.uniform(0, 1),
        peak_db=draws.uniform(-18, -6),
        breath_db=draws.uniform(-32, -24),
    )


def decibels(level: float) -> float:
    """The amplitude factor of a level in dB.

    Example:
        >>> decibels(-20.0)
        0.1
    """
    return float(10 ** (level / 20))


def root_mean_square(samples: np.ndarray) -> float:
    """The level of samples `[S]`, at least one."""
    return float(np.sqrt(np.mean(np.square(samples))))


def resonate(samples: np.ndarray, centre: float, bandwidth: float) -> np.ndarray:
    """What a resonance of two poles lets through, about 1 at its centre.

    Args:
        samples: `[S]`.
        centre: Hz, below half the sample rate.
        bandwidth: Hz between the points 3 dB down.

    Returns:
        `[S]`.
    """
    radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
    turn = 2 * np.pi * centre / SAMPLE_RATE
    gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * turn) + radius**2)
    return signal.lfilter([gain], [1, -2 * radius * np.cos(turn), radius**2], samples)


def band_pass(samples: np.ndarray, f_min: float, f_max: float) -> np.ndarray:
    """Samples `[S]` between two frequencies in Hz, 12 dB per octave outside."""
    sections = signal.butter(2, [f_min, f_max], "bandpass", fs=SAMPLE_RATE, output="sos")
    return signal.sosfilt(sections, samples)


def fade(n: int, seconds: float) -> np.ndarray:
    """A window `[n]` that rises from 0 and falls to 0 within so many seconds, or a third of it."""
    n_edge = min(round(seconds * SAMPLE_RATE), n // 3)
    edge = np.sin(np.pi / 2 * np.arange(n_edge) / max(n_edge, 1)) ** 2
    return np.concatenate([edge, np.ones(n - 2 * n_edge), edge[::-1]])


def make_room(n: int, draws: Draws) -> np.ndarray:
    """Noise of a room, -52 to -42 dB of a cough's peak, and a faint mains-like hum below 200 Hz."""
    # a Fourier transform of prime length is slow
    torch_draws = generator(int(draws.integers(2**62)), "room")
    pink = pink_noise(fft.next_fast_len(n), SAMPLE_RATE, torch_draws).numpy()[:n].astype(float)
    pink += draws.uniform(0.1, 0.5) * root_mean_square(pink) * draws.standard_normal(n)
    room = decibels(draws.uniform(-52, -42)) * pink / root_mean_square(pink)
    mains, level = draws.uniform(48, 62), draws.uniform(0.1, 0.5) * root_mean_square(room)
    times = np.arange(n) / SAMPLE_RATE
    for order in (1, 2, 3):
        room += level / order * np.sin(2 * np.pi * (order * mains * times + draws.random()))
    return room


def make_cough(n: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """A burst, turbulent breath that dies away, and for some a voiced tail; -6 to 0 dB peak."""
    times, duration = np.arange(n) / SAMPLE_RATE, n / SAMPLE_RATE
    burst = np.exp(-times / draws.uniform(0.02, 0.04)) * np.minimum(times / 0.003, 1)
    breath = np.exp(-times / (draws.uniform(0.25, 0.5) * duration)) * np.minimum(times / 0.02, 1)
    source = draws.standard_normal(n) * (burst + draws.uniform(0.2, 0.4) * breath)
    if draws.random() < speaker.voicing:
        tail = np.clip((times / duration - draws.uniform(0.5, 0.65)) / 0.35, 0, 1)
        pitch = speaker.pitch * draws.uniform(1.0, 1.4) * (1 - 0.2 * times / duration)
        source += draws.uniform(0.15, 0.5) * np.sin(np.pi * tail) * _voice(pitch, 0.03, draws)
    return _at_peak(_tract(source, speaker) * fade(n, 0.003), decibels(draws.uniform(-6, 0)))


def make_inhalation(n: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """Soft noise that rises and falls, bright above 1 kHz."""
    breath = band_pass(draws.standard_normal(n), 1000, 9000)
    breath += resonate(breath, 1500 * speaker.tract, 300) + resonate(
        breath, 3900 * speaker.tract, 500
    )
    swell = np.sin(np.pi * (np.arange(n) / n) ** draws.uniform(1.0, 1.6))
    return _at_level(breath * swell, decibels(speaker.breath_db + draws.uniform(-3, 3)))


def make_compression(n: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """Breath is held: a murmur hardly above the room, and one to three glottal clicks."""
    murmur = resonate(_voice(np.full(n, 0.8 * speaker.pitch), 0.05, draws), 200, 100)
    sound = _at_level(murmur * fade(n, 0.02), decibels(-46))
    clicks = np.zeros(n)
    for _ in range(draws.integers(1, 4)):
        clicks[draws.integers(n)] = draws.uniform(0.4, 1)
    clicks = resonate(clicks, 350 * speaker.tract, 150) + 0.3 * resonate(clicks, 1400, 400)
    return sound + _at_peak(clicks, decibels(draws.uniform(-28, -22))) * fade(n, 0.005)


def make_throat_clearing(n: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """A rough low voice that flutters, with noise; little of it is high."""
    times = np.arange(n) / SAMPLE_RATE
    rough = _voice(np.full(n, 0.7 * speaker.pitch), 0.15, draws)
    flutter = 1 + 0.7 * np.sin(2 * np.pi * draws.uniform(18, 30) * times)
    source = (rough + 0.3 * draws.standard_normal(n)) * flutter
    low = signal.lfilter([0.3], [1, -0.7], _tract(source, speaker))
    return _at_level(low * fade(n, 0.03), decibels(draws.uniform(-24, -18)))


def make_other(n: int, speaker: Speaker, draws: Draws) -> np.ndarray:
    """Another sound of the mouth: a short clear vowel."""
    pitch = speaker.pitch * np.linspace(1.1, 0.9, n)
    vowel = _tract(_voice(pitch, 0.01, draws), speaker)
    return _at_level(vowel * fade(n, 0.04), decibels(draws.uniform(-24, -18)))


MAKERS: dict[str, Maker] = {
    "cough": make_cough,
    "inhale": make_inhalation,
    "compression": make_compression,
    "throat": make_throat_clearing,
    "other": make_other,
}
"""The phases that have a sound of their own."""


def _voice(pitch: np.ndarray, jitter: float, draws: Draws) -> np.ndarray:
    """Pulses of the vocal cords `[S]` at a level of 1; `pitch` in Hz for each sample."""
    n, pulses, place = len(pitch), np.zeros(len(pitch)), 0.0
    while place < n:
        pulses[int(place)] = draws.uniform(1 - 2 * jitter, 1)
        period = SAMPLE_RATE / pitch[int(place)]
        place += period * float(np.clip(1 + jitter * draws.standard_normal(), 0.5, 2))
    # two poles: a glottal pulse falls by about 12 dB per octave
    voice = signal.lfilter([1, -1], [1, -1.9, 0.9025], pulses)
    return _at_level(voice, 1.0)


def _tract(source: np.ndarray, speaker: Speaker) -> np.ndarray:
    """A source through the mouth: side by side its resonances, and a part that passes freely."""
    sound = 0.2 * source
    for centre, bandwidth, gain in _FORMANTS:
        sound += gain * resonate(source, centre * speaker.tract, bandwidth)
    return signal.lfilter([1, -speaker.tilt], [1], sound)


def _at_level(samples: np.ndarray, level: float) -> np.ndarray:
    return samples * (level / max(root_mean_square(samples), 1e-12))


def _at_peak(samples: np.ndarray, peak: float) -> np.ndarray:
    return samples * (peak / max(float(np.abs(samples).max()), 1e-12))
