"""Read and write audio files.

Conventions: a file becomes one `Recording` with one channel. Files come as users have them, so
everything that can be wrong with one is found here, and said in one line that names the file.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import soundfile
import torchaudio.functional

from daxaudio.channels import one_channel
from daxaudio.containers import Recording
from daxaudio.files import whole_file
from daxaudio.names import without_audio_ending

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
"""Endings of the files that are taken for audio where a folder is searched."""

_BLOCK = 1 << 20
# Programs that write to a pipe put the largest number (ffmpeg), almost the largest (sox) or 0
# where the length of a WAV file should stand.
_LENGTH_NOT_KNOWN = 0x7FFF0000
# An MP3 decoder may lose a part of the last frame and its own delay of 529 samples.
_MP3_FRAME = 1152
_LARGEST_OGG_PAGE = 27 + 255 + 255 * 255


def read_recording(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    recording_id: str | None = None,
    min_duration: float = 0.0,
    channel: int | None = None,
) -> Recording:
    """Read a WAV, FLAC, Ogg or MP3 file as one channel of float32 audio.

    More channels than one are averaged to one, which is logged at level INFO, unless one is asked
    for; channels that cancel are warned of. What libsndfile reads besides these formats is read
    too.

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
        ValueError: when the file is missing, a folder, empty, cut short, shorter than
            `min_duration`, silent (all zeros, before or after averaging), holds NaN or infinite
            samples, is no audio, or has no such channel. The message is one line that names the
            file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> write_recording(path, Recording(torch.full((2, 8000), 0.5), 8000))
        >>> recording = read_recording(path, sample_rate=16000)
        >>> recording.waveform.shape, recording.recording_id
        (torch.Size([1, 16000]), 'a')
    """
    path = Path(path)
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"sample_rate must be at least 1, got {sample_rate}")
    samples, file_rate = _read_samples(path)
    _check_samples(path, samples, file_rate, min_duration)
    waveform = one_channel(samples, channel, str(path))
    if not waveform.any():
        raise ValueError(f"{path}: its channel {channel} is silent, all zeros; take another one")
    if sample_rate is not None and sample_rate != file_rate:
        waveform = torchaudio.functional.resample(waveform, file_rate, sample_rate)
    name = without_audio_ending(path) if recording_id is None else recording_id
    return Recording(waveform, sample_rate or file_rate, name)


def duration_of(path: str | os.PathLike[str]) -> float:
    """Seconds that an audio file lasts, as its header says; no audio is decoded.

    Args:
        path: the audio file.

    Returns:
        Length in seconds.

    Raises:
        ValueError: when the file is missing, a folder, empty or no audio.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> write_recording(path, Recording(torch.ones(1, 4000), 8000))
        >>> duration_of(path)
        0.5
    """
    with _open(Path(path)) as file:
        return file.frames / file.samplerate


def write_recording(path: str | os.PathLike[str], recording: Recording) -> None:
    """Write a recording whole or not at all: `.wav` as 32-bit float, `.flac` with 24 bits.

    WAV keeps every sample exactly, and the same recording always gives the same bytes.

    Args:
        path: the file to write; its ending chooses the format. Folders above it are made.
        recording: what to write.

    Raises:
        ValueError: when the ending is neither `.wav` nor `.flac`, when samples beyond [-1, 1]
            would be clipped in FLAC, or when the format does not hold such a recording.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.flac"
        >>> write_recording(path, Recording(torch.full((1, 100), 0.25), 8000))
        >>> float(read_recording(path).waveform.max())
        0.25
    """
    path = Path(path)
    samples = recording.waveform.detach().cpu().numpy().T
    if path.suffix.lower() == ".wav":
        # libsndfile would write the time of day into the peak chunk of a float WAV.
        with whole_file(path) as temporary:
            scipy.io.wavfile.write(temporary, recording.sample_rate, samples)
    elif path.suffix.lower() == ".flac":
        _write_flac(path, samples, recording.sample_rate)
    else:
        raise ValueError(f"{path}: can write .wav and .flac, got {path.suffix!r}; change the name")


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


def _open(path: Path) -> soundfile.SoundFile:
    if not path.exists():
        raise ValueError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, expected an audio file; name a file in it")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: is empty (0 bytes); copy or record it again")
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        # soundfile takes a `.raw` file for headerless audio and asks for its rate: TypeError
        reason = " ".join(str(getattr(error, "error_string", error)).split())
        raise ValueError(
            f"{path}: cannot be read as audio ({reason}); give a WAV, FLAC, Ogg or MP3 file"
        ) from error


def _read_samples(path: Path) -> tuple[np.ndarray, int]:
    """All samples `[S, C]` of a file and its sample rate."""
    blocks = []
    with _open(path) as file:
        try:
            # In blocks, so that a wrong length in a header costs no memory.
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
        except soundfile.LibsndfileError as error:
            raise ValueError(
                f"{path}: broke off while it was read, it is cut short or damaged "
                f"({error.error_string}); copy it again"
            ) from error
        n_read = sum(map(len, blocks))
        _check_complete(path, file, n_read)
        if n_read == 0:
            raise ValueError(f"{path}: is empty (0 samples); copy or record it again")
        return np.concatenate(blocks), file.samplerate


def _check_complete(path: Path, file: soundfile.SoundFile, n_read: int) -> None:
    """Raise when a file ends before the place that its header promises.

    libsndfile mends the length of WAV, AIFF and Ogg files without a word, so the bytes of these
    are looked at here.
    """
    missing = ""
    allowed = _MP3_FRAME if file.format == "MP3" else 0
    if file.frames - n_read > allowed:
        missing = f"{file.frames} samples promised, {n_read} read"
    elif file.format in ("WAV", "WAVEX", "AIFF"):
        missing = _missing_from_chunks(path)
    elif file.format == "OGG" and not _ogg_is_complete(path):
        missing = "no end of stream"
    if missing:
        raise ValueError(f"{path}: is cut short ({missing}); copy it again")


def _missing_from_chunks(path: Path) -> str:
    """What the sample chunk of a WAV or AIFF file promises beyond the end ("" when nothing)."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        order = ">" if file.read(12)[:4] in (b"FORM", b"RIFX") else "<"
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack(f"{order}4sI", header)
            if name in (b"data", b"SSND"):
                missing = file.tell() + length - size
                known = length < _LENGTH_NOT_KNOWN
                return f"{missing} bytes missing" if known and missing > 0 else ""
            file.seek(length + length % 2, os.SEEK_CUR)
    return ""


def _ogg_is_complete(path: Path) -> bool:
    """Whether the last page of an Ogg file is whole and marked as the last."""
    with open(path, "rb") as file:
        file.seek(-min(path.stat().st_size, 2 * _LARGEST_OGG_PAGE), os.SEEK_END)
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or len(page) < 27 + page[26]:
        return False
    length = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return bool(page[5] & 4) and length <= len(page)


def _check_samples(path: Path, samples: np.ndarray, sample_rate: int, min_duration: float) -> None:
    if not np.isfinite(samples).all():
        n_bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise ValueError(f"{path}: holds {n_bad} NaN or infinite samples; export it again")
    duration = len(samples) / sample_rate
    if duration < min_duration:
        raise ValueError(
            f"{path}: lasts {duration:.4g} s, expected at least {min_duration:.4g} s; "
            "give a longer file"
        )
    if not samples.any():
        raise ValueError(f"{path}: is silent, all zeros; record it again or leave it out")
