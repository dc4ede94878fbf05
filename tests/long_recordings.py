"""A made recording of minutes with tones at known times, and a classifier that hears them."""

import numpy as np
import soundfile
import torch
from torch import nn

from daxaudio.containers import Event, Events
from daxaudio.features.frontends import LogMel
from daxaudio.models.blackbox import BlackBox

RATE, HOP = 8000, 256
TONE = 3000.0


class Tone(nn.Module):
    """Probability of a tone among the upper bins, and of none."""

    def __init__(self, **settings):
        super().__init__()
        self.settings = {"kind": "resnet", "n_classes": 2}
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, spectrograms):
        half = spectrograms.shape[1] // 2
        above = spectrograms[:, half:].amax(1) - spectrograms[:, :half].mean(1)
        smooth = torch.nn.functional.avg_pool1d(above[:, None], 8, 1).amax(2)
        return torch.cat([self.gain * (smooth - 20), torch.zeros_like(smooth)], dim=1)


def make_model():
    front_end = LogMel(sample_rate=RATE, n_fft=512, hop_length=HOP, n_mels=16)
    return BlackBox(Tone(), front_end, ["tone", "none"])


def write_tones(path, seconds, starts, silent=()):
    """Noise with tones of half a second, and with stretches of digital silence; gives the tones."""
    samples = 0.01 * np.random.default_rng(0).normal(size=round(seconds * RATE))
    times = np.arange(len(samples)) / RATE
    for start in starts:
        inside = (times >= start) & (times < start + 0.5)
        samples[inside] += 0.3 * np.sin(2 * np.pi * TONE * times[inside])
    for start, end in silent:
        samples[round(start * RATE) : round(end * RATE)] = 0
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return Events(Event(start, start + 0.5, "tone") for start in starts)


def bytes_of(folder):
    """Content of every file that a run leaves, without what says how long it took."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not is_timed(path.relative_to(folder))
    }


def is_timed(path):
    """Facts of windows hold the seconds that each took, and so does the table of costs.

    A process that is killed while it writes leaves a hidden file, which nobody reads.
    """
    of_window = path.name == "explanation.json" and len(path.parts) > 2
    return of_window or "costs" in str(path) or path.name.startswith(".")


def hear(sounds):
    """Scores `[N, 1]` of waveforms `[N, S]`: how far the upper half of the band is above the lower.

    A classifier of waveforms that other processes can import.
    """
    window = torch.hann_window(512)
    spectra = torch.stft(sounds, 512, HOP, window=window, return_complex=True).abs()
    level = 20 * spectra.clamp(min=1e-5).log10()
    above = level[:, 180:].amax(1) - level[:, :180].mean(1)
    smooth = torch.nn.functional.avg_pool1d(above[:, None], 8, 1).amax(2)
    return torch.sigmoid((smooth - 25) / 2)


hear.sample_rate, hear.classes, hear.output = RATE, ["tone"], "multi_label"
