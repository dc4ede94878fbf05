"""Reports as Markdown and as one HTML page, by a template each.

The page holds pictures and audio in itself, so that it can be mailed or kept with the results; only
pictures that are `linked` are loaded, from beside it, and links lead to pages beside it. All texts
and names are escaped.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup, escape

from daxaudio.report.model import Overview, Picture, Report, Table
from daxaudio.runs.files import write_text

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MARK = re.compile(r"[*`\[]|~~|(?<!\w)_|_(?!\w)")
"""More than itself in Markdown: emphasis (by _ at the border of a word alone), code, links."""
_MARKS = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*\s][^*]*)\*"), r"<em>\1</em>"),
)


def write_markdown(report: Report, path: str | os.PathLike[str]) -> Path:
    r"""Write a report in GitHub's Markdown, whole or not at all; recordings are the page's alone.

    Args:
        report: what to tell.
        path: the .md file; folders above it are made.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> from daxaudio.report.model import Section
        >>> scores = Section("Scores", ["Means.", Table(("method", "iou"), (("a|b", "0.37"),))])
        >>> path = write_markdown(Report("Dogs", [scores]), tempfile.mkdtemp() + "/a.md")
        >>> print(path.read_text().rstrip())
        # Dogs
        <BLANKLINE>
        ## Scores
        <BLANKLINE>
        Means.
        <BLANKLINE>
        | method | iou |
        |---|---|
        | a\|b | 0.37 |
    """
    return _write("report.md.j2", report, path)


def write_page(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write a report as a self-contained HTML page, whole or not at all.

    Args:
        report: what to tell.
        path: the .html file; folders above it are made.

    Returns:
        The path.

    Example:
        >>> import tempfile
        >>> path = write_page(Report("Rain & dogs", []), tempfile.mkdtemp() + "/page.html")
        >>> "<title>Rain &amp; dogs</title>" in path.read_text()
        True
    """
    return _write("report.html.j2", report, path)


def to_markdown(table: Table) -> str:
    r"""A table in GitHub's Markdown, without a line break at the end; names are escaped.

    Example:
        >>> print(to_markdown(Table(("method", "iou"), (("rise", "0.37"), ("a|b", "-")))))
        | method | iou |
        |---|---|
        | rise | 0.37 |
        | a\|b | - |
    """
    show = _one_line if table.marked else _plain
    rows = [_row(table.header, _plain), "|" + "---|" * len(table.header)]
    return "\n".join(rows + [_row(row, show) for row in table.rows])


def _row(cells: Sequence[str], show: Callable[[str], str]) -> str:
    shown = [show(cell).replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(shown)} |"


def render(template: str, **context: Any) -> str:
    """The text of a template of this package; what is put into a page is escaped."""
    return _templates().get_template(template).render(**context)


def _write(template: str, report: Report, path: str | os.PathLike[str]) -> Path:
    folder = Path(path).parent
    address = functools.partial(_address, folder=folder)
    write_text(render(template, report=report, address=address), path)
    return Path(path)


@functools.cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("daxaudio", "report/templates"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals.update(anchor=lambda name: f"recording-{quote(name, safe='')}")
    templates.filters.update(table=to_markdown, plain=_plain, inline=_inline)
    templates.tests.update(table=lambda block: isinstance(block, Table))
    templates.tests.update(picture=lambda block: isinstance(block, Picture))
    templates.tests.update(overview=lambda block: isinstance(block, Overview))
    return templates


def _one_line(text: str) -> str:
    """Markdown of a text with marks, in which names neither end the line nor begin a tag."""
    return _TAG.sub("&lt;", " ".join(text.split()))


def _plain(text: str) -> str:
    """Markdown of a name, which is shown as it is."""
    return _MARK.sub(r"\\\g<0>", _one_line(text))


def _inline(text: str) -> Markup:
    """Escaped HTML of a text, with its code, bold and italic parts."""
    html = str(escape(text))
    for pattern, replacement in _MARKS:
        html = pattern.sub(replacement, html)
    return Markup(html)


def _address(path: Path, folder: Path) -> str:
    """The way from a report's folder to a picture or page."""
    return quote(Path(os.path.relpath(path, folder)).as_posix())
