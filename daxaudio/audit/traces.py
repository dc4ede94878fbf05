"""What the making of a recording leaves in it: level, length, band, codec, room and hum.

None of it says anything of what is classified, and any of it may tell the classes of a corpus
apart. A trace is a number; NaN says that a recording is too short or too quiet to have it.

| kind | traces |
|---|---|
| `level` | how loud the loud frames and the peak are |
| `duration` | how long it lasts |
| `clipping` | how much of it is cut off at the top |
| `bandwidth` | where it ends and how steeply, how fine its samples are, holes of a codec |
| `hum` | lines that stand out of the background |
| `background` | how loud the background is under the events, and its colour in third octaves |

Where energy ends, how, and holes are those of the background: in events they tell what happens.
Background is the quietest third of the frames that no event touches (reverberation of an event is
louder than that), and where no events are known the quietest tenth of all. Which of the two it is
should be one for all recordings of a corpus: see `measure_traces`. Frames are 128 ms. A long
recording is looked at in blocks of a minute, so that memory is that of one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import math
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxaudio.audit.trace_spectra import (
    band_level,
    fall,
    highest_within,
    line_levels,
    roll_off,
    third_octaves,
    tilt,
    without_lines,
)
from daxaudio.containers import Events
from daxaudio.data.channels import one_channel
from daxaudio.data.decoding import read_samples
from daxaudio.data.kaldi import DataFolder, read_utterance
from daxaudio.data.kaldi.archives import place_in_archive
from daxaudio.data.kaldi.lines import is_command
from daxaudio.metrics.phase_events import BACKGROUND

KINDS = {
    "level_db": "level",
    "peak_db": "level",
    "duration_s": "duration",
    "clipped_share": "clipping",
    "roll_off_hz": "bandwidth",
    "highest_hz": "bandwidth",
    "top_band_db": "bandwidth",
    "fall_db": "bandwidth",
    "holes_share": "bandwidth",
    "digital_silence": "bandwidth",
    "bits": "bandwidth",
    "sample_rate": "bandwidth",
    "line_db": "hum",
    "lines_share": "hum",
    "background_db": "background",
    "tilt_db": "background",
    **dict.fromkeys(third_octaves(), "background"),
}
"""Kind of each trace, in the order of the columns."""

SILENCE = -120.0
"""dB below full scale that digital silence is said to have."""

_BLOCK, _FRAME = 60.0, 0.128  # seconds
_LOUDEST, _QUIET_OF_FREE, _QUIET_OF_ALL = 0.05, 1 / 3, 0.1  # shares of the frames
_FEWEST = 3  # frames of background without which nothing is said of it
_FLAT, _NEAR_PEAK = 3, 0.999  # samples in a row that near to the peak are cut off
_HOLE = -40.0  # dB below the mean spectrum of the background


@dataclasses.dataclass
class _Sums:
    """What is kept of the blocks that were read."""

    n_samples: int = 0
    n_zero: int = 0
    n_clipped: int = 0
    peak: float = 0.0
    step: float = math.inf
    levels: list[NDArray[Any]] = dataclasses.field(default_factory=list)
    n_frames: int = 0
    n_background: int = 0
    background: NDArray[Any] | float = 0.0
    n_holes: int = 0
    n_cells: int = 0


def measure_traces(
    blocks: Iterable[NDArray[Any]],
    sample_rate: int,
    events: Events | None = None,
    ignored: Collection[str] = BACKGROUND,
) -> dict[str, float]:
    """Traces of a recording that comes in blocks.

    Args:
        blocks: `[S]` samples each, one after the other, full scale is 1.
        sample_rate: samples per second.
        events: what happens when; an empty list says that nothing does. None where nobody knows.
            Give None for all recordings of a corpus of which only one class has events: otherwise
            how the background was found tells the class.
        ignored: labels that are no events.

    Returns:
        A number for each of `KINDS`, in its order, rounded to 6 digits; dB are below full scale,
        but for `background_db` (against the loud frames), bands of the background (against their
        mean) and what says how far something stands out.

    Raises:
        ValueError: when there is no sample.

    Example:
        >>> tone = 0.5 * np.sin(2 * np.pi * 250 * np.arange(16000) / 8000)
        >>> traces = measure_traces([tone[:9000], tone[9000:]], 8000)
        >>> traces["duration_s"], round(traces["level_db"]), round(traces["roll_off_hz"], -1)
        (2.0, -9, 260.0)
    """
    size = max(16, 2 ** round(math.log2(_FRAME * sample_rate)))
    quiet = None if events is None else events.without(*ignored).union()
    sums, window = _Sums(), np.hanning(size + 1)[:-1]
    rest, first = np.zeros(0), 0
    for block in _blocks_of(blocks, round(_BLOCK * sample_rate)):
        _add_samples(sums, block)
        joined = np.concatenate([rest, block])
        used = _add_frames(sums, joined, window, (first, sample_rate, quiet))
        rest, first = joined[used:], first + used
    if sums.n_samples == 0:
        raise ValueError("a recording without samples has no traces")
    if sums.n_frames == 0:
        _add_frames(sums, np.pad(rest, (0, size - len(rest))), window, (0, sample_rate, quiet))
    found = {**_of_samples(sums, sample_rate), **_of_spectra(sums, sample_rate)}
    return {name: float(f"{found[name]:.6g}") for name in KINDS}


def read_traces(
    data: DataFolder, recording_id: str, events: Events | None = None
) -> dict[str, float]:
    """Traces of a recording of a data folder, at the rate of its file, the mean of its channels.

    Files are read a minute at a time; what an archive holds or a command prints, at once.

    Args:
        data: the data folder.
        recording_id: which recording.
        events: see `measure_traces`.

    Raises:
        ValueError: when it cannot be read; names the file.
    """
    return traces_and_digest(data, recording_id, events)[0]


def traces_and_digest(
    data: DataFolder, recording_id: str, events: Events | None = None
) -> tuple[dict[str, float], str]:
    """Traces as of `read_traces`, and a short hash of the samples on which they were measured."""
    blocks = _blocks_of_recording(data, recording_id)
    head = next(blocks, (np.zeros(0, np.float32), 1))
    state = hashlib.sha256()

    def each() -> Iterator[NDArray[Any]]:
        for block, rate in itertools.chain([head], blocks):
            _digest_block(state, block, rate)
            yield block

    source = data.wav_scp[data.segment(recording_id).recording_id]
    try:
        return measure_traces(each(), head[1], events), state.hexdigest()[:16]
    except ValueError as error:
        text = str(error)
        raise ValueError(text if source in text else f"{source}: {text}") from error


def digest_of_audio(data: DataFolder, recording_id: str) -> str:
    """The hash of `traces_and_digest`, without the traces; raises as `read_traces`."""
    state = hashlib.sha256()
    for block, rate in _blocks_of_recording(data, recording_id):
        _digest_block(state, block, rate)
    return state.hexdigest()[:16]


def _digest_block(state: hashlib._Hash, block: NDArray[Any], rate: int) -> None:
    state.update(f"{rate} {len(block)}\n".encode())
    state.update(block.tobytes())


def _blocks_of_recording(
    data: DataFolder, recording_id: str
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Blocks `[S]` of a recording, with its rate."""
    segment = data.segment(recording_id)
    source = data.wav_scp[segment.recording_id]
    if is_command(source) or place_in_archive(source) is not None:
        whole = read_utterance(data, recording_id)
        yield whole.waveform[0].numpy(), whole.sample_rate
        return
    end = math.inf if segment.end is None else segment.end
    yield from _read_blocks(source, segment.start, end, data.channel)


