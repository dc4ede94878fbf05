"""From audio to spectrograms that know their axes.

Both front ends give dB, limited to `top_db` below each spectrogram's own maximum, so that digital
silence does not stretch the scale. They are batched and differentiable and run on any device.
The classifier's own normalisation is stored with the classifier (see `models.resnet`).

A front end may also prepare recordings: bring their peak to 1, and delete silence (see `vad`).
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import warnings
from collections.abc import Mapping
from typing import Any

import torch
import torchaudio
from torch import Tensor, nn

from daxaudio.containers import Recording, Spectrogram
from daxaudio.data.resampling import resample
from daxaudio.features.vad import EnergyVad, frame_samples

POWER_FLOOR = 1e-10  # 100 dB below a full-scale square: under the noise of any 16-bit recording

# Beyond these a spectrogram of a few seconds takes gigabytes, and a slip of the pen never ends.
LARGEST_RATE = 10_000_000  # Hz; hydrophones for ultrasound take 2 MHz
LARGEST_WINDOW = 1 << 17  # samples, 3 s at 44.1 kHz
LARGEST_FRAME_RATE = 4000  # frames per second, of 0.25 ms


class FrontEnd(nn.Module):
    """Frames a waveform and gives the power in each bin in dB; see `LogMel` and `LinearStft`.

    Args:
        transform: waveform `[*, S]` to power `[*, F, T]`, frames centred (padded at both ends).
        frequencies: `[F]` bin centres in Hz.
        settings: constructor arguments by name, as stored beside a model.
        peak_normalise: divide each recording by its largest absolute sample.
        vad: finds the samples that are not silence; the others are deleted. None keeps all.
    """

    def __init__(
        self,
        transform: nn.Module,
        frequencies: Tensor,
        settings: Mapping[str, Any],
        peak_normalise: bool = False,
        vad: EnergyVad | None = None,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.frequencies = frequencies
        self.peak_normalise = peak_normalise
        self.vad = vad
        self.settings = dict(settings)
        self.sample_rate = int(settings["sample_rate"])
        self.n_fft = int(settings["n_fft"])
        self.hop_length = int(settings["hop_length"])

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms to spectrograms; they are taken as they are, see `spectrogram`.

        Args:
            waveform: `[*, S]` at the front end's sample rate, S at least `n_fft`.

        Returns:
            `[*, F, T]` in dB, T = 1 + S // hop_length.

        Raises:
            ValueError: when S is shorter than one analysis window.
        """
        if waveform.shape[-1] < self.n_fft:
            raise ValueError(
                f"waveform of {waveform.shape[-1]} samples is shorter than one analysis window "
                f"of {self.n_fft} samples"
            )
        decibels = 10 * torch.log10(self.transform(waveform).clamp(min=POWER_FLOOR))
        loudest = decibels.amax(dim=(-2, -1), keepdim=True)
        return torch.maximum(decibels, loudest - float(self.settings["top_db"]))

    def times(self, n_frames: int) -> Tensor:
        """`[n_frames]` centres of the frames in seconds."""
        return torch.arange(n_frames, dtype=torch.float64) * self.hop_length / self.sample_rate

    def spectrogram(self, recording: Recording, keep_silence: bool = False) -> Spectrogram:
        """The spectrogram of a recording: channels averaged, resampled where the rate differs.

        Then the peak is normalised and silence deleted, where the front end does these.

        Args:
            recording: any sample rate, any number of channels.
            keep_silence: delete nothing, to see the whole recording (see `vad.expand_to`).

        Returns:
            Its spectrogram, with the recording's id. The times are those of the recording as it
            is: where silence was deleted, they jump.

        Raises:
            ValueError: when the recording, or what is left of it without silence, is shorter than
                one analysis window.
        """
        waveform = recording.waveform.mean(dim=0)
        if recording.sample_rate != self.sample_rate:
            waveform = resample(waveform, recording.sample_rate, self.sample_rate)
        if len(waveform) < self.n_fft:
            raise ValueError(
                f"{recording.recording_id or 'recording'}: {recording.duration:.3f} s is shorter "
                f"than one analysis window of {self.n_fft / self.sample_rate:.3f} s"
            )
        if self.peak_normalise:
            waveform = waveform / waveform.abs().max().clamp(min=1e-12)
        if self.vad is not None and not keep_silence:
            return self._without_silence(waveform, self.vad, recording.recording_id)
        values = self(waveform)
        return Spectrogram(
            values, self.frequencies, self.times(values.shape[-1]), recording.recording_id
        )

    def _without_silence(self, waveform: Tensor, vad: EnergyVad, recording_id: str) -> Spectrogram:
        kept = vad(waveform, self.sample_rate)
        n_kept = int(kept.sum())
        if n_kept < self.n_fft:
            raise ValueError(
                f"{recording_id or 'recording'}: {n_kept / self.sample_rate:.3f} s are left "
                f"without silence, less than one analysis window of "
                f"{self.n_fft / self.sample_rate:.3f} s; lower vad_threshold or leave it out"
            )
        values = self(waveform[kept])
        samples = frame_samples(kept, self.hop_length, values.shape[-1])
        times = samples.double().cpu() / self.sample_rate
        return Spectrogram(values, self.frequencies, times, recording_id)


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
        vad_threshold: least power of a sample that is heard; silence is deleted (see `EnergyVad`,
            where the baseline's 1e-4 comes from). None keeps all.
        vad_margin: seconds kept on either side of a sample that is heard.
        vad_ends: seconds deleted at the start and the end of the recording.

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
        f_min: float = 50.0,
        f_max: float | None = None,
        top_db: float = 80.0,
        peak_normalise: bool = False,
        vad_threshold: float | None = None,
        vad_margin: float = EnergyVad.margin,
        vad_ends: float = EnergyVad.ends,
    ) -> None:
        _check_sizes(
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop_length=hop_length,
            n_mels=n_mels,
            top_db=top_db,
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
        transform = torchaudio.transforms.MelSpectrogram(
            sample_rate, n_fft, hop_length=hop_length, f_min=f_min, f_max=f_max, n_mels=n_mels
        )
        settings: dict[str, Any] = {
            "kind": "log_mel",
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "n_mels": n_mels,
            "f_min": f_min,
            "f_max": f_max,
            "top_db": top_db,
        }
        # What is off is not named, so that the digests of older models stay as they were.
        if peak_normalise:
            settings["peak_normalise"] = True
        vad = None
        if vad_threshold is not None:
            vad = EnergyVad(vad_threshold, vad_margin, vad_ends)
            settings.update({f"vad_{name}": v for name, v in dataclasses.asdict(vad).items()})
        centres = mel_centres(n_mels, f_min, f_max)
        super().__init__(transform, centres, settings, peak_normalise, vad)


class LinearStft(FrontEnd):
    """Power of the short-time Fourier transform in dB, on linear frequencies.

    Args:
        sample_rate: samples per second that it works at.
        n_fft: analysis window in samples; F = n_fft // 2 + 1.
        hop_length: samples from one frame to the next.
        top_db: dynamic range kept below the maximum, in dB.

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
        top_db: float = 80.0,
    ) -> None:
        _check_sizes(sample_rate=sample_rate, n_fft=n_fft, hop_length=hop_length, top_db=top_db)
        settings = {
            "kind": "linear_stft",
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "top_db": top_db,
        }
        frequencies = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
        transform = torchaudio.transforms.Spectrogram(n_fft, hop_length=hop_length)
        super().__init__(transform, frequencies, settings)


def mel_centres(n_mels: int, f_min: float, f_max: float) -> Tensor:
    """`[n_mels]` centres in Hz of triangular bands evenly spaced on the HTK mel scale.

    Example:
        >>> [round(float(f)) for f in mel_centres(3, 0.0, 8000.0)]
        [614, 1768, 3934]
    """
    low, high = (2595 * torch.log10(torch.tensor(1 + f / 700)) for f in (f_min, f_max))
    mels = torch.linspace(float(low), float(high), n_mels + 2, dtype=torch.float64)[1:-1]
    return 700 * (10 ** (mels / 2595) - 1)


def front_end_from_settings(settings: Mapping[str, Any]) -> LogMel | LinearStft:
    """The front end that `settings` describe, as stored beside a model.

    Args:
        settings: `kind` ("log_mel" or "linear_stft") and the constructor's arguments.

    Raises:
        ValueError: when the kind is unknown or an argument does not exist.

    Example:
        >>> front_end_from_settings(LinearStft(8000, 256, 128).settings).n_fft
        256
    """
    arguments = dict(settings)
    kinds = {"log_mel": LogMel, "linear_stft": LinearStft}
    kind = arguments.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"front end kind must be one of {sorted(kinds)}, got {kind!r}")
    try:
        return kinds[kind](**arguments)
    except TypeError as error:
        raise ValueError(f"front end {kind}: {error}") from error


def _check_sizes(
    *, sample_rate: int, n_fft: int, hop_length: int, top_db: float, n_mels: int = 1
) -> None:
    whole = {"sample_rate": sample_rate, "n_fft": n_fft, "hop_length": hop_length, "n_mels": n_mels}
    for name, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ValueError(f"{name} must be a whole number, got {value!r}")
    for name, size in {**whole, "top_db": top_db}.items():
        if not 0 < size < math.inf:
            raise ValueError(f"{name} must be positive, got {size}")
    if sample_rate > LARGEST_RATE:
        raise ValueError(f"sample_rate must be at most {LARGEST_RATE} Hz, got {sample_rate}")
    if n_fft > LARGEST_WINDOW:
        raise ValueError(f"n_fft must be at most {LARGEST_WINDOW} samples, got {n_fft}")
    if n_mels > n_fft // 2 + 1:
        raise ValueError(f"n_mels must be at most n_fft // 2 + 1 = {n_fft // 2 + 1}, got {n_mels}")
    if sample_rate > LARGEST_FRAME_RATE * hop_length:
        raise ValueError(
            f"hop_length must give at most {LARGEST_FRAME_RATE} frames per second: at least "
            f"{math.ceil(sample_rate / LARGEST_FRAME_RATE)} at {sample_rate} Hz, got {hop_length}"
        )
