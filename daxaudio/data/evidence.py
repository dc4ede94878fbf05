"""Evidence that is known in time and frequency: rectangles, and how they lie on disk.

An `evidence.csv` has the header `recording_id,start,end,f_min,f_max,label`, times in seconds,
frequencies in Hz, a row a rectangle; a recording has as many as it takes. `events.tsv` beside it
tells when, where nothing is known of frequencies.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.targets import told_by

EVIDENCE_FILE = "evidence.csv"

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
        shorter than a hop or narrower than a bin, the nearest one counts. None does of evidence
        that lies outside of what the spectrogram shows.

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
    if inside.any():
        return inside
    below, above = (axis[1] - axis[0], axis[-1] - axis[-2]) if len(axis) > 1 else (math.inf,) * 2
    if high >= axis[0] - below / 2 and low <= axis[-1] + above / 2:
        inside[(axis - (low + high) / 2).abs().argmin()] = True
    return inside


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
        raise ValueError(f"{path}: no such file; `daxaudio prepare planted_events` makes such ones")
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


def evidence_for_class(parts: Sequence[Evidence], target: str) -> list[Evidence]:
    """The parts that tell of a class: those of its name where there are some; else all.

    By the rule of `Events.for_class`.

    Example:
        >>> parts = [Evidence(0.0, 1.0, 90.0, 110.0, "a"), Evidence(2.0, 3.0, 50.0, 60.0, "b")]
        >>> [len(evidence_for_class(parts, name)) for name in ("a", "b", "c")]
        [1, 1, 2]
    """
    return told_by(parts, target)


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


def write_evidence(
    evidence: Mapping[str, Sequence[Evidence]], path: str | os.PathLike[str]
) -> None:
    """Write `evidence.csv`, a row a part; recordings and parts in their order."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for recording_id, parts in evidence.items():
        for part in parts:
            writer.writerow([recording_id, *dataclasses.astuple(part)])
    write_text(table.getvalue(), path)
