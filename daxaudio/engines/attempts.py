"""What a worker does with a group of units, wherever it runs: errors of units become outcomes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence

from daxaudio.engines.units import EndsRun, Lost, Outcome, Unit, Worker
from daxaudio.runs.files import describe_error


def attempt(worker: Worker, units: Sequence[Unit]) -> Iterator[Outcome | Lost]:
    """Do units one after the other, each outcome as soon as it is there.

    Args:
        worker: an opened job.
        units: that belong together.

    Yields:
        An outcome for each unit, in their order, with the seconds that it took. One that raises
        ValueError is a problem, and those behind it are done all the same. Where it raises anything
        else, that it is lost, and no more: it should not be asked again.

    Raises:
        EndsRun: when something is wrong with all units.

    Example:
        >>> from daxaudio.engines.units import one_by_one
        >>> def halve(unit):
        ...     return Outcome(unit, n_queries=10 // len(unit.recording_id))
        >>> units = [Unit("aa", "half"), Unit("", "half")]
        >>> done, lost = attempt(one_by_one(halve), units)
        >>> done.n_queries, lost.why
        (5, 'raised ZeroDivisionError: integer division or modulo by zero')
    """
    left = deque(units)
    coming: Iterator[Outcome] = iter(())
    fresh = True
    while left:
        began = time.perf_counter()
        try:
            if fresh:
                coming, fresh = iter(worker(tuple(left))), False
            outcome = next(coming)
            if outcome.unit != left[0]:
                raise RuntimeError(f"the job speaks of {outcome.unit}")
        except EndsRun:
            raise
        except ValueError as error:
            outcome, fresh = Outcome(left[0], "problem", describe_error(error)), True
        except Exception as error:  # whatever it is, it is listed with the unit
            yield Lost(f"raised {type(error).__name__}: {describe_error(error)}".rstrip(": "))
            return
        left.popleft()
        yield outcome._replace(seconds=time.perf_counter() - began)
