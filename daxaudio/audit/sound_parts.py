"""What of a recording is events and what is background, and what each of them is like.

Background is what no event covers, without a margin around each. Where no events are known, they
are found by level: what is `ABOVE_QUIET` dB louder than the quietest tenth of the frames.

Levels are root mean squares in dB below full scale. Spectra are of long frames (about 256 ms),
which tell a line of mains hum from noise, and medians over frames, which a single click leaves
alone.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
import scipy.ndimage
import scipy.signal
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Events, Recording
from daxaudio.metrics.phase_events import BACKGROUND
from daxaudio.runs.seeds import generator

ABOVE_QUIET = 10.0
"""dB above the quietest tenth from which on a frame is an event, where no events are known."""

MARGIN, FADE = 0.03, 0.01
"""Seconds around an event that are no background, and of the cross-fade at its border."""

SHORTEST = 0.2
"""Seconds of background that a recording must have for anything to be said of it."""

_FRAME, _QUIETEST = 0.02, 1e-5  # seconds; root mean square of digital silence, -100 dB
_SPECTRUM = 0.256  # seconds of a frame of a spectrum
_LINE_WIDTH, _LINE_EXCESS = 100.0, 6.0  # Hz on either side; dB above the median there
_LINE_BINS = 4  # bins beside a line that belong to it: the window's main lobe and its skirts
_STEEP, _LOWEST_EDGE = 15.0, 1000.0  # dB within a few per cent of the frequency; Hz


@dataclasses.dataclass(frozen=True, eq=False)
class SoundParts:
    """A recording, and which of its samples are events.

    Args:
        recording: as it is.
        inside: `[S]` in [0, 1], 1 in an event, faded at the borders.
        free: stretches of background, in seconds.
        annotated: whether events were known; else they were found by level.
    """

    recording: Recording
    inside: Tensor
    free: Events
    annotated: bool

    @property
    def rate(self) -> int:
        """Samples per second."""
        return self.recording.sample_rate

    @functools.cached_property
    def background(self) -> Tensor | None:
        """`[C, S']` background alone, stretches cross-faded; None where there is too little."""
        if self.free.duration < SHORTEST:
            return None
        pieces = [
            self.recording.waveform[:, round(one.start * self.rate) : round(one.end * self.rate)]
            for one in self.free
        ]
        return joined(pieces, round(FADE * self.rate))

    def looped(self, n_samples: int) -> Tensor | None:
        """Background `[C, n_samples]`, from its start again and again; None without any."""
        if self.background is None:
            return None
        fade, found = round(FADE * self.rate), self.background
        step = max(1, found.shape[-1] - fade)
        copies = 1 + max(0, math.ceil((n_samples - found.shape[-1]) / step))
        return joined([found] * copies, fade)[:, :n_samples]

    @functools.cached_property
    def loud(self) -> float:
        """Level of the events in dB: the 95th percentile of frames of 20 ms."""
        return float(np.percentile(self._levels, 95))

    @functools.cached_property
    def quiet(self) -> float:
        """Level in dB of the quietest tenth of the frames."""
        return float(np.percentile(self._levels, 10))

    @functools.cached_property
    def _levels(self) -> NDArray[np.float64]:
        return frame_levels(self.recording)

    @functools.cached_property
    def spectrum(self) -> NDArray[np.float64]:
        """Median power `[F]` of the background; of the whole recording where there is too little.

        Never 0.
        """
        of = self.recording.waveform if self.background is None else self.background
        return _powers(of, self.rate, np.median)

    @functools.cached_property
    def floor(self) -> NDArray[np.float64]:
        """`spectrum` without its lines: the median over 100 Hz on either side."""
        width = 2 * round(_LINE_WIDTH * _n_fft(self.rate) / self.rate) + 1
        return np.asarray(scipy.ndimage.median_filter(self.spectrum, width, mode="nearest"))

    @functools.cached_property
    def lines(self) -> NDArray[np.bool_]:
        """`[F]`, true where a narrow band stands `6` dB or more above what is around it."""
        excess = 10 * np.log10(self.spectrum / self.floor)
        peaks = np.ones(2 * _LINE_BINS + 1, dtype=bool)
        return np.asarray(scipy.ndimage.binary_dilation(excess > _LINE_EXCESS, peaks))

    @functools.cached_property
    def edge(self) -> float:
        """Hz above which the recording has been cut off; half its rate where it has not.

        A cut is a fall of 15 dB or more within a few per cent of the frequency, with nothing above:
        no voice and no room falls like that, a codec or a low-pass does.
        """
        return self.cut[0]

    @functools.cached_property
    def cut(self) -> tuple[float, float]:
        """The edge, and the dB by which what is above it lies below what is just under it."""
        power = _powers(self.recording.waveform, self.rate, np.mean)
        width = max(1, round(_LINE_WIDTH * _n_fft(self.rate) / self.rate))
        return _find_edge(10 * np.log10(scipy.ndimage.median_filter(power, width)), self.rate / 2)


def split(
    recording: Recording, events: Sequence[Event] = (), ignored: Sequence[str] = BACKGROUND
) -> SoundParts:
    """Find what of a recording is events and what is background.

    Args:
        recording: any.
        events: known ones; where there are none, they are found by level.
        ignored: labels that are no events.

    Example:
        >>> sound = torch.cat([torch.full((1, 8000), 0.01), torch.ones(1, 8000)], dim=1)
        >>> parts = split(Recording(sound, 8000), [Event(1.0, 2.0, "cough")])
        >>> parts.free, round(parts.quiet), round(parts.loud)
        (Events([Event(0.0, 0.97)]), -40, 0)
        >>> split(Recording(sound, 8000)).free
        Events([Event(0.0, 0.97)])
    """
    wanted = Events(events).without(*ignored).crop(0.0, recording.duration).union()
    annotated = len(wanted) > 0
    if not annotated:
        wanted = _by_level(recording)
    wider = Events(
        Event(max(0.0, one.start - MARGIN), min(recording.duration, one.end + MARGIN))
        for one in wanted
    )
    return SoundParts(
        recording, _faded(recording, wanted), wider.gaps(0.0, recording.duration), annotated
    )


def frame_levels(recording: Recording) -> NDArray[np.float64]:
    """Level `[T]` in dB of frames of 20 ms, of the mean of all channels."""
    length = _frame_length(recording.sample_rate)
    waveform = recording.waveform.mean(dim=0)
    whole = waveform[: max(length, len(waveform) // length * length)]
    frames = whole.reshape(-1, length) if len(whole) >= length else whole[None]
    power = frames.double().square().mean(dim=1).sqrt().clamp(min=_QUIETEST)
    return np.asarray(20 * power.log10().numpy())


def quiet_noise(parts: SoundParts, seed: int) -> Tensor:
    """White noise `[C, S]` as loud as the quietest tenth of a recording; of nobody's room."""
    draws = generator(seed, parts.recording.recording_id, "quiet noise")
    noise = torch.randn(parts.recording.waveform.shape, generator=draws)
    return noise * 10 ** (parts.quiet / 20)


