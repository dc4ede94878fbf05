"""Small made recordings: bursts on noise, with a hum, a cut, a gain or a colour; and models."""

import numpy as np
import scipy.signal
import torch

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.models.foreign.description import Description
from daxaudio.models.foreign.model import ForeignModel

RATE = 8000
STARTS = (0.5, 1.6, 2.5)
EVENTS = Events(Event(start, start + 0.3, "cough") for start in STARTS)
SECONDS = 3.2


def made(name="a", *, hum=0.0, cut=None, gain=1.0, colour=0.0, noise=0.003, seed=None):
    """A recording of three bursts; a hum at 300 Hz, cut off above `cut` Hz, tilted by `colour`."""
    draws = np.random.default_rng(sum(map(ord, name)) if seed is None else seed)
    n_samples = round(SECONDS * RATE)
    sound = noise * draws.standard_normal(n_samples)
    for event in EVENTS:
        first, last = round(event.start * RATE), round(event.end * RATE)
        decay = np.exp(-np.arange(last - first) / RATE / 0.1)
        sound[first:last] += 0.2 * draws.standard_normal(last - first) * decay
    sound += hum * np.sin(2 * np.pi * 300 * np.arange(n_samples) / RATE)
    sound = scipy.signal.lfilter([1, -colour], [1], sound)
    if cut:
        steep = scipy.signal.ellip(10, 0.1, 60, cut, fs=RATE, output="sos")
        sound = scipy.signal.sosfiltfilt(steep, sound) + 1e-6 * draws.standard_normal(n_samples)
    return Recording(torch.from_numpy(gain * sound).float()[None], RATE, name)


def write_corpus(folder, trait, n=12):
    """A corpus of n participants, every second one positive and with a trait."""
    names = [f"r{k:02d}" for k in range(n)]
    labels = {name: "pn"[k % 2] for k, name in enumerate(names)}
    paths = {name: str(folder / f"{name}.wav") for name in names}
    for name in names:
        write_recording(made(name, **(trait if labels[name] == "p" else {})), paths[name])
    seconds = dict.fromkeys(names, SECONDS)
    return DataFolder(paths, labels, {name: f"s{name}" for name in names}, seconds)


class Ears:
    """Somebody's classifier of waveforms: hears the level of what one band holds."""

    def __init__(self, low, high, threshold, steepness=1.0):
        self.low, self.high = low, high
        self.threshold, self.steepness = threshold, steepness
        self.described = {}

    def __call__(self, inputs):
        power = torch.fft.rfft(inputs).abs().square() / inputs.shape[-1]
        hertz = torch.linspace(0, RATE / 2, power.shape[-1])
        inside = (hertz >= self.low) & (hertz < self.high)
        level = 10 * power[:, inside].mean(dim=1).clamp(min=1e-12).log10()
        score = torch.sigmoid((level - self.threshold) * self.steepness)
        return torch.stack([1 - score, score], dim=1)

    def digest(self):
        return f"ears {self.low} {self.high} {self.threshold}"


def open_ears(device, low, high, threshold):
    """A model of such ears, as workers open it."""
    described = Description(["n", "p"], RATE, output="probabilities")
    return ForeignModel(Ears(low, high, threshold), described)
