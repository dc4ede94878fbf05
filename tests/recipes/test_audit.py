"""The recipe of audits: its cells, what it counts, and a run at a tiny size."""

import dataclasses
import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT, finish

from daxaudio.engines.units import Unit

sys.path.insert(0, str(ROOT / "recipes" / "audit"))
from audit_cells import CORPORA, Cell, CellJob, list_cells
from audit_tables import (
    about_honest,
    accused_kinds,
    gather,
    judge,
    tabulate_detection,
    tabulate_honest,
)

CONFIG = """
front_end: {sample_rate: 16000, n_fft: 512, hop_length: 512, n_mels: 16, top_db: 120.0}
model: {depth: 10, width: 4}
training: {epochs: 4, batch_size: 4, learning_rate: 0.005, precision: fp32}
augmentation: {padding_probability: 0.0, frequency_mask: 0, time_mask: 0, mixup_alpha: 0.0}
"""
QUESTIONS = "{positive: p, queries: 20, n_bootstrap: 100, n_permutations: 99, n_explained: 1}\n"


def cells(**columns):
    """Rows of ten corpora."""
    table = pd.DataFrame({"seed": range(10), "n": 50, "auc": 1.0, "concerns": "", **columns})
    return table.assign(first=table["accused"].str.split().str[0].where(table["accused"] != "", ""))


def test_lower_strengths_have_seeds_of_their_own_and_honest_corpora_no_strength():
    names = [cell.name for cell in list_cells(CORPORA, [1, 0.5], [0, 1], [7])]
    assert names[:4] == [f"{name}-0-seed{k}" for name in ("honest", "chance") for k in (0, 1)]
    assert names[4:7] == ["hum-1-seed0", "hum-1-seed1", "hum-0.5-seed7"]
    assert len(names) == 4 + 4 * 3
    assert all(Cell.of(name).name == name for name in names)


@pytest.mark.parametrize(
    ("corpora", "strengths", "what"),
    [(["rain"], [1], "corpus 'rain' is unknown"), (["hum"], [0], "strengths must lie in")],
)
def test_a_cell_that_cannot_be_is_named(corpora, strengths, what):
    with pytest.raises(ValueError, match=what):
        list_cells(corpora, strengths, [0], [0])


@pytest.fixture
def job(tmp_path):
    config, questions = tmp_path / "tiny.yaml", tmp_path / "questions.yaml"
    config.write_text(CONFIG)
    questions.write_text(QUESTIONS)
    return CellJob(tmp_path / "cells", 8, 8, config, questions)


def test_a_stage_is_done_once_for_its_settings(job):
    unit = Unit("hum-1-seed100", "data")
    assert job.do(unit).state == "done"
    truth = job.cells / unit.recording_id / "corpus" / "planted.csv"
    known = pd.read_csv(truth)
    assert ((known["label"] == "p") == known["hum"]).all()
    truth.unlink()
    job.do(unit)
    assert not truth.exists()  # nothing was done
    job.config.write_text(CONFIG + "\n")  # is of the classifier
    job.do(unit)
    assert not truth.exists()
    with pytest.raises(ValueError, match="holds a corpus of other settings"):
        dataclasses.replace(job, n_test=12).do(unit)


def test_a_command_that_fails_is_a_problem_that_names_its_log(job):
    with pytest.raises(ValueError, match=r"daxaudio train ended with 2: .*train\.log"):
        job.do(Unit("hum-1-seed100", "train"))
    assert not (job.cells / "hum-1-seed100" / "train.done").exists()


def test_the_likeliest_kind_is_the_first_of_the_accused():
    rows = [[1, "hum", "line_db"], [2, "background", "tilt_db"], [3, "hum", "hum"]]
    table = {"columns": ["rank", "kind", "suspect"], "rows": rows}
    section = {"name": "confounders", "state": "concern", "tables": {"accused": table}}
    assert accused_kinds({"sections": [section]}) == ["hum", "background"]
    untested = {"name": "confounders", "state": "not tested", "tables": {}}
    assert accused_kinds({"sections": [untested]}) == []
    with pytest.raises(ValueError, match="has no section 'confounders'"):
        accused_kinds({"sections": []})


