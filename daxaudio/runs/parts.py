"""Tables in parts: every shard of a run writes its own, and all of them become one.

Below `tables/` of a run's folder lies a folder a table with one Parquet file a shard,
`NAME/shard-1-of-3.parquet`, and the table itself, `NAME.parquet`. Both can be read by whatever
reads Parquet. A table is merged the same way whether it has one part or many, and its rows are
sorted by its columns, first to last: so its bytes tell nothing of who did what, and in what order.
What differs from run to run, such as times, stands in tables of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from daxaudio.runs.files import whole_file
from daxaudio.runs.shards import WHOLE, Shard, shard_of_name
from daxaudio.runs.tables import typed

FOLDER = "tables"

_ROWS = 1 << 17
"""Of a row group."""


def write_part(
    table: pd.DataFrame, out: str | os.PathLike[str], name: str, shard: Shard = WHOLE
) -> Path:
    """Write what a shard adds to a table, whole or not at all.

    Parts of another number of shards are removed: they would say the same things again.

    Args:
        table: each column holds texts or numbers, any of them may be missing. `recording_id`, where
            there is one, are ids in the shard.
        out: the run's folder.
        name: of the table.
        shard: of the run.

    Returns:
        The file.

    Raises:
        ValueError: when a recording is not in the shard, or there is no column.
        TypeError: when a column holds texts and something else; names it.

    Example:
        >>> import tempfile
        >>> out, table = tempfile.mkdtemp(), pd.DataFrame({"recording_id": ["b", "a"]})
        >>> write_part(table, out, "index").relative_to(out).as_posix()
        'tables/index/shard-1-of-1.parquet'
        >>> merge_table(out, "index")["recording_id"].tolist()
        ['a', 'b']
    """
    if not len(table.columns):
        raise ValueError(f"{name}: a table needs columns, even where it has no rows")
    _check_shard(table.get("recording_id", ()), shard, name)
    columns = {str(label): _typed(column) for label, column in table.items()}
    folder = Path(out) / FOLDER / name
    path = folder / f"{shard.name}.parquet"
    _write(pa.table(columns), path)
    for other, file in _parts(folder):
        if other.count != shard.count:
            file.unlink(missing_ok=True)
    return path


def merge_table(out: str | os.PathLike[str], name: str) -> pd.DataFrame:
    """Join the parts of a table, and write it beside their folder.

    Args:
        out: the run's folder.
        name: of the table.

    Returns:
        The table.

    Raises:
        ValueError: when a shard is missing, a part cannot be read or does not fit the others, or
            the parts are of different numbers of shards; says what to do.
    """
    folder = Path(out) / FOLDER / name
    parts = _complete(folder)
    tables = [_read(file) for _, file in parts]
    for (shard, file), table in zip(parts, tables, strict=True):
        if "recording_id" in table.column_names:
            _check_shard(table["recording_id"].to_pylist(), shard, str(file))
    try:
        joined = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        text = " ".join(str(error).split())
        raise ValueError(
            f"{folder}: its parts do not fit each other ({text}); run all shards again by one "
            "version of daxaudio"
        ) from error
    merged = _canonical(joined)
    _write(merged, folder.with_suffix(".parquet"))
    return merged.to_pandas()


def merge_tables(out: str | os.PathLike[str]) -> list[str]:
    """Join the parts of all tables of a run.

    Args:
        out: the run's folder.

    Returns:
        Names of the tables, sorted.

    Raises:
        ValueError: as `merge_table`; or when there is no table.
    """
    folder = Path(out) / FOLDER
    names = sorted(path.name for path in folder.glob("*") if path.is_dir() and _parts(path))
    if not names:
        raise ValueError(f"{out}: no tables of shards below {FOLDER}/; give the --out of their run")
    for name in names:
        _complete(folder / name)  # before any is written
    for name in names:
        merge_table(out, name)
    return names


def read_merged(out: str | os.PathLike[str], name: str) -> pd.DataFrame:
    """A table that `merge_table` wrote.

    Raises:
        ValueError: when it is not there or cannot be read.
    """
    path = Path(out) / FOLDER / f"{name}.parquet"
    if not path.is_file():
        raise ValueError(f"{path}: no such table; `daxaudio merge {out}` makes it of its parts")
    return _read(path).to_pandas()


def _parts(folder: Path) -> list[tuple[Shard, Path]]:
    found = ((shard_of_name(path.stem), path) for path in folder.glob("shard-*.parquet"))
    return sorted(
        ((shard, path) for shard, path in found if shard is not None),
        key=lambda part: (part[0].count, part[0].index),
    )


def _complete(folder: Path) -> list[tuple[Shard, Path]]:
    """The parts of a table, one of each shard; raises as `merge_table`."""
    parts = _parts(folder)
    counts = sorted({shard.count for shard, _ in parts})
    if len(counts) > 1:
        raise ValueError(
            f"{folder}: holds parts of runs of {' and of '.join(map(str, counts))} shards; remove "
            "those of the run that does not count"
        )
    there = {shard.index for shard, _ in parts}
    missing = [Shard(i, n) for n in counts for i in range(1, n + 1) if i not in there]
    if missing or not parts:
        named = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
        raise ValueError(
            f"{folder}: shards are missing ({named or 'all'}); run them, or run them again if they "
            "were stopped, with the same --out"
        )
    return parts


def _check_shard(recording_ids: Iterable[object], shard: Shard, what: str) -> None:
    if shard.whole:
        return
    for name in recording_ids:
        if name not in shard:
            raise ValueError(f"{what}: the recording {name!r} is not in the shard {shard}")


def _typed(column: pd.Series) -> pa.Array:
    """A column of a part: one of nothing but missing values goes with any type of other parts."""
    if len(column) == 0 or column.isna().all():
        return pa.nulls(len(column))
    return typed(column)


def _canonical(table: pa.Table) -> pa.Table:
    """Types and order that depend on the rows alone, however they were spread over parts."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_null(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_integer(column.type) and column.null_count:
            column = column.cast(pa.float64())
        columns[name] = column.combine_chunks()
    return pa.table(columns).sort_by([(name, "ascending") for name in columns])


def _read(path: Path) -> pa.Table:
    try:
        return parquet.ParquetFile(path).read()
    except pa.ArrowException as error:
        text = " ".join(str(error).split())
        raise ValueError(f"{path}: not a table ({text}); run its shard again") from error


def _write(table: pa.Table, path: Path) -> None:
    with whole_file(path) as temporary:
        parquet.write_table(
            table, temporary, compression="zstd", version="2.6", row_group_size=_ROWS
        )
