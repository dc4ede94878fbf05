"""Several classifiers, paddings and seeds: one table, paired tests, stability and costs.

A condition is a classifier (its architecture and seed) and a padding. What was found there lies in

    EXP_DIR/MODEL-seedSEED/PADDING/
        results.csv  explanations/METHOD/RECORDING_ID/
        few/results.csv  explanations_500/METHOD/...     the leader at 500 queries, if any
        explanations_again/METHOD/...                    the leader with another seed, if any

Conventions: the leader is the method that the others are compared with. Values of one recording are
averaged over seeds before anything else, so that n counts recordings; a comparison of two methods
uses the recordings and seeds that both have.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.experiments.paired import compare_methods
from daxaudio.experiments.score import RESULTS_FILE, find_explanations, summarise, total_cost
from daxaudio.explainers.catalogue import DEFAULT_METHOD, order_methods
from daxaudio.explainers.storage import is_stored, load_explanation, load_facts
from daxaudio.metrics import rank_correlation
from daxaudio.runs.tables import is_table, read_table

PLAN_FILE = "conditions.csv"

_CLASSIFIER = re.compile(r"(?P<model>.+)-seed(?P<seed>\d+)")
_FEW = re.compile(r"explanations_(?P<queries>\d+)")
_KEYS = ["model", "seed", "padding"]
_RESULTS = ["recording_id", "method", "metric", "value"]
_COST = ["queries", "query_seconds", "fit_seconds"]


@dataclasses.dataclass(frozen=True)
class Condition:
    """One classifier and one padding.

    Args:
        model: architecture of the classifier.
        seed: of its training and of the methods.
        padding: kind of noise.
        folder: holds `results.csv`.
    """

    model: str
    seed: int
    padding: str
    folder: Path

    @property
    def few_queries(self) -> int | None:
        """Queries of the run with few of them, by the name of its folder; None without one.

        Raises:
            ValueError: when there are several.
        """
        names = (_FEW.fullmatch(path.name) for path in sorted(self.folder.glob("explanations_*")))
        found = [int(name["queries"]) for name in names if name]
        if len(found) > 1:
            raise ValueError(
                f"{self.folder}: explanations from {', '.join(map(str, found))} queries, but "
                "few/results.csv is of one of them; remove the folders of the others"
            )
        return found[0] if found else None


def read_plan(exp_dir: str | os.PathLike[str]) -> list[tuple[str, int, str]]:
    """Model, seed and padding of each planned condition, from `conditions.csv`; none without it.

    Raises:
        ValueError: when a column is missing.
    """
    path = Path(exp_dir) / PLAN_FILE
    if not path.is_file():
        return []
    table = read_table(path, _KEYS)
    return [(str(m), int(s), str(p)) for m, s, p in table.itertuples(index=False)]


def find_conditions(exp_dir: str | os.PathLike[str]) -> list[Condition]:
    """Conditions that have results, by model, padding and seed: those of the plan first.

    Args:
        exp_dir: folder of the protocol.

    Returns:
        At least one condition.

    Raises:
        ValueError: when there is none.
    """
    found = []
    for path in sorted(Path(exp_dir).glob(f"*-seed*/*/{RESULTS_FILE}")):
        name = _CLASSIFIER.fullmatch(path.parent.parent.name)
        if name:
            folder = path.parent
            found.append(Condition(name["model"], int(name["seed"]), folder.name, folder))
    if not found:
        raise ValueError(f"{exp_dir}: no MODEL-seedSEED/PADDING/{RESULTS_FILE} here; run it first")
    plan = read_plan(exp_dir)
    models = list(dict.fromkeys([*(m for m, _, _ in plan), *(c.model for c in found)]))
    paddings = list(dict.fromkeys([*(p for _, _, p in plan), *(c.padding for c in found)]))
    return sorted(found, key=lambda c: (models.index(c.model), paddings.index(c.padding), c.seed))


def gather_results(conditions: Iterable[Condition], leader: str = DEFAULT_METHOD) -> pd.DataFrame:
    """Results of all conditions in one long table.

    Args:
        conditions: as `find_conditions` gives them.
        leader: the method whose results from few queries are added, named `LEADER_QUERIES`.

    Returns:
        `model`, `seed`, `padding`, `recording_id`, `method`, `metric`, `value`.

    Raises:
        ValueError: when a file is not a table of results, or the leader has no result at all.
    """
    parts = []
    for condition in conditions:
        table = read_table(condition.folder / RESULTS_FILE, _RESULTS)
        few = condition.folder / "few" / RESULTS_FILE
        if is_table(few) and condition.few_queries is not None:
            fewer = read_table(few, _RESULTS)
            fewer = fewer[fewer["method"] == leader]
            table = pd.concat([table, fewer.assign(method=f"{leader}_{condition.few_queries}")])
        parts.append(
            table.assign(model=condition.model, seed=condition.seed, padding=condition.padding)
        )
    results = pd.concat(parts, ignore_index=True)[[*_KEYS, *_RESULTS]]
    if leader not in set(results["method"]):
        known = ", ".join(order_with_leader(results["method"], leader))
        raise ValueError(f"no condition has results of {leader!r}, the leader; there are {known}")
    return results


def order_with_leader(names: Iterable[str], leader: str = DEFAULT_METHOD) -> list[str]:
    """Methods in the order of tables, each once; the leader from few queries follows the leader.

    Example:
        >>> order_with_leader(["rise", "own", "lime", "lime_500"], leader="lime")
        ['lime', 'lime_500', 'rise', 'own']
    """
    names = set(names)
    few = few_of(names, leader)
    ordered = order_methods(names - set(few))
    place = ordered.index(leader) + 1 if leader in ordered else 0
    return ordered[:place] + few + ordered[place:]


def few_of(names: Iterable[str], leader: str = DEFAULT_METHOD) -> list[str]:
    """The leader's names with few queries, most queries first.

    Example:
        >>> few_of(["lime", "lime_100", "lime_500", "rise"], "lime")
        ['lime_500', 'lime_100']
    """
    few = [name for name in set(names) if re.fullmatch(re.escape(leader) + r"_\d+", name)]
    return sorted(few, key=lambda name: -int(name.removeprefix(f"{leader}_")))


def average_over_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """One row for each recording, method and metric, from rows of one model and padding."""
    return results.groupby(_RESULTS[:3], sort=False)["value"].mean().reset_index()


def summarise_conditions(results: pd.DataFrame, leader: str = DEFAULT_METHOD) -> pd.DataFrame:
    """Each method by model, padding and metric, and how far the leader is above it.

    Args:
        results: as `gather_results` gives them.
        leader: the method that the others are compared with.

    Returns:
        `model`, `padding`, `method`, `metric`, `mean`, `std` (of the sample of recordings), `n`,
        `n_pairs`, `difference` (leader minus method), `low` and `high` (its 95 % bootstrap
        interval), `p_value` (Wilcoxon). The last five are empty for the leader.
    """
    rows = []
    for (model, padding), part in results.groupby(["model", "padding"], sort=False):
        summary = summarise(average_over_seeds(part))
        rank = {name: i for i, name in enumerate(order_with_leader(summary["method"], leader))}
        ordered = summary.sort_values("method", key=lambda names: names.map(rank), kind="stable")
        tests = compare_methods(part, leader, list(rank), list(part["metric"].unique()))
        found = {(row.method_b, row.metric): row.result for row in tests}
        for method, metric, *values in ordered.itertuples(index=False):
            test: tuple[Any, ...] = (math.nan if method == leader else 0, *[math.nan] * 4)
            if result := found.get((method, metric)):
                test = (result.n, result.mean_difference, result.low, result.high, result.p_value)
            rows.append((model, padding, method, metric, *values, *test))
    columns = ["model", "padding", "method", "metric", "mean", "std", "n"]
    columns += ["n_pairs", "difference", "low", "high", "p_value"]
    table = pd.DataFrame(rows, columns=columns).astype({"n_pairs": "Int64"})
    return table.round({"difference": 6, "low": 6, "high": 6})


def measure_stability(
    conditions: Iterable[Condition], leader: str = DEFAULT_METHOD
) -> pd.DataFrame:
    """Rank correlation of the leader's masks of one classifier and recording from two seeds.

    Args:
        conditions: those without `explanations_again` are left out.
        leader: the method.

    Returns:
        `model`, `padding`, `mean`, `std`, `n`: over recordings, seeds averaged first. A mask that
        marks nothing counts as 0.

    Raises:
        ValueError: when two explanations are of another classifier or input, or of one seed.
    """
    rows = []
    for condition in conditions:
        again = condition.folder / "explanations_again" / leader
        for second in sorted(path for path in again.glob("*") if is_stored(path)):
            first = condition.folder / "explanations" / leader / second.name
            if is_stored(first):
                value = _correlate_stored(first, second)
                rows.append((condition.model, condition.padding, second.name, value))
    table = pd.DataFrame(rows, columns=["model", "padding", "recording_id", "value"])
    table["value"] = table["value"].fillna(0.0)
    keys = ["model", "padding"]
    recordings = table.groupby([*keys, "recording_id"], sort=False)["value"].mean().reset_index()
    found = recordings.groupby(keys, sort=False)["value"].agg(["mean", "std", "count"])
    return found.reset_index().rename(columns={"count": "n"})


def measure_costs(conditions: Iterable[Condition], leader: str = DEFAULT_METHOD) -> pd.DataFrame:
    """What each method cost, from the stored explanations, and its fit time over its query time.

    Args:
        conditions: those whose explanations are gone are left out.
        leader: the method whose run with few queries is added.

    Returns:
        `model`, `padding`, `method`, `queries`, `query_seconds`, `fit_seconds` (means over
        recordings, then over seeds), `ratio` (NaN where the queries took no time).
    """
    parts = []
    for condition in conditions:
        few = condition.few_queries
        for folder, suffix in (("explanations", ""), (f"explanations_{few}", f"_{few}")):
            path = condition.folder / folder
            if any(path.glob("*/*/explanation.json")):
                cost = total_cost(path)
                cost = cost.assign(method=cost["method"] + suffix)
                parts.append(cost.assign(model=condition.model, padding=condition.padding))
    keys = ["model", "padding", "method"]
    if not any(map(len, parts)):
        return pd.DataFrame(columns=[*keys, *_COST, "ratio"])
    means = pd.concat(parts).groupby(keys, sort=False)[_COST].mean().reset_index()
    ordered = [
        of_condition.set_index("method").loc[order_with_leader(of_condition["method"], leader)]
        for _, of_condition in means.groupby(keys[:2], sort=False)
    ]
    costs = pd.concat(ordered).reset_index()[[*keys, *_COST]]
    query_seconds = costs["query_seconds"].where(costs["query_seconds"] > 0)
    return costs.assign(ratio=costs["fit_seconds"] / query_seconds)


def find_differing_settings(conditions: Iterable[Condition]) -> list[str]:
    """Models whose conditions were explained with other settings, so that they do not compare."""
    settings: dict[str, list[Any]] = {}
    for condition in conditions:
        path = condition.folder / "explanations"
        if any(path.glob("*/*/explanation.json")):
            found = load_facts(find_explanations(path)[0]).get("run_settings")
            of_model = settings.setdefault(condition.model, [])
            of_model += [] if found in of_model else [found]
    return [model for model, different in settings.items() if len(different) > 1]


def _correlate_stored(first: Path, second: Path) -> float:
    facts = load_facts(first), load_facts(second)
    for key in ("model_digest", "input"):
        if facts[0].get(key) != facts[1].get(key):
            raise ValueError(f"{first} and {second} have not one {key}; remove one of them")
    if facts[0].get("seed") == facts[1].get("seed"):
        raise ValueError(f"{first} and {second} are of one seed, so they say nothing of stability")
    return rank_correlation(*(load_explanation(path).mask for path in (first, second)))
