"""Actors on a Ray cluster that do units: one that is lost, or whose node is, is replaced.

Ray itself restarts and retries nothing here, as it would not know what killed an actor: the ledger
does. Actors wait for room in the cluster; where a node is lost, those that are left go on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from daxaudio.engines.ledger import Ledger
from daxaudio.engines.limits import limit_of, took_too_long
from daxaudio.engines.ray_worker import Place, RayWorker
from daxaudio.engines.units import EndsRun, Job, Lost, Outcome, Unit

logger = logging.getLogger(__name__)

_ROOM = 900.0
"""Seconds that the cluster may have no room for any worker; new nodes may be on their way."""

_LOOK = 10.0
"""Seconds after which we look whether the cluster has room."""

_OPENINGS = 5
"""A worker that was lost so many times in a row before its job was open is not replaced."""


@dataclasses.dataclass(eq=False)
class _Slot:
    """A place for one actor, and what it is at: waiting for room, opening the job, or ready."""

    actor: Any = None
    coming: Any = None
    node: str = ""
    ready: bool = False
    units: tuple[Unit, ...] = ()
    since: float = 0.0
    n_failed: int = 0
    end: str = ""
    nodes: frozenset[str] = frozenset()


class RayPool:
    """Actors that do the units of a ledger; a context that ends them all.

    Args:
        ray: the module, connected.
        job: sent to each node once.
        n_workers: actors.
        place: what each must find.
        resources: of the cluster that each takes: `num_cpus`, `num_gpus`.
        time_limit: seconds that a unit may take; None for any.
    """

    def __init__(
        self,
        ray: ModuleType,
        job: Job,
        n_workers: int,
        *,
        place: Place,
        resources: Mapping[str, float],
        time_limit: float | None = None,
    ) -> None:
        self.ray, self.place, self.time_limit = ray, place, time_limit
        self.slots = [_Slot() for _ in range(n_workers)]
        self.resources = " and ".join(f"{name} {n:g}" for name, n in resources.items())
        options = {"max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        self._actor = ray.remote(**options, **resources)(RayWorker)
        self._job = ray.put(ray.cloudpickle.dumps(job))
        self._room_at, self._told = time.monotonic(), False

    def __enter__(self) -> RayPool:
        for slot in self.slots:
            self._start(slot)
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self.slots:
            self._stop(slot)

    def work(self, ledger: Ledger) -> None:
        """Until every unit of the ledger has its outcome; raises as `run_units`."""
        while not ledger.over:
            for slot in self.slots:
                if slot.ready and not slot.units:
                    self._deal(slot, ledger)
            coming = {slot.coming: slot for slot in self.slots if slot.coming is not None}
            if not coming:
                raise EndsRun(
                    f"no worker is left: each was lost while it loaded; the last {self._last_end}"
                )
            heard, _ = self.ray.wait(list(coming), timeout=self._patience())
            for one in heard:
                self._hear(coming[one], ledger)
            for slot in self.slots:
                if time.monotonic() > self._end_of(slot) and not self._has_answered(slot):
                    self._lost(slot, ledger, took_too_long(slot.ready, self.time_limit or 0.0))
            self._look_for_room()

    @property
    def _last_end(self) -> str:
        return next(slot.end for slot in reversed(self.slots) if slot.end)

    def _start(self, slot: _Slot) -> None:
        slot.nodes = nodes_of(self.ray)
        slot.actor, slot.node, slot.ready, slot.units = self._actor.remote(), "", False, ()
        slot.coming, slot.since = slot.actor.node.remote(), time.monotonic()

    def _stop(self, slot: _Slot) -> None:
        if slot.actor is not None:
            with contextlib.suppress(Exception):  # it is gone, or Ray is
                self.ray.kill(slot.actor)
        slot.actor = slot.coming = None

    def _deal(self, slot: _Slot, ledger: Ledger) -> None:
        slot.units, slot.since = ledger.take(), time.monotonic()
        if slot.units:
            slot.coming = slot.actor.go_on.remote(slot.units)

    def _hear(self, slot: _Slot, ledger: Ledger) -> None:
        """Read what an actor says; one that can say nothing any more is lost."""
        coming, slot.coming = slot.coming, None
        try:
            said = self.ray.get(coming)
        except self.ray.exceptions.RayError as error:
            self._lost(slot, ledger, _describe_end(self.ray, error))
            return
        slot.since = self._room_at = time.monotonic()
        if isinstance(said, EndsRun):
            raise said
        if isinstance(said, Lost):
            self._lost(slot, ledger, said.why)
        elif isinstance(said, Outcome):
            slot.units = slot.units[1:]
            ledger.note(said)
            slot.coming = slot.actor.go_on.remote(()) if slot.units else None
        elif isinstance(said, str):
            slot.node = said
            slot.coming = slot.actor.open.remote(self._job, self.place)
        else:
            slot.ready, slot.n_failed = True, 0

    def _lost(self, slot: _Slot, ledger: Ledger, why: str) -> None:
        """End an actor for good, say so of the unit at which it was, and put another in its place.

        One that was lost with its node, while it loaded the model, does not count as one that could
        not.
        """
        slot.end = why
        at = f" at {slot.units[0].job} of {slot.units[0].recording_id}" if slot.units else ""
        on = f" on {slot.node}" if slot.node else ""
        logger.warning("a worker%s is lost%s: it %s", on, at, why)
        self._stop(slot)
        ledger.lost(slot.units, why)
        slot.n_failed += not slot.ready and slot.nodes <= nodes_of(self.ray)
        slot.units, slot.ready = (), False
        if slot.n_failed < _OPENINGS and not ledger.over:
            self._start(slot)

    def _has_answered(self, slot: _Slot) -> bool:
        return bool(self.ray.wait([slot.coming], timeout=0)[0])

    def _end_of(self, slot: _Slot) -> float:
        """When an actor is past its time; it has any to wait for room in the cluster."""
        if self.time_limit is None or slot.coming is None or not slot.node:
            return float("inf")
        return slot.since + limit_of(slot.ready, self.time_limit)

    def _patience(self) -> float:
        """Seconds until we look again."""
        end = min(self._end_of(slot) for slot in self.slots)
        return min(_LOOK, max(0.0, end - time.monotonic()))

    def _look_for_room(self) -> None:
        """Say once that no actor finds room, and end where that lasts."""
        if any(slot.node for slot in self.slots if slot.actor is not None):
            self._room_at = time.monotonic()
            return
        waited = time.monotonic() - self._room_at
        lacks = f"the cluster has no room for a worker, which takes {self.resources}"
        if waited > _ROOM:
            raise EndsRun(f"{lacks}, for {_ROOM:g} s now; see `ray status`")
        if waited > _LOOK and not self._told:
            self._told = True
            logger.warning("%s; waiting for it", lacks)


def nodes_of(ray: ModuleType) -> frozenset[str]:
    """Those of the cluster that are alive."""
    return frozenset(node["NodeID"] for node in ray.nodes() if node["Alive"])


def _describe_end(ray: ModuleType, error: Exception) -> str:
    """What became of an actor, in a few words; Ray's own are many lines."""
    text = " ".join(str(error).split())
    if isinstance(error, ray.exceptions.RayTaskError) or getattr(error, "actor_init_failed", False):
        return f"failed: {str(error).strip().splitlines()[-1]}"
    if "node has died" in text or isinstance(error, ray.exceptions.NodeDiedError):
        return "was lost with its node"
    if isinstance(error, ray.exceptions.OutOfMemoryError) or "running low on memory" in text:
        return "was ended, as its node was short of memory"
    if isinstance(error, ray.exceptions.ActorUnavailableError):
        return "could not be reached any more"
    return "was killed or crashed"
