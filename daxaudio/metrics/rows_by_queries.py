"""Rows of measures that ask the black box about a mask."""

from __future__ import annotations

from daxaudio.metrics.measure import Better, Measure, Need

_RISE = "Petsiuk et al. 2018 (RISE)"
_SRG = "Blücher et al. 2024 (SRG)"
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


def _gain(name: str, text: str, definition: str, source: str, group: str = "srg") -> Measure:
    return Measure(
        name,
        text,
        definition,
        group=group,
        better="higher",
        source=source,
        low=-1.0,
        chance="0",
        unit="probability",
        needs=("queries",),
    )


def _foretold(name: str, text: str, definition: str, source: str) -> Measure:
    return Measure(
        name,
        text,
        f"{definition} 0 for a mask that is the same everywhere; undefined where the score never "
        "changes.",
        group="correlation",
        better="higher",
        source=source,
        low=-1.0,
        chance="0",
        unit="correlation",
        needs=("queries",),
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
    _gain(
        "srg",
        "worst bins first against best bins first",
        "Symmetric relevance gain: the area under the score while the bins go that the mask ranks "
        "lowest first, less that while the highest go first. The former is `insertion_auc` (what "
        "is left are the best bins), the latter `deletion_auc`, so it is their difference.",
        _SRG,
    ),
    _gain(
        "srg_frames",
        "the same of whole frames",
        "As `srg`, whole frames by the mean of the mask over frequency.",
        _SRG,
    ),
    _gain("srg_noise", "the same, filled with noise", "As `srg`, with noise as background.", _SRG),
    _gain(
        "deletion_at_area",
        "score lost without the marked bins, beyond chance",
        "Marked are the bins at half the mask's height or above. The mean score when the marked "
        "bins are moved elsewhere, in time and frequency, and go there, less that when they go "
        "where they are. Form and size alone give 0.",
        "after " + _RISE,
    ),
    _gain(
        "insertion_at_area",
        "score of nothing but the marked bins, beyond chance",
        "As `deletion_at_area`, the bins come: the score when they come where they are, less the "
        "mean score when they come elsewhere.",
        "after " + _RISE,
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
    _foretold(
        "faithfulness_correlation",
        "mask in what is taken away, score lost",
        "Pearson's correlation of the sum of the mask in what is taken away, a quarter of the "
        "bins in blobs at random, with what the score loses.",
        "Bhatt et al. 2020",
    ),
    Measure(
        "infidelity",
        "share of the losses that the mask does not foretell",
        "sum (b s - d)^2 / sum d^2, over the losses d of the score and the sums s of the mask in "
        "what is taken away, as in `faithfulness_correlation`; b, at least 0, makes it least.",
        group="correlation",
        better="lower",
        source="Yeh et al. 2019",
        chance="that of `all_ones`",
        needs=("queries",),
    ),
    _foretold(
        "band_faithfulness",
        "the same, one band of frequencies at a time",
        "Spearman's rank correlation of the mask's mean in each of 8 bands with what the score "
        "loses without the band.",
        "after `faithfulness_correlation`",
    ),
    _foretold(
        "window_faithfulness",
        "the same, one window of time at a time",
        "As `band_faithfulness`, with 8 windows of time.",
        "after `faithfulness_correlation`",
    ),
    _gain(
        "road",
        "worst bins first against best, imputed",
        "The mean score when 10, 20, ... 90 % of the bins have gone that the mask ranks lowest, "
        "less that when the highest have gone; what goes becomes the weighted mean of its eight "
        "neighbours, and a little noise.",
        "Rong et al. 2022 (ROAD)",
        "road",
    ),
)
