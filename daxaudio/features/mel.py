"""Mel spectrograms: levels in dB, or energy normalised channel by channel (PCEN)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch
import torchaudio
from torch import Tensor, nn

from daxaudio.features.front_end import (
    QUIETEST,
    Decibels,
    FrontEnd,
    check_positive,
    check_sizes,
    check_window,
)
from daxaudio.features.vad import VadSettings

_INT32 = 2.0**31
"""PCEN's constants were found for audio of 32-bit integers."""


class LogMel(FrontEnd):
    """Log-mel spectrogram in dB (HTK mel scale, Hann window, as torchaudio's MelSpectrogram).

    Args:
        sample_rate: samples per second that it works at.
        n_fft: analysis window in samples.
        hop_length: samples from one frame to the next.
        n_mels: number of mel bands F.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz; half the sample rate when None.
        top_db: dynamic range kept below the maximum, in dB; above 200 nothing is ever cut.
        peak_normalise: divide each recording by its largest absolute sample.
        vad: what deletes silence, as settings of `vad.make_vad` or made; None keeps all.

    Raises:
        ValueError: when a size is not positive or beyond all reason (`LARGEST_WINDOW` and its
            like), the band edges are not increasing and below half the sample rate, bands are
            narrower than one FFT bin (they would stay empty), or a number of the vad is out of
            range.

    Example:
        >>> front_end = LogMel(sample_rate=16000, n_fft=512, hop_length=256, n_mels=20)
        >>> front_end(torch.randn(2, 16000)).shape
        torch.Size([2, 20, 63])
        >>> float(front_end.times(63)[-1])
        0.992
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        n_fft: int = 2048,
        hop_length: int = 1024,
        n_mels: int = 64,
        *,
        f_min: float = 50.0,
        f_max: float | None = None,
        top_db: float = 80.0,
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        check_positive("top_db", top_db)
        bands = MelBands(
            sample_rate, n_fft, hop_length, n_mels, f_min=f_min, f_max=f_max, power=2.0
        )
        settings = {"kind": "log_mel", **bands.settings, "top_db": float(top_db)}
        super().__init__(
            bands,
            Decibels(top_db),
            bands.centres,
            settings,
            window=n_fft,
            peak_normalise=peak_normalise,
            vad=vad,
        )


class Pcen(FrontEnd):
    """Mel spectrogram with per-channel energy normalisation: gain and steady noise are taken away.

    Each band is divided by a slow average of itself, and its range is compressed:
    `(E / (eps + M)^gain + bias)^power - bias^power`. Values are at least 0, where a band is silent,
    and large where it rises above what it was before. A recording that is louder by a constant
    factor has (all but) the same values, with the default gain of 0.98 within 5 % for 20 dB.

    Source: Wang et al. 2017 and Lostanlen et al. 2019, by `librosa.pcen` with its defaults, on
    magnitudes. Differs in that the average starts as if the first frame had lasted for ever
    (librosa starts it at 1, so that the first second depends on the gain).

    Args:
        sample_rate: samples per second that it works at.
        n_fft: analysis window in samples.
        hop_length: samples from one frame to the next.
        n_mels: number of mel bands F.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz; half the sample rate when None.
        gain: how much of the average is taken away, 0 to 1; 1 is all.
        bias: what is quieter than about this is compressed less, above 0.
        power: exponent of the compression, above 0, at most 1.
        time_constant: of the average, in seconds.
        peak_normalise: as of `LogMel`.
        vad: as of `LogMel`.

    Raises:
        ValueError: as `LogMel`, and when a number of the normalisation is out of range.

    Example:
        >>> front_end = Pcen(sample_rate=16000, n_fft=512, hop_length=256, n_mels=20)
        >>> float(front_end(torch.zeros(16000)).max())
        0.0
    """

    def __init__(
        self,
        sample_rate: int = 44100,
        n_fft: int = 2048,
        hop_length: int = 1024,
        n_mels: int = 64,
        *,
        f_min: float = 50.0,
        f_max: float | None = None,
        gain: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        time_constant: float = 0.4,
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        if not 0 <= gain <= 1:
            raise ValueError(f"gain must lie in [0, 1], got {gain}")
        if not 0 < power <= 1:
            raise ValueError(f"power must be above 0 and at most 1, got {power}")
        check_positive("bias", bias)
        if not 0.001 <= time_constant <= 3600:  # what is beyond is rounded to no average at all
            raise ValueError(f"time_constant must lie in [0.001, 3600] s, got {time_constant}")
        bands = MelBands(
            sample_rate, n_fft, hop_length, n_mels, f_min=f_min, f_max=f_max, power=1.0
        )
        constants = {
            "gain": float(gain),
            "bias": float(bias),
            "power": float(power),
            "time_constant": float(time_constant),
        }
        super().__init__(
            bands,
            _NormalisedEnergy(sample_rate / hop_length, **constants),
            bands.centres,
            {"kind": "pcen", **bands.settings, **constants},
            window=n_fft,
            unit="PCEN",
            peak_normalise=peak_normalise,
            vad=vad,
        )


class MelBands(nn.Module):
    """Waveforms `[*, S]` to power or magnitude `[*, F, T]` in triangular bands of the HTK scale.

    Raises:
        ValueError: when a size or a frequency does not fit, see `LogMel`.
    """

    def __init__(
        self,
        sample_rate: int,
        n_fft: int,
        hop_length: int,
        n_mels: int,
        *,
        f_min: float,
        f_max: float | None,
        power: float,
    ) -> None:
        super().__init__()
        check_sizes(sample_rate=sample_rate, hop_length=hop_length, n_fft=n_fft, n_mels=n_mels)
        check_window("n_fft", n_fft)
        if n_mels > n_fft // 2 + 1:
            raise ValueError(
                f"n_mels must be at most n_fft // 2 + 1 = {n_fft // 2 + 1}, got {n_mels}"
            )
        f_max = sample_rate / 2 if f_max is None else f_max
        if not 0 <= f_min < f_max <= sample_rate / 2:
            raise ValueError(
                f"need 0 <= f_min < f_max <= {sample_rate / 2:g} Hz (half the sample rate), "
                f"got f_min={f_min:g}, f_max={f_max:g}"
            )
        with warnings.catch_warnings():  # what it warns of is an error below
            warnings.simplefilter("ignore")
            filters = torchaudio.functional.melscale_fbanks(
                n_fft // 2 + 1, f_min, f_max, n_mels, sample_rate
            )
        empty = int((filters.amax(dim=0) == 0).sum())
        if empty:
            raise ValueError(
                f"{empty} of {n_mels} mel bands are narrower than one FFT bin and would stay "
                f"empty; lower n_mels or raise n_fft (now {n_fft})"
            )
        self.transform = torchaudio.transforms.MelSpectrogram(
            sample_rate,
            n_fft,
            hop_length=hop_length,
            f_min=f_min,
            f_max=f_max,
            n_mels=n_mels,
            power=power,
        )
        self.centres = mel_centres(n_mels, f_min, f_max)
        self.settings: dict[str, Any] = {
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "n_mels": n_mels,
            "f_min": float(f_min),
            "f_max": float(f_max),
        }

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms `[*, S]` to bands `[*, F, T]`."""
        bands: Tensor = self.transform(waveform)
        return bands


