"""What the preparations of Coswara and DiCOVA share: files are checked, and a folder is written.

A file that cannot be used is listed with the reason and left out, and never ends the run:

    bad_files.txt            path, tab, reason
    without_annotation.txt   utterance, tab, reason; these stay in the data folder
    events.tsv               phases of the others
    other_formats.txt        utterance, tab, what is unlike most files: channels, sample rate; these
                             stay, too
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from daxaudio.data.audio import channels_of, duration_of, read_recording
from daxaudio.data.events import write_events
from daxaudio.data.formats import LabelMap
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.runs.files import write_text

from .cough_labels import PhaseReading, read_phases_of

DEFAULT_MAP = Path(__file__).parent / "cough_phases.yaml"
"""Label map of the cough phases."""

CLASSES = ("n", "p")
"""COVID-negative and positive, as DiCOVA names them."""


@dataclasses.dataclass(frozen=True)
class CoughFile:
    """A recording that a corpus lists.

    Args:
        utterance_id: its name in the data folder, one word.
        participant: who coughs.
        path: the audio file.
        label: `n` or `p`.
        status: what the corpus says of the participant, from which the label follows.
    """

    utterance_id: str
    participant: str
    path: Path
    label: str
    status: str


@dataclasses.dataclass(frozen=True)
class BadFile:
    """A file that is left out.

    Args:
        path: where it is, or should be.
        kind: the reason in a few words, by which files are counted.
        detail: more about it; may be empty.
    """

    path: Path
    kind: str
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class AudioFacts:
    """What was found when a file was read.

    Args:
        duration: seconds.
        channels: they are averaged when the file is used.
        sample_rate: samples per second; the front end resamples.
    """

    duration: float
    channels: int
    sample_rate: int


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What was written.

    Args:
        kept: recordings of the data folder.
        lines: counts of all that was found, to be printed.
    """

    kept: tuple[CoughFile, ...]
    lines: tuple[str, ...]


def check_audio(path: Path) -> AudioFacts | BadFile:
    """Read an audio file to its end.

    Args:
        path: the file.

    Returns:
        What it holds, or why it cannot be used.

    Example:
        >>> check_audio(Path("nowhere/cough-heavy.wav")).kind
        'missing file'
    """
    if not path.is_file():
        return BadFile(path, "missing file")
    if path.stat().st_size == 0:
        return BadFile(path, "zero-length", "0 bytes")
    try:
        if duration_of(path) == 0:
            return BadFile(path, "zero-length", "0 samples")
        recording = read_recording(path)
    except ValueError as error:
        return BadFile(path, "unreadable", str(error).removeprefix(f"{path}: "))
    return AudioFacts(recording.duration, channels_of(path), recording.sample_rate)


def write_cough_folder(
    files: Sequence[CoughFile],
    out: Path,
    *,
    bad: Iterable[BadFile],
    annotations: Path,
    label_map: LabelMap,
    sound: str,
) -> Prepared:
    """Check the files, read their annotations, and write the data folder and the lists beside it.

    Args:
        files: recordings to take.
        out: folder to write to, made where missing.
        bad: files that are out already; those that cannot be read join them.
        annotations: folder of the annotations.
        label_map: of the phases.
        sound: name of the sound, by which annotations are found.

    Returns:
        What was kept, and the counts.

    Raises:
        ValueError: when `annotations` is missing, or of a class no recording is left.
    """
    found, bad = {}, list(bad)
    for file in tqdm(files, desc="read", unit="file", disable=None):
        facts = check_audio(file.path)
        if isinstance(facts, BadFile):
            bad.append(facts)
        else:
            found[file.utterance_id] = facts
    kept = [file for file in files if file.utterance_id in found]
    _write_bad(out / "bad_files.txt", bad)
    for label in CLASSES:
        if not any(file.label == label for file in kept):
            raise ValueError(
                f"no usable recording of class {label} is left; see {out / 'bad_files.txt'}"
            )
    durations = {f.utterance_id: (f.participant, found[f.utterance_id].duration) for f in kept}
    phases = read_phases_of(annotations, durations, label_map, sound)
    _write_folder(out, kept, found, phases)
    lines = [*_bad_lines(bad, out), *_audio_lines(kept, found, out), *_phase_lines(phases, out)]
    return Prepared(tuple(kept), tuple(lines))


