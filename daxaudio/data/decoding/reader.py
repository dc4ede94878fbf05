"""Open an audio file, whatever its format; read its samples or count them.

Conventions: samples are float32 `[S, C]` at the rate of the file. libsndfile reads what it knows,
ffmpeg the rest. A header is believed only as far as the bytes of the file agree with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from daxaudio.data.decoding.chunks import (
    promise_of_asf,
    promise_of_au,
    promise_of_nist,
    promise_of_riff,
    promise_of_wave64,
)
from daxaudio.data.decoding.ffmpeg import FfmpegAudio, open_by_ffmpeg
from daxaudio.data.decoding.flac import promise_of_flac
from daxaudio.data.decoding.mp3 import end_of_tags, looks_like_mp3, promise_of_mp3
from daxaudio.data.decoding.ogg import promise_of_ogg
from daxaudio.data.decoding.promise import Promise
from daxaudio.data.decoding.quiet import without_words_of_libmpg123
from daxaudio.data.decoding.splice import SplicedFile
from daxaudio.runs.once import warn_once

AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".mp3", ".oga", ".opus", ".aif", ".aiff", ".au", ".rf64", ".w64"),
    # by ffmpeg
    *(".m4a", ".aac", ".webm", ".wma", ".3gp", ".amr", ".caf"),
)
"""Endings of the files that are taken for audio where a folder is searched."""

_log = logging.getLogger(__name__)

_BLOCK, _LAST_BLOCK = 1 << 20, 1 << 10
# An MP3 decoder may lose a part of the last frame and its own delay of 529 samples.
_MP3_FRAME = 1152
# What a frame needs may stand in earlier ones, in silence in many; a decoder that starts in the
# middle and lacks it gives other samples.
_MP3_MEMORY = 32 * _MP3_FRAME
_FORMAT_NOT_KNOWN = 1  # codes of libsndfile
_NOT_COUNTED = 1 << 62  # frames, about what libsndfile gives where a header says nothing
_NOT_KNOWN = (_FORMAT_NOT_KNOWN, 4)  # also a coding that it does not know

_NO_FILES = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)

_PROMISES: dict[bytes, Callable[[Path], Promise]] = {
    b"RIFF": promise_of_riff,
    b"RIFX": promise_of_riff,
    b"RF64": promise_of_riff,
    b"BW64": promise_of_riff,
    b"FORM": promise_of_riff,
    b"riff": promise_of_wave64,
    b".snd": promise_of_au,
    b"dns.": promise_of_au,
    b"NIST": promise_of_nist,
    b"0&\xb2u": promise_of_asf,
    b"OggS": promise_of_ogg,
    b"fLaC": promise_of_flac,
}
"""By the first four bytes of a file."""


class _SequentialFile(soundfile.SoundFile):
    """A sound file in which `read` does not seek to where it is.

    It cannot in a FLAC stream of unknown length, and in an MP3 file of varying bit rate the samples
    after it are wrong, as a frame needs what earlier ones hold.
    """

    def seekable(self) -> bool:
        """Never, as far as `read` asks; `seek` works all the same."""
        return False


@dataclasses.dataclass(frozen=True, eq=False)
class _OpenAudio:
    """A file that is open, by libsndfile or by ffmpeg."""

    path: Path
    promise: Promise
    n_channels: int
    sample_rate: int
    n_promised: int | None
    """Samples by its header; None where it says nothing that is to be trusted."""
    allowed: int
    """Samples that may be missing all the same."""
    blocks: Callable[[int, int | None], Iterator[np.ndarray]]
    """Blocks `[n, C]` from a sample on: so many samples, or all, as far as there are any."""


def read_samples(
    path: str | os.PathLike[str], start: float = 0.0, end: float | None = None
) -> tuple[np.ndarray, int]:
    """Read an audio file, or a part of it.

    Args:
        path: the file.
        start: seconds from which on it is read.
        end: seconds up to which it is read; its end when not given, or where that comes first.

    Returns:
        Samples `[S, C]` of float32, from sample `start * rate` up to sample `end * rate`, both
        rounded, and the samples per second. Only these are decoded where the format allows it.

    Raises:
        ValueError: when the file is missing, no file, empty, damaged, cut short, or no audio. Of
            a part the rest is not decoded, so that damage there may go unseen.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> soundfile.write(path, np.full((800, 2), 0.5), 8000)
        >>> read_samples(path, start=0.05, end=9.0)[0].shape
        (400, 2)
    """
    with _open(Path(path)) as audio:
        first = round(start * audio.sample_rate)
        last = None if end is None else round(end * audio.sample_rate)
        if first > 0:
            n_samples = _length_of(audio)
            first = min(first, n_samples)
            last = n_samples if last is None else min(last, n_samples)
        n_wanted = None if last is None else max(0, last - first)
        if audio.promise.odd:
            warn_once(_log, f"{path}: {audio.promise.odd}")
        blocks = list(_decode(audio, first, n_wanted))
        if n_wanted is None:
            _check_promise(audio, sum(map(len, blocks)))
        return _joined(blocks, audio.n_channels), audio.sample_rate


def duration_of(path: str | os.PathLike[str]) -> float:
    """Seconds that an audio file lasts.

    No audio is decoded where the header says the length. Where it does not (a FLAC file written to
    a pipe, an MP3 file without a frame that says so, and what ffmpeg reads), samples are counted.

    Args:
        path: the file.

    Returns:
        Length in seconds.

    Raises:
        ValueError: as `read_samples`, as far as it can be seen without decoding.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.wav"
        >>> soundfile.write(path, np.full((800, 2), 0.5), 8000)
        >>> duration_of(path)
        0.1
    """
    with _open(Path(path)) as audio:
        return _length_of(audio) / audio.sample_rate


def channels_of(path: str | os.PathLike[str]) -> int:
    """Channels of an audio file; no audio is decoded.

    Args:
        path: the file.

    Raises:
        ValueError: as `duration_of`.
    """
    with _open(Path(path)) as audio:
        return audio.n_channels


def _length_of(audio: _OpenAudio) -> int:
    """Samples by the header where that is to be trusted, else counted."""
    if audio.n_promised is not None:
        return audio.n_promised
    about = audio.path.stat()
    return _count(audio.path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=256)  # a recording of many segments is counted once
def _count(path: Path, size: int, mtime_ns: int) -> int:
    with _open(path) as audio:
        return sum(map(len, _decode(audio, 0, None)))


def _decode(audio: _OpenAudio, first: int, n_wanted: int | None) -> Iterator[np.ndarray]:
    try:
        yield from audio.blocks(first, n_wanted)
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{audio.path}: broke off while it was read, it is cut short or damaged "
            f"({_words_of(error)}); copy it again"
        ) from error


def _joined(blocks: list[np.ndarray], n_channels: int) -> np.ndarray:
    """All samples `[S, C]`; each block is given up when it is copied, so that they exist once."""
    if len(blocks) == 1:
        return blocks[0]
    samples = np.empty((sum(map(len, blocks)), n_channels), np.float32)
    end = len(samples)
    while blocks:
        block = blocks.pop()
        samples[end - len(block) : end] = block
        end -= len(block)
    return samples


def _check_promise(audio: _OpenAudio, n_read: int) -> None:
    """Compare the number of samples up to the end of a file with what its header says."""
    promised = audio.n_promised
    if promised is None:
        return
    if promised - n_read > audio.allowed:
        raise ValueError(
            f"{audio.path}: is cut short ({promised} samples promised, {n_read} read); "
            "copy it again"
        )
    if n_read > promised:
        what = f"its header promises {promised} samples, {n_read} are there; all of them are read"
        warn_once(_log, f"{audio.path}: {what}")


@contextlib.contextmanager
def _open(path: Path) -> Iterator[_OpenAudio]:
    """Open a file, by libsndfile if that knows its format, else by ffmpeg.

    Raises:
        ValueError: when it is missing, no file, empty, damaged, cut short as its bytes tell, or no
            audio.
    """
    promise, by_mpg123 = _look_at(path)
    with contextlib.ExitStack() as stack:
        if by_mpg123:
            stack.enter_context(without_words_of_libmpg123())
        source = stack.enter_context(SplicedFile(path, promise.pieces)) if promise.pieces else path
        try:
            file = stack.enter_context(_SequentialFile(source))
        except (soundfile.LibsndfileError, TypeError) as error:
            # soundfile takes a `.raw` file for headerless audio and asks for its rate: TypeError
            if getattr(error, "code", _FORMAT_NOT_KNOWN) not in _NOT_KNOWN:
                raise ValueError(
                    f"{path}: cannot be read as audio ({_words_of(error)}); copy or export it again"
                ) from error
            audio = stack.enter_context(open_by_ffmpeg(path, _words_of(error)))
            blocks = functools.partial(_blocks_of_ffmpeg, audio)
            yield _OpenAudio(path, promise, audio.n_channels, audio.sample_rate, None, 0, blocks)
            return
        known = promise.known and file.frames < _NOT_COUNTED
        n_promised = promise.n_samples or (file.frames if known else None)
        allowed = _MP3_FRAME if _is_mpeg(file) else 0
        blocks = functools.partial(_blocks_of_sound_file, file, n_promised or file.frames)
        yield _OpenAudio(path, promise, file.channels, file.samplerate, n_promised, allowed, blocks)


def _is_mpeg(file: soundfile.SoundFile) -> bool:
    return bool(file.subtype.startswith("MPEG"))


def _words_of(error: Exception) -> str:
    words = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")
    # of an ending .mp3 with no MP3 in it; that the file is there was seen before
    return "No MP3 in it" if words.startswith("File does not exist") else words


def _look_at(path: Path) -> tuple[Promise, bool]:
    """What the bytes of a file promise, and whether libmpg123 may come to read it."""
    try:
        _check_is_file(path)
        with open(path, "rb") as file:
            head = file.read(10)
            file.seek(end_of_tags(head))
            magic = file.read(4)
        promise_of = _PROMISES.get(magic)
        if promise_of is None or magic != head[:4]:
            is_mp3 = promise_of is None and looks_like_mp3(head)
            about = path.stat()
            known = (path, about.st_size, about.st_mtime_ns)
            promise = _promise_of_mp3(*known) if is_mp3 else Promise()
        else:
            promise = promise_of(path)
    except PermissionError as error:
        raise ValueError(
            f"{path}: cannot be opened (permission denied); check its permissions"
        ) from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened ({error.strerror}); check the path") from error
    if promise.damage:
        raise ValueError(f"{path}: is damaged ({promise.damage}); copy it again")
    if promise.unread:
        raise ValueError(f"{path}: {promise.unread}")
    if promise.missing:
        raise ValueError(f"{path}: is cut short ({promise.missing}); copy it again")
    return promise, promise_of is None


@functools.lru_cache(maxsize=256)  # every frame is looked at: a long file has many windows
def _promise_of_mp3(path: Path, size: int, mtime_ns: int) -> Promise:
    return promise_of_mp3(path)


def _check_is_file(path: Path) -> None:
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{path}: no such file; check the path") from None
    kind = next((words for is_it, words in _NO_FILES if is_it(about.st_mode)), None)
    if kind == "folder":
        raise ValueError(f"{path}: is a folder, expected an audio file; name a file in it")
    if kind:
        raise ValueError(
            f"{path}: is a {kind}, which cannot be read twice or from its end; write what comes "
            "out of it to a file and name that"
        )
    if about.st_size == 0:
        raise ValueError(f"{path}: is empty (0 bytes); copy or record it again")


def _blocks_of_sound_file(
    file: soundfile.SoundFile, n_promised: int, first: int, n_wanted: int | None
) -> Iterator[np.ndarray]:
    if n_wanted == 0:
        return
    if first:
        early = min(first, _MP3_MEMORY if _is_mpeg(file) else 0)
        file.seek(first - early)
        file.read(early)
    at, end = first, None if n_wanted is None else first + n_wanted
    # In blocks, so that a wrong length in a header costs no memory; a last one to see the end.
    while end is None or at < end:
        n_left = max(n_promised - at, _LAST_BLOCK) if end is None else end - at
        block = file.read(min(n_left, _BLOCK), dtype="float32", always_2d=True)
        if not len(block):
            return
        at += len(block)
        yield block


def _blocks_of_ffmpeg(audio: FfmpegAudio, first: int, n_wanted: int | None) -> Iterator[np.ndarray]:
    last, at = None if n_wanted is None else first + n_wanted, 0
    for block in audio.blocks():
        begin, end = max(0, first - at), len(block) if last is None else max(0, last - at)
        at += len(block)
        if len(part := block[begin:end]):
            yield part
        if last is not None and at >= last:
            return
