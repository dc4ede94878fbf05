"""What every front end is: audio to spectrograms that know their axes and their unit.

Decibels are limited to `top_db` below each spectrogram's own maximum, so that digital silence does
not stretch the scale. Front ends are batched and run on any device; those of torch are
differentiable. The classifier's own normalisation is stored with the classifier (see
`models.resnet`).

A front end may also prepare recordings: bring their peak to 1, and delete silence (see `vad`).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from daxaudio.containers import Recording, Spectrogram
from daxaudio.data.resampling import resample
from daxaudio.features.vad import Vad, VadSettings, frame_samples, make_vad, settings_of_vad

QUIETEST = -80.0  # dB: what is removed of a value whose inverse would be nothing at all
POWER_FLOOR = 1e-10  # 100 dB below a full-scale square: under the noise of any 16-bit recording

# Beyond these a spectrogram of a few seconds takes gigabytes, and a slip of the pen never ends.
LARGEST_RATE = 10_000_000  # Hz; hydrophones for ultrasound take 2 MHz
LARGEST_WINDOW = 1 << 17  # samples, 3 s at 44.1 kHz
LARGEST_FRAME_RATE = 4000  # frames per second, of 0.25 ms


class FrontEnd(nn.Module):
    """Frames a waveform and gives a value to each bin of each frame.

    Args:
        transform: waveform `[*, S]` to power or magnitude `[*, F, T]`, frames centred (padded at
            both ends).
        compress: what `transform` gives to the values `[*, F, T]` of spectrograms.
        frequencies: `[F]` bin centres in Hz.
        settings: constructor arguments by name, with `kind`, `sample_rate` and `hop_length`, as
            stored beside a model; those of preparing are added where they are not the defaults.
        window: the longest stretch that is analysed at once, in samples; shorter audio is refused.
        unit: of the values.
        peak_normalise: divide each recording by its largest absolute sample.
        vad: finds the samples that are not silence; the others are deleted. None keeps all.
    """

    def __init__(
        self,
        transform: Callable[[Tensor], Tensor],
        compress: Callable[[Tensor], Tensor],
        frequencies: Tensor,
        settings: Mapping[str, Any],
        *,
        window: int,
        unit: str = "dB",
        peak_normalise: bool = False,
        vad: VadSettings = None,
    ) -> None:
        super().__init__()
        self.transform, self.compress, self.frequencies = transform, compress, frequencies
        self.window, self.unit = window, unit
        self.sample_rate, self.hop_length = (
            int(settings["sample_rate"]),
            int(settings["hop_length"]),
        )
        self.peak_normalise, self.vad = peak_normalise, make_vad(vad)
        self.settings = dict(settings)
        # What is off is not named, so that the digests of older models stay as they were.
        if peak_normalise:
            self.settings["peak_normalise"] = True
        if self.vad is not None:
            self.settings["vad"] = settings_of_vad(self.vad)

    @property
    def min_duration(self) -> float:
        """Seconds of the shortest recording that can be analysed."""
        return self.window / self.sample_rate

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms to spectrograms; they are taken as they are, see `spectrogram`.

        Args:
            waveform: `[*, S]` at the front end's sample rate, S at least `window`.

        Returns:
            `[*, F, T]` in the front end's unit, T = 1 + S // hop_length.

        Raises:
            ValueError: when S is shorter than one analysis window.
        """
        if waveform.shape[-1] < self.window:
            raise ValueError(
                f"waveform of {waveform.shape[-1]} samples is shorter than one analysis window "
                f"of {self.window} samples"
            )
        return self.compress(self.transform(waveform))

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
        if len(waveform) < self.window:
            raise ValueError(
                f"{recording.recording_id or 'recording'}: {recording.duration:.3f} s is shorter "
                f"than one analysis window of {self.min_duration:.3f} s"
            )
        if self.peak_normalise:
            waveform = waveform / waveform.abs().max().clamp(min=1e-12)
        if self.vad is not None and not keep_silence:
            return self._without_silence(waveform, self.vad, recording.recording_id)
        values = self(waveform)
        times = self.times(values.shape[-1])
        return Spectrogram(values, self.frequencies, times, recording.recording_id, self.unit)

    def gains(self, perturbed: Tensor, original: Tensor) -> Tensor:
        """What a change of spectrograms means for the level of the sound in each bin.

        Args:
            perturbed: `[*, F, T]`, in the front end's unit.
            original: `[F, T]`, of the recording as it is.

        Returns:
            `[*, F, T]` in dB, 0 where nothing was changed. Of decibels it is the difference. PCEN
            is inverted, with the slow average of the recording as it is; an inverse of nothing
            counts as `QUIETEST` dB.

        Raises:
            ValueError: when values of this unit cannot be turned back into levels.
        """
        gains = getattr(self.compress, "gains", None)
        if gains is None:
            raise ValueError(
                f"front end {self.settings.get('kind')!r}: a change of values in {self.unit} "
                "cannot be made in the sound; take one in decibels, or log_mel, linear_stft, cqt, "
                "vqt or pcen"
            )
        found: Tensor = gains(perturbed, original)
        return found

    def _without_silence(self, waveform: Tensor, vad: Vad, recording_id: str) -> Spectrogram:
        kept = vad(waveform, self.sample_rate)
        n_kept = int(kept.sum())
        if n_kept < self.window:
            raise ValueError(
                f"{recording_id or 'recording'}: {n_kept / self.sample_rate:.3f} s are left "
                f"without silence, less than one analysis window of "
                f"{self.min_duration:.3f} s; let the vad keep more or leave it out"
            )
        values = self(waveform[kept])
        samples = frame_samples(kept, self.hop_length, values.shape[-1])
        times = samples.double().cpu() / self.sample_rate
        return Spectrogram(values, self.frequencies, times, recording_id, self.unit)