def _read_blocks(
    source: str, start: float, end: float, channel: int | None
) -> Iterator[tuple[NDArray[Any], int]]:
    """Blocks of one channel `[S]` of a file, with its rate."""
    while start < end:
        stop = min(end, start + _BLOCK)
        samples, rate = read_samples(source, start, stop)
        if not np.isfinite(samples).all():
            raise ValueError(f"{source}: holds NaN or infinite samples; export it again")
        if len(samples):
            silent = not samples.any()
            one = samples[:, 0] if silent else one_channel(samples, channel, source)[0].numpy()
            yield one, rate
        if len(samples) < round(stop * rate) - round(start * rate):
            return
        start = stop


def _blocks_of(blocks: Iterable[NDArray[Any]], size: int) -> Iterator[NDArray[np.float64]]:
    """The same samples in blocks of one size, so that traces do not depend on how they came."""
    waiting: list[NDArray[np.float64]] = []
    n_waiting = 0
    for block in blocks:
        waiting.append(np.asarray(block, dtype=np.float64))
        n_waiting += len(waiting[-1])
        while n_waiting >= size:
            joined = np.concatenate(waiting)
            yield joined[:size]
            waiting, n_waiting = [joined[size:]], n_waiting - size
    if n_waiting:
        yield np.concatenate(waiting)


def _add_samples(sums: _Sums, block: NDArray[np.float64]) -> None:
    loudness = np.abs(block)
    peak = float(loudness.max())
    if peak > sums.peak * (1 + 1e-9):
        # what was near the old peak is not near the new one, unless that is hardly higher
        sums.n_clipped = 0 if sums.peak < _NEAR_PEAK * peak else sums.n_clipped
        sums.peak = peak
    near = loudness >= _NEAR_PEAK * sums.peak if sums.peak > 0 else np.zeros(len(block), bool)
    flat = near.copy()
    for k in range(1, _FLAT):  # so many in a row, counted at the last of them
        flat[k:] &= near[:-k]
        flat[:k] = False
    sums.n_clipped += int(flat.sum())
    sums.n_samples += len(block)
    sums.n_zero += int((block == 0).sum())
    steps = np.diff(np.unique(loudness[: 2**18]))
    sums.step = min(sums.step, float(steps.min())) if len(steps) else sums.step


