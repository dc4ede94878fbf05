"""Recordings of an audit as a page shows them: the mask over the spectrogram, events, sound."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from daxaudio.audit.where import FILE as WHERE_FILE
from daxaudio.containers import Event, Explanation, Recording
from daxaudio.explainers.storage import is_stored, load_explanation
from daxaudio.report.explanation_page import event_rows
from daxaudio.report.page_pictures import picture_of
from daxaudio.runs.files import read_text

Hear = Callable[[str, Explanation | None], Sequence[tuple[str, Recording]]]
"""Gives what is heard of a recording, and what each sound is called, by its id and its explanation
(None where there is none); all are as long as the first. Nothing where it cannot be heard."""

SECONDS = 20.0
"""Of a recording that are played; of a longer one, those in which the mask is greatest."""

SOUND_MB = 20.0
"""Megabytes of sound in a page, at the most, unless another number is asked for."""

_LEFT, _WIDTH, _HEIGHT, _LANE = 70, 1000, 230, 20
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 9


@dataclasses.dataclass(frozen=True)
class Player:
    """One sound of a page.

    Args:
        name: what is heard.
        uri: FLAC as a data URI.
    """

    name: str
    uri: str


@dataclasses.dataclass(frozen=True)
class Card:
    """One recording of a page.

    Args:
        name: its id.
        facts: names and texts.
        method: that explained it; "" where none did.
        target: class that was explained.
        picture: what `picture_of` gives, with `lanes` of events and `time_ticks` on it; None
            without an explanation.
        players: of the recording, and of what its mask keeps.
        said: about the sound: which part it is, or why there is none.
        anchor: its id on the page.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    method: str = ""
    target: str = ""
    picture: Mapping[str, Any] | None = None
    players: tuple[Player, ...] = ()
    said: str = ""
    anchor: str = ""


class Cards:
    """Makes cards until the room for sound is used up.

    Args:
        out: the folder of the audit.
        told: what `audit.json` says of each recording that is shown.
        hear: gives sounds; None for a page without sound.
        sound_mb: megabytes of sound that may be written into the page.
    """

    def __init__(
        self, out: Path, told: Mapping[str, Any], hear: Hear | None, sound_mb: float
    ) -> None:
        self.out, self.told, self.hear = out, told, hear
        self.room = round(sound_mb * 1e6)
        self.used, self.n_heard = 0, 0
        folders = [out / one for row in told.values() for one in row["explanations"].values()]
        self.labels = sorted({one.label for folder in folders for one in _events_of(folder)})

    def card(self, name: str, method: str) -> Card:
        """The card of a recording.

        Args:
            name: its id.
            method: whose mask is shown; another one where it explained nothing here.
        """
        told = self.told[name]
        score = told["score"]
        facts = (
            ("label", str(told["label"])),
            ("predicted", str(told["predicted"])),
            ("score", "-" if score is None else f"{score:.3f}"),
        )
        folders = dict(told["explanations"])
        used = method if method in folders else next(iter(folders), "")
        folder = self.out / folders.get(used, "")
        if not used or not is_stored(folder):
            players, said = self._players(name, None)
            return Card(name, facts, players=players, said=f"It was not explained. {said}".strip())
        explanation = load_explanation(folder)
        picture = _picture(explanation, _events_of(folder), self.labels)
        players, said = self._players(name, explanation)
        return Card(name, facts, used, explanation.target, picture, players, said)

    def _players(
        self, name: str, explanation: Explanation | None
    ) -> tuple[tuple[Player, ...], str]:
        if self.hear is None or not self.room:
            return (), "This page has no sound."
        sounds = self.hear(name, explanation)
        if not sounds:
            return (), "Its sound was not at hand when the page was written, or is too long."
        recording = sounds[0][1]
        first, last = _excerpt(recording, explanation)
        players = tuple(
            Player(text, _flac_uri(one.waveform[:, first:last].numpy(), one.sample_rate))
            for text, one in sounds
        )
        size = sum(len(player.uri) for player in players)
        if self.used + size > self.room:
            return (), f"Without sound: the page holds at most {self.room / 1e6:g} MB of it."
        self.used += size
        self.n_heard += 1
        if last - first == recording.waveform.shape[-1]:
            return players, ""
        rate = recording.sample_rate
        where = f"{clock(first / rate)} to {clock(last / rate)}"
        which = "the first" if explanation is None else "those in which the mask is greatest"
        return players, f"Played are {SECONDS:g} s, {which}: {where}."


def clock(seconds: float) -> str:
    """A time in a recording.

    Example:
        >>> clock(2.5), clock(75), clock(7384)
        ('2.5 s', '1:15', '2:03:04')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{whole % 60:02d}"


def _events_of(folder: Path) -> list[Event]:
    path = folder / WHERE_FILE
    if not path.is_file():
        return []
    return [Event(*one) for one in json.loads(read_text(path))["events"]]


def _picture(
    explanation: Explanation, events: Sequence[Event], labels: Sequence[str]
) -> dict[str, Any]:
    """What a template draws, in units of a picture that is `width` wide."""
    found = picture_of(explanation)
    start, end = found["start"], found["end"]
    scale = _WIDTH / ((end - start) or 1.0)

    def x(seconds: float) -> float:
        return round(_LEFT + (min(max(seconds, start), end) - start) * scale, 1)

    lanes = [
        [
            {"x": x(one["start"]), "width": round(x(one["end"]) - x(one["start"]), 1), **one}
            for one in row
        ]
        for row in event_rows(events, labels)
    ]
    bottom = _HEIGHT + _LANE * len(lanes)
    return {
        **found,
        "left": _LEFT,
        "width": _WIDTH,
        "height": _HEIGHT,
        "lane": _LANE,
        "bottom": bottom,
        "lanes": lanes,
        "times": [(x(time), clock(time)) for time in time_ticks(start, end)],
    }


def time_ticks(start: float, end: float) -> list[float]:
    """Round times at which an axis is labelled, nine at the most.

    Example:
        >>> time_ticks(0.0, 3.2)
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
        >>> time_ticks(0.0, 7300.0)[1]
        1800
    """
    length = end - start
    step = next((one for one in _STEPS if length / one < _MOST_TICKS), 3600)
    while length / step >= _MOST_TICKS:
        step *= 2
    first = math.ceil(start / step - 1e-9)
    return [k * step for k in range(first, math.floor(end / step + 1e-9) + 1)]


def _excerpt(recording: Recording, explanation: Explanation | None) -> tuple[int, int]:
    """First and past the last sample of what is played."""
    n_samples, rate = recording.waveform.shape[-1], recording.sample_rate
    most = round(SECONDS * rate)
    if n_samples <= most:
        return 0, n_samples
    if explanation is None:
        return 0, most
    times = explanation.spectrogram.times.double().numpy()
    total = np.concatenate([[0.0], explanation.profile.double().cumsum(0).numpy()])
    stops = np.searchsorted(times, times + SECONDS)
    best = float(times[int((total[stops] - total[:-1]).argmax())])
    first = min(max(0, round(best * rate)), n_samples - most)
    return first, first + most


def _flac_uri(waveform: NDArray, sample_rate: int) -> str:
    """FLAC of 16 bits as loud as it is, of one or two channels; more are averaged."""
    samples = waveform.T.astype(np.float64)
    samples = samples.mean(axis=1, keepdims=True) if samples.shape[1] > 2 else samples
    whole = np.rint(samples.clip(-1, 32767 / 32768) * 32768).astype(np.int16)
    content = io.BytesIO()
    soundfile.write(content, whole, sample_rate, format="FLAC", subtype="PCM_16")
    return f"data:audio/flac;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
