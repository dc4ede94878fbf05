"""Tables on disk, whose ids, labels and names stay texts."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pandas as pd

from daxaudio.runs.files import whole_file

TEXT_COLUMNS = frozenset(
    (
        *("recording_id", "label", "predicted", "target", "problem", "warning", "part", "verdict"),
        *("method", "metric", "direction", "unit", "fill", "layer", "phase", "recordings"),
        *("model", "padding"),
    )
)
"""Columns of our tables that hold ids, labels and names."""


def read_csv(path: str | os.PathLike[str], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_csv` wrote.

    Args:
        path: the CSV file.
        columns: those that must be there; the others are then left out. All, when none is named.

    Returns:
        The table; ids, labels and names (`TEXT_COLUMNS`) are texts, even those that look like
        numbers ("0012") or like nothing ("NA"), and empty numbers are NaN.

    Raises:
        ValueError: when it is no table, or a column is missing; names the file.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> write_csv(pd.DataFrame({"recording_id": ["0012", "NA"], "value": [0.5, None]}), path)
        >>> read_csv(path).to_dict("list")
        {'recording_id': ['0012', 'NA'], 'value': [0.5, nan]}
    """
    try:
        header = pd.read_csv(path, nrows=0).columns
        numbers = {name: ["", "nan"] for name in header if name not in TEXT_COLUMNS}
        texts = dict.fromkeys(TEXT_COLUMNS, str)
        table = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=numbers)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a table ({error})") from error
    if missing := [name for name in columns if name not in table.columns]:
        raise ValueError(
            f"{path}: expected the columns {', '.join(columns)}; {', '.join(missing)} missing"
        )
    return table[list(columns)] if columns else table


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table whole or not at all."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
