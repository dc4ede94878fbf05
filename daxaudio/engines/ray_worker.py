"""What a worker on a Ray cluster is: an actor that opens the job once, then does units.

Ray starts it on some node. Nothing here needs Ray.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from daxaudio.engines.attempts import attempt
from daxaudio.engines.threads import computed_with, started_with
from daxaudio.engines.units import EndsRun, Lost, Outcome, Unit, Worker
from daxaudio.runs.files import describe_error
from daxaudio.runs.provenance import versions

_SEEN = 10.0
"""Seconds after which a file that another machine wrote is seen on a network file system."""


class Place(NamedTuple):
    """What a worker must find to be as good as this process.

    Args:
        folder: that relative paths start at.
        versions: of what makes the numbers; others would make other numbers.
        threads: processor threads that compute a unit; None for its own choice.
        device: for the job; None for its own choice.
        mark: a file in the folder of results, which is one for all nodes; None where there is none.
    """

    folder: str
    versions: Mapping[str, str]
    threads: int | None = 1
    device: str | None = None
    mark: str | None = None


class RayWorker:
    """Opens a job and does its units, an outcome a call, so that it is known at which unit it is.

    Example:
        >>> import pickle
        >>> from daxaudio.engines.ray_worker import Place, RayWorker
        >>> RayWorker().open(pickle.dumps(3), Place(".", versions()))
        Lost(why="raised AttributeError while it loaded: 'int' object has no attribute 'open'")
    """

    def __init__(self) -> None:
        self._kept = contextlib.ExitStack()
        self._worker: Worker | None = None
        self._coming: Iterator[Outcome | Lost] = iter(())

    def node(self) -> str:
        """The name of the machine that it is on."""
        return platform.node()

    def open(self, job: bytes, place: Place) -> EndsRun | Lost | None:
        """Load the model; None where all is well.

        Args:
            job: pickled.
            place: what it must find.
        """
        self._kept.enter_context(started_with(place.threads))
        with contextlib.suppress(OSError):  # where all paths are full, it need not be there
            os.chdir(place.folder)
        try:
            self._check(place)
            opened = pickle.loads(job)
            self._kept.enter_context(computed_with(place.threads))
            self._worker = opened.open(place.device)
        except (ValueError, OSError, ImportError) as error:
            return EndsRun(describe_error(error))
        except Exception as error:
            return Lost(f"raised {type(error).__name__} while it loaded: {describe_error(error)}")
        return None

    def go_on(self, units: Sequence[Unit]) -> Outcome | Lost | EndsRun:
        """Do the next unit.

        Args:
            units: to begin with now, together; () for the next of those begun before.
        """
        assert self._worker is not None
        if units:
            self._coming = attempt(self._worker, units)
        try:
            return next(self._coming)
        except EndsRun as error:
            return error

    def _check(self, place: Place) -> None:
        node, own = self.node(), versions()
        for name, version in place.versions.items():
            if own.get(name) != version:
                raise ValueError(
                    f"{node} has {name} {own.get(name)}, and {version} is here: results would "
                    "differ; install the same on all nodes"
                )
        if place.mark is not None and not _is_seen(place.mark):
            raise ValueError(
                f"{node} does not see {os.path.dirname(place.mark)}: results have to go to a "
                "folder that all nodes share under one name"
            )


def _is_seen(path: str) -> bool:
    end = time.monotonic() + _SEEN
    while not os.path.exists(path):
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True
