"""What is left of the difference between methods when all their maps are brought into one form.

A mask with steps in time is held for better than a peak that knows as much, by measures with a
threshold. Here the map that a method found is given the form of another method's mask, the same for
all, and measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from daxaudio.containers import Explanation
from daxaudio.experiments.measure_groups import Asking, Found, faithfulness_of
from daxaudio.explainers.attribution import map_of
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.dax.closed_form import when_and_where
from daxaudio.explainers.dax.named_part import in_form
from daxaudio.metrics import best_threshold_iou, frame_auc, iou

InForm = Callable[[Tensor, Asking], Tensor]
"""Maps `[M, F, T]`, one a method, and what may be asked about them, to masks `[M, F, T]`."""

FORMS: dict[str, InForm] = {
    "v4_form": lambda maps, asking: when_and_where(maps),
    "v5_form": lambda maps, asking: in_form(maps),
}
"""Forms by the end of their measures' names, those of `daxaudio.metrics.rows_of_forms`."""

_AGAINST_EVENTS = (iou, best_threshold_iou, frame_auc)


def find_same_form(asking: Asking) -> Iterator[Found]:
    """IoU and average drop of every method's map in the form of DAX V4's, and of DAX V5's, mask."""
    maps = torch.stack([unformed(explanation) for explanation in asking.explanations])
    found: list[dict[str, Any]] = [{} for _ in maps]
    for form, formed in FORMS.items():
        masks = formed(maps, asking)
        drops = faithfulness_of(asking, masks)
        for own, mask, drop in zip(found, masks, drops, strict=True):
            if asking.events:
                line = mask.mean(dim=0), asking.spectrogram.times, asking.events
                for measure in _AGAINST_EVENTS:
                    own[f"{measure.__name__}_in_{form}"] = measure(*line)
            own[f"average_drop_in_{form}"] = drop["average_drop"]
    yield from ({"values": own} for own in found)


def unformed(explanation: Explanation) -> Tensor:
    """What a method found of each bin, `[F, T]`, as its mask shows it but without a form.

    Masks of most methods are their attribution, scaled, or the part of it that speaks for the
    class: then the mask is taken. Where the mask has a form of its own, the attribution is.
    """
    row = METHODS.get(explanation.method)
    return map_of(explanation) if row and row.has_form else explanation.mask
