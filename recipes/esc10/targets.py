"""What the best DAX was to reach, what was found, and whether that is enough.

Conventions: one line for each target, model and padding.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from duels import Duel, fight

from daxaudio.experiments.conditions import average_over_seeds, few_of

IOU_RATIO, P_VALUE, WHITE_AUC, CORRELATION, COST_RATIO = 1.2, 0.05, 0.95, 0.9, 0.3
"""What is aimed at."""

OPEN, BEST = ("-", "open"), "at least the best rival's"


def judge_targets(
    results: pd.DataFrame, stability: pd.DataFrame, costs: pd.DataFrame, leader: str
) -> pd.DataFrame:
    """What was aimed at, what was found, and whether that is enough, by model and padding.

    Args:
        results: as `daxaudio.experiments.conditions.gather_results` gives them.
        stability: as `measure_stability` gives it.
        costs: as `measure_costs` gives them.
        leader: the method that is judged.

    Returns:
        `model`, `padding`, `what`, `target`, `found`, `verdict`: "met", "missed", or "open" when
        it has not been measured.
    """
    rows = []
    for (model, padding), part in results.groupby(["model", "padding"], sort=False):
        masks, cost = (
            table[(table["model"] == model) & (table["padding"] == padding)]
            for table in (stability, costs)
        )
        for what, target, found in (
            *_judge_scores(part, leader, padding == "white"),
            (f"Spearman of {leader}'s masks, two seeds", f"at least {CORRELATION}", _alike(masks)),
            (
                f"fit time of {leader} over its query time",
                f"at most {COST_RATIO}",
                _cheap(cost[cost["method"] == leader]),
            ),
        ):
            rows.append((model, padding, what, target, *found))
    return pd.DataFrame(rows, columns=["model", "padding", "what", "target", "found", "verdict"])


def _judge_scores(
    part: pd.DataFrame, leader: str, white: bool
) -> Iterator[tuple[str, str, tuple[str, str]]]:
    target = f"ratio at least {IOU_RATIO}, p < {P_VALUE}"
    yield f"iou of {leader} over the best rival's", target, _far_above(fight(part, leader, "iou"))
    yield f"frame_auc of {leader}", BEST, _above(fight(part, leader, "frame_auc"))
    if white:
        own = part[(part["metric"] == "frame_auc") & (part["method"] == leader)]
        values = average_over_seeds(own)["value"].dropna()
        found = f"{values.mean():.3f}, n {len(values)}"
        judged = OPEN if values.empty else (found, _verdict(values.mean() >= WHITE_AUC))
        yield f"frame_auc of {leader} on white noise", f"at least {WHITE_AUC}", judged
    name = (few_of(part["method"], leader) or [f"{leader} from few queries"])[0]
    for metric in ("iou", "frame_auc"):
        yield f"{metric} of {name}", f"{BEST} at full queries", _above(fight(part, name, metric))


def _far_above(duel: Duel | None) -> tuple[str, str]:
    if duel is None:
        return OPEN
    enough = duel.ours >= IOU_RATIO * duel.theirs and duel.ours > duel.theirs
    ratio = f"{duel.ours / duel.theirs:.2f}" if duel.theirs > 0 else "-"
    return f"ratio {ratio}: {duel.text}", _verdict(enough and duel.result.p_value < P_VALUE)


def _above(duel: Duel | None) -> tuple[str, str]:
    return OPEN if duel is None else (duel.text, _verdict(duel.ours >= duel.theirs))


def _alike(stability: pd.DataFrame) -> tuple[str, str]:
    if stability.empty or not stability["n"].iloc[0]:
        return OPEN
    mean, n = stability["mean"].iloc[0], stability["n"].iloc[0]
    return f"{mean:.3f}, n {n}", _verdict(mean >= CORRELATION)


def _cheap(costs: pd.DataFrame) -> tuple[str, str]:
    if costs.empty or not np.isfinite(costs["ratio"].iloc[0]):
        return OPEN
    ratio = costs["ratio"].iloc[0]
    return f"{ratio:.2f}", _verdict(ratio <= COST_RATIO)


def _verdict(enough: bool) -> str:
    return "met" if enough else "missed"
