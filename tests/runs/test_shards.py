"""Recordings are shared out by their ids alone, and the tables of all shards become one."""

import itertools

import pandas as pd
import pytest
from pyarrow import dataset, parquet

from daxaudio.runs.parts import merge_table, merge_tables, read_merged, write_part
from daxaudio.runs.shards import WHOLE, Shard, read_shard

NAMES = [f"r{i}" for i in range(60)]
TABLE = pd.DataFrame(
    {
        "recording_id": NAMES[::-1],
        "label": [("a", None, "ä")[i % 3] for i in range(60)],
        "count": list(range(60)),
        "score": [None if i % 5 else i / 7 for i in range(60)],
        "first": [1 if i == 7 else None for i in range(60)],
        "never": [None] * 60,
    }
)


def test_every_recording_is_in_one_shard_whatever_the_others_are():
    names = [f"r{i}" for i in range(3000)]
    parts = [[name for name in names if name in Shard(i, 3)] for i in (1, 2, 3)]
    assert sorted(itertools.chain(*parts)) == sorted(names)
    assert all(900 < len(part) < 1100 for part in parts)
    assert read_shard(" 3/3 ") == Shard(3, 3)


@pytest.mark.parametrize(
    "text", ["", "3", "0/3", "4/3", "1/0", "-1/3", "1.5/3", "a/b", "1/3/5", "²/3"]
)
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"a shard is i/n"):
        read_shard(text)


def write(table, out, n_shards, name="index"):
    for i in range(1, n_shards + 1):
        shard = Shard(i, n_shards)
        part = table[table["recording_id"].map(shard.__contains__).astype(bool)]
        write_part(part.sample(frac=1, random_state=i), out, name, shard)


@pytest.mark.parametrize("n_shards", [2, 3, 40])
def test_a_merged_table_has_the_same_bytes_for_any_number_of_shards(tmp_path, n_shards):
    write_part(TABLE, tmp_path / "one", "index")
    write(TABLE, tmp_path / "many", n_shards)
    merged = [merge_table(tmp_path / name, "index") for name in ("one", "many")]
    assert merged[0]["recording_id"].tolist() == sorted(NAMES)
    pd.testing.assert_frame_equal(*merged)
    files = [(tmp_path / name / "tables/index.parquet").read_bytes() for name in ("one", "many")]
    assert files[0] == files[1]


def test_tables_are_read_by_pandas_and_by_arrow(tmp_path):
    write(TABLE, tmp_path, 3)
    merge_table(tmp_path, "index")
    whole, parts = tmp_path / "tables/index.parquet", tmp_path / "tables/index"
    assert len(pd.read_parquet(whole)) == parquet.read_table(whole).num_rows == 60
    assert dataset.dataset(parts).count_rows() == 60
    assert read_merged(tmp_path, "index")["score"].count() == 12


def test_tables_are_read_by_duckdb(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    write(TABLE, tmp_path, 3)
    merge_table(tmp_path, "index")
    for path in ("tables/index.parquet", "tables/index/*.parquet"):
        query = f"SELECT count(*), sum(count) FROM '{tmp_path / path}'"
        assert duckdb.sql(query).fetchall() == [(60, 59 * 30)]


def test_a_table_without_rows_has_its_columns(tmp_path):
    write_part(TABLE[:0], tmp_path / "one", "problems")
    write(TABLE[:0], tmp_path / "three", 3, "problems")
    assert merge_table(tmp_path / "one", "problems").columns.tolist() == list(TABLE)
    merge_table(tmp_path / "three", "problems")
    files = [(tmp_path / n / "tables/problems.parquet").read_bytes() for n in ("one", "three")]
    assert files[0] == files[1]


def test_shards_that_are_missing_are_named_and_nothing_is_written(tmp_path):
    write_part(TABLE, tmp_path, "a")
    write_part(TABLE[:0], tmp_path, "b", Shard(2, 3))
    with pytest.raises(ValueError, match=r"b: shards are missing \(1/3, 3/3\); run them"):
        merge_tables(tmp_path)
    assert not list(tmp_path.glob("tables/*.parquet"))


def test_another_number_of_shards_replaces_what_the_first_wrote(tmp_path):
    write(TABLE, tmp_path, 3)
    write_part(TABLE, tmp_path, "index")
    assert [path.name for path in (tmp_path / "tables/index").iterdir()] == ["shard-1-of-1.parquet"]
    (tmp_path / "tables/index/shard-2-of-2.parquet").touch()
    with pytest.raises(ValueError, match="of runs of 1 and of 2 shards; remove those"):
        merge_tables(tmp_path)


def test_a_recording_in_another_shard_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"index: the recording 'r\d+' is not in the shard 1/3"):
        write_part(TABLE, tmp_path, "index", Shard(1, 3))


def test_a_part_that_is_no_table_is_named(tmp_path):
    path = write_part(TABLE, tmp_path, "index")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"shard-1-of-1.parquet: not a table .* run its shard"):
        merge_tables(tmp_path)


def test_parts_whose_columns_do_not_fit_are_refused(tmp_path):
    write(TABLE, tmp_path, 2)
    text = pd.DataFrame({"recording_id": [], "count": ["a"][:0]})
    write_part(text, tmp_path, "index", Shard(1, 2))
    assert len(merge_table(tmp_path, "index")) < 60
    name = next(name for name in NAMES if name in Shard(1, 2))
    write_part(
        pd.DataFrame({"recording_id": [name], "count": ["a"]}), tmp_path, "index", Shard(1, 2)
    )
    with pytest.raises(ValueError, match="its parts do not fit each other"):
        merge_table(tmp_path, "index")


def test_a_table_without_columns_is_refused(tmp_path):
    with pytest.raises(ValueError, match="index: a table needs columns"):
        write_part(pd.DataFrame(), tmp_path, "index")


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no tables of shards below tables/"):
        merge_tables(tmp_path)
    with pytest.raises(ValueError, match=r"index.parquet: no such table; `daxaudio merge"):
        read_merged(tmp_path, "index")
    assert WHOLE.whole
