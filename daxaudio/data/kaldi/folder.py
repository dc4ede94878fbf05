"""Kaldi data folders: read, write.

A folder has `wav.scp` (recording, path), `text` (utterance, label), `utt2spk` (utterance, speaker)
and `utt2dur` (utterance, seconds), one `id value` a line. With `segments` (utterance, recording,
start, end) an utterance is a part of a recording, and `reco2dur` says how long recordings last;
without, utterances and recordings are the same. `spk2utt` is written for Kaldi and not read, as
it follows from `utt2spk`. All files are UTF-8, sorted as `LC_ALL=C sort` sorts. What is written
reads back exactly. Times are in seconds.

An entry of `wav.scp` is the path of an audio file, or a place in an archive (`raw.ark:1234`). One
that ends in `|` is a shell command whose output is the audio. It is refused unless the caller
allows it: whoever wrote the folder could run anything.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from daxaudio.data.kaldi.lines import (
    RecordingSegment,
    byte_sorted,
    check_entry,
    check_no_command,
    find_differences,
    group_by_speaker,
    parse_value,
)
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.names import check_id

_LINE = re.compile(r"(?P<id>\S+)[ \t]+(?P<value>.*\S)\s*")
_REQUIRED = ("wav.scp", "text", "utt2spk", "utt2dur")
_OPTIONAL = ("segments", "reco2dur")


@dataclasses.dataclass(frozen=True)
class DataFolder:
    r"""What a Kaldi data folder says of its utterances; all tables of utterances have the same ids.

    Ids should begin with the speaker's name, so that both sort alike, as Kaldi wants it. They name
    the files that are made of recordings: `/`, `\`, control characters, "." and ".." are refused.

    Args:
        wav_scp: path of each recording's audio file; may hold spaces.
        text: label of each utterance; may hold spaces.
        utt2spk: speaker of each utterance, one word.
        utt2dur: duration of each utterance in seconds, above 0.
        segments: where each utterance lies; None when utterances are whole recordings of the same
            id. Every recording then has an utterance.
        reco2dur: duration of each recording in seconds; only with `segments`.
        allow_pipes: whether paths may be shell commands (they end in `|`), which are run when the
            audio is read: only for folders that you trust.
        channel: which channel of each file to take, counted from 1; None for the average of all.
        paths_hidden: whether a path may tell who is heard, so that nothing that is written from
            the recordings should name it.

    Raises:
        ValueError: when the tables have other ids, an id or speaker holds white space, an id can
            name no file, a value is empty, begins or ends with white space or holds a line break,
            a path is a shell command that is not allowed, or a duration is not above 0.

    Example:
        >>> DataFolder({"a-1": "a 1.wav"}, {"a-1": "dog bark"}, {"a-1": "a"}, {"a-1": 5.0}).ids
        ['a-1']
    """

    wav_scp: Mapping[str, str]
    text: Mapping[str, str]
    utt2spk: Mapping[str, str]
    utt2dur: Mapping[str, float]
    segments: Mapping[str, RecordingSegment] | None = None
    reco2dur: Mapping[str, float] | None = None
    allow_pipes: bool = False
    channel: int | None = None
    paths_hidden: bool = False

    def __post_init__(self) -> None:
        for name, table in self._tables().items():
            for key, value in table.items():
                check_entry(name, key, value)
        if not self.allow_pipes:
            for key, source in self.wav_scp.items():
                check_no_command("wav.scp", key, source)
        if self.reco2dur is not None and self.segments is None:
            raise ValueError("reco2dur goes with segments; without them give utt2dur alone")
        for found in find_differences(self._tables()):
            raise ValueError(f"{found.key!r} is in {found.has} but not in {found.lacks}")

    @property
    def ids(self) -> list[str]:
        """Ids of the utterances, sorted as `LC_ALL=C sort` does: by their bytes."""
        return byte_sorted(self.text)

    @property
    def spk2utt(self) -> dict[str, list[str]]:
        """The utterances of each speaker, both sorted by their bytes."""
        return group_by_speaker(self.utt2spk)

    def segment(self, utterance_id: str) -> RecordingSegment:
        """Where an utterance lies: its line of `segments`, or the whole recording of the same id.

        Raises:
            ValueError: when there is no such utterance.
        """
        if utterance_id not in self.text:
            raise ValueError(f"no utterance {utterance_id!r} in the data folder; see its text file")
        if self.segments is None:
            return RecordingSegment(utterance_id)
        return self.segments[utterance_id]

    def part(self, utterance_ids: Iterable[str]) -> DataFolder:
        """The data folder of some utterances only, in the order given, with their recordings.

        Raises:
            ValueError: when there is no such utterance.

        Example:
            >>> data = DataFolder(*[{"a": "x", "b": "y"}] * 3, {"a": 1.0, "b": 2.0})
            >>> data.part(["b"]).wav_scp
            {'b': 'y'}
        """
        places = {name: self.segment(name) for name in utterance_ids}
        recordings = dict.fromkeys(place.recording_id for place in places.values())
        return dataclasses.replace(
            self,
            wav_scp={name: self.wav_scp[name] for name in recordings},
            text={name: self.text[name] for name in places},
            utt2spk={name: self.utt2spk[name] for name in places},
            utt2dur={name: self.utt2dur[name] for name in places},
            segments=None if self.segments is None else places,
            reco2dur=self.reco2dur and {name: self.reco2dur[name] for name in recordings},
        )

    def _tables(self) -> dict[str, Mapping[str, Any]]:
        """Tables by file name, without those that the folder lacks."""
        tables = {
            "wav.scp": self.wav_scp,
            "text": self.text,
            "utt2spk": self.utt2spk,
            "utt2dur": self.utt2dur,
            "segments": self.segments,
            "reco2dur": self.reco2dur,
        }
        return {name: table for name, table in tables.items() if table is not None}


def write_data_folder(data: DataFolder, folder: str | os.PathLike[str]) -> None:
    """Write `wav.scp`, `text`, `utt2spk`, `spk2utt` and `utt2dur`, each sorted by id.

    `segments` and `reco2dur` are written where the data has them, and removed where it has not.
    The order is that of `LC_ALL=C sort`, which Kaldi's tools ask for.

    Args:
        data: what to write.
        folder: where to write; made where missing.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> data = DataFolder({"a-1": "a 1.wav"}, {"a-1": "dog"}, {"a-1": "a"}, {"a-1": 5.0})
        >>> write_data_folder(data, folder)
        >>> print((folder / "wav.scp").read_text(), end="")
        a-1 a 1.wav
    """
    folder = Path(folder)
    tables = data._tables()
    for name, table in tables.items():
        lines = (f"{key} {_written(table[key])}\n" for key in byte_sorted(table))
        write_text("".join(lines), folder / name)
    speakers = data.spk2utt.items()
    write_text("".join(f"{name} {' '.join(ids)}\n" for name, ids in speakers), folder / "spk2utt")
    for name in _OPTIONAL:
        if name not in tables:
            (folder / name).unlink(missing_ok=True)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, RecordingSegment):
        end = "-1" if value.end is None else _written(value.end)
        return f"{value.recording_id} {_written(value.start)} {end}"
    # repr of a float is the shortest text that reads back as the same number
    return repr(float(value))


def read_data_folder(
    folder: str | os.PathLike[str],
    allow_pipes: bool = False,
    channel: int | None = None,
    no_label: str | None = None,
) -> DataFolder:
    """Read a Kaldi data folder, sorted or not.

    `wav.scp`, `text`, `utt2spk` and `utt2dur` must be there; `text` alone may be allowed to be
    missing. `segments` is read where it is there,
    and then `reco2dur` too.

    Args:
        folder: a Kaldi data folder.
        allow_pipes: let `wav.scp` have shell commands, which are run when the audio is read: only
            for folders that you trust.
        channel: which channel of each file to take, counted from 1; None for the average of all.
        no_label: label of every utterance where there is no `text`; None when it must be there.

    Returns:
        Its tables in the order of the lines; paths are left as they stand there, so that relative
        ones start at the working folder, as in Kaldi.

    Raises:
        ValueError: when a file is missing, a line has no value, an id can name no file (it holds
            `/`, say), is there twice or not in all files, an entry of `wav.scp` is a shell command
            that is not allowed, or a time is no number or out of range. The message names the file
            and the line.

    Example:
        >>> read_data_folder("nowhere")
        Traceback (most recent call last):
        ValueError: nowhere/wav.scp: no such file; check the path
    """
    folder = Path(folder)
    unlabelled = no_label is not None and not (folder / "text").exists()
    names = [name for name in _REQUIRED if not (unlabelled and name == "text")]
    if (folder / "segments").is_file():
        names += [name for name in _OPTIONAL if (folder / name).is_file()]
    lines: dict[str, dict[str, int]] = {}
    tables: dict[str, dict[str, Any]] = {}
    for name in names:
        lines[name], tables[name] = _read_table(folder / name)
    if unlabelled:
        of_ids = "segments" if "segments" in tables else "wav.scp"
        lines["text"], tables["text"] = lines[of_ids], dict.fromkeys(tables[of_ids], no_label)
    if not allow_pipes:
        for key, source in tables["wav.scp"].items():
            check_no_command(f"{folder / 'wav.scp'}:{lines['wav.scp'][key]}", key, source)
    for found in find_differences(tables):
        raise ValueError(
            f"{folder / found.has}:{lines[found.has][found.entry]}: {found.key!r} is not in "
            f"{folder / found.lacks}; `daxaudio data fix` keeps what is in all files"
        )
    fields = {name.replace(".", "_"): table for name, table in tables.items()}
    return DataFolder(**fields, allow_pipes=allow_pipes, channel=channel, paths_hidden=False)


def _read_table(path: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """Line number and value of each id."""
    lines: dict[str, int] = {}
    values: dict[str, Any] = {}
    # Not splitlines, which would also split at characters that a path may hold.
    for number, line in enumerate(_read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        place, found = f"{path}:{number}", _LINE.fullmatch(line)
        if not found:
            raise ValueError(f"{place}: expected an id, a space and a value, got {line!r}")
        key = found["id"]
        check_id(place, key)
        if key in lines:
            raise ValueError(f"{place}: {key!r} is already in line {lines[key]}")
        lines[key], values[key] = number, parse_value(path.name, place, found["value"])
    return lines, values


def _read_text(path: Path) -> str:
    if not path.is_file():
        writable = path.name == "utt2dur" and path.parent.is_dir()
        remedy = "`daxaudio data fix --durations` writes it" if writable else "check the path"
        raise ValueError(f"{path}: no such file; {remedy}")
    return read_text(path)