def test_detections_are_counted_by_kind_and_strength():
    table = pd.concat(
        [
            cells(corpus="hum", strength=1.0, accused=["hum"] * 9 + ["level hum"]),
            cells(corpus="hum", strength=0.5, accused=["hum background"] * 4 + [""] * 6),
        ]
    )
    full, half = tabulate_detection(table).rows
    assert full[:2] == ("hum", "1")
    assert full[3:] == ("9 of 10", "0.55 to 1.00", "10 of 10", "1 of 10")
    assert half[3:] == ("4 of 10", "0.12 to 0.74", "4 of 10", "0 of 10")


def test_false_alarms_are_counted_by_corpus_and_by_test():
    accused = ["", "hum", "table hum", *[""] * 7]
    concerns = ["", "confounders", "confounders", "swaps", "performance", *[""] * 5]
    table = cells(corpus="honest", strength=0.0, accused=accused, concerns=concerns)
    (row,) = tabulate_honest(table).rows
    assert row[2] == "3 of 10"  # what follows the background when sounds are exchanged, too
    assert row[4:] == ("2 of 40", "hum 2, table 1", "confounders 2, swaps 1, performance 1")


def test_the_report_says_how_many_accusations_are_expected_at_the_most():
    text = about_honest(0.05, 20)
    assert "3 families of tests" in text
    assert "Holm's method at 0.05 / 3" in text
    assert "at most 5% of audits (1.0 of 20 expected at the most)" in text


@pytest.mark.parametrize(("named", "reached"), [(9, "yes"), (8, "no")])
def test_nine_of_ten_are_enough(named, reached):
    accused = ["site"] * named + ["background site"] * (10 - named)
    (row,) = judge(cells(corpus="site", strength=1.0, accused=accused)).rows
    assert row[1:] == (f"{named} of 10", reached)


@pytest.mark.parametrize(("accused", "reached"), [(1, "yes"), (2, "no")])
def test_one_honest_corpus_of_ten_may_be_accused(accused, reached):
    kinds = ["background"] * accused + [""] * (10 - accused)
    (row,) = judge(cells(corpus="honest", strength=0.0, accused=kinds)).rows
    assert row[1:] == (f"{accused} of 10", reached)


def test_weaker_confounders_and_luck_are_not_judged():
    table = pd.concat(
        [
            cells(corpus="hum", strength=0.5, accused=[""] * 10),
            cells(corpus="chance", strength=0.0, accused=["hum"] * 10),
        ]
    )
    assert judge(table).rows == ()


def test_cells_without_an_audit_are_left_out_and_none_at_all_is_said(tmp_path):
    with pytest.raises(ValueError, match="holds no audit"):
        gather(tmp_path)


@pytest.mark.slow
def test_the_recipe_makes_trains_audits_and_counts_and_does_nothing_twice(tmp_path):
    for name, text in (("tiny.yaml", CONFIG), ("questions.yaml", QUESTIONS)):
        (tmp_path / name).write_text(text)
    exp_dir = tmp_path / "exp"
    words = [
        *("--exp_dir", exp_dir, "--corpora", "honest level", "--strengths", "1", "--seeds", "100"),
        *("--n_train", "8", "--n_test", "12", "--config", tmp_path / "tiny.yaml"),
        *("--questions", tmp_path / "questions.yaml", "--jobs", "2"),
    ]
    run(words)
    table = pd.read_csv(exp_dir / "cells.csv", keep_default_na=False)
    assert table["corpus"].tolist() == ["honest", "level"]
    assert table["n"].tolist() == [16, 16]
    text = (exp_dir / "RESULTS.md").read_text()
    assert "at most 5% of audits" in text
    assert "level at full strength named first" in text
    assert (exp_dir / "report.html").is_file()
    audit = exp_dir / "cells" / "level-1-seed100" / "audit" / "audit.json"
    first, made = json.loads(audit.read_text()), audit.stat().st_mtime_ns
    assert first["data"]["n_recordings"] == 16
    run(words)
    assert audit.stat().st_mtime_ns == made


def run(words):
    script = [str(ROOT / "recipes" / "audit" / "run.sh"), *map(str, words)]
    environment = {**os.environ, "PYTHON": sys.executable}
    process = subprocess.Popen(
        script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    return finish(process)
