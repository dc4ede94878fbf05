"""Masks and gains on the axes of a spectrogram, made in the sound itself, and back to audio.

A change of level is made in the complex short-time Fourier transform of the recording, whose phase
stays as it is, and goes back to samples by overlap-add: Hann windows of about 64 ms, a quarter of
one from frame to frame. What is computed is the change alone, which is added to the recording, so
that no change gives its samples back as they are. Beyond the recording there is silence, and the
windows cover its ends as they cover all else: the transform is a tight frame, and gains of at most
0 dB never add energy.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from daxaudio.containers import Recording

WINDOW_SECONDS = 0.064
"""Seconds of a window: speech hardly changes in less, and harmonics of a voice lie apart."""

_OVERLAP = 4  # windows over each sample
_POWER = 1.5  # sum of squares of so many Hann windows, the same for every sample
_REACH = 3.0  # hops of the display by which its first and last frame stand for what is beyond
_NEAR = 0.75  # hops within which a frame of the display is not across a jump
_OCTAVES_PER_DB = math.log2(10) / 20
_MOST_VALUES, _MOST_ON_DEVICE = 2**18, 2**24
"""Values of complex spectra made at once, on a processor what stays in its caches (measured: see
`benchmarks.sound_masks`), on an accelerator 128 MiB."""
_MOST_KEPT = 2**26
"""Values of the recording's own spectra that are kept between calls: 512 MiB."""