def joined(pieces: Sequence[Tensor], fade: int) -> Tensor:
    """Sounds `[C, *]` one after the other, cross-faded at equal power over `fade` samples.

    Example:
        >>> joined([torch.ones(1, 5), torch.zeros(1, 5)], 2).shape
        torch.Size([1, 8])
    """
    found = pieces[0]
    parts = [found]
    for piece in pieces[1:]:
        last = parts.pop()
        overlap = min(fade, last.shape[-1], piece.shape[-1])
        angle = (torch.arange(overlap) + 0.5) / max(1, overlap) * math.pi / 2
        mixed = last[:, last.shape[-1] - overlap :] * angle.cos() + piece[:, :overlap] * angle.sin()
        parts += [last[:, : last.shape[-1] - overlap], mixed, piece[:, overlap:]]
    return torch.cat(parts, dim=1)


def _by_level(recording: Recording) -> Events:
    levels = frame_levels(recording)
    loud = levels > np.percentile(levels, 10) + ABOVE_QUIET
    length, rate = _frame_length(recording.sample_rate), recording.sample_rate
    return Events(
        Event(k * length / rate, min((k + 1) * length / rate, recording.duration))
        for k in map(int, np.flatnonzero(loud))
    ).union()


def _frame_length(rate: int) -> int:
    """Samples of a frame; 20 ms are not a whole number of them at every rate."""
    return max(1, round(_FRAME * rate))


def _faded(recording: Recording, events: Events) -> Tensor:
    """`[S]`, 1 in events, raised cosines outside their borders."""
    rate, n_samples = recording.sample_rate, recording.waveform.shape[-1]
    inside, fade = torch.zeros(n_samples), max(1, round(FADE * rate))
    ramp = 0.5 - 0.5 * torch.cos((torch.arange(fade) + 0.5) / fade * math.pi)
    for event in events:
        first, last = round(event.start * rate), min(n_samples, round(event.end * rate))
        inside[first:last] = 1.0
        before = min(fade, first)
        after = min(fade, n_samples - last)
        rise, fall = slice(first - before, first), slice(last, last + after)
        inside[rise] = torch.maximum(inside[rise], ramp[fade - before :])
        inside[fall] = torch.maximum(inside[fall], ramp.flip(0)[:after])
    return inside


def _n_fft(rate: int) -> int:
    return int(2 ** max(4, round(math.log2(_SPECTRUM * rate))))


def _powers(waveform: Tensor, rate: int, over_frames: object) -> NDArray[np.float64]:
    """Power `[F]` over frames; never 0."""
    size = _n_fft(rate)
    mono = waveform.mean(dim=0).numpy()
    mono = np.pad(mono, (0, max(0, size - len(mono))))
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[:: size // 4]
    window = scipy.signal.get_window("hann", size).astype(np.float32)
    found = np.empty((len(frames), size // 2 + 1), np.float32)
    for first in range(0, len(frames), 512):  # windows of an hour would take gigabytes
        part = np.fft.rfft(frames[first : first + 512] * window, axis=1)
        found[first : first + 512] = part.real**2 + part.imag**2
    middle = np.median(found, axis=0) if over_frames is np.median else found.mean(axis=0)
    return np.maximum(np.asarray(middle, np.float64) / (window**2).sum(), 1e-14)


def _find_edge(levels: NDArray[np.float64], highest: float) -> tuple[float, float]:
    """Where levels `[F]` in dB fall off for good, in Hz, and by how much; the end of the band."""
    last = len(levels) - 1
    edges = np.arange(_LOWEST_EDGE, 0.96 * highest, 100.0)
    if not len(edges):
        return highest, 0.0
    falls = []
    for edge in edges:
        low, near, far = (round(share * edge / highest * last) for share in (0.85, 0.97, 1.03))
        falls.append(np.median(levels[low : near + 1]) - np.percentile(levels[far:], 95))
    if max(falls) < _STEEP:
        return highest, 0.0
    first = next(k for k, fall in enumerate(falls) if fall > max(falls) - 3)  # where it is down
    return float(edges[first]), float(falls[first])
