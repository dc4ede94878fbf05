"""Read and write audio files.

Conventions: a file becomes one `Recording` with one channel. Files come as users have them, so
everything that can be wrong with one is found here, and said in one line that names the file.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import soundfile
import torch

from daxaudio.containers import Recording
from daxaudio.data.channels import one_channel
from daxaudio.data.decoding import AUDIO_SUFFIXES, channels_of, duration_of, read_samples
from daxaudio.data.resampling import resample
from daxaudio.runs.files import whole_file
from daxaudio.runs.names import without_audio_ending
from daxaudio.runs.once import warn_once

__all__ = [
    "AUDIO_SUFFIXES",
    "channels_of",
    "duration_of",
    "find_audio",
    "fits_16_bits",
    "make_recording",
    "make_recording_of_all",
    "read_recording",
    "write_recording",
]

_log = logging.getLogger(__name__)

# Full scale is 1; whole numbers of 32 bits that are stored as floats go up to 2**31.
_LOUDEST = 2.0**32
_LOUD = 100.0


def find_audio(folder: str | os.PathLike[str]) -> list[Path]:
    """Audio files at or below a folder, sorted, by their endings (`AUDIO_SUFFIXES`).

    Hidden files and folders are left out: macOS puts some beside audio, and so does a writer that
    was killed.

    Args:
        folder: where to look; nothing is opened.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.wav", "a.FLAC", "._b.wav", "c.txt"):
        ...     (folder / name).touch()
        >>> [path.name for path in find_audio(folder)]
        ['a.FLAC', 'b.wav']
    """
    folder = Path(folder)
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in AUDIO_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def read_recording(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    *,
    recording_id: str | None = None,
    min_duration: float = 0.0,
    channel: int | None = None,
) -> Recording:
    """Read an audio file as one channel of float32 audio.

    WAV, FLAC, Ogg, MP3 and what else libsndfile knows is read by itself, other formats (m4a, aac,
    webm, wma, ...) where the program ffmpeg is installed. More channels than one are averaged to
    one, which is logged at level INFO, unless one is asked for; channels that cancel are warned
    of. So is a file that holds more than its header promises, which is read to its end, and one
    with samples beyond 100 (full scale is 1).

    Args:
        path: the audio file.
        sample_rate: samples per second of the result; the file's own when not given.
        recording_id: name of the recording; the file name without the ending of an audio file (see
            `without_audio_ending`) when not given.
        min_duration: seconds that the file must last at least, such as one analysis window.
        channel: take this channel, counted from 1, in place of the average of all.

    Returns:
        The recording, `[1, S]`.

    Raises:
        ValueError: when the file is missing, a folder or a pipe, empty, damaged, cut short,
            shorter than `min_duration`, silent (all zeros, before or after averaging), holds NaN
            or infinite samples or such beyond 2**32, is no audio, or has no such channel. The
            message is one line that names the file.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> write_recording(Recording(torch.full((2, 8000), 0.5), 8000), path)
        >>> recording = read_recording(path, sample_rate=16000)
        >>> recording.waveform.shape, recording.recording_id
        (torch.Size([1, 16000]), 'a')
    """
    path = Path(path)
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"sample_rate must be at least 1, got {sample_rate}")
    samples, file_rate = read_samples(path)
    name = without_audio_ending(path) if recording_id is None else recording_id
    return make_recording(
        str(path),
        samples,
        file_rate,
        sample_rate,
        recording_id=name,
        min_duration=min_duration,
        channel=channel,
    )


def write_recording(
    recording: Recording, path: str | os.PathLike[str], *, any_player: bool = False
) -> None:
    """Write a recording whole or not at all: `.wav` as 32-bit float, `.flac` with 24 bits.

    WAV keeps every sample exactly, and the same recording always gives the same bytes.

    Args:
        recording: what to write.
        path: the file to write; its ending chooses the format. Folders above it are made.
        any_player: `.wav` with 16 bits, which every program plays, unless that would clip.

    Raises:
        ValueError: when the ending is neither `.wav` nor `.flac`, when samples beyond [-1, 1]
            would be clipped in FLAC, or when the format does not hold such a recording.

    Example:
        >>> import tempfile, torch
        >>> path = Path(tempfile.mkdtemp()) / "a.flac"
        >>> write_recording(Recording(torch.full((1, 100), 0.25), 8000), path)
        >>> float(read_recording(path).waveform.max())
        0.25
    """
    path = Path(path)
    samples = recording.waveform.detach().cpu().numpy().T
    if path.suffix.lower() == ".wav" and any_player and fits_16_bits(recording):
        samples = np.rint(samples * 32768).astype(np.int16)
    if path.suffix.lower() == ".wav":
        # libsndfile would write the time of day into the peak chunk of a float WAV.
        with whole_file(path) as temporary:
            scipy.io.wavfile.write(temporary, recording.sample_rate, samples)
    elif path.suffix.lower() == ".flac":
        _write_flac(path, samples, recording.sample_rate)
    else:
        raise ValueError(f"{path}: can write .wav and .flac, got {path.suffix!r}; change the name")


def fits_16_bits(recording: Recording) -> bool:
    """Whether no sample of a recording would be clipped in whole numbers of 16 bits."""
    return float(recording.waveform.abs().max()) * 32768 < 32767.5


def _write_flac(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    peak = float(np.abs(samples).max())
    if peak > 1:
        raise ValueError(
            f"{path}: FLAC would clip samples beyond [-1, 1], the largest is {peak:.3g}; "
            "write .wav or scale the recording down"
        )
    try:
        with whole_file(path) as temporary:
            soundfile.write(temporary, samples, sample_rate, subtype="PCM_24", format="FLAC")
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{path}: FLAC does not hold {samples.shape[1]} channels at {sample_rate} Hz "
            f"({error.error_string}); write .wav"
        ) from error


def make_recording_of_all(place: str, samples: np.ndarray, file_rate: int, name: str) -> Recording:
    """Check samples `[S, C]` that were read, and keep every channel; else as `make_recording`."""
    _check_samples(place, samples, file_rate, 0.0)
    return Recording(torch.from_numpy(samples.T.copy()), file_rate, name)


def make_recording(
    place: str,
    samples: np.ndarray,
    file_rate: int,
    sample_rate: int | None,
    *,
    recording_id: str,
    min_duration: float,
    channel: int | None,
) -> Recording:
    """Check samples that were read, make one channel of them, and resample it.

    Args:
        place: stands before an error: the file, or the part of it.
        samples: `[S, C]` of float32.
        file_rate: their samples per second.
        sample_rate: samples per second of the result; `file_rate` when None.
        recording_id: name of the recording.
        min_duration: seconds that it must last at least.
        channel: which one to take, counted from 1; None for the average of all.

    Raises:
        ValueError: as `read_recording` says.
    """
    _check_samples(place, samples, file_rate, min_duration)
    waveform = one_channel(samples, channel, place)
    if not waveform.any():
        raise ValueError(f"{place}: its channel {channel} is silent, all zeros; take another one")
    if sample_rate is not None:
        waveform = resample(waveform, file_rate, sample_rate)
    return Recording(waveform, sample_rate or file_rate, recording_id)


def _check_samples(place: str, samples: np.ndarray, sample_rate: int, min_duration: float) -> None:
    if len(samples) == 0:
        raise ValueError(f"{place}: is empty (0 samples); copy or record it again")
    duration = len(samples) / sample_rate
    if duration < min_duration:
        raise ValueError(
            f"{place}: lasts {duration:.4g} s, expected at least {min_duration:.4g} s; "
            "give a longer one"
        )
    if not samples.any():
        raise ValueError(f"{place}: is silent, all zeros; record it again or leave it out")
    _check_level(place, samples)


def _check_level(place: str, samples: np.ndarray) -> None:
    if not np.isfinite(samples).all():
        n_bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise ValueError(f"{place}: holds {n_bad} NaN or infinite samples; export it again")
    peak = max(float(samples.max()), -float(samples.min()))
    if peak > _LOUDEST:
        raise ValueError(
            f"{place}: holds samples as large as {peak:.3g}, where 1 is full scale; they are "
            "damaged or no audio; export it again"
        )
    if peak > _LOUD:
        warn_once(
            _log,
            f"{place}: holds samples as large as {peak:.3g}, where 1 is full scale; whole numbers "
            "stored as floats? divide them by their full scale",
        )
