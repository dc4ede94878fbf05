"""Units are done by one process or by many, and no unit ends the run or is lost."""

import collections
import dataclasses
import itertools

import pytest
import torch
from engines.made_jobs import HangsAtOpening, MadeJob, MeetingJob, NeverOpens

from daxaudio.engines import limits
from daxaudio.engines.run import run_units
from daxaudio.engines.units import (
    EndsRun,
    Outcome,
    Unit,
    group_units,
)


def units_of(names, jobs=("lime", "rise")):
    return [Unit(name, job) for name in names for job in jobs]


def files_of(out):
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("*/*/made.txt"))
    }


def states(outcomes):
    return {f"{o.unit.recording_id} {o.unit.job}": o.state for o in outcomes}


NAMES = [f"r{i}" for i in range(7)]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_unit_is_done_once_and_outcomes_stand_in_order(tmp_path, workers):
    units, heard = units_of(NAMES), []
    outcomes = run_units(units, MadeJob(str(tmp_path)), workers=workers, heard=heard.append)
    assert [outcome.unit for outcome in outcomes] == units
    assert {outcome.state for outcome in outcomes} == {"done"}
    assert sum(outcome.n_queries for outcome in outcomes) == 3 * len(units)
    assert sorted(heard) == sorted(outcomes)
    assert len(files_of(tmp_path)) == len(units)
    assert 1 <= len((tmp_path / "opened").read_text().splitlines()) <= workers


@pytest.mark.parametrize(("workers", "limit"), [(1, None), (2, None), (1, 30.0)])
def test_a_bad_unit_is_listed_and_ends_nothing(tmp_path, workers, limit):
    units = units_of(["r0", "odd-1", "raises-1", "r1"])
    job = MadeJob(str(tmp_path))
    found = {
        f"{o.unit.recording_id} {o.unit.job}": o
        for o in run_units(units, job, workers=workers, time_limit=limit)
    }
    assert {name for name, o in found.items() if o.state == "done"} == {
        "r0 lime",
        "r0 rise",
        "r1 lime",
        "r1 rise",
    }
    assert found["odd-1 rise"][1:3] == ("problem", "is odd")
    assert found["odd-1 rise"].n_lost == 0
    assert found["raises-1 lime"].state == "set aside"
    assert (
        "begun 4 times; its worker raised KeyError: 'a mistake'" in found["raises-1 lime"].problem
    )
    assert found["raises-1 lime"].n_lost == 4


def test_what_kills_its_worker_is_set_aside_and_no_other_unit_with_it(tmp_path):
    units = units_of(["r0", "kills-1", "r1", "once-1", "r2"])
    found = states(run_units(units, MadeJob(str(tmp_path)), workers=2))
    assert collections.Counter(found.values()) == {"done": 8, "set aside": 2}
    assert found["kills-1 lime"] == found["kills-1 rise"] == "set aside"
    assert found["once-1 lime"] == found["once-1 rise"] == "done"


def test_the_reason_names_the_signal(tmp_path):
    (outcome,) = run_units(
        [Unit("kills-1", "a")], MadeJob(str(tmp_path)), workers=1, retries=1, time_limit=60
    )
    assert outcome.problem == "was begun 2 times; its worker was killed by SIGKILL"


def test_an_outcome_that_cannot_be_sent_is_said_to_be_one(tmp_path):
    units = [Unit("unsent-1", "a"), Unit("r1", "a")]
    bad, good = run_units(units, MadeJob(str(tmp_path)), workers=2, retries=0)
    assert "gave an outcome that cannot be sent" in bad.problem
    assert (bad.state, good.state) == ("set aside", "done")


