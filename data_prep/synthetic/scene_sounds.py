"""The sounds that scenes are made of: speech of a synthesiser, stretches of real clips, notes.

Conventions: samples `[n]` in float64 at the scene's sample rate; times in seconds from the sound's
own start. The level of a sound is that of its loud part, the frames within `LOUD_DB` of the
loudest.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from daxaudio.data.audio import read_recording
from daxaudio.data.resampling import resample

from .planted_sounds import MAKERS, Draws, Rows, fade

Chosen = TypeVar("Chosen")

PROGRAM = "espeak-ng"
LOUD_DB = 20.0
"""A frame is loud that lies at most so far below the loudest one."""

NOISE_DB = -45.0
"""Level of the noise over full scale."""

NOTES = {"C4": 261.626, "E4": 329.628, "A4": 440.0}
"""Fundamentals in Hz, equal temperament at A4 = 440 Hz."""

VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-gb", "en-gb+f4", "en-gb+m7")
SENTENCES = (
    "The train is late.",
    "Open the window.",
    "She sold the boat.",
    "We met on Sunday.",
    "Bring me the map.",
    "The soup is cold.",
    "He found my keys.",
    "Turn left at the church.",
)
DISTRACTORS = ("clicks", "chirp_up", "noise_burst", "warble_low", "warble_high")

_FRAME = 0.01  # seconds; shorter than any sound that is told apart
_GAP = 0.05  # seconds; of a sound that goes on
_SPOKEN_DB = 40.0  # what is softer than the loudest frame by more is no part of what is said
_PARTIALS = 5
_REACH = 2 ** (1 / 24)  # half a semitone at both sides of a partial


@dataclasses.dataclass(frozen=True, eq=False)
class Sound:
    """Something that is heard in a scene.

    Args:
        samples: `[n]`, at no particular level.
        level_db: of its loud part, over the scene's noise.
        times: when it is evidence, `(start, end)` each; nothing for what is none.
        rows: the same in time and frequency where that is known, `(start, end, f_min, f_max)`.
    """

    samples: Tensor
    level_db: float
    times: tuple[tuple[float, float], ...] = ()
    rows: tuple[tuple[float, float, float, float], ...] = ()

    def as_evidence(self, sample_rate: int) -> Sound:
        """The same sound as evidence from its start to its end."""
        return dataclasses.replace(self, times=((0.0, len(self.samples) / sample_rate),))


def frame_levels(samples: Tensor, sample_rate: int) -> Tensor:
    """Power in dB of frames of 10 ms `[T]`; the last one is left out where it is not whole."""
    size = round(_FRAME * sample_rate)
    frames = samples[: len(samples) // size * size].view(-1, size)
    return 10 * frames.square().mean(dim=1).clamp_min(1e-30).log10()


def loud_stretches(
    samples: Tensor, sample_rate: int, within_db: float = LOUD_DB, gap: float = _GAP
) -> list[tuple[float, float]]:
    """Runs of frames that lie at most so far below the loudest frame, `(start, end)` in seconds.

    Gaps of up to `gap` seconds between them are bridged.

    Example:
        >>> loud_stretches(torch.tensor([0.0] * 80 + [1.0] * 160 + [0.01] * 80), 8000)
        [(0.01, 0.03)]
    """
    levels = frame_levels(samples, sample_rate)
    loud = torch.nn.functional.pad((levels >= levels.max() - within_db).int(), (1, 1))
    borders = (loud.diff() != 0).nonzero()[:, 0].tolist()
    runs = [borders[:1]]
    for end, start in zip(borders[1::2], borders[2::2], strict=False):
        if (start - end) * _FRAME > gap:
            runs[-1].append(end)
            runs.append([start])
    runs[-1].append(borders[-1])
    size = round(_FRAME * sample_rate) / sample_rate
    return [(start * size, end * size) for start, end in runs]


def loud_power(samples: Tensor, sample_rate: int) -> float:
    """Mean power of the loud frames."""
    levels = frame_levels(samples, sample_rate)
    return float((10 ** (levels[levels >= levels.max() - LOUD_DB] / 10)).mean())


def mix(noise: Tensor, sounds: Sequence[Sound], starts: Sequence[int], sample_rate: int) -> Tensor:
    """Noise `[n]` of level `NOISE_DB` with sounds in it, each at its level from its first sample.

    Args:
        noise: of any power.
        sounds: each fits into the noise from where it starts.
        starts: first sample of each.
        sample_rate: of all.
    """
    level = 10 ** (NOISE_DB / 20)
    mixture = level * noise / noise.square().mean().sqrt()
    for sound, first in zip(sounds, starts, strict=True):
        gain = level * 10 ** (sound.level_db / 20) / loud_power(sound.samples, sample_rate) ** 0.5
        mixture[first : first + len(sound.samples)] += gain * sound.samples
    return mixture


def speak(text: str, sample_rate: int, draws: Draws) -> Tensor:
    """A sentence by espeak-ng in one of `VOICES`, without the silence before and after it.

    Args:
        text: what is said, in English.
        sample_rate: of the result.
        draws: choose voice and speed.

    Raises:
        ValueError: when the program is not there or says nothing.
    """
    if shutil.which(PROGRAM) is None:
        raise ValueError(f"scenes with speech need the program {PROGRAM}: apt install {PROGRAM}")
    voice, speed = choose(VOICES, draws), round(draws.between(140, 175))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [PROGRAM, "-v", voice, "-s", str(speed), "-w", str(path), text]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.is_file():
            raise ValueError(f"{PROGRAM} cannot say {text!r}: {done.stderr.strip()}")
        spoken = read_recording(path)
    samples = resample(spoken.waveform[0].double(), spoken.sample_rate, sample_rate)
    heard = loud_stretches(samples, sample_rate, _SPOKEN_DB)
    return samples[round(heard[0][0] * sample_rate) : round(heard[-1][1] * sample_rate)]


def say_sentence(sample_rate: int, draws: Draws) -> Tensor:
    """One of `SENTENCES`."""
    return speak(choose(SENTENCES, draws), sample_rate, draws)


def read_clip(path: Path, sample_rate: int) -> Tensor:
    """A clip at a sample rate, its channels averaged.

    Raises:
        ValueError: when the clip cannot be read or is silent.
    """
    samples = read_recording(path, sample_rate=sample_rate).waveform.double().mean(dim=0)
    if not samples.any():
        raise ValueError(f"{path}: the clip is silent (all zeros); nothing of it can be found")
    return samples


def cut_clip(path: Path, seconds: float, sample_rate: int) -> Tensor:
    """The stretch around the loudest frame of a clip, faded at both ends.

    Args:
        path: the clip.
        seconds: length of the stretch; of a clip that is shorter, all of it.
        sample_rate: of the result.

    Raises:
        ValueError: when the clip cannot be read or is silent.
    """
    samples = read_clip(path, sample_rate)
    n = min(round(seconds * sample_rate), len(samples))
    peak = (int(frame_levels(samples, sample_rate).argmax()) + 0.5) * _FRAME * sample_rate
    first = min(max(0, round(peak - n / 2)), len(samples) - n)
    return fade(samples[first : first + n], sample_rate)


def make_note(name: str, sample_rate: int) -> tuple[Tensor, Rows]:
    """A plucked note of half a second with five partials, and its evidence: each partial."""
    f_0, n = NOTES[name], round(0.5 * sample_rate)
    times = torch.arange(n, dtype=torch.float64) / sample_rate
    orders = torch.arange(1, _PARTIALS + 1, dtype=torch.float64)[:, None]
    partials = (2 * math.pi * f_0 * orders * times).sin() / orders
    samples = partials.sum(dim=0) * (-times / 0.4).exp()
    rows = [
        (0.0, n / sample_rate, k * f_0 / _REACH, k * f_0 * _REACH) for k in range(1, _PARTIALS + 1)
    ]
    return fade(samples, sample_rate), rows


def make_distractor(name: str, sample_rate: int, draws: Draws) -> Tensor:
    """A sound of the planted corpus of about half a second, as something beside the point."""
    n = round(draws.between(0.4, 0.6) * sample_rate)
    return MAKERS[name](n, sample_rate, draws)[0]


def choose(names: Sequence[Chosen], draws: Draws) -> Chosen:
    """One of the names, each as likely."""
    return names[int(draws.between(0, len(names)))]


def shuffled(names: Sequence[Chosen], draws: Draws) -> list[Chosen]:
    """The names in a random order."""
    keys = [draws.between(0, 1) for _ in names]
    return [names[k] for k in sorted(range(len(names)), key=keys.__getitem__)]
