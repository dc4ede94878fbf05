"""What is wrong with a Kaldi data folder, line by line, and how to mend it.

We ask for more than Kaldi's `utils/validate_data_dir.sh` does: `utt2dur`, audio files that exist,
and durations that agree with each other. We know nothing of features, and take any number of
utterances and speakers. An entry of `wav.scp` that is a shell command is a problem unless allowed.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from daxaudio.data.kaldi.archives import place_in_archive
from daxaudio.data.kaldi.audio import OVERSHOOT, source_duration
from daxaudio.data.kaldi.lines import (
    Difference,
    RecordingSegment,
    check_entry,
    find_differences,
    find_speaker_disorder,
    group_by_speaker,
    is_command,
    parse_value,
)
from daxaudio.data.kaldi.raw import FILES, RawFile, RawLine, read_raw
from daxaudio.runs.names import check_length, find_alike

DURATION_TOLERANCE = 0.05
"""Seconds by which durations may disagree: they are often rounded, or counted in frames."""

_REQUIRED = ("wav.scp", "text", "utt2spk", "spk2utt", "utt2dur")
_FIX = "`daxaudio data fix` mends it"
_DROP = "mend the line, or let `daxaudio data fix` drop it"
_ALLOW = (
    "write its output to a file, or allow it (--allow_commands): only for folders that you trust"
)
_RENAME = (
    "Kaldi wants utterances and speakers to sort alike: name utterances by speaker, hyphen and the "
    "rest, or let `daxaudio data fix` rename speakers where that is enough"
)
_DURATIONS = "`daxaudio data fix --durations` writes it"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong with a data folder.

    Args:
        file: path of the file.
        line: number of the line, from 1; None for the whole file.
        what: what is wrong.
        remedy: what to do.
        warning: whether the folder can be used all the same.

    Example:
        >>> print(Problem("data/text", 3, "'a' is already in line 1", "remove one"))
        data/text:3: 'a' is already in line 1; remove one
    """

    file: str
    line: int | None
    what: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {'warning: ' if self.warning else ''}{self.what}; {self.remedy}"


