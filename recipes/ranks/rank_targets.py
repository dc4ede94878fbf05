"""What the leader was to reach, what was found, and whether that is enough.

Conventions: rivals are the ranked methods that are neither references nor masks that DAX learns;
the best one has the best mean of the measure on the set. A duel is fought on the recordings that
both have, each the mean over its seeds. "Within noise": worse, but not by more than luck would
have it (Wilcoxon's signed-rank test, p at least 0.05, uncorrected, so that it is easily missed).
Each target is judged for the leader from few queries, and from as many as its rivals have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import pandas as pd
from rank_blocks import is_few, plain

from daxaudio.experiments.paired import SIGNIFICANT
from daxaudio.explainers.catalogue import floors, learned_masks, references
from daxaudio.metrics import PairedComparison, paired_comparison
from daxaudio.metrics.catalogue import MEASURES
from daxaudio.report.model import MISSING

IOU_RATIO, AVERAGE_DROP, FIRST_OF_MODELS, COST_RATIO = 1.15, 0.2, 0.8, 0.1
COVERED = (0.90, 0.99)
"""What is aimed at."""

SAME_FORM = "iou_in_v5_form"
FIRST = ("srg", "insertion_auc", "deletion_auc")
MET, NEAR, MISSED, OPEN = "met", "within noise", "missed", "open"


@dataclasses.dataclass(frozen=True)
class Duel:
    """A method against another on the recordings that both have, by one measure.

    Args:
        other: the second method.
        ours: mean of the first.
        theirs: mean of the second.
        result: the paired comparison of first and second.
        higher: whether higher is better.
    """

    other: str
    ours: float
    theirs: float
    result: PairedComparison
    higher: bool

    @property
    def ahead(self) -> bool:
        """Whether the first is at least as good."""
        return self.ours >= self.theirs if self.higher else self.ours <= self.theirs

    @property
    def within_noise(self) -> bool:
        """Whether it is ahead, or not behind by more than luck would have it."""
        return self.ahead or self.result.p_value >= SIGNIFICANT

    def __str__(self) -> str:
        numbers = f"{self.ours:.3f} against {self.theirs:.3f} ({self.other})"
        return f"{numbers}, p {self.result.p_value:.2g}, n {self.result.n}"


def rivals_among(methods: Sequence[str]) -> list[str]:
    """Methods that the leader is held against, from all queries."""
    own = {*references(), *learned_masks()}
    return [name for name in dict.fromkeys(methods) if not is_few(name) and name not in own]


def fight(rows: pd.DataFrame, ours: str, others: Sequence[str], metric: str) -> Duel | None:
    """A method against the best of others; None where it, or all of them, have no value.

    Args:
        rows: of one set or condition, as `rank_blocks.by_recording` gives them.
        ours: the method.
        others: those that are there may be the best.
        metric: by which they are compared.
    """
    own = rows[rows["metric"] == metric]
    wide = own.pivot(index="recording_id", columns="method", values="value")
    there = [name for name in others if name in wide and name != ours]
    if ours not in wide or not there:
        return None
    higher, means = MEASURES[metric].better == "higher", wide[there].mean()
    best = str(means.idxmax() if higher else means.idxmin())
    pair = wide[[ours, best]].dropna()
    if pair.empty:
        return None
    result = paired_comparison(pair[ours].to_numpy(), pair[best].to_numpy())
    return Duel(best, float(pair[ours].mean()), float(pair[best].mean()), result, higher)


def judge_targets(
    results: pd.DataFrame, costs: pd.DataFrame, coverage: pd.DataFrame, leader: str
) -> pd.DataFrame:
    """All targets, by the leader's number of queries and set.

    Args:
        results: as `rank_blocks.by_recording` gives them.
        costs: as `rank_cells.gather_costs` gives them.
        coverage: as `rank_cells.gather_coverage` gives it.
        leader: the method that is judged.

    Returns:
        `target`, `set`, `method`, `found`, `verdict` ("met", "within noise", "missed", "open").
        What cannot be measured on a set is no row; a target that was measured nowhere is one.
    """
    names = list(dict.fromkeys(results["method"]))
    ours = [name for name in names if plain(name) == leader]
    rivals = rivals_among(names)
    rows: list[tuple[str, str, str, str, str]] = []
    for method in sorted(ours, key=is_few, reverse=True):
        for name, part in results.groupby("set", sort=False):
            for target, found, verdict in _of_set(part, str(name), method, rivals):
                rows.append((target, str(name), method, found, verdict))
        rows.append(_of_models(results, method))
        rows += _of_cost(costs, method)
    rows += _of_coverage(coverage, leader)
    table = pd.DataFrame(rows, columns=["target", "set", "method", "found", "verdict"])
    there = set(table["target"][table["verdict"] != OPEN])
    known = (table["verdict"] != OPEN) | ~table["target"].isin(there)
    table = table[known & ~(table["target"].duplicated() & (table["verdict"] == OPEN))]
    order = {target: place for place, target in enumerate(dict.fromkeys(table["target"]))}
    by_target = table.sort_values("target", key=lambda names: names.map(order), kind="stable")
    return by_target.reset_index(drop=True)


def _of_set(
    part: pd.DataFrame, name: str, method: str, rivals: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    if name in ("fold4", "overlap"):
        duel = fight(part, method, rivals, SAME_FORM)
        what = f"IoU in the same form at least {IOU_RATIO} times the best rival's"
        yield what, *_ratio(duel)
    for metric in FIRST:
        what = f"{metric} first, or within noise of first"
        yield what, *_said(fight(part, method, rivals, metric))
    what = "runner_up_iou at most that of rise"
    yield what, *_said(fight(part, method, ["rise"], "runner_up_iou"), noise=False)
    drops = part[(part["metric"] == "average_drop") & (part["method"] == method)]["value"]
    found = (f"{drops.mean():.3f}, n {len(drops)}", _verdict(drops.mean() <= AVERAGE_DROP))
    yield f"average_drop at most {AVERAGE_DROP}", *(found if len(drops) else (MISSING, OPEN))
    if is_few(method):
        for metric in ("frame_auc", "srg"):
            what = f"{metric} from few queries as good as any rival's from all"
            yield what, *_said(fight(part, method, rivals, metric))


def _ratio(duel: Duel | None) -> tuple[str, str]:
    if duel is None:
        return MISSING, OPEN
    ratio = f"{duel.ours / duel.theirs:.2f}" if duel.theirs > 0 else MISSING
    enough = duel.ours >= IOU_RATIO * duel.theirs and duel.ours > duel.theirs
    return f"ratio {ratio}: {duel}", _verdict(enough)


def _said(duel: Duel | None, *, noise: bool = True) -> tuple[str, str]:
    if duel is None:
        return MISSING, OPEN
    near = noise and duel.within_noise
    return str(duel), MET if duel.ahead else NEAR if near else MISSED


def _of_models(results: pd.DataFrame, method: str) -> tuple[str, str, str, str, str]:
    """On how many pretrained models the frame AUC comes first, floors among the others."""
    target = f"frame_auc first on at least {FIRST_OF_MODELS:.0%} of the models"
    part = results[results["set"] == "pretrained"]
    others = [*rivals_among(list(part["method"])), *floors()]
    first, told = 0, []
    for model, rows in part.groupby("model", sort=False):
        if duel := fight(rows, method, others, "frame_auc"):
            first += duel.ahead
            told.append(f"{model} {duel.ours:.3f} ({duel.other} {duel.theirs:.3f})")
    if not told:
        return target, "pretrained", method, MISSING, OPEN
    found = f"first on {first} of {len(told)}: {', '.join(told)}"
    return target, "pretrained", method, found, _verdict(first >= FIRST_OF_MODELS * len(told))


def _of_cost(costs: pd.DataFrame, method: str) -> Iterator[tuple[str, str, str, str, str]]:
    target = f"fit at most {COST_RATIO:.0%} of the time of the queries"
    if "fit_seconds" not in costs:
        return
    own = costs[costs["method"] == method]
    for name, part in own.groupby("set", sort=False):
        fit, asked = part["fit_seconds"].mean(), part["query_seconds"].mean()
        if asked > 0:
            found = f"{fit / asked:.1%}: {fit:.2f} s and {asked:.2f} s"
            yield target, str(name), method, found, _verdict(fit <= COST_RATIO * asked)


def _of_coverage(coverage: pd.DataFrame, leader: str) -> Iterator[tuple[str, str, str, str, str]]:
    low, high = COVERED
    target = f"redraws within two standard errors in {low:.0%} to {high:.0%} of the bins"
    known = coverage.dropna(subset="coverage")
    if known.empty:
        yield target, MISSING, leader, MISSING, OPEN
    for name, part in known.groupby("set", sort=False):
        mean = part["coverage"].mean()
        yield target, str(name), leader, f"{mean:.3f}, n {len(part)}", _verdict(low <= mean <= high)


def _verdict(enough: bool) -> str:
    return MET if enough else MISSED
