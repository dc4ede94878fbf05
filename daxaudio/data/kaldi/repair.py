"""Mend a Kaldi data folder, and say what was changed.

As Kaldi's `utils/fix_data_dir.sh` does, files are sorted, only what is in all of them is kept, and
`spk2utt` is written afresh. We differ in that nothing is done in silence, that an id with two
different values is dropped (Kaldi keeps the first), and that durations can be measured.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from daxaudio.data.kaldi.audio import OVERSHOOT, source_duration
from daxaudio.data.kaldi.lines import (
    RecordingSegment,
    byte_sorted,
    check_entry,
    check_no_command,
    find_speaker_disorder,
    group_by_speaker,
    parse_value,
)
from daxaudio.data.kaldi.raw import FILES, ONE_WORD_FILES, RawFile, RawLine, read_raw
from daxaudio.data.kaldi.validation import value_of
from daxaudio.runs.files import real_path, write_text

BACKUP_FOLDER = ".backup"
"""Where the files of a folder that is mended in place are kept."""

_UTTERANCE_FILES = ("segments", "text", "utt2spk", "utt2dur")
_RECORDING_FILES = ("wav.scp", "reco2dur")


def fix_data_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    durations: bool = False,
    allow_pipes: bool = False,
) -> list[str]:
    r"""Sort the files of a data folder, and drop what cannot be used.

    Dropped are lines that are there twice, ids that have two values, lines that the file cannot
    hold, ids that are not in all files, and recordings of which no utterance is left. Values are
    kept as they are written, but speakers that do not sort like their utterances: where all ids are
    a speaker, one character and a rest, this character ends the names of speakers, too. Each file
    is written whole or not at all.

    Args:
        folder: the data folder.
        out: where to write; in place when not given. The files as they were are then copied to
            `.backup` in the folder (`.backup-2`, ... when that is there).
        durations: measure all recordings by their headers, and write `utt2dur`, and with
            `segments` also `reco2dur`. Recordings that cannot be read are dropped, segments that
            begin after the end of theirs too; segments that end after it are made to end with it.
        allow_pipes: run the shell commands of `wav.scp` to measure them. Without `durations`
            nothing is run, and commands stay as they are.

    Returns:
        What was changed or dropped, and what could not be mended, one line each; an empty list
        when there is nothing of either.

    Raises:
        ValueError: when a file that must be there is missing or no UTF-8, no utterance would be
            left, `out` holds a data folder already, or a command would have to be run and is not
            allowed. Nothing is written then.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name, value in {"wav.scp": "x.wav", "text": "dog", "utt2spk": "s"}.items():
        ...     write_text(f"b {value}\na {value}\n", folder / name)
        >>> write_text("a 1.50\n", folder / "utt2dur")
        >>> fix_data_folder(folder, folder / "fixed")[:2]
        ["dropped 'b': not in utt2dur", 'wav.scp: sorted']
        >>> (folder / "fixed" / "utt2dur").read_text()
        'a 1.50\n'
    """
    folder, target = Path(folder), Path(folder if out is None else out)
    in_place = real_path(target) == real_path(folder)
    if not in_place and any((target / name).exists() for name in FILES):
        raise ValueError(f"{target}: holds a data folder already; choose another --out")
    repair = _Repair(folder, durations)
    if durations:
        repair.measure(allow_pipes)
    repair.intersect()
    repair.order_speakers()
    texts = repair.texts()
    repair.note_new_texts(texts)
    if in_place and not repair.changes:
        return repair.remarks
    others = [path.name for path in folder.iterdir() if path.name not in FILES]
    if others := sorted(name for name in others if not name.startswith(".")):
        left = "left as they are" if in_place else "not copied"
        repair.changes.append(f"{left}: {', '.join(others)}")
    if in_place:
        repair.changes.append(f"the files as they were are in {_back_up(folder, repair.files)}")
    for name, text in texts.items():
        write_text(text, target / name)
    return [*repair.changes, *repair.remarks]


class _Repair:
    """The tables of one folder on their way, as text by id, and the changes so far."""

    def __init__(self, folder: Path, durations: bool) -> None:
        self.folder, self.durations = folder, durations
        self.changes: list[str] = []
        self.remarks: list[str] = []
        """What is wrong and stays so."""
        self.renamed = False
        """Whether speakers have new names."""
        self.lengths: dict[str, float] = {}
        """Seconds of each recording, where they are measured."""
        self.files = {name: read_raw(folder / name) for name in FILES if self._is_there(name)}
        for name, file in self.files.items():
            for fault, numbers in file.faults.items():
                self.changes.append(f"{name}: mended line(s) {_listed(numbers)}: {fault}")
        made_anew = ("spk2utt", "utt2dur", "reco2dur") if durations else ("spk2utt",)
        kept = [name for name in self.files if name not in made_anew]
        self.tables = {name: self._table(name, self.files[name]) for name in kept}

    def _is_there(self, name: str) -> bool:
        path = self.folder / name
        if path.is_file():
            return True
        if name == "utt2dur" and not self.durations:
            raise ValueError(f"{path}: no such file; give --durations to measure and write it")
        if name in ("wav.scp", "text", "utt2spk"):
            raise ValueError(f"{path}: no such file; check the path")
        return False

    def _table(self, name: str, file: RawFile) -> dict[str, str]:
        table: dict[str, str] = {}
        by_key: dict[str, list[RawLine]] = {}
        for line in file.lines:
            by_key.setdefault(line.key, []).append(line)
        for key, lines in by_key.items():
            numbers = _listed([line.number for line in lines])
            if len({line.value for line in lines}) > 1:
                what = f"dropped {key!r}, which has different values in lines {numbers}"
                self.changes.append(f"{name}: {what}")
                continue
            if len(lines) > 1:
                self.changes.append(f"{name}: kept {key!r} once, which is in lines {numbers}")
            try:
                value_of(name, lines[0])
            except ValueError as error:
                self.changes.append(f"{name}: dropped line {numbers}: {error}")
            else:
                words = lines[0].value.split()
                table[key] = " ".join(words) if name in ONE_WORD_FILES else lines[0].value
        return table

    def measure(self, allow_pipes: bool) -> None:
        """Measure the recordings; drop those that cannot be read and segments outside them."""
        for key, source in self.tables["wav.scp"].items():
            if not allow_pipes:
                check_no_command(str(self.folder / "wav.scp"), key, source)
        for key, source in list(self.tables["wav.scp"].items()):
            try:
                self.lengths[key] = source_duration(key, source, allow_pipes)
                check_entry("utt2dur", key, self.lengths[key])
            except ValueError as error:
                self._drop("wav.scp", key, " ".join(str(error).split()))
        for key, segment in self._segments().items():
            length = self.lengths.get(segment.recording_id)
            if length is not None and segment.start >= length:
                self._drop("segments", key, f"begins after its recording of {length:.10g} s")
            elif length is not None and (segment.end or 0) > length + OVERSHOOT:
                recording, start, end = self.tables["segments"][key].split()
                self.tables["segments"][key] = f"{recording} {start} -1"
                what = f"end of {key!r} set from {end} to -1, its recording lasts {length:.10g} s"
                self.changes.append(f"segments: {what}")

    def _drop(self, name: str, key: str, why: str) -> None:
        del self.tables[name][key]
        self.changes.append(f"{name}: dropped {key!r}: {why}")

    def _segments(self) -> dict[str, RecordingSegment]:
        table = self.tables.get("segments", {})
        return {key: parse_value("segments", key, value) for key, value in table.items()}

    def intersect(self) -> None:
        """Keep the utterances that all files have, and the recordings of these."""
        recordings = self._common(_RECORDING_FILES)
        segments = self._segments()
        if "segments" in self.tables:
            for key, segment in segments.items():
                if segment.recording_id not in recordings:
                    self._drop("segments", key, f"no recording {segment.recording_id!r}")
            utterances = self._common(_UTTERANCE_FILES)
            self._keep(_UTTERANCE_FILES, utterances, "utterance ")
            self._keep(
                _RECORDING_FILES, {segments[key].recording_id for key in utterances}, "recording "
            )
        else:
            self._keep(
                (*_RECORDING_FILES, *_UTTERANCE_FILES),
                recordings & self._common(_UTTERANCE_FILES),
                "",
            )
            utterances = set(self.tables["text"])
        if not utterances:
            raise ValueError(
                f"{self.folder}: no utterance would be left, as none is whole in all files; "
                "`daxaudio data validate` says what is wrong"
            )
        if self.durations:
            self._write_durations()

    def _common(self, names: tuple[str, ...]) -> set[str]:
        found = [set(self.tables[name]) for name in names if name in self.tables]
        return set.intersection(*found)

    def _keep(self, names: tuple[str, ...], keys: set[str], kind: str) -> None:
        tables = {name: self.tables[name] for name in names if name in self.tables}
        for key in byte_sorted(set().union(*tables.values()) - keys):
            lacking = [name for name, table in tables.items() if key not in table]
            why = f"not in {', '.join(lacking)}" if lacking else "no utterance of it is left"
            self.changes.append(f"dropped {kind}{key!r}: {why}")
        for name, table in tables.items():
            self.tables[name] = {key: value for key, value in table.items() if key in keys}

    def _write_durations(self) -> None:
        wav_scp, segments = self.tables["wav.scp"], self._segments()
        self.tables["utt2dur"] = {key: repr(self.lengths[key]) for key in wav_scp}
        if segments or "reco2dur" in self.files:
            self.tables["reco2dur"] = self.tables["utt2dur"]
        if segments:
            self.tables["utt2dur"] = {
                key: repr(round(segment.duration_in(self.lengths[segment.recording_id]), 9))
                for key, segment in segments.items()
            }

    def order_speakers(self) -> None:
        """Make speakers sort like their utterances, as Kaldi wants it, if their names allow it."""
        utt2spk = self.tables["utt2spk"]
        pair = find_speaker_disorder(utt2spk)
        if pair is None:
            return
        following = {key.removeprefix(name)[:1] for key, name in utt2spk.items()}
        renamed = {key: key[: len(name) + 1] for key, name in utt2spk.items()}
        begin = all(key.startswith(name) for key, name in utt2spk.items())
        end = following.pop()
        if begin and not (following or end.isalnum() or find_speaker_disorder(renamed)):
            self.tables["utt2spk"], self.renamed = renamed, True
            self.changes.append(f"utt2spk: {end!r} put at the end of speakers, to sort as ids do")
        else:
            what = f"speakers do not sort like utterances ({pair[0]!r}, {pair[1]!r})"
            self.remarks.append(f"utt2spk: left as it is: {what}, which Kaldi refuses; rename them")

    def texts(self) -> dict[str, str]:
        """The files to write, by name."""
        speakers = group_by_speaker(self.tables["utt2spk"])
        tables = {**self.tables, "spk2utt": {key: " ".join(ids) for key, ids in speakers.items()}}
        return {
            name: "".join(f"{key} {tables[name][key]}\n" for key in byte_sorted(tables[name]))
            for name in FILES
            if name in tables
        }

    def note_new_texts(self, texts: dict[str, str]) -> None:
        """Note the files that change in a way that is not noted yet."""
        for name, text in texts.items():
            file, n_lines = self.files.get(name), text.count("\n")
            if file is None:
                self.changes.append(f"{name}: written, with {n_lines} line(s)")
            elif name not in self.tables and text != file.content:
                self.changes.append(f"{name}: written afresh from utt2spk")
            elif self.durations and name.endswith("2dur") and text != file.content:
                self.changes.append(f"{name}: measured, {n_lines} line(s)")
            elif not _is_sorted(file):
                self.changes.append(f"{name}: sorted")
            elif name == "utt2spk" and self.renamed:
                continue
            elif set(text.split("\n")) - set(file.content.split("\n")) and not file.faults:
                self.changes.append(f"{name}: blanks between words made single")


def _is_sorted(file: RawFile) -> bool:
    keys = [line.key.encode() for line in file.lines]
    return keys == sorted(keys)


def _listed(numbers: list[int], shown: int = 5) -> str:
    text = ", ".join(map(str, numbers[:shown]))
    return text + (f" and {len(numbers) - shown} more" if len(numbers) > shown else "")


def _back_up(folder: Path, names: Iterable[str]) -> Path:
    """Copy files to a new folder beside them."""
    n, backup = 1, folder / BACKUP_FOLDER
    while backup.exists():
        n += 1
        backup = folder / f"{BACKUP_FOLDER}-{n}"
    backup.mkdir()
    for name in names:
        shutil.copy2(folder / name, backup / name)
    return backup
