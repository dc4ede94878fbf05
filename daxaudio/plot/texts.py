"""Names in pictures: shortened, never taken for a formula, in fonts that have their characters."""

from __future__ import annotations

import functools
import logging
import os
import re
import warnings
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from daxaudio.runs.files import whole_file
from daxaudio.runs.once import warn_once

_log = logging.getLogger(__name__)

_GLYPH = re.compile(r"Glyph (\d+) .*missing from")
_BOXES = (
    "names hold characters that no installed font has, drawn as boxes in pictures: install a font "
    "that has them, such as Noto Sans CJK or Noto Emoji"
)

DPI = 130
"""Pixels of an inch."""


def set_text(setter: Callable[..., Text], text: str, **settings: Any) -> None:
    """Set a text that may hold names: a dollar sign in one starts no formula."""
    setter(text, **settings).set_parse_math(False)


def shorten(text: str, most: int = 40) -> str:
    """A text in one line of at most `most` letters; its end is replaced by an ellipsis.

    Example:
        >>> shorten("a dog that barks", 6), shorten("a dog", 6)
        ('a dog…', 'a dog')
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: int = DPI) -> Path:
    """Write a figure whole or not at all, in fonts that have its characters.

    Characters that the usual font lacks are looked for in the installed fonts; those that none has
    are drawn as boxes, which is said once.

    Raises:
        ValueError: when the path ends as no picture does.
    """
    known = figure.canvas.get_supported_filetypes()
    if Path(path).suffix.lower()[1:] not in known:
        raise ValueError(f"{path}: pictures end in .png, .pdf or .svg; name a file that does")
    with whole_file(path) as temporary:
        missing = _save(figure, temporary, dpi)
        if missing:
            families, all_found = _families_with(missing)
            if not all_found:
                warn_once(_log, _BOXES)
            for text in figure.findobj(Text):
                text.set_fontfamily([*text.get_fontfamily(), *families])
            _save(figure, temporary, dpi)
    return Path(path)


def _save(figure: Figure, path: Path, dpi: int) -> frozenset[str]:
    """Write a figure; characters that its fonts lack, in place of a warning for each.

    The same figure gives the same bytes: vector pictures hold no date, and no random names.
    """
    missing = set()
    told = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with matplotlib.rc_context({"svg.hashsalt": "daxaudio"}):
            figure.savefig(path, dpi=dpi, metadata=told)
    for warning in caught:
        if found := _GLYPH.match(str(warning.message)):
            missing.add(chr(int(found[1])))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    return frozenset(missing)


@functools.lru_cache(maxsize=64)
def _families_with(characters: frozenset[str]) -> tuple[tuple[str, ...], bool]:
    """Installed fonts that together have the characters, and whether they have all of them."""
    left = {ord(character) for character in characters}
    chosen = []
    for path in sorted(font_manager.findSystemFonts() + _own_fonts()):
        own = left & _characters_of(path)
        if own:
            font_manager.fontManager.addfont(path)
            chosen.append(font_manager.get_font(path).family_name)
            left -= own
    return tuple(chosen), not left


def _own_fonts() -> list[str]:
    """Fonts that come with matplotlib."""
    return [entry.fname for entry in font_manager.fontManager.ttflist]


def _characters_of(path: str) -> Set[int]:
    try:
        font = font_manager.get_font(path)
    except (RuntimeError, OSError):
        return frozenset()  # a format that matplotlib cannot draw
    # bitmap and colour fonts have no outlines of their characters, a last resort only boxes
    odd = any(word in Path(path).name.lower() for word in ("color", "lastresort"))
    return font.get_charmap().keys() if font.scalable and not odd else frozenset()
