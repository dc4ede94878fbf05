"""Tables on disk: long ones as Parquet, whose types are kept, with CSV beside as their export.

Conventions: a table is named by its CSV file; `results.parquet` lies beside `results.csv`. The
Parquet file is the truth: an id `0012` is a text there, and a missing text is no empty one. It
remembers what its CSV file held. A CSV file that holds anything else was changed by somebody (or is
newer because a run was killed between the two): then the CSV file is read, by the types of the
Parquet file, and a warning says so. Short lists for people (`write_csv`) have no Parquet file.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from daxaudio.runs.files import whole_file

logger = logging.getLogger(__name__)

TEXT_COLUMNS = frozenset(
    (
        *("recording_id", "label", "predicted", "target", "problem", "warning", "part", "verdict"),
        *("method", "metric", "direction", "unit", "fill", "layer", "phase", "recordings"),
        *("model", "padding", "method_a", "method_b", "planted", "first"),
    )
)
"""Columns that hold ids, labels and names, in a CSV file without a Parquet file beside it."""

_DIGEST = b"sha256 of the CSV file"


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a long table as Parquet and, beside it, as CSV; each whole or not at all.

    Args:
        table: each column holds texts or numbers, any of them may be missing.
        path: the CSV file; the Parquet file has its name, but for the ending.

    Raises:
        TypeError: when a column holds texts and something else; names it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> write_table(pd.DataFrame({"id": ["0012", ""], "value": [0.5, None]}), path)
        >>> read_table(path).to_dict("list")
        {'id': ['0012', ''], 'value': [0.5, nan]}
    """
    content = _as_csv(table)
    columns = {str(name): typed(column) for name, column in table.items()}
    arrow = pa.table(columns, metadata={_DIGEST: _digest(content)})
    with whole_file(_parquet_of(path)) as temporary:
        parquet.write_table(arrow, temporary)
        with whole_file(path) as beside:  # first in its place: see the conventions above
            beside.write_bytes(content)


def read_table(path: str | os.PathLike[str], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_table` or `write_csv` wrote, or that somebody made by hand.

    Args:
        path: the CSV file, which need not be there where a Parquet file is.
        columns: those that must be there; the others are then left out. All, when none is named.

    Returns:
        The table; whole numbers of which some are missing are real ones. Without a Parquet file,
        ids, labels and names (`TEXT_COLUMNS`) are texts, even those that look like numbers ("0012")
        or like nothing ("NA"), and empty numbers are NaN.

    Raises:
        ValueError: when it is no table, a column is missing, or a number is none; names the file.
        OSError: when neither file is there.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> write_csv(pd.DataFrame({"recording_id": ["0012", "NA"], "value": [0.5, None]}), path)
        >>> read_table(path).to_dict("list")
        {'recording_id': ['0012', 'NA'], 'value': [0.5, nan]}
    """
    table = _read_parquet(path) if _parquet_of(path).is_file() else _read_csv(path, TEXT_COLUMNS)
    check_columns(table, columns, f"{path}: a table of this kind")
    return table[list(columns)] if columns else table


def check_columns(table: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Refuse a table without some columns.

    Raises:
        ValueError: says what it is, which columns such a table has, and which are missing.

    Example:
        >>> check_columns(pd.DataFrame({"method": []}), ["method", "mean"], "a summary")
        Traceback (most recent call last):
        ValueError: a summary has the columns method, mean; mean missing
    """
    if missing := [name for name in columns if name not in table.columns]:
        raise ValueError(
            f"{what} has the columns {', '.join(columns)}; {', '.join(missing)} missing"
        )


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether `read_table` finds a table there, as Parquet or as CSV."""
    return Path(path).is_file() or _parquet_of(path).is_file()


def remove_table(path: str | os.PathLike[str]) -> None:
    """Remove a table, if there is one: the CSV file and the Parquet file."""
    for file in (_parquet_of(path), Path(path)):
        file.unlink(missing_ok=True)


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a short list for people as CSV, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_bytes(_as_csv(table))


def _as_csv(table: pd.DataFrame) -> bytes:
    text = table.to_csv(index=False, lineterminator="\n")
    return text.encode()


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _parquet_of(path: str | os.PathLike[str]) -> Path:
    return Path(path).with_suffix(".parquet")


def typed(column: pd.Series) -> Any:
    """A column as arrow keeps it; one of nothing but missing values that is no number is text.

    Args:
        column: of texts or of numbers.

    Raises:
        TypeError: when it holds both; names it.
    """
    column = column.infer_objects()
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pa.Array.from_pandas(column)
    try:
        return pa.array(column, pa.string(), from_pandas=True)
    except TypeError as error:
        text = "expected texts alone or numbers alone; turn one into the other"
        raise TypeError(f"column {column.name!r}: {text}") from error


def _read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The Parquet file; the CSV file beside it, by the same types, where that was changed."""
    stored, export = _parquet_of(path), Path(path)
    try:
        with stored.open("rb") as file:
            arrow = parquet.ParquetFile(file).read()
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        text = " ".join(str(error).split())
        raise ValueError(f"{stored}: not a table ({text}); remove it to read {export}") from error
    digest = (arrow.schema.metadata or {}).get(_DIGEST)
    if not export.is_file() or _digest(export.read_bytes()) == digest:
        return arrow.to_pandas()
    logger.warning("%s was changed after %s was written; it is read instead", export, stored.name)
    texts = {field.name for field in arrow.schema if pa.types.is_string(field.type)}
    numbers = {field.name for field in arrow.schema} - texts
    return _read_csv(export, texts | (TEXT_COLUMNS - numbers), numbers)


def _read_csv(
    path: str | os.PathLike[str], texts: Collection[str], numbers: Collection[str] = ()
) -> pd.DataFrame:
    try:
        header = pd.read_csv(path, nrows=0).columns
        missing = {name: ["", "nan"] for name in header if name not in texts}
        types: Mapping[Any, Any] = dict.fromkeys(texts, str)
        table = pd.read_csv(path, dtype=types, keep_default_na=False, na_values=missing)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a table ({error})") from error
    for name in (name for name in header if name in numbers):
        if not pd.api.types.is_numeric_dtype(table[name].dtype):
            unread = pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()
            raise ValueError(f"{path}: {name}: expected numbers, got {table[name][unread].iloc[0]}")
    return table
