"""Praat TextGrids.

Praat reads its text files as a row of quoted texts, free-standing numbers and flags, and takes
all else for remarks. We do the same, so that the long form, the short form and whatever lies
between them are one form: tabs, missing line ends and comments (`!`) make no difference.

An interval without text is no event: Praat needs one wherever nothing is marked. A point is an
event without duration, even where its text is empty.

Unlike Praat, which stops at the counts of tiers and intervals that a file gives, we read all that
the file holds: a count that is too small is a problem, and nothing is left out for it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from daxaudio.containers import Event, Events
from daxaudio.data.formats.annotated import (
    AnnotatedRecording,
    Problem,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.data.formats.text import decode_file
from daxaudio.runs.files import write_text
from daxaudio.runs.tolerances import TIME_TOLERANCE

_TOKEN = re.compile(
    r'"(?P<text>[^"]*(?:""[^"]*)*)"(?!")'
    r'|(?P<quote>")'
    r"|(?<![^\s=])(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)s?(?!\S)"
    r"|<(?P<flag>exists|absent)>"
    r"|(?<!\S)![^\r\n]*"
)
_POINTS = {"IntervalTier": False, "TextTier": True}
_TIER = ("text", "text", "number", "number", "number")
"""Kinds of what a tier begins with: class, name, xmin, xmax and size."""


def read_textgrid(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read a TextGrid.

    Args:
        path: a text file in the long or the short form, UTF-8 or UTF-16.
        recording_id: name of the recording.

    Returns:
        One recording. Intervals that end before they start are problems, not events.

    Raises:
        ValueError: when the file is no TextGrid, ends too early, has something else where a
            number or a text should be, or a text without an end. The message names the file and
            the line.

    Source:
        The manual of Praat, "TextGrid file formats". Chronological and binary files are refused.
    """
    tokens = _Tokens(path)
    tokens.read_header()
    start, end = tokens.number("xmin"), tokens.number("xmax")
    count = tokens.count("number of tiers") if tokens.next("flag", "<exists>") == "exists" else 0
    raw: list[_RawTier] = []
    while len(raw) < count or tokens.come(_TIER):
        raw.append(_read_tier(tokens, f"tier {len(raw) + 1}"))
    late = start > TIME_TOLERANCE
    problems = [Problem("late start", f"starts at {start} s, not at 0")] if late else []
    if len(raw) > count:
        problems.append(Problem("wrong count", f"says {count} tiers, and holds {len(raw)}"))
    if more := tokens.rest():
        text = f"{more} entries after the last tier"
        problems.append(Problem("text after the end", text, lost=True))
    tiers = []
    for i, tier in enumerate(raw, start=1):
        events, lost = sort_out(_events(tier, f"tier {i} {tier.name!r}"))
        if tier.said < len(tier.entries):
            text = (
                f"tier {i} {tier.name!r}: says {tier.said} entries, and holds {len(tier.entries)}"
            )
            problems.append(Problem("wrong count", text))
        problems += [*lost, *_gaps(tier, f"tier {i} {tier.name!r}", start, end)]
        tiers.append(Tier(tier.name, events, tier.points))
    return [AnnotatedRecording(recording_id, tuple(tiers), end, tuple(problems))]


@dataclasses.dataclass(frozen=True)
class _RawTier:
    """A tier as the file has it; entries are start, end and text, `said` is their count there."""

    name: str
    points: bool
    start: float
    end: float
    said: int
    entries: list[tuple[float, float, str]]


