"""Explanations and sounds that the tests of pages show."""

import torch

from daxaudio import Explanation, Recording, Spectrogram
from daxaudio.report.explanation_page import Sounds

RATE = 8000


def explained(n_frames=160, n_bins=24, duration=4.0, **named):
    """A mask with two bumps over noise; `named` are a recording, target and warnings."""
    draws = torch.Generator().manual_seed(0)
    times = (torch.arange(n_frames) + 0.5) * duration / n_frames
    bumps = sum(torch.exp(-(((times - at) / 0.3) ** 2)) for at in (duration / 4, duration * 0.7))
    mask = (0.8 * bumps + 0.1 * torch.rand((n_bins, n_frames), generator=draws)).clamp(0, 1)
    level = torch.randn((n_bins, n_frames), generator=draws)
    frequencies = torch.arange(1, n_bins + 1) * 100.0
    shown = Spectrogram(level, frequencies, times, named.get("recording_id", "a dog"))
    warnings = named.get("warnings", ())
    return Explanation(mask, shown, "rise", named.get("target", "dog"), warnings=warnings)


def sounds_with(duration=4.0, n_channels=2):
    """Chords in samples of 16 bits; what swells in them is kept, the rest removed."""
    times = torch.arange(int(RATE * duration)) / RATE
    hertz = torch.tensor([[440.0], [620.0]])[:n_channels]
    chords = torch.sin(2 * torch.pi * hertz * times) + 0.5 * torch.sin(5.1 * hertz * times)
    original = Recording((chords * 20000).round() / 32768, RATE, "a dog")
    kept = Recording(original.waveform * times / duration, RATE)
    return Sounds(original, kept, Recording(original.waveform - kept.waveform, RATE))
