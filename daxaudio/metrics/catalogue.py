"""Every measure that a comparison writes: one row a measure.

To add a measure: its function in this folder, its row here, and where its group is computed. The
documentation, legends, pictures and tables read the rows; nothing else lists measures.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

Better = Literal["higher", "lower", "neither"]

Need = Literal["events", "queries", "classes", "explainer", "module"]
"""What a measure needs beside the explanation: true events in time; queries to the black box;
explanations of other classes; to explain again; the module behind the black box."""


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


_PAPER = "Bhattacharya et al., DAX"
_RISE = "Petsiuk et al. 2018 (RISE)"
_LMAC = "Paissan et al. 2024 (L-MAC)"
_EVENT_SHARE = "the event's share of the time"


def _localisation(
    name: str, text: str, definition: str, source: str, chance: str = _EVENT_SHARE
) -> Measure:
    return Measure(
        name,
        text,
        definition,
        group="localisation",
        better="higher",
        source=source,
        chance=chance,
        needs=("events",),
    )


def _curve(
    name: str, text: str, definition: str, needs: tuple[Need, ...] = ("queries",)
) -> Measure:
    return Measure(
        name,
        text,
        f"{definition} The score over the share that has changed, from 0 to 1: the area under it, "
        "by trapezoids. Parts that the mask does not tell apart change in a drawn order.",
        group="deletion",
        better="lower" if name.startswith("deletion") else "higher",
        source=_RISE,
        unit="probability",
        needs=needs,
    )


def _of_masked_input(
    name: str, text: str, definition: str, source: str, better: Better = "higher", low: float = 0.0
) -> Measure:
    return Measure(
        name,
        text,
        f"{definition}; p, q and r are the class's probability for the input, for the part that "
        "the mask keeps, and for what it leaves.",
        group="faithfulness",
        better=better,
        source=source,
        low=low,
        needs=("queries",),
    )


_ROWS = (
    _localisation(
        "iou",
        "event against frames above mean + std",
        "Frames that are in both over frames that are in either: those whose profile (mean of the "
        "mask over frequency) is above its mean plus one standard deviation, and those whose "
        "centre is in an event. A perfect mask of an event that takes half of "
        "the time or more scores 0.",
        _PAPER,
        chance="",
    ),
    _localisation(
        "best_threshold_iou",
        "the same at the best threshold",
        "The greatest `iou` over all thresholds of the profile. The truth chooses the threshold: "
        "an upper bound, to be compared with itself alone.",
        "upper bound of `iou`",
    ),
    _localisation(
        "frame_auc",
        "event frames ranked above others",
        "The chance that the profile of a frame in an event is above that of one outside, ties "
        "counting half: the area under the ROC curve.",
        "Hanley and McNeil 1982",
        chance="0.5",
    ),
    _localisation(
        "average_precision",
        "precision over recall of frames",
        "The sum over all thresholds of the precision of the frames above, times the recall that "
        "each threshold adds; nothing is interpolated.",
        "information retrieval, as scikit-learn",
    ),
    _localisation(
        "event_iou",
        "each event against its own run",
        "The mean over the events of the IoU with the one run of frames (above mean + std) that it "
        "is paired with, one to one, so that the sum is greatest; 0 without a partner.",
        "after sed_eval (Mesaros et al. 2016)",
        chance="",
    ),
    _localisation(
        "pointing_game",
        "the greatest bin lies in the event",
        "1 when the greatest bin of the mask is in a frame of an event, else 0; of several "
        "greatest bins, their share in events.",
        "Zhang et al. 2018",
    ),
    _localisation(
        "relevance_mass",
        "share of the mask in the event",
        "The sum of the mask over the frames of events, over the sum of the whole mask.",
        "Arras et al. 2022 (CLEVR-XAI)",
    ),
    _curve(
        "deletion_auc",
        "score while the best bins go",
        "Bins become the background, those that the mask ranks highest first.",
    ),
    _curve(
        "insertion_auc",
        "score while the best bins come",
        "The background becomes the input, bins that the mask ranks highest first.",
    ),
    _curve(
        "deletion_auc_noise",
        "deletion, filled with noise",
        "As `deletion_auc`, with noise as background.",
    ),
    _curve(
        "insertion_auc_noise",
        "insertion, into noise",
        "As `insertion_auc`, with noise as background.",
    ),
    _curve(
        "deletion_auc_frames",
        "deletion of whole frames",
        "As `deletion_auc`, whole frames by the mean of the mask over frequency.",
    ),
    _curve(
        "insertion_auc_frames",
        "insertion of whole frames",
        "As `insertion_auc`, whole frames by the mean of the mask over frequency.",
    ),
    _curve(
        "deletion_auc_events",
        "deletion of whole events",
        "As `deletion_auc`, whole stretches between the borders of events, by the mean of the mask "
        "in each.",
        ("events", "queries"),
    ),
    _curve(
        "insertion_auc_events",
        "insertion of whole events",
        "As `insertion_auc`, whole stretches between the borders of events, by the mean of the "
        "mask in each.",
        ("events", "queries"),
    ),
    _of_masked_input(
        "average_drop",
        "share of the score lost when masked",
        "max(0, p - q) / p",
        "Chattopadhay et al. 2018 (Grad-CAM++)",
        "lower",
    ),
    _of_masked_input(
        "average_increase",
        "the masked input scores more",
        "1 when q > p, else 0",
        "Chattopadhay et al. 2018 (Grad-CAM++)",
    ),
    _of_masked_input(
        "average_gain",
        "share of the room above gained",
        "max(0, q - p) / (1 - p)",
        "Zhang et al. 2023 (Opti-CAM)",
    ),
    _of_masked_input(
        "faithfulness", "score lost without the mask's part", "p - r", _LMAC, low=-1.0
    ),
    _of_masked_input(
        "input_fidelity",
        "masked input, same class",
        "1 when the part that the mask keeps has the most probable class of the input, else 0",
        _LMAC,
    ),
    Measure(
        "sparseness",
        "Gini index of the mask",
        "How unequally the absolute values are spread over the n bins: 0 when all are the same, "
        "1 - 1/n when all is in one bin.",
        group="form",
        better="neither",
        source="Chalasani et al. 2020",
        unit="Gini index",
    ),
    Measure(
        "complexity",
        "entropy of the mask, nats",
        "-sum s log(s) over the bins, s each bin's share of the sum of absolute values: 0 when all "
        "is in one bin, log(n) when all n bins are the same.",
        group="form",
        better="neither",
        source="Bhatt et al. 2020",
        high=math.inf,
        unit="nats",
        decimals=2,
    ),
    Measure(
        "wrong_label_iou",
        "IoU, explained for a random wrong class",
        "`iou` of the mask that is found when the method is asked to explain a class that is drawn "
        "from the wrong ones; a method that listens to the model finds no event for it.",
        group="labels",
        better="lower",
        source=_PAPER,
        needs=("events", "classes"),
    ),
    Measure(
        "wrong_label_correlation",
        "mask against that of a wrong class",
        "Spearman's rank correlation of the masks of the true class and of the drawn wrong one, "
        "over all bins.",
        group="labels",
        better="lower",
        source="after `wrong_label_iou`",
        low=-1.0,
        chance="0",
        unit="rank correlation",
        needs=("classes",),
    ),
    Measure(
        "runner_up_iou",
        "IoU, explained for the runner-up",
        "As `wrong_label_iou`, for the most probable of the wrong classes.",
        group="labels",
        better="lower",
        source=_PAPER,
        needs=("events", "classes"),
    ),
    Measure(
        "runner_up_correlation",
        "mask against the runner-up's",
        "As `wrong_label_correlation`, for the most probable of the wrong classes.",
        group="labels",
        better="lower",
        source="after `runner_up_iou`",
        low=-1.0,
        chance="0",
        unit="rank correlation",
        needs=("classes",),
    ),
    Measure(
        "wrongly_predicted_iou",
        "IoU where the model errs",
        "`iou` on recordings that the model gets wrong, explained for the class that it predicts: "
        "what led it astray should not be the event.",
        group="wrongly_predicted",
        better="lower",
        source=_PAPER,
        needs=("events",),
    ),
    Measure(
        "max_sensitivity",
        "change under small noise",
        "max |E(x + d) - E(x)| / |E(x)| over several draws of the noise d, uniform within 1 dB; "
        "E is the mask, |.| the Euclidean norm over all bins.",
        group="max_sensitivity",
        better="lower",
        source="Yeh et al. 2019",
        high=math.inf,
        unit="ratio",
        needs=("queries", "explainer"),
    ),
    Measure(
        "randomisation_correlation",
        "mask against a random model's, mean over classes",
        "Spearman's rank correlation of the mask with those that are found when all layers of the "
        "model are shuffled; the mean over several classes. Far from 0, the mask shows the "
        "recording and not the model.",
        group="sanity",
        better="neither",
        source="Adebayo et al. 2018",
        low=-1.0,
        chance="0",
        unit="rank correlation",
        needs=("queries", "explainer", "module"),
    ),
    Measure(
        "randomisation_absolute",
        "the same regardless of sign",
        "The mean of the absolute values of these correlations: a mask and its opposite count as "
        "the same.",
        group="sanity",
        better="lower",
        source="Adebayo et al. 2018",
        unit="rank correlation",
        needs=("queries", "explainer", "module"),
    ),
    Measure(
        "randomisation_ssim",
        "mask against a random model's, SSIM",
        "The mean structural similarity of these masks and that of the trained model, each scaled "
        "to [0, 1], in windows of 7 x 7.",
        group="sanity",
        better="lower",
        source="Adebayo et al. 2018",
        low=-1.0,
        unit="structural similarity",
        needs=("queries", "explainer", "module"),
    ),
)

MEASURES = {row.name: row for row in _ROWS}
"""Every measure by the name that tables use, in the order of tables."""

GROUPS = {
    group: tuple(row.name for row in _ROWS if row.group == group)
    for group in dict.fromkeys(row.group for row in _ROWS)
}
"""Measures that are computed together, by the name that `daxaudio compare --metrics` takes."""


def groups_that_need(need: Need) -> tuple[str, ...]:
    """Groups of which no measure can be had without something.

    Example:
        >>> groups_that_need("events")
        ('localisation', 'wrongly_predicted')
    """
    return tuple(
        group
        for group, names in GROUPS.items()
        if all(need in MEASURES[name].needs for name in names)
    )
