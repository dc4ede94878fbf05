"""Read all annotations of a folder; a bad file never ends the run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from daxaudio.data.formats.annotated import AnnotatedRecording
from daxaudio.data.formats.catalogue import (
    format_of,
    may_be,
    read_quietly,
    recording_id_of,
)


@dataclasses.dataclass(frozen=True)
class FolderReading:
    """What was found in a folder.

    Args:
        recordings: those of each annotation file.
        unreadable: why a file could not be read, one line each.
        left_aside: files that look like no annotations, such as a `README.txt`.
    """

    recordings: Mapping[Path, list[AnnotatedRecording]]
    unreadable: Mapping[Path, str]
    left_aside: tuple[Path, ...]


def read_folder(
    path: str | os.PathLike[str], format: str | None = None, label_column: str | None = None
) -> FolderReading:
    """Read every annotation file at or below a path.

    Recordings of formats without ids are named by the path of their file below the folder,
    without the ending, so that equal names in two folders stay apart.

    Args:
        path: a folder, or one file.
        format: a key of `FORMATS`: all files with an ending of this format are read. None looks
            at each file with an ending of any.
        label_column: as for `read_annotations`; files of other formats are then unreadable.

    Returns:
        Recordings, unreadable files and those left aside, in the order of their paths.

    Raises:
        ValueError: when there is no such path, or no file that may be an annotation.
    """
    path = Path(path)
    files = _candidates(path, format)
    if not files:
        raise ValueError(f"{path}: no file has a name that annotations have; check the path")
    recordings: dict[Path, list[AnnotatedRecording]] = {}
    unreadable: dict[Path, str] = {}
    left_aside = []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        if path.is_dir() and format is None and format_of(file) is None:
            left_aside.append(file)
            continue
        try:
            recordings[file] = read_quietly(file, recording_id_of(name), format, label_column)
        except (ValueError, OSError) as error:
            unreadable[file] = " ".join(str(error).split())
    return FolderReading(recordings, unreadable, tuple(left_aside))


def _candidates(path: Path, format: str | None) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder; check the path")
        return [path]
    files = [file for file in path.rglob("*") if file.is_file() and file.name[0] != "."]
    return sorted(file for file in files if may_be(file.name, format))
