"""Rows of measures that ask the black box about a mask."""

from __future__ import annotations

from daxaudio.metrics.measure import Better, Measure, Need

_RISE = "Petsiuk et al. 2018 (RISE)"
_LMAC = "Paissan et al. 2024 (L-MAC)"


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


BY_QUERIES = (
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
)