def _add_frames(
    sums: _Sums,
    samples: NDArray[np.float64],
    window: NDArray[np.float64],
    place: tuple[int, int, Events | None],
) -> int:
    """Add what the frames of a block say; samples that no later frame needs."""
    first, sample_rate, events = place
    size, hop = len(window), len(window) // 2
    if len(samples) < size:
        return 0
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    spectra = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 / (window**2).sum() / (size / 2)
    mean_square = np.square(frames).mean(axis=1)
    levels = 10 * np.log10(np.maximum(mean_square, 1e-12))
    starts = (first + hop * np.arange(len(frames))) / sample_rate
    quiet = _background_frames(levels, starts, size / sample_rate, events)
    sums.levels.append(levels)
    sums.n_frames += len(frames)
    sums.n_background += len(quiet)
    sums.background = sums.background + spectra[quiet].sum(axis=0)
    if len(quiet):
        _count_holes(sums, spectra[quiet])
    return hop * len(frames)


def _background_frames(
    levels: NDArray[np.float64],
    starts: NDArray[np.float64],
    length: float,
    events: Events | None,
) -> NDArray[np.int64]:
    """Which frames are background: quiet ones that no event touches, and that hold something."""
    free = levels > SILENCE
    if events is not None:
        for event in events:
            free &= (starts + length <= event.start) | (starts >= event.end)
    places = np.flatnonzero(free)
    share = _QUIET_OF_ALL if events is None else _QUIET_OF_FREE
    n_taken = min(len(places), max(_FEWEST, math.ceil(share * len(places))))
    return np.sort(places[np.argsort(levels[places], kind="stable")[:n_taken]])


def _count_holes(sums: _Sums, spectra: NDArray[np.float64]) -> None:
    """Count what a codec left out of the background: cells far below the mean spectrum there."""
    mean = spectra.mean(axis=0)
    heard = mean > mean.max() * 10 ** (-6.0)
    below = spectra[:, heard] < mean[heard] * 10 ** (_HOLE / 10)
    sums.n_holes += int(below.sum())
    sums.n_cells += below.size


def _of_samples(sums: _Sums, sample_rate: int) -> dict[str, float]:
    levels = np.sort(np.concatenate(sums.levels))
    n_loud = max(1, math.ceil(_LOUDEST * len(levels)))
    bits = 32.0 if sums.step == math.inf else min(32.0, 1 - math.log2(sums.step))
    return {
        "level_db": float(levels[-n_loud:].mean()),
        "peak_db": max(SILENCE, 20 * math.log10(max(sums.peak, 1e-6))),
        "duration_s": sums.n_samples / sample_rate,
        "clipped_share": sums.n_clipped / sums.n_samples,
        "digital_silence": sums.n_zero / sums.n_samples,
        "bits": math.nan if sums.peak == 0 else float(round(bits)),
        "sample_rate": float(sample_rate),
        "holes_share": sums.n_holes / sums.n_cells if sums.n_cells else math.nan,
    }


def _of_spectra(sums: _Sums, sample_rate: int) -> dict[str, float]:
    nyquist = sample_rate / 2
    found: dict[str, float] = dict.fromkeys(KINDS, math.nan)
    if sums.n_background >= _FEWEST:
        quiet = np.asarray(sums.background) / sums.n_background
        levels = np.sort(np.concatenate(sums.levels))
        loud = float(levels[-max(1, math.ceil(_LOUDEST * len(levels))) :].mean())
        found["background_db"] = 10 * math.log10(max(quiet.sum(), 1e-12)) - loud
        found["tilt_db"] = tilt(quiet, nyquist)
        unlined = without_lines(quiet, nyquist)  # a hum would be most of the energy
        found["roll_off_hz"] = roll_off(unlined, nyquist)
        found["highest_hz"] = highest_within(unlined, nyquist)
        found["fall_db"] = fall(unlined, nyquist)
        found["top_band_db"] = band_level(unlined, 0.75, 1.0)
        found |= third_octaves(quiet, nyquist)
        found["line_db"], found["lines_share"] = line_levels(quiet, nyquist)
    return {name: value for name, value in found.items() if name in _SPECTRAL}


_SPECTRAL = frozenset(KINDS) - {
    *("level_db", "peak_db", "duration_s", "clipped_share", "digital_silence", "bits"),
    *("sample_rate", "holes_share"),
}