class _NormalisedEnergy(nn.Module):
    """Magnitudes `[*, F, T]` to PCEN."""

    def __init__(
        self, frame_rate: float, *, gain: float, bias: float, power: float, time_constant: float
    ) -> None:
        super().__init__()
        frames = (time_constant * frame_rate) ** 2
        self.smoothing = (math.sqrt(1 + 4 * frames) - 1) / (2 * frames)
        self.gain, self.bias, self.power = gain, bias, power

    def forward(self, magnitude: Tensor) -> Tensor:
        """PCEN `[*, F, T]`."""
        from librosa import pcen  # slow to come

        energy = _INT32 * magnitude.detach().cpu().numpy()
        state = (1 - self.smoothing) * energy[..., :1]  # as if the first frame had always been
        found = pcen(
            energy, gain=self.gain, bias=self.bias, power=self.power, b=self.smoothing, zi=state
        )
        return torch.from_numpy(found).to(magnitude)

    def gains(self, perturbed: Tensor, original: Tensor) -> Tensor:
        """Gains `[*, F, T]` in dB that make one PCEN of another where the average stays.

        `((E / (eps + M)^gain + bias)^power - bias^power` is solved for E, over the same M for both.
        """
        wanted, there = (self._normalised(values) for values in (perturbed, original))
        return (20 * torch.log10(wanted / there)).clamp(min=QUIETEST)

    def _normalised(self, values: Tensor) -> Tensor:
        """Energy over its average, of which 1 is neither more nor less, and at least `QUIETEST`."""
        base = (values + self.bias**self.power).clamp(min=0)
        return (base ** (1 / self.power) - self.bias).clamp(min=10 ** (QUIETEST / 20))


def mel_centres(n_mels: int, f_min: float, f_max: float) -> Tensor:
    """`[n_mels]` centres in Hz of triangular bands evenly spaced on the HTK mel scale.

    Example:
        >>> [round(float(f)) for f in mel_centres(3, 0.0, 8000.0)]
        [614, 1768, 3934]
    """
    low, high = (2595 * torch.log10(torch.tensor(1 + f / 700)) for f in (f_min, f_max))
    mels = torch.linspace(float(low), float(high), n_mels + 2, dtype=torch.float64)[1:-1]
    return 700 * (10 ** (mels / 2595) - 1)
