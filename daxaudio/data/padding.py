"""Noise before and after a recording: the time of the event is then known exactly.

Conventions: the noise stands at both ends and is not added to the recording; signal-to-noise
ratios compare mean powers in dB. Source: the noise padding of the DAX paper (1 to 5 s of white
noise at each end, 10 dB). We differ in that each end is scaled by the power that its own samples
have, so that the ratio holds exactly and not only on average.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from daxaudio.containers import Event, Recording
from daxaudio.data.audio import AUDIO_SUFFIXES, find_audio, read_recording
from daxaudio.data.kaldi import DataFolder, read_data_folder, read_utterance
from daxaudio.data.kaldi.archives import source_file
from daxaudio.data.kaldi.lines import is_command
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import generator

_PINK_FROM = 20.0  # Hz; what lies below is not heard and would take much of the power
_DRAWS = 20
_LONGEST = 3600.0  # seconds at each end; more is a slip, and would fill the memory
_BYTES_EACH = 20  # of a sample while it is padded: noise, its scaled copy, the whole
_LARGEST_SNR = 200  # dB; beyond, one of the two is nothing but rounding


@dataclasses.dataclass(frozen=True, eq=False)
class PaddedRecording:
    """A recording between two stretches of noise.

    Args:
        recording: noise, the original samples, noise; `[C, n_left + S + n_right]`.
        event: where the original samples are, in seconds, exact to the sample.
        n_left: samples of noise before it.
        n_right: samples of noise after it.
    """

    recording: Recording
    event: Event
    n_left: int
    n_right: int


@dataclasses.dataclass(frozen=True)
class _Utterance:
    """An utterance of a data folder that is no whole file, named as a file in it would be."""

    parent: Path
    stem: str

    def __str__(self) -> str:
        return f"{self.parent}: {self.stem!r}"


_Noise = Path | _Utterance


@dataclasses.dataclass(frozen=True)
class NoisePadding:
    """Puts noise of random length at both ends of a recording.

    The same object makes test recordings with a known event and augments training data.

    Args:
        min_duration: shortest noise at each end, in seconds, at least 0.
        max_duration: longest noise at each end, in seconds, at most 3600. Each end's length is
            drawn evenly between the two, on its own.
        snr_db: mean power of the recording over that of the noise, in dB, from -200 to 200.
        noise: "white", "pink" (power falls with 1 / frequency from 20 Hz up), or the path of an
            audio file, of a folder that is searched for such files, or of a Kaldi data folder, of
            whose recordings those of another class are taken. Of a folder one file is drawn for a
            recording, of a file a stretch for each end; a file that is too short is repeated.

    Raises:
        ValueError: when a value is out of range, or `noise` is neither a colour nor a path.

    Example:
        >>> tone = Recording(torch.sin(torch.arange(16000) / 5)[None], 16000, "tone")
        >>> padded = NoisePadding(snr_db=10)(tone, seed=0)
        >>> padded.event == Event(padded.n_left / 16000, (padded.n_left + 16000) / 16000)
        True
        >>> middle = padded.recording.waveform[:, padded.n_left : padded.n_left + 16000]
        >>> torch.equal(middle, tone.waveform)
        True
    """

    min_duration: float = 1.0
    max_duration: float = 5.0
    snr_db: float = 10.0
    noise: str | Path = "white"

    def __post_init__(self) -> None:
        if not 0 <= self.min_duration <= self.max_duration <= _LONGEST:
            raise ValueError(
                f"noise padding needs 0 <= min_duration <= max_duration <= {_LONGEST:g} in "
                f"seconds, got min_duration={self.min_duration}, max_duration={self.max_duration}"
            )
        if not abs(self.snr_db) <= _LARGEST_SNR:
            raise ValueError(
                f"snr_db must lie between -{_LARGEST_SNR} and {_LARGEST_SNR} dB, got {self.snr_db}"
            )
        if self.noise == "":
            raise ValueError("noise is empty; give white, pink, or a path")
        if self.noise not in ("white", "pink"):
            _noise_files(Path(self.noise))

    def __call__(
        self, recording: Recording, seed: int, label: str | None = None
    ) -> PaddedRecording:
        """Pad one recording.

        Args:
            recording: any number of channels; all get the same noise.
            seed: seed of the draws, which also depend on the recording's id.
            label: the recording's class, for noise from a data folder; when None, the class that
                this folder gives for the recording's id, if it is there.

        Returns:
            The padded recording, under the same id, and its event.

        Raises:
            ValueError: when the recording or the noise is silent, a noise file is no audio, or
                there is not memory enough.
        """
        waveform, sample_rate = recording.waveform, recording.sample_rate
        signal_power = _mean_power(waveform)
        if signal_power == 0:
            raise ValueError(
                f"recording {recording.recording_id!r} is silent (all zeros), so no noise can be "
                f"{self.snr_db} dB below it; leave the recording out"
            )
        names = (recording.recording_id, "noise padding")
        n_left, n_right = self._draw_lengths(sample_rate, generator(seed, *names, "lengths"))
        n_samples = n_left + n_right + waveform.shape[1]
        check_fits("samples", n_samples, _BYTES_EACH * len(waveform), "max_duration")
        draws = generator(seed, *names, "noise")
        draw_noise = self._noise_source(sample_rate, draws, recording.recording_id, label)
        noise_power = signal_power / 10 ** (self.snr_db / 10)
        left, right = (
            _scale_to_power(draw_noise(n), noise_power).to(waveform.device).expand(len(waveform), n)
            for n in (n_left, n_right)
        )
        event = Event(n_left / sample_rate, (n_left + waveform.shape[1]) / sample_rate)
        padded = torch.cat([left, waveform, right], dim=1)
        return PaddedRecording(
            dataclasses.replace(recording, waveform=padded), event, n_left, n_right
        )

    def _draw_lengths(self, sample_rate: int, draws: torch.Generator) -> tuple[int, int]:
        spread = self.max_duration - self.min_duration
        durations = self.min_duration + spread * torch.rand(2, generator=draws, dtype=torch.float64)
        n_left, n_right = (round(duration * sample_rate) for duration in durations.tolist())
        return n_left, n_right

    def _noise_source(
        self, sample_rate: int, draws: torch.Generator, recording_id: str, label: str | None
    ) -> Callable[[int], Tensor]:
        """A function that gives so many samples `[n]` of noise of any power."""
        if self.noise == "white":
            return lambda n: torch.randn(n, generator=draws)
        if self.noise == "pink":
            return lambda n: pink_noise(n, sample_rate, draws)
        files = _noise_files(Path(self.noise), recording_id, label)
        path = _draw_file(files, sample_rate, draws)
        return lambda n: _crop(_read_noise(path, sample_rate), n, draws, path)


def _mean_power(waveform: Tensor) -> float:
    return float(waveform.double().square().mean())


def _scale_to_power(noise: Tensor, power: float) -> Tensor:
    if len(noise) == 0:
        return noise
    return (noise.double() * math.sqrt(power / _mean_power(noise))).float()


def pink_noise(n: int, sample_rate: int, draws: torch.Generator) -> Tensor:
    """Noise whose power falls by 3 dB per octave, with none below 20 Hz.

    Args:
        n: samples to give.
        sample_rate: samples per second, above 40.
        draws: generator on the CPU.

    Returns:
        `[n]`, of no particular power.

    Example:
        >>> pink_noise(100, 8000, generator(0, "pink")).shape
        torch.Size([100])
    """
    # At least a second is shaped, or there would be no bins to shape from 20 Hz up.
    n_shaped = max(n, sample_rate)
    spectrum = torch.fft.rfft(torch.randn(n_shaped, generator=draws))
    frequencies = torch.fft.rfftfreq(n_shaped, 1 / sample_rate)
    # Power falls with 1 / f, so amplitude with its square root.
    amplitude = torch.where(frequencies >= _PINK_FROM, frequencies, math.inf).rsqrt()
    return torch.fft.irfft(spectrum * amplitude, n=n_shaped)[:n]


def _noise_files(path: Path, recording_id: str = "", label: str | None = None) -> Sequence[_Noise]:
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise ValueError(
            f'noise must be "white", "pink", or the path of an audio file or a folder of them, '
            f"got {str(path)!r}, which does not exist"
        )
    if not (path / "wav.scp").is_file():
        return _audio_files(path)
    data = _data_folder(path)
    label = data.text.get(recording_id) if label is None else label
    names = [name for name in data.ids if data.text[name] != label]
    if not names:
        raise ValueError(f"{path}: holds no recording of another class than {label!r} as noise")
    return [_noise_of(path, data, name) for name in names]


def _noise_of(folder: Path, data: DataFolder, name: str) -> _Noise:
    if data.segments is None and source_file(data.wav_scp[name]) == Path(data.wav_scp[name]):
        return Path(data.wav_scp[name])
    return _Utterance(folder, name)


@functools.lru_cache(maxsize=16)
def _data_folder(path: Path) -> DataFolder:
    data = read_data_folder(path, allow_pipes=True)
    for name, source in data.wav_scp.items():
        if is_command(source):
            raise ValueError(
                f"{path / 'wav.scp'}: {name!r}: {source!r} is a shell command, which is never run "
                "for noise; write its output to a file and give the path of that"
            )
    return data


@functools.lru_cache(maxsize=16)
def _audio_files(path: Path) -> tuple[Path, ...]:
    files = find_audio(path)
    if not files:
        raise ValueError(f"{path}: holds no audio ({', '.join(AUDIO_SUFFIXES)}) to draw noise from")
    return tuple(files)


def _draw_file(files: Sequence[_Noise], sample_rate: int, draws: torch.Generator) -> _Noise:
    """One file at random; of several, one that is not mostly digital silence."""
    for _ in range(_DRAWS):
        path = files[int(torch.randint(len(files), (1,), generator=draws))]
        if len(files) == 1 or (_read_noise(path, sample_rate) != 0).float().mean() > 0.5:
            return path
    raise ValueError(
        f"{files[0].parent}: {_DRAWS} recordings drawn as noise were mostly silent (zeros); "
        "give noise without gaps"
    )


@functools.lru_cache(maxsize=64)
def _read_noise(path: _Noise, sample_rate: int) -> Tensor:
    if isinstance(path, _Utterance):
        return read_utterance(_data_folder(path.parent), path.stem, sample_rate).waveform[0]
    return read_recording(path, sample_rate).waveform[0]


def _crop(noise: Tensor, n: int, draws: torch.Generator, path: _Noise) -> Tensor:
    """A stretch `[n]` at random; noise that is shorter goes round, from a random start."""
    n_starts = len(noise) - n + 1 if len(noise) >= n else len(noise)
    for _ in range(_DRAWS):
        start = int(torch.randint(n_starts, (1,), generator=draws))
        stretch = noise[(start + torch.arange(n)) % len(noise)]
        if n == 0 or stretch.any():
            return stretch
    raise ValueError(
        f"{path}: {_DRAWS} stretches of {n} samples of it were silent (all zeros); "
        "give noise without gaps"
    )
