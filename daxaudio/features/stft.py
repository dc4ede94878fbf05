"""Short-time Fourier transform."""

from __future__ import annotations

import torch
import torchaudio

from daxaudio.features.front_end import (
    Decibels,
    FrontEnd,
    check_positive,
    check_sizes,
    check_window,
)
from daxaudio.features.vad import VadSettings


class LinearStft(FrontEnd):
    """Power of the short-time Fourier transform in dB, on linear frequencies.

    Args:
        sample_rate: samples per second that it works at.
        n_fft: analysis window in samples; F = n_fft // 2 + 1.
        hop_length: samples from one frame to the next.
        top_db: dynamic range kept below the maximum, in dB.
        peak_normalise: divide each recording by its largest absolute sample.
        vad: what deletes silence, as settings of `vad.make_vad` or made; None keeps all.

    Raises:
        ValueError: when a size is not positive or beyond all reason.

    Example:
        >>> front_end = LinearStft(sample_rate=8000, n_fft=256, hop_length=128)
        >>> tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)
        >>> float(front_end.frequencies[front_end(tone).mean(dim=1).argmax()])
        1000.0
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        n_fft: int = 2048,
        hop_length: int = 1024,
        *,
        top_db: float = 80.0,
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        check_sizes(sample_rate=sample_rate, hop_length=hop_length, n_fft=n_fft)
        check_window("n_fft", n_fft)
        check_positive("top_db", top_db)
        settings = {
            "kind": "linear_stft",
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "top_db": float(top_db),
        }
        frequencies = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
        transform = torchaudio.transforms.Spectrogram(n_fft, hop_length=hop_length)
        super().__init__(
            transform,
            Decibels(top_db),
            frequencies,
            settings,
            window=n_fft,
            peak_normalise=peak_normalise,
            vad=vad,
        )
