"""Which formats of annotations there are, and which one a file has."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from daxaudio.data.formats.annotated import AnnotatedRecording, BandEvent
from daxaudio.data.formats.audacity import read_audacity, write_audacity
from daxaudio.data.formats.coswara import read_coswara, write_coswara
from daxaudio.data.formats.dcase import read_dcase, write_dcase
from daxaudio.data.formats.raven import NO_LABEL_COLUMN, START, read_raven, write_raven
from daxaudio.data.formats.segments import BESIDE, read_segments, write_segments
from daxaudio.data.formats.text import decode_file
from daxaudio.data.formats.textgrid import read_textgrid, write_textgrid

logger = logging.getLogger(__name__)

Read = Callable[[Path, str], list[AnnotatedRecording]]
SEGMENTS_FILE = "segments"


@dataclasses.dataclass(frozen=True)
class Format:
    """How a format is read and written.

    Args:
        ending: of the names of its files.
        read: from a file and the id of its recording.
        other_endings: under which it is met, too.
        write_one: one recording to a file; None where a file holds many.
        write_many: many recordings to a file; None where a file holds one.
        holds_tiers: whether it keeps more than one tier.
        holds_bands: whether it keeps the frequencies of a `BandEvent`.
    """

    ending: str
    read: Read
    other_endings: tuple[str, ...] = ()
    write_one: Callable[[AnnotatedRecording, Path], None] | None = None
    write_many: Callable[[Sequence[AnnotatedRecording], Path], None] | None = None
    holds_tiers: bool = False
    holds_bands: bool = False


FORMATS = {
    "textgrid": Format(".TextGrid", read_textgrid, write_one=write_textgrid, holds_tiers=True),
    "audacity": Format(".txt", read_audacity, write_one=write_audacity, holds_bands=True),
    "raven": Format(".selections.txt", read_raven, (".txt",), write_raven, holds_bands=True),
    "coswara": Format(".json", read_coswara, write_one=write_coswara),
    "dcase": Format(".tsv", read_dcase, (".csv",), write_many=write_dcase),
    "segments": Format("", read_segments, write_many=write_segments),
}
"""Formats by the names that `daxaudio annotations` knows them by."""

_RAVEN_NAME = re.compile(
    r"(\.table\.\d+)?\.selections\.txt|(\.birdnet)?\.selection\.table\.txt", re.IGNORECASE
)
_TWO_TIMES = re.compile(r"\s*[-+.,\deE]+\t\s*[-+.,\deE]+\s*(\t|$)")


def read_annotations(
    path: str | os.PathLike[str], format: str | None = None, label_column: str | None = None
) -> list[AnnotatedRecording]:
    r"""Read an annotation file of any format.

    Args:
        path: the file.
        format: a key of `FORMATS`; None looks at the name and the content.
        label_column: which column of a selection table (`raven`) holds the labels; None takes
            one of the usual names.

    Returns:
        Its recordings, most often one. Entries that can be no events, such as an end before its
        start, are among the problems of the recording, and a warning is logged for each, and for
        a table without labels.

    Raises:
        ValueError: when the format is unknown or the file is not of it, or a column of labels is
            named for a format without; the message names the file and, where there are lines, the
            line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.txt"
        >>> _ = path.write_text("0.5\t1.25\tcough\n")
        >>> (recording,) = read_annotations(path)
        >>> recording.recording_id, recording.events()
        ('a', (Event(0.5, 1.25, 'cough'),))
    """
    recordings = read_quietly(Path(path), recording_id_of(Path(path).name), format, label_column)
    for recording in recordings:
        for problem in recording.problems:
            if problem.lost:
                logger.warning("%s: left out: %s", path, problem.text)
            elif problem.kind == NO_LABEL_COLUMN:
                logger.warning("%s: %s", path, problem.text)
    return recordings


def read_quietly(
    path: Path, recording_id: str, format: str | None, label_column: str | None = None
) -> list[AnnotatedRecording]:
    """Read as `read_annotations` does, for callers that report the problems themselves.

    Args:
        path: the file.
        recording_id: name of the recording where the format has none.
        format: a key of `FORMATS`; None looks at the name and the content.
        label_column: as for `read_annotations`.

    Raises:
        ValueError: as `read_annotations`.
    """
    found = format_of(path) if format is None else format
    if found is None:
        raise ValueError(f"{path}: no known format; say which of {', '.join(FORMATS)} it is")
    if label_column is None:
        return _known(found).read(path, recording_id)
    if found != "raven":
        raise ValueError(f"{path}: is of the format {found}, in which no column can be chosen")
    return read_raven(path, recording_id, label_column)


def format_of(path: Path) -> str | None:
    """The format of a file by its name and first line; None where it looks like none.

    Args:
        path: the file.

    Raises:
        ValueError: when there is no such file.
    """
    if path.suffix.lower() == ".textgrid":
        return "textgrid"
    if path.name == SEGMENTS_FILE:
        return "segments"
    text = decode_file(path, errors="replace")
    if path.suffix.lower() == ".json":
        return "coswara" if re.search(r'"(stage|start_\d+)"\s*:', text) else None
    first = next((line.rstrip() for line in text.split("\n") if line.strip()), "")
    return _format_of_line(first, path.suffix.lower())


def _format_of_line(first: str, suffix: str) -> str | None:
    if "ooTextFile" in first:
        return "textgrid"
    if START in [name.strip() for name in first.split("\t")]:
        return "raven"
    if {"filename", "onset"} <= {name.strip(' "').lower() for name in re.split(r"[\t,]", first)}:
        return "dcase"
    # Audacity exports a track without labels as an empty file.
    is_labels = _TWO_TIMES.match(first) or (not first and suffix == ".txt")
    return "audacity" if is_labels else None


def may_be(name: str, format: str | None = None) -> bool:
    """Whether a file of this name may hold annotations.

    Args:
        name: of the file, without its folder.
        format: a key of `FORMATS`; None asks for any of them.

    Raises:
        ValueError: when the format is unknown.

    Example:
        >>> may_be("a.textgrid"), may_be("a.wav"), may_be("a.csv", "raven")
        (True, False, False)
    """
    keys = FORMATS if format is None else (format,)
    if name == SEGMENTS_FILE:
        return SEGMENTS_FILE in keys
    return name.lower().endswith(tuple(_endings(keys)))


def _endings(keys: Iterable[str]) -> list[str]:
    """Endings of files of some formats, in small letters."""
    found = [_known(key) for key in keys if key != SEGMENTS_FILE]
    return [ending.lower() for f in found for ending in (f.ending, *f.other_endings)]


def recording_id_of(name: str) -> str:
    """The name of an annotation file without its ending; folders before it stay.

    Only the endings of `FORMATS` are taken off: a dot may be a part of the id.

    Example:
        >>> recording_id_of("site 1/a.wav.Table.1.selections.txt")
        'site 1/a.wav'
        >>> recording_id_of("Yabc_30.000_40.000.TextGrid")
        'Yabc_30.000_40.000'
        >>> recording_id_of("a.BirdNET.selection.table.txt")
        'a'
    """
    shorter, suffix = _RAVEN_NAME.sub("", name), Path(name).suffix
    if shorter != name or suffix.lower() not in _endings(FORMATS):
        return shorter
    return name.removesuffix(suffix)


def files_of(path: Path, format: str) -> list[Path]:
    """The files that `write_annotations` writes: `segments` has others beside it.

    Example:
        >>> [path.name for path in files_of(Path("data/segments"), "segments")]
        ['segments', 'text', 'reco2dur']
    """
    beside = BESIDE if format == SEGMENTS_FILE else ()
    return [path, *(path.with_name(name) for name in beside)]


def write_annotations(
    recordings: Sequence[AnnotatedRecording],
    path: str | os.PathLike[str],
    format: str | None = None,
) -> None:
    """Write annotations; `read_annotations` gives the same events.

    Times have as many digits as they need to read back as the same numbers. Audacity, Raven,
    Coswara and the tables hold one tier; frequencies only fit into Audacity and Raven and are
    left out elsewhere, with a warning.

    Args:
        recordings: what to write; one, but for `dcase` and `segments`.
        path: the file to write. The recording is named by it where the format holds no id.
        format: a key of `FORMATS`; None takes the one that the ending of `path` suggests.

    Raises:
        ValueError: when the format is unknown, cannot hold the recordings, or holds one and got
            another number.

    Example:
        >>> import tempfile
        >>> from daxaudio.containers import Event
        >>> from daxaudio.data.formats.annotated import Tier
        >>> phases = Tier("phases", (Event(0.5, 1.25, "cough"),))
        >>> path = Path(tempfile.mkdtemp()) / "a.TextGrid"
        >>> write_annotations([AnnotatedRecording("a", (phases,), 2.0)], path)
        >>> read_annotations(path)[0].events("phases")
        (Event(0.5, 1.25, 'cough'),)
    """
    path = Path(path)
    to = _known(_format_of_name(path) if format is None else format)
    if to.write_many is not None:
        to.write_many(recordings, path)
    elif to.write_one is not None:
        if len(recordings) != 1:
            raise ValueError(f"{path}: holds one recording, got {len(recordings)}; write one each")
        to.write_one(recordings[0], path)
    events = [event for r in recordings for tier in r.tiers for event in tier.events]
    bands = sum(isinstance(event, BandEvent) for event in events)
    if bands and not to.holds_bands:
        logger.warning("%s: the frequencies of %d events are left out", path, bands)


def _format_of_name(path: Path) -> str:
    name = path.name.lower()
    if name == SEGMENTS_FILE:
        return SEGMENTS_FILE
    if name.endswith(".csv"):
        return "dcase"
    endings = [(len(f.ending), key) for key, f in FORMATS.items() if f.ending]
    fitting = [(n, key) for n, key in endings if name.endswith(FORMATS[key].ending.lower())]
    if not fitting:
        raise ValueError(f"{path}: no format by this ending; name one of {', '.join(FORMATS)}")
    return max(fitting)[1]


def _known(format: str) -> Format:
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
    return FORMATS[format]
