"""Tables of an audit as a page shows them, and the pictures that their columns allow.

What a table means is not known here; its columns say how it is shown. A number that is followed by
the columns `low` and `high` has an interval, and is drawn where it is one of `AXES`; a table of
mean scores and shares of positives is a calibration curve.
"""

from __future__ import annotations

import base64
import dataclasses
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxaudio.plot.intervals import MOST_ROWS, Intervals, plot_calibration, plot_intervals
from daxaudio.report.model import MISSING

AXES: Mapping[str, tuple[str, float | None, str]] = {
    "auc": ("AUC", 0.5, "chance"),
    "effect": ("how far the score follows", 0.0, "not at all"),
    "density": ("times as dense as chance", 1.0, "chance"),
    "median": ("median", None, ""),
}
"""Columns whose intervals are drawn: what the axis is called, and where a line stands for what."""

_CURVE = ("mean_score", "share_positive", "n")
_ROWS = 200
"""Rows that a page shows of a table."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: what is shown.
        order: number by which it is sorted; None for a text.
        link: id on the page to which it leads; "" for none.
    """

    text: str
    order: float | None = None
    link: str = ""


@dataclasses.dataclass(frozen=True)
class ShownTable:
    """A table of a section.

    Args:
        name: in words.
        header: in words.
        rows: cells, as many a row as the header has.
        n_rows: of the whole table, of which the first are shown.
        file: where all of it is, relative to the audit's folder.
        picture: data URI of what is drawn of it; "" for nothing.
        caption: of the picture.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_rows: int
    file: str
    picture: str = ""
    caption: str = ""


def show_table(
    name: str, table: pd.DataFrame, told: Mapping[str, Any], links: Mapping[str, str]
) -> ShownTable:
    """A table as the page shows it.

    Args:
        name: of the table.
        table: all of it, or its beginning.
        told: `n_rows` and `file`, as `audit.json` says.
        links: id on the page of each text that leads somewhere when it fills a cell.
    """
    columns = [str(column) for column in table.columns]
    places = _places(columns)
    rows = tuple(
        tuple(_cell(row, place, columns, links) for place in places)
        for row in table.head(_ROWS).itertuples(index=False, name=None)
    )
    picture, caption = draw_table(table)
    header = tuple(
        in_words(columns[one[0]]) + (" [interval]" if len(one) > 1 else "") for one in places
    )
    return ShownTable(
        in_words(name), header, rows, int(told["n_rows"]), str(told["file"]), picture, caption
    )


def _places(columns: Sequence[str]) -> list[tuple[int, ...]]:
    """Columns that stand in one: alone, or a number with both ends of its interval.

    Example:
        >>> _places(["group", "auc", "low", "high", "p"])
        [(0,), (1, 2, 3), (4,)]
        >>> _places(["effect", "effect_low", "effect_high", "low", "high"])
        [(0, 1, 2), (3,), (4,)]
    """
    found: list[tuple[int, ...]] = []
    k = 0
    while k < len(columns):
        ends = tuple(columns[k + 1 : k + 3])
        one = columns[k]
        whole = ends in (("low", "high"), (f"{one}_low", f"{one}_high"))
        found.append((k, k + 1, k + 2) if whole else (k,))
        k += len(found[-1])
    return found


def in_words(name: str) -> str:
    """A name of a column without underscores.

    Example:
        >>> in_words("p_holm")
        'p holm'
    """
    return name.replace("_", " ")


def show_number(value: float, column: str = "") -> str:
    """A number with as many digits as are worth reading: whole ones as they are, else three.

    Example:
        >>> show_number(0.84371), show_number(1234.5), show_number(0.0004, "p_holm")
        ('0.844', '1234', '<0.001')
        >>> show_number(3), show_number(3.0, "n_recordings"), show_number(-0.0001)
        ('3', '3', '0.000')
    """
    if not math.isfinite(value):
        return MISSING
    if isinstance(value, int) or column == "n" or column.startswith("n_"):
        return f"{value:.0f}"
    if value < 0.001 and (column == "p" or column.startswith(("p_", "holm"))):
        return "<0.001"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else ""
    text = text or f"{value:.0f}"
    return text.removeprefix("-") if not float(text) else text


def draw_table(table: pd.DataFrame) -> tuple[str, str]:
    """The picture that a table's columns allow, as a data URI, and its caption; "" for none."""
    columns = [str(column) for column in table.columns]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.svg"
        if set(_CURVE) <= set(columns):
            scores, shares, counts = (_numbers(table[name]) for name in _CURVE)
            if not ((counts > 0) & np.isfinite(scores) & np.isfinite(shares)).any():
                return "", ""
            plot_calibration(scores, shares, counts, path)
            return _uri(path), "Share of positives by score; points on the line are probabilities."
        value = _value_column(columns)
        if value is None or not np.isfinite(_numbers(table[value])).sum() > 1:
            return "", ""
        return _draw_intervals(table, columns, value, path)


def _value_column(columns: Sequence[str]) -> str | None:
    """The column before `low` and `high`, where it is one that is drawn."""
    for one, low, high in zip(columns, columns[1:], columns[2:], strict=False):
        if (low, high) == ("low", "high") and one in AXES:
            return one
    return None


def _draw_intervals(
    table: pd.DataFrame, columns: Sequence[str], value: str, path: Path
) -> tuple[str, str]:
    before = columns[: columns.index(value)]
    named = [name for name in before if table[name].map(lambda one: isinstance(one, str)).any()]
    hollow = tuple(table["small"].eq(True)) if "small" in columns else ()
    intervals = Intervals(
        [", ".join(filter(None, map(_text, row))) for row in table[named].itertuples(index=False)],
        _numbers(table[value]),
        _numbers(table["low"]),
        _numbers(table["high"]),
        hollow,
    )
    axis, reference, name = AXES[value]
    plot_intervals(intervals, path, axis=axis, reference=reference, reference_name=name)
    caption = (
        f"{axis[0].upper()}{axis[1:]} with intervals, by {' and '.join(map(in_words, named))}."
    )
    if any(hollow):
        caption += " Pale: small groups."
    if len(table) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(table)} rows."
    return _uri(path), caption


def _numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _cell(
    row: Sequence[Any], place: Sequence[int], columns: Sequence[str], links: Mapping[str, str]
) -> Cell:
    value, column = row[place[0]], columns[place[0]]
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return Cell(MISSING)
    if isinstance(value, bool | np.bool_):
        return Cell("yes" if value else "no")
    if not isinstance(value, int | float | np.number):
        return Cell(str(value), None, links.get(str(value), ""))
    plain = int(value) if isinstance(value, int | np.integer) else float(value)
    text = show_number(plain, column)
    ends = [row[k] for k in place[1:]]
    if ends and all(isinstance(one, int | float) and math.isfinite(one) for one in ends):
        text += f" [{', '.join(show_number(float(one)) for one in ends)}]"
    return Cell(text, float(value))


def _uri(path: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