def count_text(counts: Mapping[str, int]) -> str:
    """Names and counts in one line, the most frequent first.

    Example:
        >>> count_text(Counter(["p", "n", "n"]))
        'n 2, p 1'
    """
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in ranked)


def _write_bad(path: Path, bad: Iterable[BadFile]) -> None:
    listed = sorted(bad, key=lambda file: (str(file.path), file.kind))
    rows = ((f.path, " ".join(": ".join(filter(None, [f.kind, f.detail])).split())) for f in listed)
    write_text("".join(f"{of}\t{reason}\n" for of, reason in rows), path)


def _write_folder(
    out: Path, kept: Sequence[CoughFile], found: Mapping[str, AudioFacts], phases: PhaseReading
) -> None:
    data = DataFolder(
        wav_scp={file.utterance_id: str(file.path.resolve()) for file in kept},
        text={file.utterance_id: file.label for file in kept},
        utt2spk={file.utterance_id: file.participant for file in kept},
        utt2dur={file.utterance_id: found[file.utterance_id].duration for file in kept},
    )
    write_data_folder(data, out)
    suffixes = {file.utterance_id: file.path.suffix for file in kept}
    ordered = [name for name in data.ids if name in phases.events]
    write_events(
        {f"{name}{suffixes[name]}": phases.events[name] for name in ordered}, out / "events.tsv"
    )
    rows = (f"{name}\t{phases.without[name]}\n" for name in data.ids if name in phases.without)
    write_text("".join(rows), out / "without_annotation.txt")
    rows = (f"{name}\t{odd}\n" for name, odd in sorted(_other_formats(kept, found).items()))
    write_text("".join(rows), out / "other_formats.txt")


def _other_formats(kept: Sequence[CoughFile], found: Mapping[str, AudioFacts]) -> dict[str, str]:
    """By utterance, what is not as in most files: one channel, and the most frequent rate."""
    rates = Counter(found[file.utterance_id].sample_rate for file in kept)
    usual = max(rates, key=lambda rate: (rates[rate], rate))
    other = {}
    for name in (file.utterance_id for file in kept):
        channels, rate = found[name].channels, found[name].sample_rate
        odd = [f"{channels} channels, averaged when used"] if channels > 1 else []
        odd += [f"{rate} Hz, not {usual} Hz, resampled when used"] if rate != usual else []
        if odd:
            other[name] = "; ".join(odd)
    return other


def _bad_lines(bad: Sequence[BadFile], out: Path) -> list[str]:
    counts = Counter(file.kind for file in bad)
    return [f"bad files, listed in {out / 'bad_files.txt'}: {count_text(counts) or 'none'}"]


def _audio_lines(
    kept: Sequence[CoughFile], found: Mapping[str, AudioFacts], out: Path
) -> list[str]:
    facts = [found[file.utterance_id] for file in kept]
    channels = count_text(Counter(f"of {fact.channels}:" for fact in facts))
    rates = count_text(Counter(f"{fact.sample_rate} Hz:" for fact in facts))
    seconds = sum(fact.duration for fact in facts)
    people = len({file.participant for file in kept})
    classes = count_text(Counter(file.label for file in kept))
    return [
        f"kept in {out}: {len(kept)} recordings of {people} participants, {seconds:.0f} s: "
        f"{classes}",
        f"channels: {channels}; sample rates: {rates}; what is unlike most is averaged and "
        f"resampled when used, and listed in {out / 'other_formats.txt'}",
    ]


def _phase_lines(phases: PhaseReading, out: Path) -> list[str]:
    labels = Counter(event.label for events in phases.events.values() for event in events)
    odd = {repr(label): count for label, count in phases.unknown.items()}
    return [
        f"with annotation: {len(phases.events)}; without, kept and listed in "
        f"{out / 'without_annotation.txt'}: {len(phases.without)}; annotation files that belong "
        f"to no kept recording: {phases.n_unused}",
        f"phases: {count_text(labels) or 'none'}",
        f"labels that the map does not know, kept as they are: {count_text(odd) or 'none'}",
    ]
