"""How rarely a classifier is accused that listens to the events alone.

An accusation is what an audit says a classifier listens to beside the events: a confounder that is
named, or a score that follows the background when sounds are exchanged. All accusations rest on
three families of tests. Each family has an equal part of `alpha` (Bonferroni), and is corrected by
Holm's method within it, whatever its tests have to do with each other; so that the audit as a whole
accuses nobody wrongly more often than in `alpha` of corpora.

What compares groups of recordings (subgroups, right and wrong) accuses nobody of listening to
something else; it is held to `alpha` in its own section. What rests on an interval alone (masks,
matching, calibration) is held to `confidence`.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from daxaudio.audit.questions import Questions

Family = Literal["label", "follows", "swaps"]
"""What tells the label apart; whether the score follows it; what exchanged sounds do to the score,
with background alone."""

FAMILIES: tuple[Family, ...] = get_args(Family)

_DRAWS = 5
"""Times that the least p-value, once it is corrected, goes into what it must be below."""


def alpha_of(family: Family, questions: Questions) -> float:
    """The part of `alpha` that a family of tests may spend, once it is corrected by Holm.

    Raises:
        ValueError: when there is no such family.

    Example:
        >>> round(alpha_of("swaps", Questions(alpha=0.06)), 6)
        0.02
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r}")
    return questions.alpha / len(FAMILIES)


def n_draws(n_tests: int, questions: Questions) -> int:
    """Shuffles or flips of signs of each test: so many that the least p-value can accuse.

    Args:
        n_tests: of the family.
        questions: `n_permutations`, the least, and `alpha`.

    Example:
        >>> n_draws(6, Questions()), n_draws(30, Questions())
        (1999, 9000)
    """
    least = _DRAWS * n_tests * len(FAMILIES) / questions.alpha
    return max(questions.n_permutations, math.ceil(least - 1e-9))
