"""Coswara-Exp annotations: JSON with `start_1`, `end_1`, `start_2`, ... of one kind of sound."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.containers import Event
from daxaudio.data.formats.annotated import (
    EVENTS_TIER,
    AnnotatedRecording,
    Problem,
    Tier,
    event_or_problem,
    sort_out,
)
from daxaudio.data.formats.text import decode_file
from daxaudio.runs.files import write_text

_BOUND = re.compile(r"(start|end)_(\d+)")
_VERSION = "_v2"


def read_coswara(path: Path, recording_id: str) -> list[AnnotatedRecording]:
    """Read the regions of one recording; every region is an event of the file's `stage`.

    Args:
        path: a JSON file such as `cough-heavy_v2.json`.
        recording_id: name of the recording.

    Returns:
        One recording of one tier. Regions stand in the order of their numbers, which need not be
        that of time. A bound that is missing, null or no number, a comment, a quality other than
        clean and a `stage` that is not the file's name are problems.

    Raises:
        ValueError: when the file is no JSON, names a thing twice, or has neither `stage` nor
            regions.

    Source:
        The files of iiscleap/Coswara-Exp, `Annotated_v2`.
    """
    text = decode_file(path)
    try:
        facts = json.loads(text, object_pairs_hook=_each_once)
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON that can be read ({error})") from error
    if not isinstance(facts, dict) or not ("stage" in facts or any(map(_BOUND.fullmatch, facts))):
        raise ValueError(f"{path}: has neither stage nor start_1; it is no Coswara-Exp annotation")
    named = path.stem.removesuffix(_VERSION)
    label = str(facts.get("stage") or named)
    events, lost = sort_out(_regions(facts, label))
    problems = (*lost, *_remarks(facts, label, named if path.stem != named else label))
    return [AnnotatedRecording(recording_id, (Tier(EVENTS_TIER, events),), None, problems)]


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The facts of a file; of two that have one name none could be chosen."""
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} is there twice; remove one")
    return dict(pairs)


def _regions(facts: Mapping[str, Any], label: str) -> Iterator[Event | Problem]:
    numbers = {int(found[2]) for found in map(_BOUND.fullmatch, facts) if found}
    for number in sorted(numbers):
        start, end = (_seconds(facts.get(f"{bound}_{number}")) for bound in ("start", "end"))
        yield event_or_problem(f"region {number}", start, end, label)


def _seconds(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _remarks(facts: Mapping[str, Any], label: str, named: str) -> Iterator[Problem]:
    if label != named:
        yield Problem("other stage", f"stage is {label!r}, the file is named {named!r}")
    quality = facts.get("quality")
    if quality not in (None, "clean_audio"):
        yield Problem("quality", str(quality))
    if facts.get("comments"):
        yield Problem("comment", " ".join(str(facts["comments"]).split()))


def write_coswara(recording: AnnotatedRecording, path: Path) -> None:
    """Write the only tier of a recording as regions of one stage.

    Answers on quality, volume and the annotator are not part of events and not written.

    Args:
        recording: what to write.
        path: the file to write.

    Raises:
        ValueError: when there is not exactly one tier, or its labels differ or are empty.
    """
    events = recording.events()
    labels = {event.label for event in events}
    if len(labels) > 1 or "" in labels:
        raise ValueError(
            f"{path}: Coswara-Exp holds one label a file, got {sorted(labels)}; fold them into one "
            "or use another format"
        )
    facts: dict[str, str | float] = {"stage": labels.pop() if labels else ""}
    for number, event in enumerate(events, start=1):
        facts[f"start_{number}"] = float(event.start)
        facts[f"end_{number}"] = float(event.end)
    write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", path)