class _Tokens:
    """What Praat would see in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self._text = path, decode_file(path)
        self._found = [match for match in _TOKEN.finditer(self._text) if match.lastgroup]
        self._next = 0

    def read_header(self) -> None:
        words, self._next = [match["text"] or "" for match in self._found[:2]], 2
        if len(words) < 2 or not words[0].startswith("ooTextFile") or words[1] != "TextGrid":
            raise ValueError(
                f"{self.path}: is no TextGrid in text form; in Praat, choose Save as text file"
            )

    def next(self, kind: str, what: str) -> str:
        if self._next >= len(self._found):
            raise ValueError(f"{self.path}: ends where {what} should be; the file is cut short")
        match = self._found[self._next]
        self._next += 1
        if match.lastgroup == "quote":
            raise ValueError(
                f"{self._place(match)}: {what} begins with a quote that has no end; close the text"
            )
        if match.lastgroup != kind:
            raise ValueError(
                f"{self._place(match)}: expected {what}, a {kind}, got {match.group()[:40]!r}"
            )
        return match[kind]

    def _place(self, match: re.Match[str]) -> str:
        return f"{self.path}:{self._text.count(chr(10), 0, match.start()) + 1}"

    def come(self, kinds: Sequence[str]) -> bool:
        """Whether entries of these kinds come next."""
        coming = self._found[self._next : self._next + len(kinds)]
        return [match.lastgroup for match in coming] == list(kinds)

    def number(self, what: str) -> float:
        return float(self.next("number", what))

    def count(self, what: str) -> int:
        number = self.number(what)
        if not (number.is_integer() and number >= 0):
            raise ValueError(f"{self.path}: {what} must be a whole number, got {number}")
        return int(number)

    def text(self, what: str) -> str:
        return self.next("text", what).replace('""', '"')

    def rest(self) -> int:
        return len(self._found) - self._next


def _read_tier(tokens: _Tokens, where: str) -> _RawTier:
    kind, name = tokens.text(f"class of {where}"), tokens.text(f"name of {where}")
    if kind not in _POINTS:
        known = " and ".join(_POINTS)
        raise ValueError(f"{tokens.path}: {where} is of class {kind!r}; known are {known}")
    start, end = tokens.number(f"xmin of {where}"), tokens.number(f"xmax of {where}")
    entries: list[tuple[float, float, str]] = []
    said = tokens.count(f"size of {where}")
    kinds = ("number", "text") if _POINTS[kind] else ("number", "number", "text")
    while len(entries) < said or tokens.come(kinds):
        of_entry = f"entry {len(entries) + 1} of {where}"
        first = last = tokens.number(f"time of {of_entry}")
        if not _POINTS[kind]:
            last = tokens.number(f"xmax of {of_entry}")
        entries.append((first, last, tokens.text(f"text of {of_entry}")))
    return _RawTier(name, _POINTS[kind], start, end, said, entries)


def _events(tier: _RawTier, where: str) -> Iterator[Event | Problem]:
    for start, end, text in tier.entries:
        if text or tier.points:
            yield event_or_problem(where, start, end, text)
        else:
            yield Problem("no text", f"{where}: nothing from {start:.3f} to {end:.3f} s")


def _gaps(tier: _RawTier, where: str, start: float, end: float) -> Iterator[Problem]:
    """Where intervals leave something out; Praat's own files never do."""
    if abs(tier.start - start) > TIME_TOLERANCE or abs(tier.end - end) > TIME_TOLERANCE:
        text = f"{where}: {tier.start} to {tier.end} s, the file {start} to {end} s"
        yield Problem("other duration", text)
    if tier.points:
        return
    reached = tier.start
    for first, last, _ in [*sorted(tier.entries), (tier.end, tier.end, "")]:
        if first - reached > TIME_TOLERANCE:
            yield Problem("gap", f"{where}: no interval from {reached:.3f} to {first:.3f} s")
        reached = max(reached, last)


def write_textgrid(recording: AnnotatedRecording, path: Path) -> None:
    """Write a TextGrid in the long form, UTF-8.

    Where nothing is marked there are intervals without text. A tier whose events all have no
    duration becomes a tier of points. The grid ends with the recording, or with the last event
    where the recording's duration is unknown. Events read back sorted by time.

    Args:
        recording: what to write.
        path: the file to write.

    Raises:
        ValueError: when events of a tier overlap, have no label, or are points between
            intervals, or when neither a duration nor an event says how long the recording is.
    """
    last = Events(event for tier in recording.tiers for event in tier.events).end
    end = float(max(recording.duration or 0.0, last))
    if end <= 0:
        raise ValueError(f"{path}: a TextGrid needs a duration, and there is none and no event")
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {end!r}", "tiers? <exists>", f"size = {len(recording.tiers)}", "item []:"]
    for number, tier in enumerate(recording.tiers, start=1):
        lines += [f"    item [{number}]:", *_tier_lines(path, tier, end)]
    write_text("\n".join(lines) + "\n", path)


def _tier_lines(path: Path, tier: Tier, end: float) -> Iterator[str]:
    points = tier.points or (tier.events and all(event.duration == 0 for event in tier.events))
    place = f"{path}: tier {tier.name!r}"
    entries = Events(tier.events) if points else without_gaps(place, tier, end)
    word = "points" if points else "intervals"
    yield f'        class = "{"TextTier" if points else "IntervalTier"}"'
    yield f"        name = {_quoted(tier.name)}"
    yield from ("        xmin = 0", f"        xmax = {end!r}")
    yield f"        {word}: size = {len(entries)}"
    for number, event in enumerate(entries, start=1):
        yield f"        {word} [{number}]:"
        if points:
            yield f"            number = {float(event.start)!r}"
            yield f"            mark = {_quoted(event.label)}"
        else:
            yield f"            xmin = {float(event.start)!r}"
            yield f"            xmax = {float(event.end)!r}"
            yield f"            text = {_quoted(event.label)}"


def without_gaps(place: str, tier: Tier, end: float) -> Events:
    """The events, and stretches without a label between them."""
    reached, told = 0.0, []
    for event in Events(tier.events):
        if not event.label:
            raise ValueError(f"{place}: {event} has no label, which means no event in a TextGrid")
        if event.duration == 0:
            raise ValueError(f"{place}: {event} has no duration; points need a tier of their own")
        if event.start < reached - TIME_TOLERANCE:
            raise ValueError(f"{place}: {event} overlaps the one before; use another format")
        # An event that begins within the tolerance before the end of the last one begins there.
        told.append(dataclasses.replace(event, start=min(max(event.start, reached), event.end)))
        reached = max(reached, event.end)
    return Events([*told, *Events(told).gaps(0.0, end)])


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
