"""Annotated phases of cough recordings: which file belongs to whom, and what it says.

Two kinds are known. TextGrids are named by the participant (or the utterance), and their first
interval tier has the phases: tiers are taken by their place, as their names are misspelt. Files of
Coswara-Exp lie as `<participant>/<sound>_v2.json`; their regions have no label but the name of the
sound, so that one of `cough-heavy` is taken for a `cough`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from daxaudio.containers import Event, Events
from daxaudio.data.formats import LabelMap, read_annotations

TOLERANCE = 0.05
"""Seconds that an event may end after its recording."""

_OTHER_STAGE = "other stage"


@dataclasses.dataclass(frozen=True)
class PhaseReading:
    """What the annotations of a corpus say.

    Args:
        events: phases by utterance.
        without: why an utterance has none.
        unknown: labels that the map does not know, as they are spelt; their events are kept.
        n_unused: annotation files that belong to no recording that is kept.
    """

    events: Mapping[str, Events]
    without: Mapping[str, str]
    unknown: Counter[str]
    n_unused: int


def read_phases_of(
    folder: Path, durations: Mapping[str, tuple[str, float]], label_map: LabelMap, sound: str
) -> PhaseReading:
    """Read the phases of some recordings; a bad annotation never ends the run.

    Args:
        folder: annotations lie in it or below it.
        durations: participant and seconds of each utterance.
        label_map: folds spellings into classes; labels that it does not know stay as they are.
        sound: name of the sound, such as `cough-heavy`.

    Returns:
        Events of every utterance, or the reason why it has none: no annotation, one that cannot be
        read, that is of another sound, without events, or one that ends more than `TOLERANCE`
        after the recording and so belongs to another one.

    Raises:
        ValueError: when there is no such folder.
    """
    files = find_annotations(folder, sound)
    events: dict[str, Events] = {}
    without: dict[str, str] = {}
    unknown: Counter[str] = Counter()
    used = 0
    for utterance, (participant, duration) in durations.items():
        choices = files.get(participant) or files.get(utterance)
        if not choices:
            without[utterance] = "no annotation"
            continue
        used += 1
        try:
            events[utterance] = _read_events(choices[0], duration, label_map, sound, unknown)
        except (ValueError, OSError) as error:
            without[utterance] = " ".join(str(error).split())
    n_files = sum(map(len, files.values()))
    return PhaseReading(events, without, unknown, n_files - used)


def find_annotations(folder: Path, sound: str) -> dict[str, list[Path]]:
    """Annotation files of one sound, by participant or utterance.

    Args:
        folder: they lie in it or below it.
        sound: name of the sound; JSON files of other sounds are passed over.

    Returns:
        The best file first: a TextGrid, then `<sound>_v2.json`, then `<sound>.json`.

    Raises:
        ValueError: when there is no such folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "AATXXRQE.TextGrid").touch()
        >>> [path.name for path in find_annotations(folder, "cough-heavy")["AATXXRQE"]]
        ['AATXXRQE.TextGrid']
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; give the folder of the annotations")
    found: dict[str, list[tuple[int, Path]]] = {}
    for owner, rank, path in _candidates(folder, sound):
        found.setdefault(owner, []).append((rank, path))
    return {owner: [path for _, path in sorted(ranked)] for owner, ranked in found.items()}


def _candidates(folder: Path, sound: str) -> Iterator[tuple[str, int, Path]]:
    """Whose each annotation is, its rank and its path."""
    ranks = {f"{sound}_v2": 1, sound: 2}
    for path in sorted(folder.rglob("*")):
        if path.name.startswith("."):  # such as ._a.TextGrid, which macOS leaves
            continue
        if path.suffix.lower() == ".textgrid":
            yield path.stem, 0, path
        elif path.suffix.lower() == ".json" and path.stem in ranks:
            yield path.parent.name, ranks[path.stem], path


def _read_events(
    path: Path, duration: float, label_map: LabelMap, sound: str, unknown: Counter[str]
) -> Events:
    """Events of one file; adds to `unknown`. Raises ValueError with the reason."""
    recording = read_annotations(path)[0]
    for problem in recording.problems:
        if problem.kind == _OTHER_STAGE:
            raise ValueError(f"{path}: {problem.text}")
    events = Events(recording.tiers[0].events if recording.tiers else ())
    if not events:
        raise ValueError(f"{path}: holds no events")
    if (last := events.end) > duration + TOLERANCE:
        raise ValueError(
            f"{path}: ends at {last:.3f} s, the recording at {duration:.3f} s; is it of another?"
        )
    spelt = [_in_one_line(_with_class_of_sound(event, label_map, sound)) for event in events]
    folded, odd = label_map.apply(spelt)
    unknown.update(odd)
    return Events(folded)


def _with_class_of_sound(event: Event, label_map: LabelMap, sound: str) -> Event:
    if event.label == sound and label_map.class_of(sound) is None:
        return dataclasses.replace(event, label=sound.split("-")[0])
    return event


def _in_one_line(event: Event) -> Event:
    """A tab or line break in a label would break the table of events."""
    if event.label.isprintable():
        return event
    return dataclasses.replace(event, label=" ".join(event.label.split()))