class SoundMasks:
    """One recording, to be heard with other levels in its time-frequency plane.

    Gains are given on the axes of a spectrogram, the display, which may be of any kind. Each bin of
    the transform takes the values between those of its neighbours on the display, or the average of
    them where the display is finer; what lies beyond its lowest and highest bin goes with these.
    Where its times jump, over silence that was deleted, nothing is changed.

    Args:
        waveform: `[C, S]`; its device is that of all that follows.
        sample_rate: samples per second.
        frequencies: `[F]` of the display in Hz, increasing.
        times: `[T]` of the display in seconds, increasing.
        n_fft: samples of a window, a multiple of 4; the power of two nearest 64 ms when None.

    Raises:
        ValueError: when the window does not fit.

    Example:
        >>> waveform = torch.randn(1, 8000)
        >>> masks = SoundMasks(waveform, 8000, torch.tensor([1000.0]), torch.tensor([0.0, 0.5]))
        >>> quiet_end = torch.tensor([[[0.0, -20.0]]])
        >>> masks.apply(quiet_end).shape
        torch.Size([1, 1, 8000])
        >>> bool((masks.apply(0 * quiet_end)[0] == waveform).all())
        True
    """

    def __init__(
        self,
        waveform: Tensor,
        sample_rate: int,
        frequencies: Tensor,
        times: Tensor,
        *,
        n_fft: int | None = None,
    ) -> None:
        n_fft = window_samples(sample_rate) if n_fft is None else n_fft
        if n_fft < 8 or n_fft % _OVERLAP:
            raise ValueError(f"n_fft must be a multiple of {_OVERLAP} from 8 on, got {n_fft}")
        hop, n_samples = n_fft // _OVERLAP, waveform.shape[-1]
        self.waveform, self.n_fft, self.hop_length = waveform, n_fft, hop
        self.shape = (len(frequencies), len(times))
        self._window = torch.hann_window(n_fft, device=waveform.device)
        # four windows over every sample: the first is centred a hop before the first one
        self._n_frames = math.ceil(n_samples / hop) + _OVERLAP - 1
        ends = ((_OVERLAP - 1) * hop, self._n_frames * hop - n_samples)
        self._padded = functional.pad(waveform, ends)
        self._known: Tensor | None = None  # [C, M, B], of a recording that is not too long
        if len(waveform) * self._n_frames * (n_fft // 2 + 1) <= _MOST_KEPT:
            self._known = self._spectra(0, self._n_frames)
        centres = (torch.arange(self._n_frames, dtype=torch.float64) - 1) * hop / sample_rate
        places = centres.clamp(0, n_samples / sample_rate)
        self._frames = _between_times(times, places, hop / sample_rate).to(waveform.device)
        self._bins = _between_frequencies(frequencies, sample_rate, n_fft).to(waveform.device)

    def apply(self, gains: Tensor) -> Tensor:
        """The recording with other levels.

        Args:
            gains: `[N, F, T]` in dB on the axes of the display, finite; 0 leaves it as it is.

        Returns:
            float32 `[N, C, S]`, on the device of the waveform.

        Raises:
            ValueError: when the gains are not on these axes.
        """
        return self._changed(
            gains, lambda levels, unseen: levels.mul_(_OCTAVES_PER_DB).exp2_().sub_(1)
        )

    def scale(self, factors: Tensor) -> Tensor:
        """The recording with its amplitudes multiplied.

        Args:
            factors: `[N, F, T]` on the axes of the display; 1 leaves it as it is. Where its times
                jump, the factor is 0: nothing of what was deleted is left.

        Returns:
            float32 `[N, C, S]`, on the device of the waveform.

        Raises:
            ValueError: when the factors are not on these axes.
        """
        return self._changed(factors - 1, lambda less, unseen: less.sub_(unseen))

    def _changed(self, values: Tensor, to_change: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """The recording, and its spectra times what `to_change` makes of values in each bin."""
        if values.ndim != 3 or tuple(values.shape[1:]) != self.shape:
            raise ValueError(
                f"gains must be [N, {self.shape[0]}, {self.shape[1]}], on the axes that were "
                f"given, got shape {tuple(values.shape)}"
            )
        n_channels, n_bins = len(self.waveform), self.n_fft // 2 + 1
        most = _MOST_VALUES if self.waveform.device.type == "cpu" else _MOST_ON_DEVICE
        n_frames = min(self._n_frames, max(1, most // (n_channels * n_bins)))
        n_at_once = max(1, most // (n_channels * n_bins * n_frames))
        rows = values.to(self.waveform).transpose(1, 2)  # [N, T, F]
        found = self.waveform.repeat(len(rows), 1, 1)
        for start in range(0, len(rows), n_at_once):
            part = slice(start, start + n_at_once)
            found[part] += self._change(rows[part], to_change, n_frames)
        return found

    def _change(
        self, rows: Tensor, to_change: Callable[[Tensor, Tensor], Tensor], n_frames: int
    ) -> Tensor:
        """What is added to the samples `[n, C, S]` for values `[n, T, F]`, some frames at once."""
        hop, skipped = self.hop_length, (_OVERLAP - 1) * self.hop_length
        total = self._n_frames + _OVERLAP - 1  # hops of the padded recording
        found = rows.new_zeros(len(rows), len(self.waveform), total, hop)
        for start in range(0, self._n_frames, n_frames):
            end = min(start + n_frames, self._n_frames)
            spread = self._frames(rows, start, end) @ self._bins  # [n, m, B]
            changes = to_change(spread, self._frames.unseen[start:end, None])
            frames = torch.fft.irfft(changes[:, None] * self._spectra(start, end), self.n_fft)
            frames *= self._window / _POWER
            pieces = frames.unflatten(-1, (_OVERLAP, hop))
            for place in range(_OVERLAP):
                found[:, :, start + place : end + place] += pieces[..., place, :]
        n_samples = self.waveform.shape[-1]
        return found.flatten(-2)[..., skipped : skipped + n_samples]

    def _spectra(self, start: int, end: int) -> Tensor:
        """Complex spectra `[C, end - start, B]` of frames of the recording."""
        if self._known is not None:
            return self._known[:, start:end]
        frames = self._padded.unfold(-1, self.n_fft, self.hop_length)[:, start:end]
        return torch.fft.rfft(frames * self._window)


def window_samples(sample_rate: int) -> int:
    """The power of two nearest `WINDOW_SECONDS`, at least 8.

    Example:
        >>> [window_samples(rate) for rate in (8000, 16000, 44100, 48000)]
        [512, 1024, 2048, 4096]
    """
    return max(8, 2 ** round(math.log2(WINDOW_SECONDS * sample_rate)))


@dataclasses.dataclass(frozen=True)
class _Frames:
    """For each frame of the sound, the frames of the display that it takes, and their shares.

    Args:
        places: int64 `[M, k]`.
        shares: float32 `[M, k]`, of which each row sums to 1, or to 0 where nothing was shown.
        unseen: float32 `[M]`, 1 where nothing was shown, else 0.
    """

    places: Tensor
    shares: Tensor
    unseen: Tensor

    def to(self, device: torch.device) -> _Frames:
        return _Frames(self.places.to(device), self.shares.to(device), self.unseen.to(device))

    def __call__(self, rows: Tensor, start: int, end: int) -> Tensor:
        """Values `[n, end - start, F]` of frames of the sound, of those `[n, T, F]` shown."""
        places, shares = self.places[start:end], self.shares[start:end, :, None]
        found = rows[:, places[:, 0]] * shares[:, 0]
        for k in range(1, places.shape[1]):
            found.addcmul_(rows[:, places[:, k]], shares[:, k])
        return found


def _between_times(times: Tensor, centres: Tensor, step: float) -> _Frames:
    """How frames at `centres`, `step` seconds apart, take those at `times`."""
    shown = times.double().cpu()
    steps = shown.diff()
    hop = float(steps[steps <= 1.5 * steps.min()].median()) if len(steps) else math.inf
    inside = centres.clamp(float(shown[0]), float(shown[-1]))
    reached = (centres - inside).abs() <= _REACH * hop
    width = max(hop, step) if len(steps) else 1.0
    first = torch.searchsorted(shown, inside - width, right=True)
    n_near = int((torch.searchsorted(shown, inside + width) - first).max())
    places = (first[:, None] + torch.arange(max(1, n_near))).clamp(max=len(shown) - 1)
    apart = (shown[places] - inside[:, None]).abs()
    shares = (1 - apart / width).clamp(min=0)
    shares[:, 1:][places[:, 1:] == places[:, :-1]] = 0  # the last frame once
    near = apart.amin(dim=1) <= _NEAR * hop
    seen = reached & near
    return _Frames(places, _shares(shares * seen[:, None]), (~seen).float())


def _between_frequencies(frequencies: Tensor, sample_rate: int, n_fft: int) -> Tensor:
    """Shares `[F, B]` of the bins of a display in those of a transform; each column sums to 1."""
    shown = frequencies.double().cpu()
    step = sample_rate / n_fft
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * step
    inside = bins.clamp(float(shown[0]), float(shown[-1]))
    steps = shown.diff()
    below = torch.cat([steps[:1], steps]) if len(steps) else torch.ones(1)
    above = torch.cat([steps, steps[-1:]]) if len(steps) else torch.ones(1)
    apart = inside[:, None] - shown
    width = torch.where(apart > 0, above, below).clamp(min=step)
    return _shares((1 - apart.abs() / width).clamp(min=0)).T.contiguous()


def _shares(weights: Tensor) -> Tensor:
    """Weights whose last dimension sums to 1, or to 0 where all are; those of rounding are 0."""
    weights = torch.where(weights > 1e-9, weights, 0.0)
    total = weights.sum(dim=-1, keepdim=True)
    return (weights / torch.where(total > 0, total, 1.0)).float()


def split_by_mask(
    recording: Recording,
    mask: Tensor,
    frequencies: Tensor,
    times: Tensor,
    *,
    threshold: float | None = None,
) -> tuple[Recording, Recording]:
    """What a mask keeps of a recording, and the rest.

    Args:
        recording: at any rate, with any channels, which stay as they are.
        mask: `[F, T]` in [0, 1], by which amplitudes are multiplied.
        frequencies: `[F]` of the mask in Hz, increasing; above the last its value goes on.
        times: `[T]` of the mask in seconds, increasing; where they jump, nothing is kept.
        threshold: keep what is at least so salient as it is, and nothing of the rest; None keeps
            each bin as much as the mask says.

    Returns:
        What is kept, and what is removed, which is the recording less what is kept.

    Raises:
        ValueError: when the mask is not on these axes.

    Example:
        >>> recording = Recording(torch.randn(2, 8000), 8000, "a")
        >>> frequencies, times = torch.tensor([1000.0]), torch.tensor([0.0, 0.5])
        >>> kept, removed = split_by_mask(recording, torch.ones(1, 2), frequencies, times)
        >>> bool((kept.waveform == recording.waveform).all()), float(removed.waveform.abs().max())
        (True, 0.0)
    """
    masks = SoundMasks(recording.waveform, recording.sample_rate, frequencies, times)
    factors = mask.float() if threshold is None else (mask >= threshold).float()
    kept = masks.scale(factors[None])[0]
    return (
        dataclasses.replace(recording, waveform=kept),
        dataclasses.replace(recording, waveform=recording.waveform - kept),
    )
