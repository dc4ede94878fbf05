"""Units done by actors on a Ray of two nodes: as by one process, whatever becomes of them."""

import pytest
from engines.made_jobs import MadeJob, NeverOpens
from engines.ray_nodes import actor_killer, at_random_moments, ray_of

from daxaudio.engines.on_ray import OnRay
from daxaudio.engines.run import run_units
from daxaudio.engines.units import EndsRun, Unit
from daxaudio.experiments.unit_tables import write_unit_tables

ray = pytest.importorskip("ray", reason="daxaudio[ray] is not installed")

UNITS = [Unit(f"r{i:02d}", job) for i in range(50) for job in ("lime", "rise")]


@pytest.fixture(scope="module")
def nodes():
    with ray_of(2) as nodes:
        yield nodes


@pytest.fixture(scope="module", autouse=True)
def connected(nodes):
    """So that tests need not connect one after the other."""
    with OnRay(nodes.address):
        yield


def states(outcomes):
    return {f"{o.unit.recording_id} {o.unit.job}": o.state for o in outcomes}


def stored(out):
    files = [*out.glob("*/*/made.txt"), out / "tables/index.parquet"]
    return {path.relative_to(out): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What one process stores."""
    out = tmp_path_factory.mktemp("whole")
    write_unit_tables(run_units(UNITS, MadeJob(str(out))), out)
    return stored(out)


def test_two_nodes_do_every_unit_once_and_store_the_same_bytes(nodes, whole, tmp_path):
    heard = []
    with OnRay(nodes.address, shared=tmp_path) as engine:
        outcomes = engine.run(UNITS, MadeJob(str(tmp_path)), heard=heard.append)
        assert engine.n_workers == 2
    write_unit_tables(outcomes, tmp_path)
    assert [outcome.unit for outcome in outcomes] == UNITS
    assert sorted(heard) == sorted(outcomes)
    assert stored(tmp_path) == whole
    opened = [line.split() for line in (tmp_path / "opened").read_text().splitlines()]
    assert len(opened) <= 2
    assert {threads for _, _, threads in opened} == {"1"}
    assert sum(outcome.n_queries for outcome in outcomes) == 3 * len(UNITS)


def test_what_kills_its_actor_is_set_aside_and_no_other_unit_with_it(nodes, tmp_path):
    units = [Unit(name, "a") for name in ("r0", "kills-1", "odd-1", "raises-1", "once-1", "r1")]
    with OnRay(nodes.address, retries=1) as engine:
        outcomes = engine.run(units, MadeJob(str(tmp_path)))
    done, killed, odd, raises, once, last = outcomes
    assert {one.state for one in (done, once, last)} == {"done"}
    assert (odd.state, odd.problem) == ("problem", "is odd")
    assert {one.state for one in (killed, raises)} == {"set aside"}
    assert killed.problem == "was begun 2 times; its worker was killed or crashed"
    assert raises.problem == "was begun 2 times; its worker raised KeyError: 'a mistake'"


def test_what_takes_too_long_is_killed_and_set_aside(nodes, tmp_path):
    units = [Unit(name, "a") for name in ("r0", "hangs-1", "r1")]
    with OnRay(nodes.address, time_limit=1.0, retries=0) as engine:
        outcomes = engine.run(units, MadeJob(str(tmp_path)))
    assert states(outcomes) == {"r0 a": "done", "hangs-1 a": "set aside", "r1 a": "done"}
    assert outcomes[1].problem == "was begun once; its worker took more than 1 s"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError, "no model here"),
        (RuntimeError, "each was lost while it loaded; the last raised RuntimeError while it"),
    ],
)
def test_a_job_that_cannot_be_opened_ends_the_run(nodes, error, said):
    with OnRay(nodes.address, workers=1) as engine, pytest.raises(EndsRun, match=said):
        engine.run(UNITS, NeverOpens(error))


def test_what_is_wrong_with_all_units_ends_the_run(nodes, tmp_path):
    units = [Unit(name, "a") for name in ("r0", "ends-1", "r1")]
    with OnRay(nodes.address) as engine, pytest.raises(EndsRun, match="the model is another one"):
        engine.run(units, MadeJob(str(tmp_path)))


@pytest.mark.slow
def test_actors_killed_at_random_moments_lose_nothing_and_double_nothing(nodes, whole, tmp_path):
    job = MadeJob(str(tmp_path), seconds=0.05)
    kills = at_random_moments(actor_killer(tmp_path), 12, pause=1.5)
    with OnRay(nodes.address, retries=12) as engine, kills as killed:
        outcomes = engine.run(UNITS, job)
        while len(killed) < 12:  # what is done already is kept
            outcomes = engine.run(UNITS, job)
    write_unit_tables(outcomes, tmp_path)
    assert stored(tmp_path) == whole


@pytest.mark.slow
def test_twenty_raylets_killed_at_random_moments_lose_nothing_and_double_nothing(
    nodes, whole, tmp_path
):
    engine, n_runs = OnRay(nodes.address, retries=20), 0
    with engine, at_random_moments(nodes.kill_node, 20, pause=1.0, seed=1) as killed:
        while len(killed) < 20:
            out = tmp_path / str(n_runs)
            out.mkdir()
            outcomes = engine.run(UNITS, MadeJob(str(out), seconds=0.1))
            write_unit_tables(outcomes, out)
            assert [outcome.unit for outcome in outcomes] == UNITS
            assert {outcome.state for outcome in outcomes} == {"done"}
            assert stored(out) == whole
            n_runs += 1
