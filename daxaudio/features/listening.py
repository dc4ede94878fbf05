"""What an explanation sounds like: what was marked, and the rest, at the recording's own level."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import torch

from daxaudio.containers import Event, Events, Explanation, Recording
from daxaudio.data.audio import write_recording
from daxaudio.features.sound_masks import split_by_mask
from daxaudio.runs.files import real_path

LOUDER_PEAK = -1.0
"""dB below full scale to which the loudest sample of a louder copy is brought."""

_MOST_PLAYED = 2**23
"""Samples of a recording, all channels, that a notebook plays: 16 MiB a player."""

_CLICK_SECONDS, _CLICK_PEAK = 0.015, 0.25
_START_HERTZ, _END_HERTZ = 2000.0, 1000.0


@dataclasses.dataclass(frozen=True, eq=False)
class Listening:
    """An explanation to be heard.

    `kept` and `removed` add up to `original`, and have its level: what sounds quiet was quiet.

    Args:
        original: the recording, at its own rate and with its own channels.
        kept: what was marked of it.
        removed: the rest.
        marked: when something was marked.
    """

    original: Recording
    kept: Recording
    removed: Recording
    marked: Events = dataclasses.field(default_factory=Events)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        louder: bool = False,
        clicks: bool = False,
        events: Sequence[Event] = (),
        margin: float | None = None,
        source: str | os.PathLike[str] | None = None,
    ) -> dict[Path, str]:
        """Write it as WAV of 16 bits, which every program plays, or of floats where that clips.

        Args:
            folder: gets `original.wav`, `kept.wav` and `removed.wav`; made where it is not there.
            louder: write `kept_louder.wav` and `removed_louder.wav` too, each with its loudest
                sample at `LOUDER_PEAK`, where that is louder.
            clicks: write `clicks.wav`, the recording with a high click where something marked
                begins and a low one where it ends.
            events: true events; `clicks_at_events.wav` has clicks where these begin and end.
            margin: seconds before and after; each marked stretch is cut out with so much around it
                as `marked_1.wav`, `marked_2.wav`, ... None cuts nothing.
            source: the file of the recording, where it is known; nothing is written over it.

        Returns:
            What was written, and in a few words what it is.

        Raises:
            ValueError: when the recording itself would be overwritten; nothing is written then.
        """
        there = {
            "original": (self.original, "the recording"),
            "kept": (self.kept, "what was marked, as loud as it is in the recording"),
            "removed": (self.removed, "the rest, as loud as it is in the recording"),
        }
        if louder:
            for name in ("kept", "removed"):
                copy, gain = louder_copy(getattr(self, name))
                if gain > 0:
                    there[f"{name}_louder"] = copy, f"{name}.wav, {gain:.1f} dB louder"
        for name, borders in (("clicks", self.marked), ("clicks_at_events", Events(events))):
            if clicks and borders:
                what = "what was marked" if name == "clicks" else "true events"
                mixed = with_clicks(self.original, borders)
                there[name] = mixed, f"the recording, clicks where {what} begin and end"
        if margin is not None:
            for number, event in enumerate(self.marked, start=1):
                words = f"marked from {event.start:.2f} to {event.end:.2f} s, {margin:g} s around"
                there[f"marked_{number}"] = cut_out(self.original, event, margin), words
        written = {}
        for name in there:
            if source is not None and real_path(Path(folder) / f"{name}.wav") == real_path(source):
                raise ValueError(
                    f"{source}: is the recording itself, which {name}.wav would overwrite; write "
                    "the sounds into another folder"
                )
        for name, (recording, words) in there.items():
            path = Path(folder) / f"{name}.wav"
            write_recording(recording, path, any_player=True)
            written[path] = words
        return written

    def _repr_html_(self) -> str:
        """How a notebook shows it: three players."""
        if self.original.waveform.numel() > _MOST_PLAYED:
            return (
                f"<p>{self.original.duration:.0f} s are too long to be played here; "
                "<code>listen().save(folder)</code> writes them</p>"
            )
        return "".join(
            f"<p>{name}<br>{_player(recording)}</p>"
            for name, recording in (
                ("original", self.original),
                ("kept: what was marked", self.kept),
                ("removed: the rest", self.removed),
            )
        )


def listen(
    explanation: Explanation,
    recording: Recording | None = None,
    *,
    threshold: float | None = None,
) -> Listening:
    """Hear what an explanation marks.

    The mask multiplies amplitudes in the short-time Fourier transform of the recording, with the
    phase that is there (see `sound_masks`). Where a front end deleted silence, nothing is kept.

    Args:
        explanation: by any method, of any front end.
        recording: the one that was explained, at any rate, with any channels; that of the
            explanation when None.
        threshold: of the mask, in (0, 1]: keep what is at least so salient in full, and nothing of
            the rest. None keeps each bin as much as the mask says.

    Raises:
        ValueError: when the recording is not known, or is shorter than what was explained, or the
            threshold is out of range.

    Example:
        >>> from daxaudio.containers import Spectrogram
        >>> picture = Spectrogram(torch.zeros(1, 2), torch.tensor([500.0]), torch.tensor([0, 0.5]))
        >>> explanation = Explanation(torch.tensor([[1.0, 0.0]]), picture, "rise")
        >>> listening = listen(explanation, Recording(torch.randn(2, 8000), 8000))
        >>> listening.kept.waveform.shape
        torch.Size([2, 8000])
    """
    recording = explanation.recording if recording is None else recording
    if recording is None:
        raise ValueError(
            "it is not known which sound was explained; give it: "
            "explanation.listen(read_recording(path))"
        )
    if threshold is not None and not 0 < threshold <= 1:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold}")
    times = explanation.spectrogram.times
    last, hop = float(times[-1]), explanation.spectrogram.hop
    if last > recording.duration + hop:
        name = f"{recording.recording_id}: " if recording.recording_id else ""
        raise ValueError(
            f"{name}lasts {recording.duration:.3f} s, and {last:.3f} s were explained; give the "
            "recording that was explained"
        )
    frequencies = explanation.spectrogram.frequencies
    parts = split_by_mask(recording, explanation.mask, frequencies, times, threshold=threshold)
    return Listening(recording, *parts, explanation.events())


def louder_copy(recording: Recording) -> tuple[Recording, float]:
    """A recording with its loudest sample at `LOUDER_PEAK`, and how many dB louder it is.

    Silence stays, 0 dB louder.

    Example:
        >>> copy, gain = louder_copy(Recording(torch.full((1, 8), 0.01), 8000))
        >>> round(float(copy.waveform.max()), 3), round(gain, 1)
        (0.891, 39.0)
    """
    peak = float(recording.waveform.abs().max())
    if peak == 0:
        return recording, 0.0
    gain = LOUDER_PEAK - 20 * math.log10(peak)
    waveform = recording.waveform * 10 ** (gain / 20)
    return dataclasses.replace(recording, waveform=waveform), gain


def with_clicks(recording: Recording, events: Sequence[Event]) -> Recording:
    """A recording with a high click where an event begins, and a low one where it ends.

    Example:
        >>> silence = Recording(torch.zeros(1, 8000), 8000)
        >>> clicked = with_clicks(silence, [Event(0.25, 0.5)]).waveform[0]
        >>> [bool(clicked[i : i + 100].any()) for i in (1890, 2000, 3000, 4000)]
        [False, True, False, True]
    """
    waveform, rate = recording.waveform.clone(), recording.sample_rate
    for event in events:
        for time, hertz in ((event.start, _START_HERTZ), (event.end, _END_HERTZ)):
            click = _click(hertz, rate).to(waveform)
            # one at the very end is heard before it
            first = max(0, min(round(time * rate), waveform.shape[-1] - len(click)))
            room = waveform[:, first : first + len(click)]
            room += click[: room.shape[-1]]
    return dataclasses.replace(recording, waveform=waveform)


def _click(hertz: float, sample_rate: int) -> torch.Tensor:
    times = torch.arange(max(2, round(_CLICK_SECONDS * sample_rate))) / sample_rate
    tone = torch.cos(2 * math.pi * min(hertz, sample_rate / 4) * times)
    return _CLICK_PEAK * tone * torch.exp(-5 * times / _CLICK_SECONDS)


def cut_out(recording: Recording, event: Event, margin: float) -> Recording:
    """The part of a recording in an event, with up to `margin` seconds before and after it.

    Raises:
        ValueError: when the margin is negative or not finite, or the event lies behind the end.

    Example:
        >>> cut_out(Recording(torch.zeros(1, 8000), 8000), Event(0.5, 0.75), 0.125).duration
        0.5
    """
    if not 0 <= margin < math.inf:
        raise ValueError(f"margin must be at least 0 s, got {margin}")
    rate, n_samples = recording.sample_rate, recording.waveform.shape[-1]
    start = round(max(0.0, event.start - margin) * rate)
    end = min(n_samples, max(start + 1, round((event.end + margin) * rate)))
    if start >= n_samples:
        raise ValueError(f"{event} lies behind the end of the recording, {recording.duration} s")
    return dataclasses.replace(recording, waveform=recording.waveform[:, start:end].clone())


def _player(recording: Recording) -> str:
    content = io.BytesIO()
    samples = recording.waveform.detach().cpu().numpy().T
    whole = np.rint(samples * 32768).clip(-32768, 32767).astype(np.int16)
    scipy.io.wavfile.write(content, recording.sample_rate, whole)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<audio controls src="data:audio/wav;base64,{html.escape(data)}"></audio>'
