"""What the order of a mask gains: the worst places first against the best places first.

Conventions: curves are those of `deletion`, one of each direction, over the same background. Taking
away the worst places first leaves, at every step, the best ones: the inputs of an insertion, read
backwards. So the curve of the reverse order (least relevant first, LeRF; least influential first,
LIF) is the insertion's, its area is `insertion_auc`, and the measures here cost no query beyond the
deletion and the insertion.

| measure | formula | range, chance |
|---|---|---|
| `symmetric_relevance_gain` | area worst first - area best first | [-1, 1] of a probability, 0 |
| `road` | the same at 10, 20, ... 90 %, over a noisy linear imputation | [-1, 1], 0 |

Both are 0, on average over the drawn order of ties, for a mask that tells nothing apart.
"""

from __future__ import annotations

from daxaudio.metrics.deletion import Curve

ROAD_STEPS = 10
"""Steps of the curves of `road`: nine shares between nothing and all, as in the paper."""


def symmetric_relevance_gain(deletion: Curve, insertion: Curve) -> float:
    """SRG: how much more of the score is left when the worst places go first than the best ones.

    What a fill does to the score whatever is taken away is in both areas, and falls out of their
    difference; so ranks of methods hang much less on the fill than those by deletion or insertion.

    Source: Blücher et al. 2024, area under LIF less area under MIF. Differs in that the area has
    trapezoids and both ends, and that bins or frames go one by one instead of superpixels. Parts
    that the mask does not tell apart go in one drawn order, read backwards in the other curve.

    Args:
        deletion: curve of a mask, best places first.
        insertion: of the same mask, unit and background.

    Returns:
        In the range of the scores' differences, [-1, 1] for probabilities; higher is better, an
        order at random gives 0 on average, the opposite order the opposite value.

    Raises:
        ValueError: when the curves are not one of each direction, or differ in unit or fill.

    Example:
        >>> import numpy as np
        >>> shares = np.array([0.0, 0.5, 1.0])
        >>> deletion = Curve(np.array([1.0, 0.2, 0.0]), shares, "deletion", "bins")
        >>> insertion = Curve(np.array([0.0, 0.8, 1.0]), shares, "insertion", "bins")
        >>> round(symmetric_relevance_gain(deletion, insertion), 3)
        0.3
    """
    _check_pair(deletion, insertion)
    return insertion.auc - deletion.auc


def road(deletion: Curve, insertion: Curve) -> float:
    """ROAD: the gap between both orders, where what goes is imputed from what is left around it.

    Give it curves of `ROAD_STEPS` whose inputs were made by a noisy linear imputation
    (`daxaudio.perturbation.linear_imputation`), so that neither the values nor the outline of what
    was taken away tell the black box the class.

    Source: Rong et al. 2022 (Remove and Debias), both orders in one number as in pytorch-grad-cam,
    whose `ROADCombined` is half of ours. Differs in that the score of the class is averaged over
    the shares, not whether it is the first one: of one recording that would be 0 or 1 at each.

    Args:
        deletion: curve of a mask, best places first.
        insertion: of the same mask, unit and background.

    Returns:
        Mean over the shares between 0 and 1 of the score without the worst places, less that
        without the best ones. In [-1, 1] for probabilities; higher is better, 0 is chance; NaN when
        there is no such share, in an input of one bin.

    Raises:
        ValueError: as in `symmetric_relevance_gain`.

    Example:
        >>> import numpy as np
        >>> shares = np.array([0.0, 0.5, 1.0])
        >>> deletion = Curve(np.array([1.0, 0.2, 0.0]), shares, "deletion", "bins")
        >>> insertion = Curve(np.array([0.0, 0.8, 1.0]), shares, "insertion", "bins")
        >>> round(road(deletion, insertion), 3)
        0.6
    """
    _check_pair(deletion, insertion)
    if len(deletion.scores) == 2:
        return float("nan")
    return float(insertion.scores[1:-1].mean() - deletion.scores[1:-1].mean())


def _check_pair(deletion: Curve, insertion: Curve) -> None:
    if (deletion.direction, insertion.direction) != ("deletion", "insertion"):
        raise ValueError(
            "give the curve of a deletion, then that of an insertion, got "
            f"{deletion.direction} and {insertion.direction}"
        )
    for what in ("unit", "fill"):
        first, second = getattr(deletion, what), getattr(insertion, what)
        if first != second:
            raise ValueError(f"both curves must have one {what}, got {first!r} and {second!r}")
