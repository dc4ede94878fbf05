"""Units are done on a Ray cluster, or on a Ray of this machine alone.

Ray Core actors, not Ray Data: its pools can hang on actors that are dead (Ray's issue 62746), and
it knows no time limit of a call (its issue 45661).
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from daxaudio.engines.ledger import Ledger
from daxaudio.engines.ray_pool import RayPool
from daxaudio.engines.ray_worker import Place
from daxaudio.engines.units import Job, Outcome, Unit
from daxaudio.runs.extras import need
from daxaudio.runs.files import describe_error
from daxaudio.runs.provenance import versions

if TYPE_CHECKING:
    from typing_extensions import Self

LOCAL = "local"

_STORE = 100_000_000
"""Bytes of a local Ray's memory for objects; the job is the only large one."""

_REACH = 10.0
"""Seconds in which the address of a cluster has to answer."""


class OnRay:
    """A context in which units are done by actors of a Ray cluster.

    Where this process is connected to Ray already, that cluster is used, and stays connected.

    Args:
        address: "local" starts a Ray of this machine, which is ended at the end; else that of a
            cluster, such as "auto" (the one this machine belongs to) or "head:6379".
        workers: actors; None for as many as there is room for when it begins. More than that wait
            for nodes that join.
        gpus: each actor gets a GPU of its own.
        time_limit: seconds that a unit may take; then its actor is killed.
        retries: a unit that was lost is begun again so many times.
        threads: processor threads of each actor; as many processors are asked of Ray.
        shared: folder of results, checked to be the same on all nodes; None checks nothing.

    Raises:
        ValueError: when a number is too small; on entering, when ray is not installed, or the
            cluster cannot be reached.
    """

    here = False

    def __init__(
        self,
        address: str = LOCAL,
        *,
        workers: int | None = None,
        gpus: bool = False,
        time_limit: float | None = None,
        retries: int = 3,
        threads: int = 1,
        shared: str | os.PathLike[str] | None = None,
    ) -> None:
        for name, number in (("workers", workers), ("threads", threads)):
            if number is not None and number < 1:
                raise ValueError(f"{name} must be at least 1, got {number}")
        if time_limit is not None and not time_limit > 0:
            raise ValueError(f"time_limit must be above 0 seconds, got {time_limit}")
        self.address, self.workers, self.gpus = address, workers, gpus
        self.time_limit, self.retries, self.threads = time_limit, retries, threads
        self.shared = shared
        self._ray: ModuleType | None = None
        self._own = False

    def __enter__(self) -> Self:
        """Connect."""
        # of this process and those of a local Ray: nothing is reported to anybody; an address that
        # is none is tried once, not twenty times for 40 s
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
        ray = need("ray", "ray", f"Ray ({self.address})")
        self._own = not ray.is_initialized()
        if self._own:
            self._connect(ray)
        self._ray = ray
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; a local one ends."""
        if self._ray is not None and self._own:
            self._ray.shutdown()
        self._ray = None

    @property
    def n_workers(self) -> int:
        """Actors: as many as were asked for, or as there is room for now; at least one."""
        if self.workers is not None:
            return self.workers
        kind, each = ("GPU", 1.0) if self.gpus else ("CPU", float(self.threads))
        nodes = [node["Resources"] for node in self._connected.nodes() if node["Alive"]]
        return max(1, sum(int(own.get(kind, 0.0) // each) for own in nodes))

    def run(
        self,
        units: Sequence[Unit],
        job: Job,
        *,
        together: int = 1,
        heard: Callable[[Outcome], None] = lambda outcome: None,
    ) -> list[Outcome]:
        """Do every unit; see `run_units`."""
        ledger = Ledger(units, retries=self.retries, together=together, heard=heard)
        if ledger.over:
            return []
        resources: dict[str, float] = {"num_cpus": self.threads}
        if self.gpus:
            resources["num_gpus"] = 1
        device = "cuda:0" if self.gpus else None  # Ray shows each actor its own alone
        with _marked(self.shared) as mark:
            place = Place(os.getcwd(), versions(), self.threads, device, mark)
            n_workers = min(self.n_workers, len(units))
            pool = RayPool(
                self._connected,
                job,
                n_workers,
                place=place,
                resources=resources,
                time_limit=self.time_limit,
            )
            with pool:
                pool.work(ledger)
        return ledger.outcomes

    @property
    def _connected(self) -> ModuleType:
        if self._ray is None:
            raise ValueError("Ray is not connected: with OnRay(...) as engine: ...")
        return self._ray

    def _connect(self, ray: ModuleType) -> None:
        options: dict[str, Any] = {"address": self.address}
        if self.address == LOCAL:
            options |= {
                "num_cpus": (self.workers or max(1, _processors() // self.threads)) * self.threads,
                "object_store_memory": _STORE,
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",  # nobody else can reach it
            }
        try:
            _reach(self.address)
            ray.init(**options, log_to_driver=False, logging_level="ERROR")
        except (ValueError, RuntimeError, OSError, ray.exceptions.RayError) as error:
            why = describe_error(error).rstrip(".")
            raise ValueError(
                f"Ray at {self.address} cannot be reached ({why}); start one by `ray start "
                "--head`, or take `local`, which is this machine alone"
            ) from None


def _reach(address: str) -> None:
    """Open and close a connection, as Ray itself tries for minutes; raises OSError."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _marked(folder: str | os.PathLike[str] | None) -> Iterator[str | None]:
    """A file in a folder while units are done, by which another machine knows the folder."""
    if folder is None:
        yield None
        return
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".seen-") as file:
        yield file.name
