"""How far the units are: units and queries a second, and the time left."""

from __future__ import annotations

from daxaudio.engines.units import Outcome
from daxaudio.runs.progress import WorkProgress


class UnitProgress(WorkProgress):
    """A bar over units, with what they asked of models, wherever they are done.

    Args:
        what: is being done, such as "explaining".
        n_units: how many.

    Example:
        >>> from daxaudio.engines.units import Unit
        >>> with UnitProgress("explaining", 1) as progress:
        ...     progress.heard(Outcome(Unit("a", "lime"), n_queries=1000))
    """

    def __init__(self, what: str, n_units: int) -> None:
        self.n_heard = 0
        super().__init__(what, n_units, lambda: self.n_heard, unit=" units")

    def heard(self, outcome: Outcome) -> None:
        """A unit is over."""
        self.n_heard += outcome.n_queries
        self.advance(*outcome.unit)
