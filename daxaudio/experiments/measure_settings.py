"""How explanations are measured by those groups of measures that ask the black box."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class MeasureSettings:
    """How explanations are measured.

    Args:
        n_steps: steps of a deletion or insertion curve.
        n_placements: places that the marked bins are moved to, in "srg".
        n_subsets: times that a quarter of the bins is taken away, in "correlation".
        n_parts: bands and windows that are taken away, in "correlation".
        again: recordings whose explanations are made again for "max_sensitivity" and "sanity".
        again_of: another number for some methods, by name.
        again_queries: black-box evaluations of each of these; None for as many as the methods have.
        radius: greatest change of a bin in "max_sensitivity", in dB (see there of other units).
        n_draws: perturbed inputs of "max_sensitivity".
        n_stages: stages of the randomisation of "sanity".
        n_classes: classes that each random model is explained for; the mean over them counts.

    Raises:
        ValueError: when a number is out of range.
    """

    n_steps: int = 32
    n_placements: int = 8
    n_subsets: int = 128
    n_parts: int = 8
    again: int = 10
    again_of: Mapping[str, int] = dataclasses.field(default_factory=dict)
    again_queries: int | None = None
    radius: float = 1.0
    n_draws: int = 3
    n_stages: int = 3
    n_classes: int = 4

    def __post_init__(self) -> None:
        least = {"n_subsets": 2, "n_parts": 3}
        whole = ("n_steps", "n_placements", *least, "again", "n_draws", "n_stages", "n_classes")
        for name in whole:
            if getattr(self, name) < least.get(name, 1):
                raise ValueError(
                    f"{name} must be at least {least.get(name, 1)}, got {getattr(self, name)}"
                )
        if not 0 < self.radius < math.inf:
            raise ValueError(f"radius must be above 0 dB and finite, got {self.radius}")
        if self.again_queries is not None and self.again_queries < 10:
            raise ValueError(f"again_queries must be at least 10, got {self.again_queries}")
        if not isinstance(self.again_of, Mapping) or not all(
            type(number) is int and number >= 0 for number in self.again_of.values()
        ):
            raise ValueError(
                f"again_of must give methods a whole number each, such as {{dax_v2: 3}}, got "
                f"{self.again_of!r}"
            )

    def of_group(self, group: str) -> dict[str, Any]:
        """Those settings that the values of a group depend on."""
        names = {
            "deletion": ("n_steps",),
            "srg": ("n_steps", "n_placements"),
            "faithfulness": (),
            "correlation": ("n_subsets", "n_parts"),
            "road": (),
            "same_form": (),
            "max_sensitivity": ("again_queries", "radius", "n_draws"),
            "sanity": ("again_queries", "n_stages", "n_classes"),
        }[group]
        return {name: getattr(self, name) for name in names}
