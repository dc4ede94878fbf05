"""Rows of measures of a mask alone, and beside the masks of other classes, inputs and models."""

from __future__ import annotations

import math

from daxaudio.metrics.measure import PAPER, Measure

OF_MASKS = (
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
        "marked_share",
        "share of the bins that are marked",
        "Bins at half the mask's height or above (half-way from its least to its greatest value), "
        "over all bins.",
        group="form",
        better="neither",
        source="after `deletion_at_area`",
    ),
    Measure(
        "wrong_label_iou",
        "IoU, explained for a random wrong class",
        "`iou` of the mask that is found when the method is asked to explain a class that is drawn "
        "from the wrong ones; a method that listens to the model finds no event for it.",
        group="labels",
        better="lower",
        source=PAPER,
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
        source=PAPER,
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
        source=PAPER,
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
    Measure(
        "randomisation_rise",
        "rise of complexity in a random model",
        "(H(random) - H(trained)) / H(trained) of the maps of these models, before they are scaled "
        "to masks; H is the entropy of the histogram of a map's values in 100 bins. Efficient "
        "MPRT; the mean over several classes.",
        group="sanity",
        better="higher",
        source="Hedström et al. 2024 (efficient MPRT)",
        low=-1.0,
        high=math.inf,
        chance="0",
        unit="ratio",
        needs=("queries", "explainer", "module"),
    ),
)
