"""Audio of a Kaldi data folder: files, parts of them, archives, and what shell commands print."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from daxaudio.containers import Recording
from daxaudio.data.audio import (
    duration_of,
    make_recording,
    make_recording_of_all,
    read_recording,
)
from daxaudio.data.decoding import read_samples
from daxaudio.data.kaldi.archives import extract, place_in_archive
from daxaudio.data.kaldi.folder import DataFolder
from daxaudio.data.kaldi.lines import RecordingSegment, check_no_command, is_command

COMMAND_SECONDS = 60.0
"""How long a shell command of `wav.scp` may run."""

OVERSHOOT = 0.01
"""Seconds that a segment may end after its recording: times in `segments` are often rounded."""


def read_utterance(
    data: DataFolder,
    utterance_id: str,
    sample_rate: int | None = None,
    *,
    min_duration: float = 0.0,
    command_seconds: float = COMMAND_SECONDS,
) -> Recording:
    """Read the audio of one utterance as one channel of float32.

    Of a segment only its own samples are decoded. A shell command of `wav.scp`, which `data` has
    only where it was allowed, is run anew for each utterance of its recording.

    Args:
        data: the data folder.
        utterance_id: which utterance.
        sample_rate: samples per second of the result; the file's own when not given.
        min_duration: seconds that the utterance must last at least.
        command_seconds: time limit of a shell command.

    Returns:
        The utterance, `[1, S]`, named by its id. A segment goes from sample `start * rate` up to
        sample `end * rate` of its file, both rounded; it is cut before it is resampled.

    Raises:
        ValueError: when there is no such utterance, as `read_recording` does, when the segment
            ends more than 0.01 s after the recording, and when a command fails or takes too long.

    Example:
        >>> import torch
        >>> from daxaudio.data.audio import write_recording
        >>> path = Path(tempfile.mkdtemp()) / "r 1.wav"
        >>> write_recording(Recording(torch.ones(1, 8000), 8000), path)
        >>> part = {"u": RecordingSegment("r", 0.25, 0.75)}
        >>> data = DataFolder({"r": str(path)}, {"u": "dog"}, {"u": "u"}, {"u": 0.5}, part)
        >>> read_utterance(data, "u", 16000).waveform.shape
        torch.Size([1, 8000])
    """
    segment = data.segment(utterance_id)
    source = data.wav_scp[segment.recording_id]
    with _audio_file(segment.recording_id, source, command_seconds) as path:
        if segment.start == 0 and segment.end is None:
            return read_recording(
                path,
                sample_rate,
                recording_id=utterance_id,
                min_duration=min_duration,
                channel=data.channel,
            )
        return _read_segment(path, segment, sample_rate, utterance_id, min_duration, data.channel)


def source_duration(
    recording_id: str,
    source: str,
    allow_pipes: bool = False,
    command_seconds: float = COMMAND_SECONDS,
) -> float:
    """Seconds that an entry of `wav.scp` lasts; see `duration_of`.

    Args:
        recording_id: the entry.
        source: its value, a path or a shell command.
        allow_pipes: run it when it is a command.
        command_seconds: time limit of the command.

    Raises:
        ValueError: when there is no such audio, and when the command is not allowed, fails or
            takes too long.

    Example:
        >>> source_duration("r", "sph2pipe a.sph |")
        Traceback (most recent call last):
        ValueError: wav.scp: 'r': 'sph2pipe a.sph |' is a shell command, which is not run ...
    """
    if not allow_pipes:
        check_no_command("wav.scp", recording_id, source)
    with _audio_file(recording_id, source, command_seconds) as path:
        return duration_of(path)


def read_source(
    source: str,
    recording_id: str,
    segment: Sequence[float | None] | None = None,
    *,
    channel: int | None = None,
    allow_commands: bool = False,
) -> Recording:
    """Read an entry of `wav.scp`, or an audio file, at its own rate with all its channels.

    Args:
        source: a path, a place in an archive, or a shell command.
        recording_id: name of the recording.
        segment: start and end in seconds of the part to read, the end None for that of the source;
            None for all of it.
        channel: take this one alone, counted from 1.
        allow_commands: run it when it is a command.

    Returns:
        The recording, `[C, S]`.

    Raises:
        ValueError: as `read_utterance`, and when a command is not allowed.

    Example:
        >>> import torch
        >>> from daxaudio.data.audio import write_recording
        >>> path = Path(tempfile.mkdtemp()) / "r 1.wav"
        >>> write_recording(Recording(torch.ones(2, 8000), 8000), path)
        >>> read_source(str(path), "u", (0.25, 0.75)).waveform.shape
        torch.Size([2, 4000])
    """
    if not allow_commands:
        check_no_command("wav.scp", recording_id, source)
    start, end = (0.0, None) if segment is None else segment
    # a file may have a name that no table of Kaldi could hold
    part = RecordingSegment("source", start or 0.0, end)
    with _audio_file(recording_id, source, COMMAND_SECONDS) as path:
        place = str(path)
        if segment is not None:
            place = _place_of_segment(path, part, recording_id)
        samples, file_rate = read_samples(path, part.start, part.end)
    if channel is None:
        return make_recording_of_all(place, samples, file_rate, recording_id)
    return make_recording(
        place,
        samples,
        file_rate,
        None,
        recording_id=recording_id,
        min_duration=0.0,
        channel=channel,
    )


def _place_of_segment(path: Path, segment: RecordingSegment, name: str) -> str:
    """How errors name a segment, which lies in its recording."""
    length = duration_of(path)
    place = f"{path}: segment {name!r}"
    if segment.duration_in(length) <= 0 or (segment.end or 0) > length + OVERSHOOT:
        raise ValueError(
            f"{place}: goes from {segment.start:.10g} s to "
            f"{'the end' if segment.end is None else f'{segment.end:.10g} s'}, but the recording "
            f"lasts {length:.10g} s; `daxaudio data fix --durations` mends or drops it"
        )
    return place


def _read_segment(
    path: Path,
    segment: RecordingSegment,
    sample_rate: int | None,
    name: str,
    min_duration: float,
    channel: int | None,
) -> Recording:
    place = _place_of_segment(path, segment, name)
    samples, file_rate = read_samples(path, segment.start, segment.end)
    return make_recording(
        place,
        samples,
        file_rate,
        sample_rate,
        recording_id=name,
        min_duration=min_duration,
        channel=channel,
    )


@contextlib.contextmanager
def _audio_file(recording_id: str, source: str, command_seconds: float) -> Iterator[Path]:
    """The audio file of an entry of `wav.scp`.

    Of a command, that is a temporary one with its output; of a place in an archive, a copy of what
    is there.
    """
    archived = None if is_command(source) else place_in_archive(source)
    if not is_command(source) and archived is None:
        yield Path(source)
        return
    with tempfile.TemporaryDirectory(prefix="daxaudio-") as folder:
        output = Path(folder) / "output"
        if archived is not None:
            place = source
            extract(*archived, output)
        else:
            command = f"wav.scp: {recording_id!r}: the command {source.removesuffix('|').strip()!r}"
            place = f"{command}: its output"
            _run_command(source.removesuffix("|"), command, output, command_seconds)
        try:
            yield output
        except ValueError as error:
            raise ValueError(str(error).replace(str(output), place)) from error


def _run_command(command: str, place: str, output: Path, seconds: float) -> None:
    errors = output.with_name("errors")
    with open(output, "wb") as out, open(errors, "wb") as err:
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise ValueError(
                f"{place} took longer than {seconds:g} s and was stopped; write its output to a "
                "file and give the path of that"
            ) from None
        except BaseException:
            _kill(process)
            raise
    if code != 0:
        said = errors.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in said[::-1] if line.strip()), "no message")
        raise ValueError(f"{place} ended with code {code} ({last}); run it by hand")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a shell and what it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
