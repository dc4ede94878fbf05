"""How the units of a run are done: chosen once, and handed to whatever has units to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from daxaudio.engines.run import run_units
from daxaudio.engines.units import Job, Outcome, Unit


class Engine(Protocol):
    """Does units, and says what became of each."""

    @property
    def here(self) -> bool:
        """Whether units are done by this very process, so that a job need not be pickled."""

    @property
    def n_workers(self) -> int:
        """How many units are done at a time, about."""

    def run(
        self,
        units: Sequence[Unit],
        job: Job,
        *,
        together: int = 1,
        heard: Callable[[Outcome], None] = lambda outcome: None,
    ) -> list[Outcome]:
        """Do every unit; see `run_units`."""


@dataclasses.dataclass(frozen=True)
class Local:
    """Units are done on this machine, by this process or by several.

    Args:
        workers: processes; one, without a time limit, is this process.
        devices: dealt out to the workers in turn; () leaves it to the job.
        time_limit: seconds that a unit may take.
        retries: a unit that was lost is begun again so many times.
        threads: processor threads of each worker; None for 1, and for what this process has where
            it does the units itself.

    Example:
        >>> from daxaudio.engines.units import one_by_one
        >>> class Counting:
        ...     def open(self, device):
        ...         return one_by_one(lambda unit: Outcome(unit, n_queries=1))
        >>> [outcome.state for outcome in Local().run([Unit("a", "count")], Counting())]
        ['done']
    """

    workers: int = 1
    devices: tuple[str, ...] = ()
    time_limit: float | None = None
    retries: int = 3
    threads: int | None = None

    @property
    def here(self) -> bool:
        """Whether this process does the units."""
        return self.workers == 1 and self.time_limit is None

    @property
    def n_workers(self) -> int:
        """Processes that do units."""
        return self.workers

    def run(
        self,
        units: Sequence[Unit],
        job: Job,
        *,
        together: int = 1,
        heard: Callable[[Outcome], None] = lambda outcome: None,
    ) -> list[Outcome]:
        """Do every unit; see `run_units`."""
        return run_units(
            units,
            job,
            workers=self.workers,
            devices=self.devices,
            time_limit=self.time_limit,
            retries=self.retries,
            threads=self.threads if self.here else self.threads or 1,
            together=together,
            heard=heard,
        )


HERE = Local()
"""This process, by as many threads as it has."""
