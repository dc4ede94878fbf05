"""Which units wait, which were lost and how often, and what became of all: the same for any engine.

An engine takes groups of units from the ledger, notes each outcome, and says which units a worker
held when it was lost. The unit at which it was is tried again, last of all and alone; after so many
times it is set aside. The units behind it are not to blame, and go to the next worker.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

from daxaudio.engines.units import Outcome, Unit, group_units


class Ledger:
    """The units of a run, each of which ends with one outcome.

    Args:
        units: in the order of work, none twice.
        retries: a unit that was lost is begun again so many times.
        together: recordings whose units a worker gets together.
        heard: told each outcome, once.

    Raises:
        ValueError: when a unit stands twice, or a number is too small.

    Example:
        >>> ledger = Ledger([Unit("a", "lime"), Unit("b", "lime")], retries=0)
        >>> ledger.lost(ledger.take(), "was killed")
        >>> ledger.note(Outcome(ledger.take()[0]))
        >>> [(outcome.unit.recording_id, outcome.state) for outcome in ledger.outcomes]
        [('a', 'set aside'), ('b', 'done')]
    """

    def __init__(
        self,
        units: Sequence[Unit],
        *,
        retries: int = 3,
        together: int = 1,
        heard: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        if retries < 0 or together < 1:
            raise ValueError(f"retries must be at least 0, together 1; got {retries}, {together}")
        self.retries = retries
        self._found: dict[Unit, Outcome | None] = dict.fromkeys(units)
        if len(self._found) != len(units):
            twice = next(unit for unit, n in Counter(units).items() if n > 1)
            raise ValueError(f"the unit {twice.job} of {twice.recording_id!r} stands twice")
        self._waiting = deque(group_units(units, together))
        self._lost: Counter[Unit] = Counter()
        self._heard, self._n_open = heard, len(units)

    @property
    def over(self) -> bool:
        """Whether every unit has its outcome."""
        return self._n_open == 0

    @property
    def outcomes(self) -> list[Outcome]:
        """What became of the units so far, in their order."""
        return [outcome for outcome in self._found.values() if outcome is not None]

    def take(self) -> tuple[Unit, ...]:
        """Units to be done next, together; none where all that are left are with workers."""
        return self._waiting.popleft() if self._waiting else ()

    def give_back(self, units: Sequence[Unit]) -> None:
        """These were taken and not begun; they go to the next worker."""
        if units:
            self._waiting.appendleft(tuple(units))

    def note(self, outcome: Outcome) -> None:
        """A unit is over; what is said of it again is not heard."""
        if self._found[outcome.unit] is None:
            outcome = outcome._replace(n_lost=self._lost[outcome.unit])
            self._found[outcome.unit] = outcome
            self._n_open -= 1
            self._heard(outcome)

    def lost(self, units: Sequence[Unit], why: str) -> None:
        """A worker ended, was stopped or failed while it held units.

        Args:
            units: those that it had not finished; it was at the first.
            why: what happened to it, such as "was killed by signal 9".
        """
        if not units:
            return
        culprit, *others = units
        self.give_back(others)
        self._lost[culprit] += 1
        n = self._lost[culprit]
        if n <= self.retries:
            self._waiting.append((culprit,))
            return
        times = "once" if n == 1 else f"{n} times"
        self.note(Outcome(culprit, "set aside", f"was begun {times}; its worker {why}"))
