"""One HTML file to read, look at and listen to, with nothing beside it and nothing to load.

Pictures and audio are written into the file, so that it can be mailed or kept with the results.
All texts and names are escaped.
"""

from __future__ import annotations

import base64
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2

from daxaudio.report.tables import Table
from daxaudio.runs.files import write_text

_PICTURE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
}


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture file.

    Args:
        path: .png, .jpg or .svg.
        caption: stands below it and is read out instead of it.

    Raises:
        ValueError: when the file is of another kind or does not exist.
    """

    path: Path
    caption: str

    def __post_init__(self) -> None:
        _check_file(self.path, _PICTURE_TYPES, "picture")

    @property
    def uri(self) -> str:
        """The file's content as a data URI."""
        return _data_uri(self.path, _PICTURE_TYPES)


@dataclasses.dataclass(frozen=True)
class LinkedPicture:
    """A picture file beside the page, which is loaded when it is looked at.

    Args:
        path: of the file, below the page's folder.
        folder: of the page.
        caption: stands below it and is read out instead of it.
    """

    path: Path
    folder: Path
    caption: str

    @property
    def uri(self) -> str:
        """The way from the page to the file, as an address."""
        return quote(self.path.relative_to(self.folder).as_posix())


@dataclasses.dataclass(frozen=True)
class Sound:
    """An audio file with a player.

    Args:
        path: .wav, .flac, .ogg or .mp3.
        caption: what is heard.

    Raises:
        ValueError: when the file is of another kind or does not exist.
    """

    path: Path
    caption: str

    def __post_init__(self) -> None:
        _check_file(self.path, _AUDIO_TYPES, "audio file")

    @property
    def uri(self) -> str:
        """The file's content as a data URI."""
        return _data_uri(self.path, _AUDIO_TYPES)


@dataclasses.dataclass(frozen=True)
class RecordingView:
    """What the page shows of one recording.

    Args:
        recording_id: its heading.
        text: what is known of it, such as class, score and true events; an empty line begins a
            new paragraph.
        pictures: for instance the comparison of all methods on it.
        sounds: the recording, and what else shall be heard.
        scores: scores by method.
        warnings: why an explanation of it should not be trusted, one text each.
    """

    recording_id: str
    text: str = ""
    pictures: tuple[Picture | LinkedPicture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    scores: Table | None = None
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own.

    Args:
        title: the heading.
        text: stands first; an empty line begins a new paragraph.
        table: columns can be sorted by a click on their name.
        pictures: one below the other.
        recordings: one below the other.
    """

    title: str
    text: str = ""
    table: Table | None = None
    pictures: tuple[Picture, ...] = ()
    recordings: tuple[RecordingView, ...] = ()


def write_page(
    path: str | os.PathLike[str], title: str, sections: Sequence[Section], text: str = ""
) -> Path:
    """Write a self-contained HTML page, whole or not at all.

    Args:
        path: the .html file; folders above it are made.
        title: heading of the page.
        sections: its parts in order.
        text: what stands before the first section; an empty line begins a new paragraph.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> scores = Section("Scores", table=Table(("method", "iou"), (("rise", "0.37"),)))
        >>> path = write_page(tempfile.mkdtemp() + "/page.html", "Rain & dogs", [scores])
        >>> "<title>Rain &amp; dogs</title>" in path.read_text()
        True
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("daxaudio", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("page.html")
    write_text(path, template.render(title=title, text=text, sections=sections))
    return Path(path)


def _check_file(path: Path, types: Mapping[str, str], what: str) -> None:
    if path.suffix.lower() not in types:
        raise ValueError(f"the {what} must be one of {', '.join(types)}, got {path.name!r}")
    if not path.is_file():
        raise ValueError(f"there is no {what} {str(path)!r}; write it before the page")


def _data_uri(path: Path, types: Mapping[str, str]) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{types[path.suffix.lower()]};base64,{content}"
