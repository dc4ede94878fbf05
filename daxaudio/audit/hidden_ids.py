"""Names of recordings and participants replaced by keyed hashes before anything is done with them.

This is the one border: what comes behind it, units, folders, tables and pages, never sees the
names that were given. Hashes are HMAC-SHA-256 (Krawczyk et al. 1997) of kind and name, cut to 64
bits: whoever has the key can find the hash of a name, nobody else can try names out. The key is
stored nowhere. Draws come from names, so that an audit of hashed names draws others than one of
plain names; with the same key it gives the same bytes.

What this does not do: a voice tells who somebody is, and so may a combination of columns of the
table. Sound is left out of the page by leaving it out (`sound_mb` 0); a table is what it is given.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import pandas as pd

from daxaudio.audit.known import Known
from daxaudio.data.kaldi import DataFolder
from daxaudio.data.kaldi.lines import is_command

_Value = TypeVar("_Value")

KEY_VARIABLE = "DAXAUDIO_HASH_KEY"

LEAST_KEY = 16
"""Bytes of a key, at least: shorter ones can be tried out."""

_LETTERS = 16
"""Of a hash: 64 bits."""

COMMAND_FAILED = "its command failed, or gave no audio that can be used"
"""All that is told of a recording that a shell command gives, where ids are hidden."""

_TELLING = 4
"""Letters from which on an id that stands anywhere in a text is no chance."""


@dataclasses.dataclass(frozen=True)
class HiddenIds:
    """What replaces names.

    Args:
        key: secret, at least 16 bytes.

    Raises:
        ValueError: when the key is too short.

    Example:
        >>> hidden = HiddenIds(b"0123456789abcdef")
        >>> hidden.recording("anna-1") == hidden.recording("anna-1") != hidden.recording("anna-2")
        True
        >>> "anna" in repr(hidden.participant("anna")) or "0123" in repr(hidden)
        False
    """

    key: bytes = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < LEAST_KEY:
            raise ValueError(
                f"the key of hashed ids needs {LEAST_KEY} bytes, got {len(self.key)}; make one by "
                "`openssl rand -hex 32 > key.txt` and keep it"
            )

    def recording(self, name: str) -> str:
        """The hash that stands for a recording."""
        return self._hash("recording", name)

    def participant(self, name: str) -> str:
        """The hash that stands for a participant."""
        return self._hash("participant", name)

    def _hash(self, kind: str, name: str) -> str:
        message = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self.key, message, hashlib.sha256).hexdigest()
        return f"{kind[0]}{digest[:_LETTERS]}"

    def data(self, data: DataFolder) -> DataFolder:
        """The same recordings under their hashes; paths of files are kept, and not to be told."""
        name = self.recording
        places = data.segments and {
            name(one): dataclasses.replace(place, recording_id=name(place.recording_id))
            for one, place in data.segments.items()
        }
        found = dataclasses.replace(
            data,
            wav_scp=_renamed(data.wav_scp, name),
            text=_renamed(data.text, name),
            utt2spk={name(one): self.participant(who) for one, who in data.utt2spk.items()},
            utt2dur=_renamed(data.utt2dur, name),
            segments=places,
            reco2dur=data.reco2dur and _renamed(data.reco2dur, name),
            paths_hidden=True,
        )
        assert len(found.text) == len(data.text), "two names of one hash"
        return found

    def known(self, known: Known) -> Known:
        """What is known under the hashes of whom it is known of.

        Raises:
            ValueError: when a column tells who somebody is, by an id of recordings or participants
                in its texts; names the column.
        """
        table = known.table
        ids = {*table["recording_id"], *table["participant"], *known.unknown}
        for column in known.columns:
            _check_tells_nobody(table, column, ids)
        of_key = self.recording if known.by == "recording_id" else self.participant
        return dataclasses.replace(
            known,
            table=table.assign(
                recording_id=table["recording_id"].map(self.recording),
                participant=table["participant"].map(self.participant),
            ),
            unknown=tuple(map(of_key, known.unknown)),
            without=tuple(map(self.recording, known.without)),
        )


def read_key(path: str | os.PathLike[str] | None) -> HiddenIds:
    """The key of hashed ids.

    Args:
        path: a file that holds it, white space at its end left out; None takes the environment
            variable `DAXAUDIO_HASH_KEY`.

    Raises:
        ValueError: when there is none or it is too short; names the file or the variable.
    """
    if path is None:
        given, place = os.environb.get(KEY_VARIABLE.encode(), b""), f"${KEY_VARIABLE}"
        if not given:
            raise ValueError(f"{place} is not set; set it, or name a file that holds the key")
    else:
        place = str(path)
        if not Path(path).is_file():
            raise ValueError(f"{path}: no such file with the key of hashed ids; check the path")
        given = Path(path).read_bytes()
    try:
        return HiddenIds(given.rstrip())
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error


def without_names(text: str, recording_id: str, data: DataFolder) -> str:
    r"""A text in which the audio file of a recording is not named.

    Of a shell command, what it says itself may name anybody: a text about it is replaced wholly.

    Args:
        text: what an error says, say.
        recording_id: of the recording, as `data` names it.
        data: the recordings; where its paths are not hidden, the text stays as it is.

    Example:
        >>> data = DataFolder({"r1": "/x/anna 1.wav"}, {"r1": "p"}, {"r1": "p1"}, {"r1": 1.0})
        >>> without_names("/x/anna 1.wav: no such file", "r1", data)
        '/x/anna 1.wav: no such file'
        >>> hidden = dataclasses.replace(data, paths_hidden=True)
        >>> without_names("/x/anna 1.wav: no such file", "r1", hidden)
        'its audio: no such file'
    """
    if not data.paths_hidden:
        return text
    source = data.wav_scp[data.segment(recording_id).recording_id]
    if is_command(source):
        telling = "the command " in text or _parts(source) & _parts(text)
        return COMMAND_FAILED if telling else text
    path = Path(re.sub(r":\d+$", "", source))  # a place in an archive
    names = {source, str(path), os.path.abspath(path), os.path.realpath(path), path.name, path.stem}
    for name in sorted(names - {""}, key=len, reverse=True):
        text = re.sub(_alone(name), "its audio", text)
    return text


def check_no_plain_ids(out: Path, jobs: Iterable[str], names: Iterable[str]) -> None:
    """Refuse a folder in which an audit of plain names lies.

    Args:
        out: the folder of the audit.
        jobs: folders of units below it.
        names: the plain ids of recordings.

    Raises:
        ValueError: when there is one.
    """
    known = set(names)
    for job in jobs:
        folder = out / job
        if folder.is_dir() and any(one.name in known for one in folder.iterdir()):
            raise ValueError(
                f"{out}: holds an audit under plain ids; remove it or choose another folder"
            )


def _renamed(table: Mapping[str, _Value], name: Callable[[str], str]) -> dict[str, _Value]:
    return {name(key): value for key, value in table.items()}


def _check_tells_nobody(table: pd.DataFrame, column: str, ids: set[str]) -> None:
    """No cell of texts is an id, a file of that name, or holds its own row's id or a long one.

    Numbers tell who it is where most of them are the number in their own row's id.
    """
    cells, whose = table[column], (table["recording_id"], table["participant"])
    if pd.api.types.is_numeric_dtype(cells.dtype):
        tells = any(_numbers_of(own, cells) for own in whose)
    else:
        long = {one for one in ids if len(one) >= _TELLING}
        tells = any(isinstance(cell, str) and _words(cell) & long for cell in cells.unique())
        rows = zip(cells, *whose, strict=True)
        tells = tells or any(isinstance(cell, str) and _names(cell, own) for cell, *own in rows)
    if tells:
        raise ValueError(
            f"the column {column!r} of the table holds ids of recordings or participants, "
            "which are to be hidden; leave it out of the table, or rename its categories"
        )


def _numbers_of(ids: pd.Series, cells: pd.Series) -> bool:
    """Whether most numbers that are known are those of their ids, and no two ids share one.

    A number that ids share, such as that of a visit, says nothing of who it is.
    """
    numbers = pd.to_numeric(ids.str.extract(r"^\D*(\d+)\D*$", expand=False))
    same = numbers == cells
    if 2 * int(same.sum()) <= int(cells.notna().sum()):
        return False
    return bool(numbers[same].nunique() == ids[same].nunique())


def _parts(text: str) -> set[str]:
    """Words of three letters or more, without what joins them."""
    return set(re.findall(r"[^\W_]{3,}", text))


def _alone(name: str) -> str:
    """The pattern of a name by itself or between signs, of which the low line is one."""
    return rf"(?<![^\W_]){re.escape(name)}(?![^\W_])"


def _words(cell: str) -> set[str]:
    """All of a cell, its words, and the names of files in it without folder and ending."""
    parts = {cell, *re.split(r"[\s/\\,;:|]+", cell)}
    parts |= {one for part in parts for one in re.split(r"[\W_]+", part) if not one.isdecimal()}
    return parts | {Path(part).stem for part in parts if part}


def _names(cell: str, names: Iterable[str]) -> bool:
    """Whether one of the names stands in a cell, by itself or between signs."""
    return any(name in cell and re.search(_alone(name), cell) for name in names)
