"""Do units in this process, or in several processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from daxaudio.engines.attempts import attempt
from daxaudio.engines.ledger import Ledger
from daxaudio.engines.pool import Pool
from daxaudio.engines.threads import computed_with
from daxaudio.engines.units import Job, Lost, Outcome, Unit


def run_units(
    units: Sequence[Unit],
    job: Job,
    *,
    workers: int = 1,
    devices: Sequence[str] = (),
    time_limit: float | None = None,
    retries: int = 3,
    together: int = 1,
    threads: int | None = 1,
    heard: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Do every unit, and say what became of each; no unit ends the run or is lost.

    A unit that raises ValueError is a problem. One that ends its worker (killed for memory, say),
    raises anything else, or runs past the time limit is begun again, and set aside at last.

    Args:
        units: in the order of work, none twice. Those of one recording that follow each other go
            to one worker.
        job: what is done to them.
        workers: processes, each of which opens the job once. One, without a time limit, is this
            process itself: what kills it ends the run, which can be started again.
        devices: dealt out to the workers in turn, such as "cuda:0"; () leaves it to the job.
        time_limit: seconds that a unit may take.
        retries: a unit that was lost is begun again so many times.
        together: recordings whose units a worker gets together.
        threads: processor threads that compute a unit. Results are equal to the last bit for any
            number of workers, but not for any number of threads; None leaves it as it is.
        heard: told each outcome as soon as it is there.

    Returns:
        Outcomes in the order of the units.

    Raises:
        ValueError: when a number is too small or a unit stands twice; when the job cannot be
            opened, or something is wrong with all units (see `EndsRun`).
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be above 0 seconds, got {time_limit}")
    ledger = Ledger(units, retries=retries, together=together, heard=heard)
    if ledger.over:
        return []
    if workers == 1 and time_limit is None:
        with computed_with(threads):
            _run_here(ledger, job, devices[0] if devices else None)
    else:
        n_workers = min(workers, len(units))
        with Pool(job, n_workers, devices, time_limit=time_limit, threads=threads) as pool:
            pool.work(ledger)
    return ledger.outcomes


def _run_here(ledger: Ledger, job: Job, device: str | None) -> None:
    worker = job.open(device)
    while group := ledger.take():
        for n_done, found in enumerate(attempt(worker, group)):
            if isinstance(found, Lost):
                ledger.lost(group[n_done:], found.why)
                worker = job.open(device)
            else:
                ledger.note(found)
