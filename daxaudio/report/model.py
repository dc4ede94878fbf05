"""What a report is, before it is Markdown or a page: sections of texts, tables and pictures.

Texts are Markdown of a simple kind: paragraphs with an empty line between them, lines that begin
with "- " as a list, `code`, **bold** and *italic*. Cells and names are plain text; whoever renders
escapes them.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

MISSING = "-"
"""Stands in cells for what is not there, or is not a number."""

_PICTURE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".mp3": "audio/mpeg",
}


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells of text under a header.

    Args:
        header: one name a column, at least one.
        rows: as many cells each.
        marked: whether cells may be **bold** or *italic*, as in texts.

    Raises:
        ValueError: when there is no column or a row has another number of cells.

    Example:
        >>> Table(("method", "iou"), (("rise", "0.37"),)).rows[0]
        ('rise', '0.37')
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: bool = False

    def __post_init__(self) -> None:
        if not self.header:
            raise ValueError("a table needs at least one column, got an empty header")
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.header):
                raise ValueError(
                    f"row {number} of a table has {len(row)} cells, its header has "
                    f"{len(self.header)}: {row}"
                )


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture file.

    Args:
        path: .png, .jpg or .svg.
        caption: stands below it and is read out instead of it.
        linked: loaded from beside the page when it is looked at, instead of written into it.

    Raises:
        ValueError: when the file is of another kind or does not exist.
    """

    path: Path
    caption: str
    linked: bool = False

    def __post_init__(self) -> None:
        _check_file(self.path, _PICTURE_TYPES, "picture")

    @property
    def uri(self) -> str:
        """The file's content as a data URI."""
        return _data_uri(self.path, _PICTURE_TYPES)


@dataclasses.dataclass(frozen=True)
class Sound:
    """An audio file with a player, on the page only.

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
class Link:
    """A way to a page that lies beside the report's.

    Args:
        path: the page.
        text: what is clicked on.
    """

    path: Path
    text: str


@dataclasses.dataclass(frozen=True)
class RecordingView:
    """What the page shows of one recording; it does not stand in the Markdown file.

    Args:
        recording_id: its heading.
        text: what is known of it, such as class, score and true events; plain text.
        pictures: for instance the comparison of all methods on it.
        sounds: the recording, and what else shall be heard.
        scores: scores by method.
        warnings: why an explanation of it should not be trusted, one text each.
        links: pages of its explanations.
    """

    recording_id: str
    text: str = ""
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    scores: Table | None = None
    warnings: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclasses.dataclass(frozen=True)
class Overview:
    """A table of recordings that is searched on the page; their views follow what it shows.

    Args:
        table: a row a recording, whose first cell leads to its view.
        links: for each row, pages of its explanations.
        choices: columns of which one value can be chosen.
        counted: a column of numbers; rows where it is not 0 can be shown alone.

    Raises:
        ValueError: when a column is none of the table's or the links are not one entry a row.

    Example:
        >>> table = Table(("recording", "class", "warnings"), (("a", "dog", "2"),))
        >>> Overview(table, ((),), ("class",), "warnings").values("class")
        ['dog']
    """

    table: Table
    links: tuple[tuple[Link, ...], ...]
    choices: tuple[str, ...]
    counted: str

    def __post_init__(self) -> None:
        for name in (*self.choices, self.counted):
            if name not in self.table.header:
                raise ValueError(f"the table has no column {name!r}; it has {self.table.header}")
        if len(self.links) != len(self.table.rows):
            raise ValueError(f"{len(self.links)} entries of links, {len(self.table.rows)} rows")

    def values(self, name: str) -> list[str]:
        """What stands in a column, each once, sorted."""
        column = self.table.header.index(name)
        return sorted({row[column] for row in self.table.rows})


Block = str | Table | Picture | RecordingView | Overview
"""A text, or something that is shown; an empty text is left out."""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report under a heading of its own.

    Args:
        title: the heading.
        blocks: what stands below it, in order.
        level: 2, or 3 below a section of level 2.

    Raises:
        ValueError: when the level is another one.

    Example:
        >>> Section("Scores", ["Means.", "", Table(("method",), ())]).blocks[0]
        'Means.'
    """

    title: str
    blocks: Sequence[Block] = ()
    level: int = 2

    def __post_init__(self) -> None:
        if self.level not in (2, 3):
            raise ValueError(f"the level of a section is 2 or 3, got {self.level}")
        object.__setattr__(self, "blocks", tuple(block for block in self.blocks if block != ""))

    @property
    def in_text(self) -> bool:
        """Whether it stands in a Markdown file: one that shows recordings is the page's alone."""
        return not any(isinstance(block, RecordingView | Overview) for block in self.blocks)


@dataclasses.dataclass(frozen=True)
class Report:
    """A document.

    Args:
        title: heading of all.
        sections: its parts in order.
        lead: what stands before the first section.
        command: the exact command that made it; "" when it says nothing of that.
    """

    title: str
    sections: Sequence[Section]
    lead: Sequence[Block] = ()
    command: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lead", tuple(block for block in self.lead if block != ""))


def _check_file(path: Path, types: Mapping[str, str], what: str) -> None:
    if path.suffix.lower() not in types:
        raise ValueError(f"the {what} must be one of {', '.join(types)}, got {path.name!r}")
    if not path.is_file():
        raise ValueError(f"there is no {what} {str(path)!r}; write it before the page")


def _data_uri(path: Path, types: Mapping[str, str]) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{types[path.suffix.lower()]};base64,{content}"
