"""What the best DAX was to reach, what was found, and whether that is enough.

Conventions: one line for each target, model and padding. The best rival is the one with the highest
mean of the metric in that model and padding; a duel is fought on the recordings and seeds that both
methods have.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from daxaudio.experiments.conditions import average_over_seeds, few_of
from daxaudio.experiments.paired import paired_values
from daxaudio.explainers.catalogue import DEFAULT_METHOD
from daxaudio.metrics import PairedComparison, paired_comparison

RIVALS = ("lime", "kernel_shap", "rise", "occlusion")
IOU_RATIO, P_VALUE, WHITE_AUC, CORRELATION, COST_RATIO = 1.2, 0.05, 0.95, 0.9, 0.3
"""What is aimed at; see `judge_targets`."""

_Line = tuple[str, str, str, str]


def judge_targets(
    results: pd.DataFrame,
    stability: pd.DataFrame,
    costs: pd.DataFrame,
    leader: str = DEFAULT_METHOD,
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
        lines = [
            _judge_iou(part, leader),
            _judge_level(part, leader, leader, "frame_auc"),
            *([_judge_white(part, leader)] if padding == "white" else []),
        ]
        name = (few_of(part["method"], leader) or [f"{leader} from few queries"])[0]
        lines += [_judge_level(part, name, leader, metric) for metric in ("iou", "frame_auc")]
        here = stability[(stability["model"] == model) & (stability["padding"] == padding)]
        lines.append(_judge_stability(here, leader))
        here = costs[(costs["model"] == model) & (costs["padding"] == padding)]
        lines.append(_judge_cost(here[here["method"] == leader], leader))
        rows += [(model, padding, *line) for line in lines]
    return pd.DataFrame(rows, columns=["model", "padding", "what", "target", "found", "verdict"])


@dataclasses.dataclass(frozen=True)
class _Duel:
    """A method against the best of the rivals, on the recordings that both have."""

    rival: str
    ours: float
    theirs: float
    result: PairedComparison

    @property
    def text(self) -> str:
        return (
            f"{self.ours:.3f} against {self.theirs:.3f} ({self.rival}), "
            f"p {self.result.p_value:.3g}, n {self.result.n}"
        )


def _fight(part: pd.DataFrame, name: str, metric: str) -> _Duel | None:
    rows = average_over_seeds(part[part["metric"] == metric])
    means = rows.groupby("method")["value"].mean().dropna()
    rivals = [rival for rival in RIVALS if rival in means.index and rival != name]
    if name not in means.index or not rivals:
        return None
    best = max(rivals, key=lambda rival: float(means[rival]))
    values = paired_values(part[part["metric"] == metric], name, best).dropna()
    if values.empty:
        return None
    result = paired_comparison(values[name].to_numpy(), values[best].to_numpy())
    return _Duel(best, float(values[name].mean()), float(values[best].mean()), result)


def _judge_iou(part: pd.DataFrame, leader: str) -> _Line:
    what = f"iou of {leader} over the best rival's"
    target = f"ratio at least {IOU_RATIO}, p < {P_VALUE}"
    duel = _fight(part, leader, "iou")
    if duel is None:
        return what, target, "-", "open"
    enough = duel.ours >= IOU_RATIO * duel.theirs and duel.ours > duel.theirs
    ratio = f"{duel.ours / duel.theirs:.2f}" if duel.theirs > 0 else "-"
    enough = enough and duel.result.p_value < P_VALUE
    return what, target, f"ratio {ratio}: {duel.text}", _verdict(enough)


def _judge_level(part: pd.DataFrame, name: str, leader: str, metric: str) -> _Line:
    what = f"{metric} of {name}"
    target = "at least the best rival's" + (" at full queries" if name != leader else "")
    duel = _fight(part, name, metric)
    if duel is None:
        return what, target, "-", "open"
    return what, target, duel.text, _verdict(duel.ours >= duel.theirs)


def _judge_white(part: pd.DataFrame, leader: str) -> _Line:
    rows = part[(part["metric"] == "frame_auc") & (part["method"] == leader)]
    values = average_over_seeds(rows)["value"].dropna()
    what, target = f"frame_auc of {leader} on white noise", f"at least {WHITE_AUC}"
    if values.empty:
        return what, target, "-", "open"
    return (
        what,
        target,
        f"{values.mean():.3f}, n {len(values)}",
        _verdict(values.mean() >= WHITE_AUC),
    )


def _judge_stability(stability: pd.DataFrame, leader: str) -> _Line:
    what, target = f"Spearman of {leader}'s masks, two seeds", f"at least {CORRELATION}"
    if stability.empty or not stability["n"].iloc[0]:
        return what, target, "-", "open"
    mean, n = stability["mean"].iloc[0], stability["n"].iloc[0]
    return what, target, f"{mean:.3f}, n {n}", _verdict(mean >= CORRELATION)


def _judge_cost(costs: pd.DataFrame, leader: str) -> _Line:
    what, target = f"fit time of {leader} over its query time", f"at most {COST_RATIO}"
    if costs.empty or not np.isfinite(costs["ratio"].iloc[0]):
        return what, target, "-", "open"
    ratio = costs["ratio"].iloc[0]
    return what, target, f"{ratio:.2f}", _verdict(ratio <= COST_RATIO)


def _verdict(enough: bool) -> str:
    return "met" if enough else "missed"
