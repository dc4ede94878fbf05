"""What a worker of Ray checks and says, and what is refused, without a cluster."""

import pickle
import socket
import sys

import pytest
from engines.made_jobs import MadeJob, NeverOpens

from daxaudio.engines.on_ray import OnRay
from daxaudio.engines.ray_worker import Place, RayWorker
from daxaudio.engines.units import EndsRun, Lost, Outcome, Unit
from daxaudio.runs.provenance import versions


def opened(job, **place):
    worker = RayWorker()
    return worker, worker.open(pickle.dumps(job), Place(".", **{"versions": versions(), **place}))


def test_a_worker_says_one_outcome_a_call_and_goes_on_behind_a_problem(tmp_path):
    worker, said = opened(MadeJob(str(tmp_path)), device="cuda:0")
    assert said is None
    units = [Unit(name, "a") for name in ("r0", "odd-1", "raises-1", "r1")]
    assert worker.go_on(units)[:2] == (units[0], "done")
    assert worker.go_on(()).problem == "is odd"
    assert worker.go_on(()) == Lost("raised KeyError: 'a mistake'")
    assert isinstance(worker.go_on([Unit("r2", "a")]), Outcome)
    ends = worker.go_on([Unit("ends-1", "a")])
    assert isinstance(ends, EndsRun)
    assert (tmp_path / "opened").read_text().split()[1] == "cuda:0"


def test_a_job_that_cannot_be_opened_is_told_from_one_that_was_lost():
    _, said = opened(NeverOpens(OSError))
    assert isinstance(said, EndsRun)
    assert str(said) == "no model here"
    _, said = opened(NeverOpens(RuntimeError))
    assert said == Lost("raised RuntimeError while it loaded: no model here")


def test_a_node_with_other_versions_is_refused(tmp_path):
    _, said = opened(MadeJob(str(tmp_path)), versions={**versions(), "torch": "1.0"})
    assert isinstance(said, EndsRun)
    assert "and 1.0 is here: results would differ; install the same on all nodes" in str(said)


def test_a_node_that_does_not_see_the_folder_of_results_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("daxaudio.engines.ray_worker._SEEN", 0.0)
    _, said = opened(MadeJob(str(tmp_path)), mark=str(tmp_path / "none"))
    assert f"does not see {tmp_path}: results have to go to a folder that all" in str(said)
    (tmp_path / "there").touch()
    _, said = opened(MadeJob(str(tmp_path)), mark=str(tmp_path / "there"))
    assert said is None


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs ray; install it by: pip install 'daxaudio\[ray"):
        OnRay().__enter__()


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "nonsense"])
def test_a_cluster_that_cannot_be_reached_is_one_line(address):
    pytest.importorskip("ray", reason="daxaudio[ray] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = address.format(port=free.getsockname()[1])
    with pytest.raises(ValueError, match=f"Ray at {address} cannot be reached") as refused:
        OnRay(address).__enter__()
    assert "\n" not in str(refused.value)
    assert "ray start --head" in str(refused.value)


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        OnRay(workers=0)
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        OnRay(threads=0)
    with pytest.raises(ValueError, match="time_limit must be above 0"):
        OnRay(time_limit=0.0)


def test_units_need_a_connection(tmp_path):
    with pytest.raises(ValueError, match="not connected"):
        OnRay().run([Unit("a", "b")], MadeJob(str(tmp_path)))