class Decibels(nn.Module):
    """Power `[*, F, T]` to dB, at most `top_db` below the loudest bin of each spectrogram."""

    def __init__(self, top_db: float) -> None:
        super().__init__()
        self.top_db = float(top_db)

    def forward(self, power: Tensor) -> Tensor:
        """Levels `[*, F, T]` in dB."""
        decibels = 10 * torch.log10(power.clamp(min=POWER_FLOOR))
        loudest = decibels.amax(dim=(-2, -1), keepdim=True)
        return torch.maximum(decibels, loudest - self.top_db)

    @staticmethod
    def gains(perturbed: Tensor, original: Tensor) -> Tensor:
        """Gains `[*, F, T]` in dB that make one spectrogram of another."""
        return perturbed - original


def check_sizes(*, sample_rate: int, hop_length: int, **whole: int) -> None:
    """Refuse sizes in samples, and counts of bins, that are no positive whole numbers or too many.

    Raises:
        ValueError: names the first.
    """
    whole = {"sample_rate": sample_rate, "hop_length": hop_length, **whole}
    for name, value in whole.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ValueError(f"{name} must be a whole number, got {value!r}")
        check_positive(name, value)
    if sample_rate > LARGEST_RATE:
        raise ValueError(f"sample_rate must be at most {LARGEST_RATE} Hz, got {sample_rate}")
    check_window("hop_length", hop_length)
    if sample_rate > LARGEST_FRAME_RATE * hop_length:
        raise ValueError(
            f"hop_length must give at most {LARGEST_FRAME_RATE} frames per second: at least "
            f"{math.ceil(sample_rate / LARGEST_FRAME_RATE)} at {sample_rate} Hz, got {hop_length}"
        )


def check_window(name: str, window: int) -> None:
    """Refuse an analysis window beyond all reason."""
    if window > LARGEST_WINDOW:
        raise ValueError(f"{name} must be at most {LARGEST_WINDOW} samples, got {window}")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not above 0 and finite."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive, got {value}")
