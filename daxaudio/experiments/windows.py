"""Windows of a recording that is too long to be explained at once, and which of them are explained.

Conventions: seconds from the start of the recording. Windows are equally long and begin at whole
frames of the front end, so that their frames lie on one time axis. They are the utterances of a
data folder with `segments`: each is read by itself, and named by the times between which it lies.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence

import pandas as pd

from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.data.kaldi import DataFolder, RecordingSegment
from daxaudio.runs.names import as_id, check_length

_SOURCE = "recording"
"""Id of the only recording of the data folder; windows have ids of their own."""


@dataclasses.dataclass(frozen=True)
class Windowing:
    """How a recording is cut into windows, and which of them are explained.

    Args:
        seconds: of a window.
        overlap: seconds that a window shares with the next one; half a window when None.
        threshold: windows with this score of the class at least are explained.
        top_k: at most so many windows are explained, those with the highest scores; when it and
            the threshold are None, `MOST`.

    Raises:
        ValueError: when a number is out of range.

    Example:
        >>> Windowing(10.0).step, Windowing(10.0).most
        (5.0, 20)
        >>> Windowing(10.0, overlap=10.0)
        Traceback (most recent call last):
        ValueError: overlap must be from 0 s on and below the 10 s of a window, got 10
    """

    seconds: float
    overlap: float | None = None
    threshold: float | None = None
    top_k: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.seconds < math.inf:
            raise ValueError(f"window must be above 0 seconds, got {self.seconds}")
        if self.overlap is not None and not 0 <= self.overlap < self.seconds:
            raise ValueError(
                f"overlap must be from 0 s on and below the {self.seconds:g} s of a window, got "
                f"{self.overlap:g}"
            )
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ValueError(f"threshold must be a number, got {self.threshold}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {self.top_k}")

    @property
    def step(self) -> float:
        """Seconds from one window to the next, before they are rounded to whole frames."""
        return self.seconds - (self.seconds / 2 if self.overlap is None else self.overlap)

    @property
    def most(self) -> int | None:
        """Windows that are explained at most; None for all that reach the threshold."""
        return MOST if self.top_k is None and self.threshold is None else self.top_k


MOST = 20
"""Windows that are explained where nothing else is asked for."""


@dataclasses.dataclass(frozen=True)
class Window:
    """A part of a recording.

    Args:
        name: its id: that of the recording, and its times in milliseconds.
        start: seconds.
        end: seconds; that of the recording where it has no more than one window.
        first: number of its first frame, counted from that of the recording.
    """

    name: str
    start: float
    end: float
    first: int


def cut_windows(
    recording_id: str, duration: float, windowing: Windowing, frame: float
) -> list[Window]:
    """The windows of a recording, in order of time.

    The last one is moved back to end where the recording ends, less than a frame before it; a
    recording that is no longer than a window has one.

    Args:
        recording_id: of the recording; blanks in it become `_`.
        duration: of the recording in seconds, above 0.
        windowing: how long they are, and how far apart.
        frame: seconds from one frame of the front end to the next; steps are rounded to them.

    Raises:
        ValueError: when the id is too long to name files.

    Example:
        >>> windows = cut_windows("night", 12.0, Windowing(5.0, overlap=1.0), frame=0.01)
        >>> [(window.start, window.end) for window in windows]
        [(0.0, 5.0), (4.0, 9.0), (7.0, 12.0)]
        >>> windows[1].name, windows[1].first
        ('night-00004000-00009000', 400)
    """
    step = max(1, round(windowing.step / frame))
    last = max(0, math.floor((duration - windowing.seconds) / frame + 1e-6))
    firsts = [*range(0, last, step), last]
    return [_window(recording_id, first, frame, windowing, duration) for first in firsts]


def _window(
    recording_id: str, first: int, frame: float, windowing: Windowing, duration: float
) -> Window:
    start = round(first * frame, 9)
    end = min(round(start + windowing.seconds, 9), duration)
    name = f"{as_id(recording_id)}-{round(1000 * start):08d}-{round(1000 * end):08d}"
    check_length(name)
    return Window(name, start, end, first)


def data_of(
    windows: Sequence[Window], source: str | os.PathLike[str], channel: int | None = None
) -> DataFolder:
    """Windows as the utterances of a data folder, each of which is read by itself.

    Args:
        windows: of one recording.
        source: its audio file.
        channel: the only one that is heard, counted from 1; None for what the model takes.
    """
    return DataFolder(
        {_SOURCE: os.fspath(source)},
        {window.name: UNLABELLED for window in windows},
        {window.name: _SOURCE for window in windows},
        {window.name: window.end - window.start for window in windows},
        {window.name: RecordingSegment(_SOURCE, window.start, window.end) for window in windows},
        channel=channel,
    )


def choose_windows(table: pd.DataFrame, windowing: Windowing) -> list[str]:
    """Windows in which the model decides something, highest score first.

    Args:
        table: `recording_id` and `score` of windows in order of time; NaN where one has none.
        windowing: says by which score, and how many at most.

    Returns:
        Their ids; of equal scores the earlier one stands first.

    Example:
        >>> table = pd.DataFrame({"recording_id": ["a", "b", "c"], "score": [0.2, 0.9, 0.7]})
        >>> choose_windows(table, Windowing(5.0, threshold=0.5))
        ['b', 'c']
        >>> choose_windows(table, Windowing(5.0, threshold=0.5, top_k=1))
        ['b']
    """
    heard = table[table["score"].notna()]
    if windowing.threshold is not None:
        heard = heard[heard["score"] >= windowing.threshold]
    ordered = heard.sort_values("score", ascending=False, kind="stable")
    names = [str(name) for name in ordered["recording_id"]]
    return names if windowing.most is None else names[: windowing.most]
