"""The sounds that the planted corpus is made of.

Each kind of event is a function of the samples to make, the sample rate and random draws. It gives
the samples, at no particular level, and rows of evidence `(start, end, f_min, f_max)` in seconds
from its own start and in Hz.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from daxaudio.data.padding import pink_noise
from daxaudio.runs.seeds import generator

HIGHEST_FREQUENCY = 6000.0
"""Hz; no sound but the background goes higher."""

Rows = list[tuple[float, float, float, float]]
Maker = Callable[[int, int, "Draws"], tuple[Tensor, Rows]]

_FADE = 0.01  # seconds
_GAP = 0.1  # seconds; a single click that is nearer would look like one of a train


class Draws:
    """Random numbers for one part of one recording.

    Args:
        seed: seed of the corpus.
        names: the recording and its part.
    """

    def __init__(self, seed: int, *names: object) -> None:
        self.generator = generator(seed, *names)

    def between(self, low: float, high: float) -> float:
        """A number from an even distribution."""
        return low + (high - low) * float(
            torch.rand(1, generator=self.generator, dtype=torch.float64)
        )

    def noise(self, n: int) -> Tensor:
        """White noise `[n]` of power 1."""
        return torch.randn(n, generator=self.generator, dtype=torch.float64)


def fade(samples: Tensor, sample_rate: int) -> Tensor:
    """The samples with 10 ms of a raised cosine at both ends."""
    ramp = torch.linspace(0, math.pi, round(_FADE * sample_rate), dtype=torch.float64)
    edge = (1 - ramp.cos()) / 2
    window = torch.cat([edge, edge.new_ones(len(samples) - 2 * len(edge)), edge.flip(0)])
    return samples * window


def _seconds(n: int, sample_rate: int) -> Tensor:
    return torch.arange(n, dtype=torch.float64) / sample_rate


def _click(times: Tensor, centre: float) -> Tensor:
    # 3 kHz in a bell of 0.15 ms, whose spectrum is a bell of 1 / (2 pi 0.15 ms) = 1.06 kHz
    shifted = times - centre
    return torch.exp(-0.5 * (shifted / 0.15e-3) ** 2) * torch.cos(2 * math.pi * 3000 * shifted)


def _make_clicks(n: int, sample_rate: int, draws: Draws) -> tuple[Tensor, Rows]:
    times = _seconds(n, sample_rate)
    n_clicks = round(n / sample_rate / 0.07)
    spacing = n / sample_rate / n_clicks
    centres = [spacing * (k + draws.between(0.4, 0.6)) for k in range(n_clicks)]
    samples = sum((_click(times, centre) for centre in centres), torch.zeros_like(times))
    return samples, [(centre - 0.01, centre + 0.01, 1000.0, 5000.0) for centre in centres]


def _make_chirp_up(n: int, sample_rate: int, draws: Draws) -> tuple[Tensor, Rows]:
    times, duration, n_steps = _seconds(n, sample_rate), n / sample_rate, 8
    phase = 2 * math.pi * (1000 * times + 2000 / duration * times**2 / 2)
    steps = [(k / n_steps, (k + 1) / n_steps) for k in range(n_steps)]
    rows = [(a * duration, b * duration, 900 + 2000 * a, 1100 + 2000 * b) for a, b in steps]
    return fade(phase.sin(), sample_rate), rows


def _make_noise_burst(n: int, sample_rate: int, draws: Draws) -> tuple[Tensor, Rows]:
    samples = _band(draws.noise(n), sample_rate, 2500, 3500)
    return fade(samples, sample_rate), [(0.0, n / sample_rate, 2500.0, 3500.0)]


def _make_harmonic(n: int, sample_rate: int, draws: Draws) -> tuple[Tensor, Rows]:
    f_0 = draws.between(600, 700)
    rows = [(0.0, n / sample_rate, k * f_0 - 80, k * f_0 + 80) for k in range(1, 5)]
    return fade(_harmonics(_seconds(n, sample_rate), f_0), sample_rate), rows


def _harmonics(times: Tensor, f_0: float) -> Tensor:
    orders = torch.arange(1, 5, dtype=torch.float64)[:, None]
    return ((2 * math.pi * f_0 * orders * times).sin() / orders.sqrt()).sum(dim=0)


def _warble_maker(centre: float) -> Maker:
    def make_warble(n: int, sample_rate: int, draws: Draws) -> tuple[Tensor, Rows]:
        times, rate, reach = _seconds(n, sample_rate), 12.0, 300.0
        bend = reach / rate * (2 * math.pi * rate * times).sin()
        samples = (2 * math.pi * centre * times + bend).sin()
        rows = [(0.0, n / sample_rate, centre - reach - 100, centre + reach + 100)]
        return fade(samples, sample_rate), rows

    return make_warble


MAKERS: dict[str, Maker] = {
    "clicks": _make_clicks,
    "chirp_up": _make_chirp_up,
    "noise_burst": _make_noise_burst,
    "harmonic": _make_harmonic,
    "warble_low": _warble_maker(2000.0),
    "warble_high": _warble_maker(5000.0),
}
"""The kinds of events, one for each class."""


def _band(samples: Tensor, sample_rate: int, f_min: float, f_max: float) -> Tensor:
    frequencies = torch.fft.rfftfreq(len(samples), 1 / sample_rate)
    inside = (frequencies >= f_min) & (frequencies <= f_max)
    return torch.fft.irfft(torch.fft.rfft(samples) * inside, n=len(samples))


def _band_power(samples: Tensor, sample_rate: int, f_min: float, f_max: float) -> float:
    return float(_band(samples, sample_rate, f_min, f_max).square().mean())


def make_background(n: int, sample_rate: int, draws: Draws) -> Tensor:
    """White and pink noise in a random mixture, at -43 to -37 dB of full scale."""
    white, pink = draws.noise(n), pink_noise(n, sample_rate, draws.generator).double()
    share = draws.between(0.2, 0.8)
    mixture = (share / white.square().mean()).sqrt() * white
    mixture = mixture + ((1 - share) / pink.square().mean()).sqrt() * pink
    level = 10 ** (draws.between(-43, -37) / 20)
    return level * mixture / mixture.square().mean().sqrt()


def make_distractors(
    background: Tensor, sample_rate: int, event: tuple[float, float], draws: Draws
) -> Tensor:
    """What every class may hold: one low harmonic tone, short tones, single clicks.

    The harmonic tone stays below 520 Hz, where no class has evidence, and may sound at any time;
    the others keep out of the time of the event.
    """
    times = _seconds(len(background), sample_rate)
    level = float(background.square().mean().sqrt())
    sounds = _long_tone(times, sample_rate, draws)
    for _ in range(3):
        start, n = _free_start(times, event, 0.04, draws), round(0.04 * sample_rate)
        first = round(start * sample_rate)
        tone = (2 * math.pi * draws.between(600, HIGHEST_FREQUENCY) * times[:n]).sin()
        sounds[first : first + n] += draws.between(1.5, 4) * fade(tone, sample_rate)
    for _ in range(2):
        centre = _free_start(times, event, 0.02, draws) + 0.01
        sounds += draws.between(8, 20) * _click(times, centre)
    return level * sounds


def _long_tone(times: Tensor, sample_rate: int, draws: Draws) -> Tensor:
    n = round(draws.between(0.8, 1.2) * sample_rate)
    first = round(draws.between(0, (len(times) - n) / sample_rate) * sample_rate)
    tone = torch.zeros_like(times)
    harmonics = fade(_harmonics(times[:n], draws.between(100, 130)), sample_rate)
    tone[first : first + n] = draws.between(1.5, 3) * harmonics
    return tone


def _free_start(times: Tensor, event: tuple[float, float], duration: float, draws: Draws) -> float:
    """A start for a sound so long that it keeps a gap to the event."""
    before = max(0.0, event[0] - _GAP - duration)
    after_from = event[1] + _GAP
    after = max(0.0, float(times[-1]) - duration - after_from)
    place = draws.between(0, before + after)
    return place if place < before else after_from + place - before


def gain_for(
    samples: Tensor, rows: Rows, background: Tensor, sample_rate: int, *, snr_db: float
) -> float:
    """What brings an event's energy so far above the background's within the evidence."""
    energy = float(samples.square().sum()) / sample_rate
    background_energy = sum(
        (end - start) * _band_power(background, sample_rate, f_min, f_max)
        for start, end, f_min, f_max in rows
    )
    return math.sqrt(10 ** (snr_db / 10) * background_energy / energy)
