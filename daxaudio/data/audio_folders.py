"""A folder of audio files without tables, read as a data folder without labels."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

from daxaudio.data.audio import AUDIO_SUFFIXES, find_audio
from daxaudio.data.kaldi import DataFolder
from daxaudio.data.kaldi.lines import check_entry
from daxaudio.runs.names import as_id, without_audio_ending

logger = logging.getLogger(__name__)

_SECONDS = 1.0
"""Stands where a duration should: nothing that reads such a folder asks for it."""


def read_audio_folder(folder: str | os.PathLike[str], channel: int | None = None) -> DataFolder:
    """Every audio file at or below a folder as a recording without a label.

    Nothing is opened: what cannot be read is found, and listed, by who reads it. Hidden files and
    folders are left out; so are, with a warning, files whose path no data folder can hold.

    Args:
        folder: holds audio files; other files are left out.
        channel: which channel of each file to take, counted from 1; None for the average of all.

    Returns:
        The recordings. An id is the file's name without its ending, with `_` for what no id holds
        (see `as_id`), and with the names of the folders below `folder` before it. Where two files
        would have one id, theirs have their endings.

    Raises:
        ValueError: when there is no audio file, or two files have one id for all that.

    Example:
        >>> read_audio_folder("nowhere")
        Traceback (most recent call last):
        ValueError: nowhere: holds no audio file (.wav, ...
    """
    folder = Path(folder)
    files = find_audio(folder)
    if not files:
        raise ValueError(
            f"{folder}: holds no audio file ({', '.join(AUDIO_SUFFIXES)}) and no wav.scp; give an "
            "audio file, a folder of them or a data folder"
        )
    sources: dict[str, str] = {}
    ids = [_id_of(path.relative_to(folder), ending=False) for path in files]
    often = {name for name, count in Counter(ids).items() if count > 1}
    for path, name in zip(files, ids, strict=True):
        own = name if name not in often else _id_of(path.relative_to(folder), ending=True)
        if own in sources:
            raise ValueError(f"{path} and {sources[own]} would have one id, {own!r}; rename one")
        try:
            check_entry("wav.scp", own, str(path))
        except ValueError as error:  # no UTF-8, or a line break in the name
            logger.warning("%a is left out: %s", str(path), error)
        else:
            sources[own] = str(path)
    if not sources:
        raise ValueError(f"{folder}: no name of an audio file in it can be written; rename them")
    return DataFolder(
        sources,
        dict.fromkeys(sources, UNLABELLED),
        {name: name for name in sources},
        dict.fromkeys(sources, _SECONDS),
        channel=channel,
    )


def _id_of(path: Path, ending: bool) -> str:
    name = path.name if ending else without_audio_ending(path)
    return as_id("-".join([*path.parent.parts, name]))


UNLABELLED = "(no label)"
"""Stands in the place of a label in a data folder that has none; a row of `predictions.csv` then
has an empty one."""
