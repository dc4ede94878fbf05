"""Bins by octaves: the constant-Q transform, and one whose low bins hear in less time."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from daxaudio.features.front_end import (
    Decibels,
    FrontEnd,
    check_positive,
    check_sizes,
    check_window,
)
from daxaudio.features.vad import VadSettings

MOST_OCTAVES = 20  # from 1 Hz to 1 MHz


class Vqt(FrontEnd):
    """Power of the variable-Q transform in dB: bins evenly spaced by octaves.

    The window of a bin is as long as its bandwidth asks: `gamma` Hz wider than at constant Q, so
    that low bins do not smear a sound over half a second.

    Source: `librosa.vqt` (Schörkhuber et al. 2014), with its scale: a bin's magnitude is divided by
    the root of its window's length, so that white noise is equally loud in all, and a tone louder
    in low ones. Runs on the processor and has no gradient.

    Args:
        sample_rate: samples per second that it works at.
        hop_length: samples from one frame to the next; without a factor of 2 for each octave it is
            slow.
        f_min: centre of the lowest bin in Hz.
        n_bins: number of bins F, at least 2.
        bins_per_octave: of them in each octave.
        gamma: added bandwidth in Hz, at least 0; None for that of human hearing (ERB), 0 for
            constant Q.
        top_db: dynamic range kept below the maximum, in dB.
        peak_normalise: divide each recording by its largest absolute sample.
        vad: what deletes silence, as settings of `vad.make_vad` or made; None keeps all.

    Raises:
        ValueError: when a number is out of range, or the highest bin reaches above half the sample
            rate.

    Example:
        >>> front_end = Vqt(sample_rate=16000, hop_length=256, f_min=110.0, n_bins=60)
        >>> tone = torch.sin(2 * torch.pi * 440 * torch.arange(16000) / 16000)
        >>> round(float(front_end.frequencies[front_end(tone).mean(dim=1).argmax()]))
        440
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        hop_length: int = 1024,
        f_min: float = 32.703,
        n_bins: int = 84,
        *,
        bins_per_octave: int = 12,
        gamma: float | None = None,
        top_db: float = 80.0,
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        if gamma is not None and not 0 <= gamma < math.inf:
            raise ValueError(f"gamma must be at least 0 Hz, got {gamma}")
        gamma = None if gamma is None else float(gamma)
        transform = OctaveBins(
            sample_rate, hop_length, f_min, n_bins, bins_per_octave=bins_per_octave, gamma=gamma
        )
        check_positive("top_db", top_db)
        super().__init__(
            transform,
            Decibels(top_db),
            transform.frequencies,
            {"kind": "vqt", **transform.settings, "gamma": gamma, "top_db": float(top_db)},
            window=transform.window,
            peak_normalise=peak_normalise,
            vad=vad,
        )


class Cqt(FrontEnd):
    """Power of the constant-Q transform in dB: bins and their bandwidths evenly spaced by octaves.

    As `Vqt` with `gamma` 0, by which low bins tell notes apart, and need long windows: 0.52 s for
    the lowest here.

    Args:
        sample_rate: as of `Vqt`.
        hop_length: as of `Vqt`.
        f_min: as of `Vqt`.
        n_bins: as of `Vqt`.
        bins_per_octave: as of `Vqt`.
        top_db: as of `Vqt`.
        peak_normalise: as of `Vqt`.
        vad: as of `Vqt`.

    Raises:
        ValueError: as `Vqt`.

    Example:
        >>> front_end = Cqt(sample_rate=16000, hop_length=256, f_min=110.0, n_bins=60)
        >>> [round(float(hertz)) for hertz in front_end.frequencies[::12]]
        [110, 220, 440, 880, 1760]
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        hop_length: int = 1024,
        f_min: float = 32.703,
        n_bins: int = 84,
        *,
        bins_per_octave: int = 12,
        top_db: float = 80.0,
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        transform = OctaveBins(
            sample_rate, hop_length, f_min, n_bins, bins_per_octave=bins_per_octave, gamma=0.0
        )
        check_positive("top_db", top_db)
        super().__init__(
            transform,
            Decibels(top_db),
            transform.frequencies,
            {"kind": "cqt", **transform.settings, "top_db": float(top_db)},
            window=transform.window,
            peak_normalise=peak_normalise,
            vad=vad,
        )


class OctaveBins(torch.nn.Module):
    """Waveforms `[*, S]` to power `[*, F, T]`, see `Vqt`."""

    def __init__(
        self,
        sample_rate: int,
        hop_length: int,
        f_min: float,
        n_bins: int,
        *,
        bins_per_octave: int,
        gamma: float | None,
    ) -> None:
        super().__init__()
        check_sizes(
            sample_rate=sample_rate,
            hop_length=hop_length,
            n_bins=n_bins,
            bins_per_octave=bins_per_octave,
        )
        check_positive("f_min", f_min)
        if n_bins < 2:
            raise ValueError(f"n_bins must be at least 2, got {n_bins}")
        if n_bins > MOST_OCTAVES * bins_per_octave:
            raise ValueError(
                f"n_bins must be at most {MOST_OCTAVES} octaves, {MOST_OCTAVES * bins_per_octave} "
                f"with {bins_per_octave} bins_per_octave, got {n_bins}"
            )
        places = torch.arange(n_bins, dtype=torch.float64) / bins_per_octave
        self.frequencies = f_min * 2.0**places
        self.window = _longest_window(self.frequencies, sample_rate, gamma)
        self.settings: dict[str, Any] = {
            "sample_rate": sample_rate,
            "hop_length": hop_length,
            "f_min": float(f_min),
            "n_bins": n_bins,
            "bins_per_octave": bins_per_octave,
        }
        self.gamma = gamma

    def forward(self, waveform: Tensor) -> Tensor:
        """Power `[*, F, T]` of waveforms `[*, S]`."""
        from librosa import vqt  # slow to come

        settings = dict(self.settings)
        with warnings.catch_warnings():
            # says that an FFT, a power of 2, is longer than a waveform of hardly a window
            warnings.filterwarnings("ignore", "n_fft=", UserWarning)
            found = vqt(
                waveform.detach().cpu().numpy(),
                sr=settings.pop("sample_rate"),
                fmin=settings.pop("f_min"),
                gamma=self.gamma,
                **settings,
            )
        return torch.from_numpy(np.abs(found) ** 2).to(waveform)


def _longest_window(frequencies: Tensor, sample_rate: int, gamma: float | None) -> int:
    """Samples of the longest window."""
    from librosa.filters import wavelet_lengths  # slow to come

    lengths, highest = wavelet_lengths(freqs=frequencies.numpy(), sr=sample_rate, gamma=gamma)
    if highest > sample_rate / 2:
        centre, edge = round(float(frequencies[-1])), round(float(highest))
        raise ValueError(
            f"the highest of {len(frequencies)} bins is at {centre:.6g} Hz and reaches up to "
            f"{edge:.6g} Hz, above {sample_rate / 2:g} Hz (half the sample rate); lower n_bins or "
            "f_min"
        )
    window = math.ceil(float(np.max(lengths)))
    check_window("the window of the lowest bin (raise f_min or lower bins_per_octave)", window)
    return window
