"""`daxaudio annotations`: look through files of annotated events, and convert them."""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from daxaudio.commands.arguments import existing
from daxaudio.commands.listen import explanations_in
from daxaudio.containers import Event
from daxaudio.data.formats.annotated import AnnotatedRecording, Problem
from daxaudio.data.formats.catalogue import FORMATS, files_of, write_annotations
from daxaudio.data.formats.folder import FolderReading, read_folder
from daxaudio.data.formats.labels import ERROR, KEEP, LabelMap, count_text, load_label_map
from daxaudio.data.formats.problems import problems_of
from daxaudio.data.formats.raven import NO_LABEL_COLUMN
from daxaudio.experiments.annotate import annotate
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.runs.names import check_id, check_length

SHOWN_PER_KIND = 3
"""Problems of one kind that are spelt out for a file; the rest is a number."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio annotations check` and `convert`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = (
        "list labels with their counts, and problems by file; exit code 2 if a file is unreadable"
    )
    check = actions.add_parser("check", help=text, description=f"{text}.")
    _add_input(check)
    text = "write annotations in another format"
    convert = actions.add_parser("convert", help=text, description=f"{text}.")
    _add_input(convert)
    _add_output(convert)
    convert.add_argument(
        "--unknown",
        metavar="WHAT",
        help=f"labels not in the map: {KEEP} (default), {ERROR}, or a class to fold them into",
    )
    text = "write what explanations mark as annotations"
    explained = actions.add_parser("from", help=text, description=f"{text}.")
    explained.add_argument(
        "path", metavar="EXPLANATION", help="folder that `daxaudio explain` wrote, of one or many"
    )
    _add_output(explained)
    explained.add_argument(
        "--tier",
        metavar="METHOD",
        help="explanations by this method alone, where there are several of a recording",
    )
    explained.add_argument(
        "--boxes",
        action="store_true",
        help="boxes of time and frequency (raven, audacity); default: stretches of time",
    )
    explained.add_argument(
        "--threshold",
        type=float,
        metavar="NUMBER",
        help="of the mask, above which a bin belongs to a box (default: its mean + deviation)",
    )
    explained.set_defaults(map=None, unknown=None)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", required=True, metavar="PATH", help="file; folder if there are many files to write"
    )
    parser.add_argument("--to", required=True, choices=FORMATS, help="format to write")


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="annotation file, or a folder of them")
    parser.add_argument(
        "--format", choices=FORMATS, help="format of the files (default: as each one looks)"
    )
    parser.add_argument(
        "--map", metavar="FILE", help="YAML of classes, each with a list of spellings"
    )
    parser.add_argument(
        "--label_column",
        metavar="NAME",
        help="column of the labels in selection tables (default: one of the usual names)",
    )
    parser.add_argument("--tier", metavar="NAME", help="only this tier, by name or number from 1")


def run(arguments: argparse.Namespace) -> None:
    """Check or convert."""
    if arguments.action == "from":
        _convert(_explained(arguments), arguments, None)
        return
    reading = read_folder(arguments.path, arguments.format, arguments.label_column)
    label_map = None if arguments.map is None else load_label_map(arguments.map)
    if not reading.recordings and not reading.unreadable:
        raise ValueError(
            f"{arguments.path}: nothing to {arguments.action}: {_why_nothing(reading)}"
        )
    if arguments.action == "check":
        _check(reading, Path(arguments.path), arguments.tier, label_map)
    else:
        _convert(reading, arguments, label_map)
    if reading.unreadable:
        total = len(reading.unreadable) + len(reading.recordings)
        raise ValueError(f"{len(reading.unreadable)} of {total} files cannot be read; see above")


def _explained(arguments: argparse.Namespace) -> FolderReading:
    """What explanations mark: a tier for each method of a recording."""
    if arguments.boxes and not FORMATS[arguments.to].holds_bands:
        raise ValueError(f"--boxes: {arguments.to} holds no frequencies; take raven or audacity")
    found: dict[str, AnnotatedRecording] = {}
    for place in explanations_in(existing(arguments.path)):
        one = annotate(
            load_explanation(place), boxes=arguments.boxes, threshold=arguments.threshold
        )
        facts = load_facts(place)
        if "marked" in facts and not arguments.boxes:  # by the thresholds of its windows
            (tier,), label = one.tiers, facts["target"] or "marked"
            events = tuple(Event(start, end, label) for start, end in facts["marked"])
            one = dataclasses.replace(one, tiers=(dataclasses.replace(tier, events=events),))
        if before := found.get(one.recording_id):
            one = dataclasses.replace(one, tiers=(*before.tiers, *one.tiers))
        found[one.recording_id] = one
    return FolderReading({Path(arguments.path): list(found.values())}, {}, ())


def _check(
    reading: FolderReading, folder: Path, tier: str | None, label_map: LabelMap | None
) -> None:
    chosen = {
        file: [_with_tier(recording, tier) for recording in recordings]
        for file, recordings in reading.recordings.items()
    }
    recordings = [recording for of_file in chosen.values() for recording in of_file]
    events = sum(len(row.events) for recording in recordings for row in recording.tiers)
    tiers = sum(len(recording.tiers) for recording in recordings)
    print(f"{len(chosen)} files, {len(recordings)} recordings, {tiers} tiers, {events} events")
    if reading.left_aside:
        names = ", ".join(_below(folder, file) for file in reading.left_aside)
        print(f"left aside, look like no annotations: {names}")
    for line in (*_label_lines(recordings, label_map), *_problem_lines(folder, chosen)):
        print(line)
    for line in _unreadable_lines(reading):
        print(line)


def _with_tier(recording: AnnotatedRecording, tier: str | None) -> AnnotatedRecording:
    try:
        return recording if tier is None else recording.only(tier)
    except ValueError as error:
        problem = Problem("tier not found", str(error))
        return dataclasses.replace(recording, tiers=(), problems=(*recording.problems, problem))


def _label_lines(
    recordings: Sequence[AnnotatedRecording], label_map: LabelMap | None
) -> Iterator[str]:
    """For each tier by position: its names, and the labels with their counts."""
    for position in range(max((len(recording.tiers) for recording in recordings), default=0)):
        rows = [r.tiers[position] for r in recordings if len(r.tiers) > position]
        names = Counter(row.name for row in rows)
        labels = Counter(event.label for row in rows for event in row.events)
        among = Counter(label for row in rows for label in {event.label for event in row.events})
        yield f"\ntier {position + 1}, named {count_text(names)}: {labels.total()} events"
        yield f"{'count':>8} {'recordings':>10}  label"
        for label, count in labels.most_common():
            yield f"{count:>8} {among[label]:>10}  {label!r}{_class_text(label, label_map)}"
        if label_map is not None:
            odd = Counter({k: n for k, n in labels.items() if label_map.class_of(k) is None})
            yield f"not in the map: {odd.total()} events ({count_text(odd) or 'none'})"


def _class_text(label: str, label_map: LabelMap | None) -> str:
    if label_map is None:
        return ""
    name = label_map.class_of(label)
    return "  <-- not in the map" if name is None else "" if name == label else f"  = {name!r}"


def _problem_lines(
    folder: Path, recordings: Mapping[Path, Sequence[AnnotatedRecording]]
) -> Iterator[str]:
    by_file = {
        file: [(recording, problem) for recording in of_file for problem in problems_of(recording)]
        for file, of_file in recordings.items()
    }
    total = Counter(problem.kind for found in by_file.values() for _, problem in found)
    files = Counter(kind for found in by_file.values() for kind in {p.kind for _, p in found})
    yield f"\nproblems: {total.total() or 'none'}"
    for kind, count in total.most_common():
        yield f"{count:>8} {kind} (in {files[kind]} files)"
    for file, found in by_file.items():
        shown: Counter[str] = Counter()
        for recording, problem in found:
            shown[problem.kind] += 1
            if shown[problem.kind] <= SHOWN_PER_KIND:
                name = f"{recording.recording_id}: " if len(recordings[file]) > 1 else ""
                lost = " (left out)" if problem.lost else ""
                yield f"{_below(folder, file)}: {name}{problem.kind}{lost}: {problem.text}"
        for kind, count in shown.items():
            if count > SHOWN_PER_KIND:
                yield f"{_below(folder, file)}: {kind}: {count - SHOWN_PER_KIND} more"


def _unreadable_lines(reading: FolderReading) -> Iterator[str]:
    if reading.unreadable:
        yield f"\nunreadable: {len(reading.unreadable)}"
        yield from reading.unreadable.values()


def _why_nothing(reading: FolderReading) -> str:
    """Why a folder gave no recording, by the first file."""
    for problem in reading.unreadable.values():
        return problem
    n_aside = len(reading.left_aside)
    if not n_aside:
        return "there is no event"
    return f"{n_aside} files look like no annotations, {reading.left_aside[0]} first; see --format"


def _below(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder)) if folder.is_dir() else file.name


def _convert(
    reading: FolderReading, arguments: argparse.Namespace, label_map: LabelMap | None
) -> None:
    if label_map is None and arguments.unknown is not None:
        raise ValueError("--unknown says what to do with labels that are not in --map; give both")
    chosen, unknown = _chosen(reading, arguments, label_map)
    if not chosen:
        raise ValueError(f"nothing to convert: {_why_nothing(reading)}")
    targets = _targets(chosen, arguments)
    for target in targets:
        for path in files_of(target, arguments.to):
            if path.exists():
                raise ValueError(
                    f"{path}: is there already, and --out would overwrite it; remove it or choose "
                    "another"
                )
    refused = _write(targets, arguments.to)
    for line in (*_unreadable_lines(reading), *refused):
        print(line)
    read = [problem for recording in chosen for problem in recording.problems]
    if any(problem.kind == NO_LABEL_COLUMN for problem in read):
        print("some selection tables have no known column of labels: choose one by --label_column")
    if lost := Counter(problem.kind for problem in read if problem.lost):
        print(f"entries that make no events are left out: {count_text(lost)}")
    if unknown:
        policy = arguments.unknown or KEEP
        done = "kept as they are" if policy == KEEP else f"now {policy!r}"
        print(f"labels not in the map, {done}: {count_text(unknown)}")
    print(f"{len(targets) - len(refused)} files written, {len(refused)} refused: {arguments.out}")
    if refused:
        raise ValueError(f"{len(refused)} of {len(targets)} files cannot be written; see above")


def _chosen(
    reading: FolderReading, arguments: argparse.Namespace, label_map: LabelMap | None
) -> tuple[list[AnnotatedRecording], Counter[str]]:
    """The recordings to write, and how often labels are not in the map."""
    chosen: dict[str, AnnotatedRecording] = {}
    unknown: Counter[str] = Counter()
    for file, recordings in reading.recordings.items():
        for recording in recordings:
            if recording.recording_id in chosen:
                raise ValueError(f"{file}: {recording.recording_id!r} is in another file too")
            if arguments.tier is not None:
                recording = recording.only(arguments.tier)
            elif not FORMATS[arguments.to].holds_tiers:
                recording.tier()  # raises where there are several
            if label_map is not None:
                unknown += label_map.unknown(recording.events())
            chosen[recording.recording_id] = recording
    policy = arguments.unknown or KEEP
    if label_map is not None:
        label_map.check_policy(policy)
        if policy == ERROR and unknown:
            raise ValueError(f"labels not in the map: {count_text(unknown)}; add or correct them")
        return [_folded(recording, label_map, policy) for recording in chosen.values()], unknown
    return list(chosen.values()), unknown


def _folded(recording: AnnotatedRecording, label_map: LabelMap, policy: str) -> AnnotatedRecording:
    tier = recording.tier()
    events, _ = label_map.apply(tier.events, policy)
    return dataclasses.replace(recording, tiers=(dataclasses.replace(tier, events=tuple(events)),))


def _targets(
    recordings: Sequence[AnnotatedRecording], arguments: argparse.Namespace
) -> dict[Path, list[AnnotatedRecording]]:
    """Files to write and what goes into each."""
    out, to = Path(arguments.out), FORMATS[arguments.to]
    if to.write_many is not None:
        name = "segments" if arguments.to == "segments" else f"events{to.ending}"
        return {out / name if out.is_dir() else out: list(recordings)}
    one_file = arguments.action == "from" or not Path(arguments.path).is_dir()
    if one_file and len(recordings) == 1 and not out.is_dir():
        return {out: list(recordings)}
    targets = {}
    for recording in recordings:
        for part in recording.recording_id.split("/"):  # folders stay, see `read_folder`
            check_id(f"recording {recording.recording_id!r}", part)
        targets[out / f"{recording.recording_id}{to.ending}"] = [recording]
    return targets


def _write(targets: Mapping[Path, list[AnnotatedRecording]], to: str) -> list[str]:
    """Write what can be written; one line for each file that cannot."""
    refused = []
    for target, recordings in targets.items():
        try:
            check_length(target.name)
            write_annotations(recordings, target, to)
        except ValueError as error:
            refused.append(f"not written: {' '.join(str(error).split())}")
    return refused
