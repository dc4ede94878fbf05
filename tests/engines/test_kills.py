"""Workers may be killed at any moment: every unit is done, once, and the tables are equal."""

import collections

import pandas as pd
from engines.killing import killing
from engines.made_jobs import MadeJob

from daxaudio.engines.run import run_units
from daxaudio.engines.units import Unit
from daxaudio.experiments.unit_tables import INDEX_COLUMNS, write_unit_tables

UNITS = [Unit(f"r{i:03d}", job) for i in range(100) for job in ("lime", "rise")]


def made(out):
    return {path.relative_to(out): path.read_text() for path in out.glob("*/*/made.txt")}


def index_of(out):
    return (out / "tables/index.parquet").read_bytes()


def test_twenty_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    write_unit_tables(run_units(UNITS, MadeJob(str(whole))), whole)
    with killing(n_times=20, pause=0.15) as pids:
        job = MadeJob(str(killed), seconds=0.05)
        outcomes = run_units(UNITS, job, workers=2, retries=20)
        while len(pids) < 20:  # what is done already is kept
            outcomes = run_units(UNITS, job, workers=2, retries=20)
    write_unit_tables(outcomes, killed)
    assert [outcome.unit for outcome in outcomes] == UNITS
    assert {outcome.state for outcome in outcomes} == {"done"}
    assert made(killed) == made(whole)
    assert index_of(killed) == index_of(whole)


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path):
    job = MadeJob(str(tmp_path))
    run_units(UNITS[:50], job, workers=2)
    again = run_units(UNITS, job, workers=2)
    asked = collections.Counter(outcome.n_queries for outcome in again)
    assert asked == {0: 50, 3: 150}


def test_what_is_set_aside_stands_in_the_index(tmp_path):
    units = [Unit(name, "lime") for name in ("kills-1", "kills-2", "odd-1", "r1")]
    outcomes = run_units(units, MadeJob(str(tmp_path)), workers=2, retries=1)
    write_unit_tables(outcomes, tmp_path)
    index = pd.read_parquet(tmp_path / "tables/index.parquet")
    assert tuple(index.columns) == INDEX_COLUMNS
    assert index["state"].tolist() == ["set aside", "set aside", "problem", "done"]
    assert index["problem"][0] == "was begun 2 times; its worker was killed by SIGKILL"
    assert index["folder"].isna().tolist() == [True, True, True, False]
    assert index["folder"][3] == "lime/r1"
    costs = pd.read_parquet(tmp_path / "tables/costs.parquet")
    assert costs["n_lost"].tolist() == [2, 2, 0, 0]
