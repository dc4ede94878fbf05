"""What differs between participants for other reasons than the illness, and to whom it is dealt.

Each participant has, or has not, each of four nuisances:

    hum         a steady hum in the room
    level       the recording is louder
    bandwidth   it went through a codec of telephone bandwidth
    site        it was made at the second site: another room, other microphones

One of them may be made a confounder. Its `strength` s is the association with the class: of the
positives a share (1 + s) / 2 has it, of the negatives (1 - s) / 2, so that s is the difference of
the two shares. At 1 all positives and no negative have it, at 0 it says nothing. The other
nuisances are at 0.

They are dealt evenly: among four in a row of one class the number who have it is right to the
nearest, and which of the four is drawn. So no nuisance goes with the class by luck. `by_chance`
throws a coin for each participant instead, as life does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .cough_sounds import draws_for

KINDS = ("hum", "level", "bandwidth", "site")
"""The nuisances; each can be made a confounder."""

DEALINGS = ("evenly", "by_chance")
"""How nuisances are dealt."""

_BLOCK = 4


@dataclasses.dataclass(frozen=True)
class Nuisances:
    """Of one participant.

    Args:
        hum: whether it hums.
        level: whether it is the louder kind.
        bandwidth: whether a codec cut the band.
        site: whether it is the second site.
    """

    hum: bool = False
    level: bool = False
    bandwidth: bool = False
    site: bool = False


@dataclasses.dataclass(frozen=True)
class Confounding:
    """Which nuisance goes with the class, and how much.

    Args:
        kind: one of `KINDS`, or "none".
        strength: difference of the shares of positives and negatives who have it, 0 to 1.
        dealing: one of `DEALINGS`.

    Raises:
        ValueError: when a name is not known, the strength is out of range, or there is a strength
            of no confounder.
    """

    kind: str = "none"
    strength: float = 1.0
    dealing: str = "evenly"

    def __post_init__(self) -> None:
        for name, value, values in (
            ("confounder", self.kind, ("none", *KINDS)),
            ("dealing", self.dealing, DEALINGS),
        ):
            if value not in values:
                raise ValueError(f"{name} must be one of {', '.join(values)}, got {value!r}")
        if not 0 <= self.strength <= 1:
            raise ValueError(
                "strength of the confounder must lie in [0, 1], the difference of the shares of "
                f"positives and negatives who have it, got {self.strength}"
            )

    def share(self, kind: str, positive: bool) -> float:
        """Share of a class that has a nuisance.

        Example:
            >>> Confounding("hum", 0.5).share("hum", positive=True)
            0.75
        """
        strength = self.strength if kind == self.kind else 0.0
        return (1 + strength if positive else 1 - strength) / 2


def deal_nuisances(
    positive: Sequence[bool], confounding: Confounding, seed: int, *names: object
) -> list[Nuisances]:
    """Deal all nuisances to participants.

    Args:
        positive: the class of each, in order.
        confounding: what goes with the class.
        seed: seed of the corpus.
        names: of those they are dealt to, such as "test".

    Returns:
        What each has.

    Example:
        >>> dealt = deal_nuisances([True, False] * 4, Confounding("hum"), seed=0)
        >>> [nuisances.hum for nuisances in dealt]
        [True, False, True, False, True, False, True, False]
    """
    has = {kind: np.zeros(len(positive), dtype=bool) for kind in KINDS}
    for kind in KINDS:
        for of_class in (True, False):
            places = [k for k, own in enumerate(positive) if own == of_class]
            share = confounding.share(kind, of_class)
            if confounding.dealing == "by_chance":
                draws = draws_for(seed, "coin of nuisance", *names, kind, of_class)
                has[kind][places] = draws.random(len(places)) < share
            else:
                has[kind][places] = deal(len(places), share, seed, *names, kind, of_class)
    return [Nuisances(**{kind: bool(has[kind][k]) for kind in KINDS}) for k in range(len(positive))]


def deal(n: int, share: float, seed: int, *names: object) -> np.ndarray:
    """Say yes to a share of `n`, as evenly as it goes within each four in a row.

    Args:
        n: how many are asked.
        share: 0 to 1.
        seed: seed of the corpus.
        names: what it is for.

    Returns:
        `[n]`, bool; the first ones are the same for any `n` but for those of the last four.

    Example:
        >>> int(deal(40, 0.75, 0, "hum").sum())
        30
    """
    counts = np.array([math.floor(k * share + 0.5) for k in range(n + 1)])
    dealt = np.diff(counts).astype(bool)
    for first in range(0, n, _BLOCK):
        draws = draws_for(seed, "deal", *names, first)
        dealt[first : first + _BLOCK] = draws.permutation(dealt[first : first + _BLOCK])
    return dealt
