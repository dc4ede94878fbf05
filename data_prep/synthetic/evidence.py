"""Made recordings whose evidence is known, and how they lie on disk."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from daxaudio.containers import Event, Events, Recording, Spectrogram
from daxaudio.data.audio import write_recording
from daxaudio.data.events import write_events
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.runs.files import read_text, write_text

EVENTS_FILE, EVIDENCE_FILE = "events.tsv", "evidence.csv"

_COLUMNS = ["recording_id", "start", "end", "f_min", "f_max", "label"]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A rectangle of time and frequency that speaks for a class.

    Args:
        start: seconds.
        end: seconds, at least `start`.
        f_min: Hz.
        f_max: Hz, at least `f_min`.
        label: the class.

    Raises:
        ValueError: when a number is negative, not finite or in the wrong order.
    """

    start: float
    end: float
    f_min: float
    f_max: float
    label: str

    def __post_init__(self) -> None:
        if not (
            0 <= self.start <= self.end < math.inf and 0 <= self.f_min <= self.f_max < math.inf
        ):
            raise ValueError(
                "evidence needs 0 <= start <= end in seconds and 0 <= f_min <= f_max in Hz, got "
                f"start={self.start}, end={self.end}, f_min={self.f_min}, f_max={self.f_max}"
            )

    def on_axes(self, times: Tensor, frequencies: Tensor) -> Tensor:
        """The cells of a spectrogram that it covers.

        A cell counts when its centre is inside. Where no centre is, because the evidence is
        shorter than a hop or narrower than a bin, the nearest one counts.

        Args:
            times: `[T]` frame centres in seconds.
            frequencies: `[F]` bin centres in Hz.

        Returns:
            `[F, T]` bool.

        Example:
            >>> import torch
            >>> evidence = Evidence(0.9, 2.1, 140.0, 160.0, "a")
            >>> evidence.on_axes(torch.arange(4.0), torch.tensor([100.0, 200.0])).int()
            tensor([[0, 1, 1, 0],
                    [0, 0, 0, 0]], dtype=torch.int32)
        """
        in_band = _inside(frequencies, self.f_min, self.f_max)
        return in_band[:, None] & _inside(times, self.start, self.end)[None, :]


def _inside(axis: Tensor, low: float, high: float) -> Tensor:
    inside = (axis >= low) & (axis <= high)
    if not inside.any():
        inside[(axis - (low + high) / 2).abs().argmin()] = True
    return inside


@dataclasses.dataclass(frozen=True, eq=False)
class PlantedRecording:
    """A made recording and where the evidence of its class is.

    Args:
        recording: one channel.
        events: when it is, all of one label.
        evidence: its parts in time and frequency, where both are known.

    Raises:
        ValueError: when there is no event, or events of several labels.
    """

    recording: Recording
    events: Events
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if len(self.events.labels) != 1:
            raise ValueError(f"a planted recording needs events of one label, got {self.events}")

    @property
    def event(self) -> Event:
        """From the start of its first event to the end of its last."""
        return Event(self.events[0].start, self.events.end, self.events.labels[0])


def read_evidence(path: str | os.PathLike[str]) -> dict[str, list[Evidence]]:
    """Read `evidence.csv`.

    Args:
        path: the file.

    Returns:
        The evidence of each recording, by its id.

    Raises:
        ValueError: when the file is missing, lacks a column, or a row is no evidence.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file; make it with daxaudio prepare planted_events")
    evidence: dict[str, list[Evidence]] = {}
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if reader.fieldnames != _COLUMNS:
        raise ValueError(f"{path}: expected columns {_COLUMNS}, got {reader.fieldnames}")
    for row in reader:
        try:
            start, end, f_min, f_max = (float(row[name]) for name in _COLUMNS[1:5])
            part = Evidence(start, end, f_min, f_max, row["label"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
        evidence.setdefault(row["recording_id"], []).append(part)
    return evidence


def cells_of(parts: Sequence[Evidence], spectrogram: Spectrogram) -> Tensor:
    """Which cells `[F, T]` of a spectrogram lie in at least one part, bool; at least one part.

    Example:
        >>> import torch
        >>> axes = torch.tensor([100.0, 200.0]), torch.arange(3.0)
        >>> parts = [Evidence(0.0, 0.1, 90.0, 110.0, "a"), Evidence(2.0, 2.1, 190.0, 210.0, "a")]
        >>> cells_of(parts, Spectrogram(torch.zeros(2, 3), *axes)).int()
        tensor([[1, 0, 0],
                [0, 0, 1]], dtype=torch.int32)
    """
    cells = [part.on_axes(spectrogram.times, spectrogram.frequencies) for part in parts]
    return torch.stack(cells).any(dim=0)


def write_evidence(planted: Iterable[PlantedRecording], path: str | os.PathLike[str]) -> None:
    """Write `evidence.csv`: `recording_id,start,end,f_min,f_max,label`, a row a part."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in planted:
        for part in item.evidence:
            writer.writerow([item.recording.recording_id, *dataclasses.astuple(part)])
    write_text(table.getvalue(), path)


def write_planted(planted: Sequence[PlantedRecording], out: Path, audio: Path) -> None:
    """Write a data folder and its `events.tsv` to `out`, and the recordings to `audio`."""
    paths = {}
    for item in planted:
        path = audio / f"{item.recording.recording_id}.wav"
        write_recording(item.recording, path)
        paths[item.recording.recording_id] = str(path.resolve())
    data = DataFolder(
        wav_scp=paths,
        text={item.recording.recording_id: item.event.label for item in planted},
        utt2spk={recording_id: recording_id for recording_id in paths},
        utt2dur={item.recording.recording_id: item.recording.duration for item in planted},
    )
    write_data_folder(data, out)
    events = {f"{item.recording.recording_id}.wav": item.events for item in planted}
    write_events(events, out / EVENTS_FILE)
