"""What there is to say of a measure: one row of the catalogue."""

from __future__ import annotations

import dataclasses
from typing import Literal

Better = Literal["higher", "lower", "neither"]

Need = Literal["events", "evidence", "queries", "classes", "explainer", "module"]
"""What a measure needs beside the explanation: true events in time; evidence that is known in time
and frequency; queries to the black box; explanations of other classes; to explain again; the module
behind the black box."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """What a number in a table means.

    Args:
        name: as tables and commands write it.
        text: one line that says what is measured.
        definition: the formula, in a sentence or two.
        group: measures that are computed together, by the name that `--metrics` takes.
        better: which way is better; "neither" for a description that is no merit by itself.
        low: least value.
        high: greatest value.
        chance: what a mask that knows nothing scores, where that can be said.
        source: where it was first defined.
        unit: of the values.
        needs: what it needs beside the explanation.
        decimals: how many digits after the point are shown.
        of_set: of a method over a whole set of recordings: it stands in summaries alone.
    """

    name: str
    text: str
    definition: str
    _: dataclasses.KW_ONLY
    group: str
    better: Better
    source: str
    low: float = 0.0
    high: float = 1.0
    chance: str = ""
    unit: str = "share"
    needs: tuple[Need, ...] = ()
    decimals: int = 3
    of_set: bool = False


PAPER = "Bhattacharya et al., DAX"
"""Source of the measures of the method that this package grew from."""
