"""Worker processes on this machine: each opens the job once; one that is lost is replaced."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from tqdm import tqdm

from daxaudio.engines.attempts import attempt
from daxaudio.engines.ledger import Ledger
from daxaudio.engines.limits import limit_of, took_too_long
from daxaudio.engines.threads import computed_with, started_with
from daxaudio.engines.units import EndsRun, Job, Lost, Outcome, Unit
from daxaudio.runs.files import describe_error

logger = logging.getLogger(__name__)

_ENDING = 5.0
"""Seconds that workers have to end by themselves when all units are done."""

_OPENINGS = 5
"""A worker that was lost so many times in a row before its job was open is not replaced."""

_LATE = ("torchaudio", "torchvision", "soundfile")
"""Packages that take long to import, and that ours import when they are needed."""

_READY = "ready"
"""What a worker says when its job is open."""


@dataclasses.dataclass(eq=False)
class _Slot:
    """A place for one worker process, and what it is at."""

    device: str | None
    process: BaseProcess | None = None
    pipe: Connection | None = None
    ready: bool = False
    units: tuple[Unit, ...] = ()
    since: float = 0.0
    n_failed: int = 0
    end: str = ""


class Pool:
    """Worker processes that do the units of a ledger; a context that ends them all.

    Each has a pipe of its own, as a lock that several share would stay locked when its holder is
    killed.

    Args:
        job: sent to each worker.
        n_workers: processes.
        devices: dealt out in turn.
        time_limit: seconds that a unit may take; None for any.
        threads: of each worker; None for its own choice.
    """

    def __init__(
        self,
        job: Job,
        n_workers: int,
        devices: Sequence[str] = (),
        *,
        time_limit: float | None = None,
        threads: int | None = 1,
    ) -> None:
        self.job, self.time_limit, self.threads = job, time_limit, threads
        self.slots = [
            _Slot(devices[i % len(devices)] if devices else None) for i in range(n_workers)
        ]
        self._context = _context()

    def __enter__(self) -> Pool:
        for slot in self.slots:
            self._start(slot)
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        for slot in self.slots:
            if slot.pipe is not None:
                slot.pipe.close()  # they end when they next read it
        end = time.monotonic() + (0.0 if failed else _ENDING)
        for slot in self.slots:
            _stop(slot, patience=max(0.0, end - time.monotonic()))

    def work(self, ledger: Ledger) -> None:
        """Until every unit of the ledger has its outcome; raises as `run_units`."""
        while not ledger.over:
            for slot in self.slots:
                if slot.ready and not slot.units:
                    self._deal(slot, ledger)
            pipes = {slot.pipe: slot for slot in self.slots if slot.pipe is not None}
            if not pipes:
                why = self.slots[-1].end
                raise EndsRun(
                    f"no worker is left: each was lost while it loaded the model; the last {why}; "
                    "if memory is short, start again with fewer workers"
                )
            for pipe in wait(list(pipes), self._patience()):
                self._hear(pipes[pipe], ledger)  # type: ignore[index]
            for slot in self.slots:
                if slot.pipe is not None and time.monotonic() > self._end_of(slot):
                    self._lost(slot, ledger, took_too_long(slot.ready, self.time_limit or 0.0))

    def _start(self, slot: _Slot) -> None:
        slot.pipe, theirs = self._context.Pipe()
        slot.process = self._context.Process(
            target=_serve, args=(theirs, self.job, slot.device, self.threads), daemon=True
        )
        with started_with(self.threads):
            slot.process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        slot.ready, slot.units, slot.since = False, (), time.monotonic()

    def _deal(self, slot: _Slot, ledger: Ledger) -> None:
        slot.units, slot.since = ledger.take(), time.monotonic()
        if slot.units and slot.pipe is not None:
            with contextlib.suppress(OSError):  # it ended: the pipe says so when it is read
                slot.pipe.send(slot.units)

    def _hear(self, slot: _Slot, ledger: Ledger) -> None:
        """Read what a worker says; one that says nothing any more is lost."""
        assert slot.pipe is not None
        try:
            said = slot.pipe.recv()
        except (EOFError, OSError):
            self._lost(slot, ledger, "")
            return
        slot.since = time.monotonic()
        if isinstance(said, EndsRun):
            raise said
        if isinstance(said, Outcome):
            slot.units = slot.units[1:]
            ledger.note(said)
        elif isinstance(said, Lost):
            self._lost(slot, ledger, said.why)
        else:
            slot.ready, slot.n_failed = True, 0

    def _lost(self, slot: _Slot, ledger: Ledger, why: str) -> None:
        """End a worker for good, say so of the unit at which it was, and put another in its place.

        A worker that ended by itself between two units, or while it loaded the model, is no unit's
        fault.
        """
        code = _stop(slot, patience=0.0 if why else 5.0)
        slot.end = why = why or _describe_end(code)
        at = f" at {slot.units[0].job} of {slot.units[0].recording_id}" if slot.units else ""
        logger.warning("a worker is lost%s: it %s", at, why)
        ledger.lost(slot.units, why)
        slot.units = ()
        slot.n_failed += not slot.ready
        if slot.n_failed < _OPENINGS and not ledger.over:
            self._start(slot)

    def _end_of(self, slot: _Slot) -> float:
        """When a worker is past its time."""
        if self.time_limit is None or (slot.ready and not slot.units):
            return float("inf")
        return slot.since + limit_of(slot.ready, self.time_limit)

    def _patience(self) -> float | None:
        """Seconds until a worker is past its time."""
        end = min(self._end_of(slot) for slot in self.slots if slot.pipe is not None)
        return None if end == float("inf") else max(0.0, end - time.monotonic())


def _context() -> Any:
    """How processes are started: as copies of one that has imported what this one has, and no more.

    It holds no model, no lock and no device, so that a copy of it is as good as a new process, and
    is there at once. Where the system has no such copies, each process imports for itself.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    known = [name for name in sys.modules if name.split(".")[0] == "daxaudio" or name in _LATE]
    context.set_forkserver_preload(known)  # does nothing where the first process is there already
    return context


def _stop(slot: _Slot, patience: float = 0.0) -> int | None:
    """End the process of a slot, if it has one; gives its exit code."""
    if slot.process is None or slot.pipe is None:
        return None
    if patience > 0.0:
        slot.process.join(patience)
    slot.process.kill()
    slot.process.join()
    slot.pipe.close()
    code, slot.pipe = slot.process.exitcode, None
    slot.process.close()
    slot.process = None
    return code


def _describe_end(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def _serve(pipe: Connection, job: Job, device: str | None, threads: int | None) -> None:
    """A worker process: opens the job, then does what comes through the pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it ends it
    tqdm.set_lock(threading.RLock())  # its own would outlive a process that is killed
    lost = contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError)
    with lost, started_with(threads), computed_with(threads):
        pipe.send(_serve_until_lost(pipe, job, device))


def _serve_until_lost(pipe: Connection, job: Job, device: str | None) -> EndsRun | Lost:
    """What must be said last."""
    try:
        worker = job.open(device)
    except (ValueError, OSError) as error:
        return EndsRun(describe_error(error))
    except Exception as error:
        return Lost(f"raised {type(error).__name__} while it loaded: {describe_error(error)}")
    pipe.send(_READY)
    while True:
        try:
            for found in attempt(worker, pipe.recv()):
                if isinstance(found, Lost):
                    return found
                pipe.send(found)
        except EndsRun as error:
            return error
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            return Lost(f"gave an outcome that cannot be sent: {describe_error(error)}")
