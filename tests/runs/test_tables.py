"""Ids, labels and names of our tables stay the texts that they are, wherever they are read."""

import dataclasses
import os
import re

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT

from daxaudio.containers import Event, Explanation, Recording, Spectrogram
from daxaudio.data.audio import write_recording
from daxaudio.experiments.conditions import find_conditions, gather_results
from daxaudio.experiments.score import score_folder
from daxaudio.explainers.storage import save_explanation
from daxaudio.report.results import Comparison, write_results
from daxaudio.runs import files
from daxaudio.runs.tables import (
    TEXT_COLUMNS,
    is_table,
    read_table,
    remove_table,
    write_csv,
    write_table,
)

ODD = ["0012", "12", "NA", "nan", "None", "1e3", "-0", "null", "True"]


@pytest.mark.parametrize("column", sorted(TEXT_COLUMNS))
def test_texts_read_back_as_they_are_and_empty_numbers_are_unknown(tmp_path, column):
    table = pd.DataFrame({column: [*ODD, ""], "value": [0.5] * len(ODD) + [np.nan]})
    write_csv(table, tmp_path / "a.csv")
    after = read_table(tmp_path / "a.csv")
    assert after[column].tolist() == [*ODD, ""]
    assert after["value"].isna().tolist() == [False] * len(ODD) + [True]


def test_what_is_no_table_is_named(tmp_path):
    for content in (b"", b'a,b\n"x', b"\xff\xfe\x00"):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.csv: not a table"):
            read_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.csv: a table .* has the columns a, c; c missing"):
        read_table(tmp_path / "a.csv", ["a", "c"])


TYPED = pd.DataFrame({"speaker": ["0012", "", None, "NA"], "value": [0.1, 1 / 3, np.nan, 2.0]})
"""A column of texts that no list of names knows."""


@pytest.fixture
def typed(tmp_path):
    write_table(TYPED, tmp_path / "a.csv")
    return tmp_path / "a.csv"


def assert_typed(table):
    assert table["speaker"].isna().tolist() == [False, False, True, False]
    assert table["speaker"].dropna().tolist() == ["0012", "", "NA"]
    assert table["value"].dropna().tolist() == [0.1, 1 / 3, 2.0]
    assert table["value"].isna().tolist() == [False, False, True, False]


def test_a_long_table_keeps_its_types_and_the_csv_beside_is_its_export(typed):
    assert_typed(read_table(typed))
    assert typed.read_text() == "speaker,value\n0012,0.1\n,0.3333333333333333\n,\nNA,2.0\n"
    typed.unlink()
    assert_typed(read_table(typed))


def test_types_of_an_empty_table_are_kept(tmp_path):
    write_table(TYPED.iloc[:0], tmp_path / "a.csv")
    found = read_table(tmp_path / "a.csv")
    assert found["value"].dtype == np.float64
    assert pd.api.types.is_string_dtype(found["speaker"])


def test_a_csv_changed_by_hand_is_read_by_the_types_of_the_parquet(typed, caplog):
    typed.write_text("speaker,value,recording_id\n0013,0.5,007\n,,8\n")
    found = read_table(typed)
    assert found["speaker"].tolist() == ["0013", ""]
    assert found["value"].tolist() == [0.5, pytest.approx(np.nan, nan_ok=True)]
    assert found["recording_id"].tolist() == ["007", "8"]
    assert "a.csv was changed after a.parquet was written; it is read instead" in caplog.text
    typed.write_text("speaker,value\n0013,much\n")
    with pytest.raises(ValueError, match=r"a\.csv: value: expected numbers, got much"):
        read_table(typed)


def test_a_run_killed_between_the_two_files_leaves_the_new_table(typed, monkeypatch):
    replace, done = os.replace, []

    def killed_after_one(source, target):
        if done:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", killed_after_one)
    with pytest.raises(KeyboardInterrupt):
        write_table(TYPED.assign(value=7.0), typed)
    assert read_table(typed)["value"].tolist() == [7.0] * 4


def test_a_column_of_two_types_is_named_and_nothing_is_written(typed):
    with pytest.raises(TypeError, match="column 'speaker': expected texts alone or numbers"):
        write_table(TYPED.assign(speaker=["a", 1, 2, 3]), typed)
    assert_typed(read_table(typed))
    assert sorted(path.name for path in typed.parent.iterdir()) == ["a.csv", "a.parquet"]


def test_a_broken_parquet_is_named_and_what_to_do(typed):
    content = typed.with_suffix(".parquet").read_bytes()
    for broken in (b"", content[:40], content[:-40]):
        typed.with_suffix(".parquet").write_bytes(broken)
        with pytest.raises(ValueError, match=r"a\.parquet: not a table \(.*remove it to read \S*a"):
            read_table(typed)


def test_a_table_is_there_until_both_files_are_removed(typed):
    typed.unlink()
    assert is_table(typed)
    write_table(TYPED, typed)
    remove_table(typed)
    assert not is_table(typed)
    assert list(typed.parent.iterdir()) == []
    remove_table(typed)
    with pytest.raises(FileNotFoundError):
        read_table(typed)


def test_there_is_one_reader_of_our_tables():
    found = [
        str(path.relative_to(ROOT))
        for folder in ("daxaudio", "recipes", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"\bpd\.read_csv", path.read_text(encoding="utf-8"))
    ]
    assert found == ["daxaudio/runs/tables.py"]


AXES = (100.0 * torch.arange(8), 0.05 * torch.arange(20))


@pytest.fixture
def explained(tmp_path):
    """Three recordings whose ids look like numbers or like nothing, by two methods, scored."""
    names, event = ["0012", "12", "NA"], Event(0.2, 0.5, "1")
    for place, name in enumerate(names):
        wave = torch.sin(torch.arange(8000) / 5)[None]
        write_recording(Recording(wave, 8000, name), tmp_path / f"{name}.wav")
        for method in ("dax_v5", "rise"):
            seed = torch.Generator().manual_seed(place)
            values = torch.rand(8, 20, generator=seed)
            found = Explanation(values, Spectrogram(values, *AXES, name), method, target="1")
            found = dataclasses.replace(found, seconds={"query": 1.0, "fit": 0.5}, score=0.5)
            facts = {"audio": str(tmp_path / f"{name}.wav")}
            save_explanation(found, tmp_path / "explanations" / method / name, facts)
    predictions = {"recording_id": names, "label": "1", "predicted": "1", "score": 0.5}
    table = pd.DataFrame({**predictions, "correct": 1, "problem": ""})
    write_csv(table, tmp_path / "explanations/predictions.csv")
    events = {name: [event] for name in names}
    score_folder(tmp_path / "explanations", events, tmp_path)
    return tmp_path, events


def test_the_report_of_a_comparison_keeps_ids_as_they_are(explained):
    out, events = explained
    comparison = Comparison(out, "Title", "command", "Text.", events)
    markdown, page, pictures = write_results(comparison)
    assert {path.stem for path in (pictures / "recordings").iterdir()} == {"0012", "12", "NA"}
    assert "| 1 | 3 | 3 | 1.000 | 0 |" in markdown.read_text()
    assert ">0012<" in page.read_text()


@pytest.mark.usefixtures("explained")
def test_the_tables_of_a_protocol_keep_ids_as_they_are(tmp_path):
    condition = tmp_path / "protocol/18-seed0/NA"
    condition.mkdir(parents=True)
    for name in ("results.csv", "results.parquet", "explanations"):
        (tmp_path / name).rename(condition / name)
    results = gather_results(find_conditions(tmp_path / "protocol"))
    assert set(results["recording_id"]) == {"0012", "12", "NA"}