def validate_data_folder(
    folder: str | os.PathLike[str], check_audio: bool = False, allow_pipes: bool = False
) -> list[Problem]:
    r"""Look for everything that is wrong with a data folder; nothing is changed.

    Looked at are the form of the files (UTF-8, line ends, blanks, order of ids and of
    speakers), ids that are double, not in all files or can name no file, values that the file
    cannot hold, `spk2utt` against `utt2spk`, segments against their recordings, and whether
    audio files exist (relative paths start at the working folder).

    Args:
        folder: a Kaldi data folder.
        check_audio: compare durations with the header of every audio file, too.
        allow_pipes: take shell commands in `wav.scp` for good; with `check_audio` they are run.

    Returns:
        The problems, by file; an empty list when the folder is valid.

    Raises:
        ValueError: when there is no such folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "text").write_text("b dog\na cat\n")
        >>> [problem.what for problem in validate_data_folder(folder) if problem.line]
        ["'a' comes after 'b', ids are not sorted by their bytes"]
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; check the path")
    return list(_Validation(folder, allow_pipes).problems(check_audio))


class _Validation:
    """One folder: its files as they are, and what could be read of them."""

    def __init__(self, folder: Path, allow_pipes: bool) -> None:
        self.folder, self.allow_pipes = folder, allow_pipes
        self.files: dict[str, RawFile] = {}
        self.line_of: dict[str, dict[str, int]] = {}
        self.values: dict[str, dict[str, Any]] = {}
        """By file and id; None where the file cannot hold the value."""

    def problems(self, check_audio: bool) -> Iterator[Problem]:
        for name in FILES:
            yield from self._read(name)
        for name in self.files:
            yield from self._form(name)
            yield from self._lines(name)
        yield from self._differences()
        yield from self._names()
        yield from self._speakers()
        durations = {
            key: value
            for key, value in self.values.get("reco2dur", {}).items()
            if value is not None
        }
        yield from self._sources(check_audio, durations)
        yield from self._durations(durations)

    def _problem(self, name: str, key: str, what: str, remedy: str) -> Problem:
        """At the first line of a file that has this id."""
        return Problem(str(self.folder / name), self.line_of[name][key], what, remedy)

    def _has_segments(self) -> bool:
        return (self.folder / "segments").is_file()

    def _read(self, name: str) -> Iterator[Problem]:
        path = self.folder / name
        if not path.is_file():
            if name in _REQUIRED:
                remedies = {"utt2dur": _DURATIONS, "spk2utt": "`daxaudio data fix` writes it"}
                yield Problem(str(path), None, "no such file", remedies.get(name, "write it"))
            return
        try:
            self.files[name] = read_raw(path)
        except ValueError as error:
            what, _, remedy = str(error).removeprefix(f"{path}: ").partition("; ")
            yield Problem(str(path), None, what, remedy)

    def _form(self, name: str) -> Iterator[Problem]:
        path, file = str(self.folder / name), self.files[name]
        if not file.lines:
            yield Problem(path, None, "is empty", "write it, or remove the folder")
            return
        for fault, numbers in file.faults.items():
            others = f" ({len(numbers) - 1} more line(s) too)" if len(numbers) > 1 else ""
            yield Problem(path, numbers[0], f"{fault}{others}", _FIX)
        for before, line in zip(file.lines, file.lines[1:], strict=False):
            if line.key.encode() < before.key.encode():
                what = f"{line.key!r} comes after {before.key!r}, ids are not sorted by their bytes"
                yield Problem(path, line.number, what, _FIX)
                return

    def _lines(self, name: str) -> Iterator[Problem]:
        path, first = (
            str(self.folder / name),
            {line.key: line for line in self.files[name].lines[::-1]},
        )
        self.line_of[name] = {key: line.number for key, line in first.items()}
        values = self.values.setdefault(name, {})
        for line in self.files[name].lines:
            if line is not first[line.key]:
                same = line.value == first[line.key].value
                what = f"{line.key!r} is already in line {first[line.key].number}"
                what += "" if same else ", with another value"
                yield Problem(path, line.number, what, _FIX if same else "remove the wrong one")
                continue
            values[line.key] = None
            try:
                value = value_of(name, line)
            except ValueError as error:
                yield Problem(path, line.number, str(error), _DROP)
                continue
            if name == "wav.scp" and is_command(value) and not self.allow_pipes:
                what = f"{line.key!r}: {value!r} is a shell command"
                yield Problem(path, line.number, what, _ALLOW)
            else:
                values[line.key] = value

    def _differences(self) -> Iterator[Problem]:
        # A file that is empty or not to be read is one problem, not one an id.
        tables = {name: table for name, table in self.values.items() if table and name != "spk2utt"}
        if "wav.scp" not in tables or ("segments" not in tables and self._has_segments()):
            return
        for found in find_differences(tables):
            yield self._problem(found.has, found.entry, *_words_for(found))

    def _names(self) -> Iterator[Problem]:
        """Ids of utterances that name files badly, though the folder can be used."""
        names = list(self.values.get("text", {}))
        for name in names:
            try:
                check_length(name)
            except ValueError as error:
                what, remedy = str(error).rsplit("; ", 1)
                remedy = f"{remedy}: what is made of it has its name, so it would be left out"
                yield dataclasses.replace(self._problem("text", name, what, remedy), warning=True)
        for first, name in find_alike(names):
            what = f"{name!r} and {first!r} differ by case or composed letters alone"
            remedy = (
                "rename one: where a file system takes both for one, they get in each other's way"
            )
            yield dataclasses.replace(self._problem("text", name, what, remedy), warning=True)

    def _speakers(self) -> Iterator[Problem]:
        utt2spk = {key: value for key, value in self.values.get("utt2spk", {}).items() if value}
        wanted, found = group_by_speaker(utt2spk), self.values.get("spk2utt")
        if found is not None:
            for name, ids in found.items():
                if ids != wanted.get(name):
                    what = f"the utterances of speaker {name!r} are not those in utt2spk"
                    yield self._problem("spk2utt", name, what, _FIX)
            for name in (name for name in wanted if name not in found):
                what = f"speaker {name!r} is not in spk2utt"
                yield self._problem("utt2spk", wanted[name][0], what, _FIX)
        yield from self._order_of_speakers(utt2spk)

    def _order_of_speakers(self, utt2spk: Mapping[str, str]) -> Iterator[Problem]:
        if pair := find_speaker_disorder(utt2spk):
            before, after = pair
            what = f"{after!r} of speaker {utt2spk[after]!r} comes after {before!r} of speaker "
            what += f"{utt2spk[before]!r}: sorted by utterance, it is not sorted by speaker"
            yield self._problem("utt2spk", after, what, _RENAME)
            return
        odd = [key for key, name in utt2spk.items() if not key.startswith(name)]
        if odd:
            what = f"{odd[0]!r} does not begin with the id of its speaker, {utt2spk[odd[0]]!r}"
            what += f" (nor do {len(odd) - 1} more)" if len(odd) > 1 else ""
            problem = self._problem("utt2spk", odd[0], what, _RENAME)
            yield dataclasses.replace(problem, warning=True)

    def _sources(self, check_audio: bool, durations: dict[str, float]) -> Iterator[Problem]:
        """Audio that is not there; measured durations replace those of `reco2dur`."""
        for key, source in self.values.get("wav.scp", {}).items():
            if source is None:
                continue
            if not check_audio and not is_command(source):
                yield from self._file(key, source)
            if check_audio:
                try:
                    measured = source_duration(key, source, self.allow_pipes)
                except ValueError as error:
                    what = " ".join(str(error).split())
                    yield self._problem("wav.scp", key, f"{key!r}: {what}", _DROP)
                else:
                    yield from self._compare("reco2dur", key, measured, "its audio lasts")
                    durations[key] = measured

    def _file(self, key: str, source: str) -> Iterator[Problem]:
        try:
            place = place_in_archive(source)
        except ValueError as error:
            yield self._problem("wav.scp", key, f"{key!r}: {error}", _DROP)
            return
        path = Path(source) if place is None else place[0]
        if not os.path.isfile(path):  # also of a path that no file system takes
            remedy = "relative paths start at the working folder; mend the path"
            yield self._problem("wav.scp", key, f"{key!r}: no such file: {path}", remedy)

    def _durations(self, recordings: Mapping[str, float]) -> Iterator[Problem]:
        """`utt2dur` and `segments` against the durations of recordings that are known."""
        if not self._has_segments():
            for key, duration in recordings.items():
                yield from self._compare("utt2dur", key, duration, "its audio lasts")
            return
        for key, segment in self.values.get("segments", {}).items():
            if segment is None:
                continue
            length = recordings.get(segment.recording_id)
            if length is not None and not _lies_in(segment, length):
                what = f"{key!r} is outside its recording, which lasts {length:.10g} s"
                remedy = "mend it, or let `daxaudio data fix --durations` mend or drop it"
                yield self._problem("segments", key, what, remedy)
            elif length is not None or segment.end is not None:
                duration = segment.duration_in(length or 0)
                yield from self._compare("utt2dur", key, duration, "its segment lasts")

    def _compare(self, name: str, key: str, duration: float, what: str) -> Iterator[Problem]:
        said = self.values.get(name, {}).get(key)
        if said is not None and abs(said - duration) > DURATION_TOLERANCE:
            text = f"{key!r}: {said:.10g} s, but {what} {duration:.10g} s"
            yield self._problem(name, key, text, "`daxaudio data fix --durations` mends it")


def value_of(name: str, line: RawLine) -> Any:
    """What a line says after its id: a list of words in `spk2utt`, else as `parse_value` says.

    Args:
        name: the file.
        line: one of its lines.

    Raises:
        ValueError: when the file cannot hold such a line; says what is wrong, not where.

    Example:
        >>> value_of("spk2utt", RawLine(1, "a", "a-1 a-2"))
        ['a-1', 'a-2']
    """
    if not line.value:
        raise ValueError(f"expected an id, a space and a value, got {line.key!r}")
    if name == "spk2utt":
        return line.value.split()
    value = parse_value(name, repr(line.key), line.value)
    check_entry(name, line.key, value)
    return value


def _lies_in(segment: RecordingSegment, length: float) -> bool:
    return segment.start < length and (segment.end or 0) <= length + OVERSHOOT


def _words_for(found: Difference) -> tuple[str, str]:
    word = "recording " if found.key != found.entry else ""
    what = f"{word}{found.key!r} is not in {found.lacks}"
    if found.lacks in ("utt2dur", "reco2dur"):
        return what, "`daxaudio data fix --durations` adds it"
    return what, "add it there, or let `daxaudio data fix` drop it"