def test_what_takes_too_long_is_stopped_and_set_aside(tmp_path):
    units = [Unit("r0", "a"), Unit("hangs-1", "a"), Unit("hangs-1", "b"), Unit("r1", "a")]
    outcomes = run_units(units, MadeJob(str(tmp_path)), workers=2, time_limit=0.5, retries=0)
    assert states(outcomes) == {
        "r0 a": "done",
        "hangs-1 a": "set aside",
        "hangs-1 b": "set aside",
        "r1 a": "done",
    }
    assert outcomes[1].problem == "was begun once; its worker took more than 0.5 s"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_with_all_units_ends_the_run(tmp_path, workers):
    with pytest.raises(EndsRun, match="the model is another one"):
        run_units(units_of(["r0", "ends-1", "r1"]), MadeJob(str(tmp_path)), workers=workers)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_job_that_cannot_be_opened_ends_the_run_with_its_own_words(workers, error):
    with pytest.raises((ValueError, OSError), match="no model here"):
        run_units(units_of(NAMES), NeverOpens(error), workers=workers)


def test_workers_that_are_lost_while_they_load_are_not_replaced_for_ever():
    with pytest.raises(EndsRun, match=r"each was lost while it loaded.*no model here"):
        run_units(units_of(NAMES), NeverOpens(RuntimeError), workers=2)


def test_a_worker_that_takes_too_long_to_load_is_said_to_and_by_the_limit_of_that(monkeypatch):
    monkeypatch.setattr(limits, "OPENING", 0.25)
    with pytest.raises(EndsRun, match=r"the last took more than 0\.25 s to load the model;"):
        run_units(units_of(NAMES), HangsAtOpening(), workers=1, time_limit=7.0)


def test_devices_are_dealt_out_and_each_worker_computes_by_one_thread(tmp_path):
    job = MeetingJob(str(tmp_path), n_workers=3)
    run_units(units_of(NAMES), job, workers=3, devices=["cuda:0", "cuda:1"])
    lines = [line.split()[1:] for line in (tmp_path / "opened").read_text().splitlines()]
    assert sorted(lines) == [["cuda:0", "1"], ["cuda:0", "1"], ["cuda:1", "1"]]


def test_a_unit_in_this_process_is_computed_by_as_many_threads_as_one_of_a_worker():
    @dataclasses.dataclass
    class Counting:
        def open(self, device):
            return lambda units: (
                Outcome(unit, n_queries=torch.get_num_threads()) for unit in units
            )

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = [run_units([Unit("a", "b")], Counting(), threads=n)[0] for n in (1, 3, None)]
        assert [outcome.n_queries for outcome in found] == [1, 3, 2]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_is_done_already_is_asked_for_no_more(tmp_path):
    run_units(units_of(NAMES), MadeJob(str(tmp_path)))
    again = run_units(units_of(NAMES), MadeJob(str(tmp_path)))
    assert {outcome.state for outcome in again} == {"done"}
    assert not any(outcome.n_queries for outcome in again)


def test_bad_numbers_are_refused(tmp_path):
    job = MadeJob(str(tmp_path))
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        run_units([], job, workers=0)
    with pytest.raises(ValueError, match="time_limit must be above 0"):
        run_units([], job, time_limit=0.0)
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        run_units([], job, threads=0)
    with pytest.raises(ValueError, match="retries"):
        run_units([], job, retries=-1)
    with pytest.raises(ValueError, match="the unit a of 'r' stands twice"):
        run_units([Unit("r", "a")] * 2, job)
    assert run_units([], job, workers=4) == []


def test_units_of_several_recordings_go_together_where_asked_for():
    units = units_of(["a", "b", "c"])
    assert [len(group) for group in group_units(units)] == [2, 2, 2]
    assert [len(group) for group in group_units(units, 2)] == [4, 2]
    assert list(itertools.chain(*group_units(units, 2))) == units


def test_units_that_come_together_are_done_together(tmp_path):
    seen = []

    @dataclasses.dataclass
    class Noting:
        def open(self, device):
            return lambda units: (seen.append(units), *map(Outcome, units))[1:]

    run_units(units_of(["a", "b", "c"]), Noting(), together=2)
    assert [len(units) for units in seen] == [4, 2]
