"""Audio of the formats that libsndfile does not know, read by the program ffmpeg where it is there.

The program gets a list of arguments and no shell sees them; it may open the one file and nothing
else (no network, no playlists that name other files), and is stopped after a time limit. Its output
comes through a pipe, so that nothing large is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

FFMPEG_SECONDS = 600.0
"""How long ffmpeg may take for a file; an hour of AAC takes it half a minute."""

# The formats of files that hold sound, by the names of ffmpeg; a playlist is none.
_FORMATS = (
    "mov,matroska,aac,asf,amr,amrnb,amrwb,ac3,eac3,dts,loas,ape,wv,tta,tak,mpc,mpc8,caf,dsf,gsm,"
    "mp3,ogg,flac,wav,w64,aiff,au,voc,rm,flv,avi,mpeg,mpegts"
)
_BLOCK = 1 << 20
# The duration in a container is rounded, and may count what a decoder needs before it begins.
_SHORTER = 0.1
_DURATION = re.compile(r"Duration: (\d+):(\d+):(\d+(?:\.\d+)?)")


@dataclasses.dataclass(frozen=True, eq=False)
class FfmpegAudio:
    """Audio that ffmpeg is decoding.

    Args:
        sample_rate: samples per second.
        n_channels: channels.
        place: stands before an error.
        process: ffmpeg; its output is behind the header of a WAV file.
        errors: what it writes to standard error.
    """

    sample_rate: int
    n_channels: int
    place: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks `[n, C]` of float32 up to the end.

        Raises:
            ValueError: at the end, when ffmpeg found the file damaged or cut short, or was stopped.
        """
        assert self.process.stdout is not None
        size, n_samples = 4 * self.n_channels, 0
        while data := self.process.stdout.read(_BLOCK * size):
            block = np.frombuffer(data, "<f4", len(data) // size * self.n_channels)
            n_samples += len(block) // self.n_channels
            yield block.astype(np.float32).reshape(-1, self.n_channels)
        _check_end(self.process, self.errors, self.place, n_samples / self.sample_rate)


@contextlib.contextmanager
def open_by_ffmpeg(
    path: Path, reason: str, seconds: float = FFMPEG_SECONDS
) -> Iterator[FfmpegAudio]:
    """Start ffmpeg on a file; it is ended when the block ends.

    Args:
        path: the file; its first audio stream is taken.
        reason: why libsndfile does not read it.
        seconds: time limit.

    Yields:
        The audio.

    Raises:
        ValueError: when ffmpeg is not installed, or cannot read the file either.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        stem = path.stem if path.suffix.lower() != ".wav" else f"{path.stem}-converted"
        wav = shlex.quote(f"{stem}.wav")
        raise ValueError(
            f"{path}: cannot be read as audio ({reason}); give a WAV, FLAC, Ogg or MP3 file, or "
            "install ffmpeg, which reads m4a, aac, webm, wma and others; elsewhere "
            f"`ffmpeg -i {shlex.quote(path.name)} {wav}` converts it"
        )
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [program, *_arguments(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            found = _read_header(process.stdout)
            if found is None:
                _check_end(process, errors, f"{path}: cannot be read as audio ({reason})", 0.0)
                raise ValueError(f"{path}: holds no audio; give another file")
            yield FfmpegAudio(*found, str(path), process, errors)
        finally:
            timer.cancel()
            process.kill()
            process.communicate()


def _arguments(path: Path) -> list[str]:
    # With `file:` and the whole path the name is neither taken for an option nor for a protocol.
    source = f"file:{os.path.abspath(path)}"
    return [
        *("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info"),
        *("-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", source),
        *("-map", "0:a:0", "-c:a", "pcm_f32le", "-bitexact", "-protocol_whitelist", "pipe"),
        *("-f", "wav", "pipe:1"),
    ]


def _read_header(stream: IO[bytes]) -> tuple[int, int] | None:
    """Sample rate and channels of the WAV file in a stream, which then stands at its samples."""
    if len(stream.read(12)) < 12:
        return None
    rate, n_channels = 0, 0
    while len(header := stream.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"data":
            return (rate, n_channels) if rate and n_channels else None
        chunk = stream.read(length + length % 2)
        if name == b"fmt ":
            n_channels, rate = struct.unpack("<2xHI", chunk[:8])
    return None


def _check_end(
    process: subprocess.Popen[bytes], errors: IO[bytes], place: str, duration: float
) -> None:
    """Raise when ffmpeg did not come to a good end."""
    code = process.wait()
    errors.seek(0)
    words = errors.read().decode("utf-8", errors="replace")
    wrong = [line for line in words.split("\n") if "[error]" in line or "[fatal]" in line]
    if code < 0 and not wrong:
        raise ValueError(
            f"{place}: ffmpeg took too long and was stopped; convert it to WAV by hand"
        )
    if code != 0 or wrong:
        said = re.sub(r"^(\[[^]]*\] *)+", "", (wrong or ["no message"])[0]).strip()
        raise ValueError(f"{place}: is damaged or no audio (ffmpeg: {said}); copy it again")
    promised = _promised_seconds(words)
    if promised is not None and duration < promised - _SHORTER:
        raise ValueError(
            f"{place}: is cut short ({promised:.4g} s promised, {duration:.4g} s read); "
            "copy it again"
        )


def _promised_seconds(words: str) -> float | None:
    """Seconds that the container says; None where it says nothing of the sound."""
    found = _DURATION.search(words)
    if not found or "Estimating duration" in words or "Video:" in words:
        return None
    hours, minutes, seconds = map(float, found.groups())
    return 3600 * hours + 60 * minutes + seconds
