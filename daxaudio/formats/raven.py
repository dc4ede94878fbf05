"""Selection tables of Raven: a header, then one selection a line, by tabs."""

from __future__ import annotations

from pathlib import Path

from daxaudio.containers import Event
from daxaudio.files import write_text
from daxaudio.formats.annotated import (
    EVENTS_TIER,
    AnnotatedRecording,
    BandEvent,
    Problem,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.formats.text import check_line, decode_file, numbered_lines, parse_number

START, END = "Begin Time (s)", "End Time (s)"
LOW, HIGH = "Low Freq (Hz)", "High Freq (Hz)"
LABEL_COLUMNS = ("annotation", "label", "species", "class")
"""Raven lets users name the column of labels; the first of these is taken, in any case."""

_HEADER = ("Selection", "View", "Channel", START, END, LOW, HIGH, "Annotation")


def read_raven(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read a selection table.

    A selection that is there once for each view or channel is one event; the row of the
    spectrogram counts, since it has the frequencies. Columns of measurements are ignored.

    Args:
        path: text with a header that names at least the begin and end times.
        recording_id: name of the recording.

    Returns:
        One recording of one tier; selections with frequencies are `BandEvent`. A table without a
        column of labels has empty ones, and a problem says so.

    Raises:
        ValueError: when a column is missing, a time or frequency is no number, or the selections
            are of several sound files. The message names the file and the line.

    Source:
        The manual of Raven Pro on selection tables; written tables have not been tried in Raven.
    """
    rows = _rows(path)
    sounds = {row.get("Begin File", "") for _, row in rows}
    if len(sounds) > 1:
        raise ValueError(
            f"{path}: has selections of {len(sounds)} sound files; write one table each"
        )
    columns = list(rows[0][1]) if rows else []
    label = next((c for name in LABEL_COLUMNS for c in columns if c.lower() == name), None)
    events, problems = sort_out(_entry(place, row, label) for place, row in _once_each(rows))
    if rows and label is None:
        text = f"none of the columns {', '.join(columns)} holds labels"
        problems = (Problem("no label column", text), *problems)
    return [AnnotatedRecording(recording_id, (Tier(EVENTS_TIER, events),), None, problems)]


def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Rows by column, each with its place `file:line` for errors."""
    lines = numbered_lines(decode_file(path))
    header = lines[0][1].split("\t") if lines else []
    if missing := [name for name in (START, END) if name not in header]:
        raise ValueError(f"{path}:1: lacks the column(s) {', '.join(missing)}; got {header}")
    rows = []
    for number, line in lines[1:]:
        fields = line.split("\t")
        if len(fields) > len(header):
            raise ValueError(f"{path}:{number}: expected {len(header)} fields, got {len(fields)}")
        fields += [""] * (len(header) - len(fields))
        rows.append((f"{path}:{number}", dict(zip(header, fields, strict=True))))
    return rows


def _once_each(rows: list[tuple[str, dict[str, str]]]) -> list[tuple[str, dict[str, str]]]:
    chosen: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}
    for place, row in rows:
        number = row.get("Selection") or place  # rows without a number are never the same
        key = (number, row[START], row[END])
        if key not in chosen or row.get("View", "").startswith("Spectrogram"):
            chosen[key] = place, row
    return list(chosen.values())


def _entry(place: str, row: dict[str, str], label: str | None) -> Event | Problem:
    start, end = (parse_number(place, row[name], name) for name in (START, END))
    low, high = (
        parse_number(place, row[name], name) if row.get(name) else None for name in (LOW, HIGH)
    )
    text = row[label] if label else ""
    return event_or_problem(
        f"line {place.rpartition(':')[2]}", start, end, text, f_min=low, f_max=high
    )


def write_raven(path: Path, recording: AnnotatedRecording) -> None:
    """Write the only tier of a recording as a selection table; bands of frequencies are kept.

    Events without a band are selections of the waveform, with empty frequencies.

    Args:
        path: the file to write.
        recording: what to write.

    Raises:
        ValueError: when there is not exactly one tier, or a label holds a line break or a tab.
    """
    lines = ["\t".join(_HEADER)]
    for number, event in enumerate(recording.events(), start=1):
        check_line(f"{path}: label", event.label, "\r\n\t")
        band = (event.f_min, event.f_max) if isinstance(event, BandEvent) else (None, None)
        view = "Spectrogram 1" if isinstance(event, BandEvent) else "Waveform 1"
        times = [repr(float(time)) for time in (event.start, event.end)]
        frequencies = ["" if f is None else repr(float(f)) for f in band]
        lines.append("\t".join([str(number), view, "1", *times, *frequencies, event.label]))
    write_text(path, "\n".join(lines) + "\n")
