"""Every measure that a comparison writes: its direction, range and source, and the groups."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

Better = Literal["higher", "lower", "neither"]


@dataclasses.dataclass(frozen=True)
class Measure:
    """What a number in a table means.

    Args:
        text: one line that says what is measured.
        better: which way is better; "neither" for a description that is no merit by itself.
        low: least value.
        high: greatest value.
        source: where it was first defined.
    """

    text: str
    better: Better
    low: float
    high: float
    source: str


_INF = math.inf
_PAPER = "Bhattacharya et al., DAX"
_RISE = "Petsiuk et al. 2018"
_LMAC = "Paissan et al. 2024 (L-MAC)"

MEASURES = {
    "iou": Measure("event against frames above mean + std", "higher", 0, 1, _PAPER),
    "best_threshold_iou": Measure("the same at the best threshold", "higher", 0, 1, "upper bound"),
    "frame_auc": Measure("event frames ranked above others", "higher", 0, 1, "area under ROC"),
    "average_precision": Measure("precision over recall of frames", "higher", 0, 1, "retrieval"),
    "event_iou": Measure("each event against its own run", "higher", 0, 1, "sed_eval, matched"),
    "pointing_game": Measure("the greatest bin lies in the event", "higher", 0, 1, "Zhang 2018"),
    "relevance_mass": Measure("share of the mask in the event", "higher", 0, 1, "Arras 2022"),
    "deletion_auc": Measure("score while the best bins go", "lower", 0, 1, _RISE),
    "insertion_auc": Measure("score while the best bins come", "higher", 0, 1, _RISE),
    "deletion_auc_noise": Measure("deletion, filled with noise", "lower", 0, 1, _RISE),
    "insertion_auc_noise": Measure("insertion, into noise", "higher", 0, 1, _RISE),
    "deletion_auc_frames": Measure("deletion of whole frames", "lower", 0, 1, _RISE),
    "insertion_auc_frames": Measure("insertion of whole frames", "higher", 0, 1, _RISE),
    "deletion_auc_events": Measure("deletion of whole events", "lower", 0, 1, _RISE),
    "insertion_auc_events": Measure("insertion of whole events", "higher", 0, 1, _RISE),
    "average_drop": Measure("share of the score lost when masked", "lower", 0, 1, _LMAC),
    "average_increase": Measure("the masked input scores more", "higher", 0, 1, _LMAC),
    "average_gain": Measure("share of the room above gained", "higher", 0, 1, _LMAC),
    "faithfulness": Measure("score lost without the mask's part", "higher", -1, 1, _LMAC),
    "input_fidelity": Measure("masked input, same class", "higher", 0, 1, _LMAC),
    "sparseness": Measure("Gini index of the mask", "neither", 0, 1, "Chalasani et al. 2020"),
    "complexity": Measure("entropy of the mask, nats", "neither", 0, _INF, "Bhatt et al. 2020"),
    "wrong_label_iou": Measure("IoU, explained for a random wrong class", "lower", 0, 1, _PAPER),
    "wrong_label_correlation": Measure("mask against that of a wrong class", "lower", -1, 1, ""),
    "runner_up_iou": Measure("IoU, explained for the runner-up", "lower", 0, 1, _PAPER),
    "runner_up_correlation": Measure("mask against the runner-up's", "lower", -1, 1, ""),
    "wrongly_predicted_iou": Measure("IoU where the model errs", "lower", 0, 1, _PAPER),
    "max_sensitivity": Measure("change under small noise", "lower", 0, _INF, "Yeh et al. 2019"),
    "randomisation_correlation": Measure(
        "mask against a random model's, mean over classes", "neither", -1, 1, "Adebayo et al. 2018"
    ),
    "randomisation_absolute": Measure(
        "the same regardless of sign", "lower", 0, 1, "Adebayo et al. 2018"
    ),
    "randomisation_ssim": Measure(
        "mask against a random model's, SSIM", "lower", -1, 1, "Adebayo et al. 2018"
    ),
}
"""Every measure by the name that tables use, in the order of tables."""

GROUPS = {
    "localisation": (
        "iou",
        "best_threshold_iou",
        "frame_auc",
        "average_precision",
        "event_iou",
        "pointing_game",
        "relevance_mass",
    ),
    "deletion": tuple(name for name in MEASURES if name.startswith(("deletion", "insertion"))),
    "faithfulness": (
        "average_drop",
        "average_increase",
        "average_gain",
        "faithfulness",
        "input_fidelity",
    ),
    "form": ("sparseness", "complexity"),
    "labels": (
        "wrong_label_iou",
        "wrong_label_correlation",
        "runner_up_iou",
        "runner_up_correlation",
    ),
    "wrongly_predicted": ("wrongly_predicted_iou",),
    "max_sensitivity": ("max_sensitivity",),
    "sanity": ("randomisation_correlation", "randomisation_absolute", "randomisation_ssim"),
}
"""Measures that are computed together, by the name that `daxaudio compare --metrics` takes."""
