"""From values to ranks: one block for each question on each set.

A question is a group of measures of the catalogue (`localisation`, `deletion`, ...), of which those
count that have a better direction. In each condition and by each measure, methods are ranked by
their means over recordings; in a block, by the mean of these ranks. So a group of ten measures
weighs as much as a group of one, and a set of three conditions as much as any other. Blocks of one
set share their recordings, which makes them less than independent.

A value of a recording is its mean over the seeds. Means are over the recordings of which every
ranked method has a value that has any there; a method that has none in a condition, where others
have, is ranked last there. A question that one of the ranked methods was never asked, in no
condition, is left out for all: not to be run is no failure. Which methods are ranked is said by the
caller: such as were run on all sets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy
from rank_cells import FEW

from daxaudio.explainers.catalogue import floors, references
from daxaudio.metrics import RankComparison, rank_methods
from daxaudio.metrics.catalogue import MEASURES


def is_no_rank(method: str) -> bool:
    """Whether a reference stands in tables alone: it knows the truth, or marks everything."""
    return method in references() and method not in floors()


def by_recording(results: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of each recording: `set`, `condition`, `model` and the long columns."""
    keys = ["set", "condition", "model", "recording_id", "method", "metric"]
    return results.groupby(keys, sort=False)["value"].mean().reset_index()


def everywhere(results: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """Those of the methods that have values in every condition."""
    conditions = results.groupby("method")["condition"].agg(set)
    every = set(results["condition"])
    return [name for name in methods if name in conditions.index and conditions[name] == every]


def means_in_common(rows: pd.DataFrame, methods: Sequence[str]) -> pd.Series:
    """The mean of each method over the recordings that all have, of one condition and measure.

    Args:
        rows: `recording_id`, `method`, `value`; one row for each recording and method.
        methods: that count.

    Returns:
        By method; NaN for one without any value, and for all where no recording is common.
    """
    wide = rows.pivot(index="recording_id", columns="method", values="value")
    wide = wide.reindex(columns=list(methods))
    there = wide.columns[wide.notna().any()]
    common = wide.loc[wide[there].notna().all(axis=1)]
    return common.mean()


def rank_table(results: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Mean rank of each method in each block.

    Args:
        results: as `by_recording` gives them.
        methods: at least two, ranked against each other.

    Returns:
        Rows by `set` and `question`, columns are the methods; of each set those questions of which
        some method has a value.
    """
    found = {}
    own = results[results["method"].isin(methods)]
    asked = own.groupby(own["metric"].map(lambda metric: MEASURES[metric].group))["method"].agg(set)
    for (name, condition, model, metric), rows in own.groupby(
        ["set", "condition", "model", "metric"], sort=False
    ):
        group = MEASURES[metric].group
        if MEASURES[metric].better == "neither" or not asked[group] >= set(methods):
            continue
        means = means_in_common(rows, methods).to_numpy()
        if np.isnan(means).all():  # no recording is common: nothing can be compared
            continue
        sign = 1 if MEASURES[metric].better == "lower" else -1
        ranks = scipy.stats.rankdata(np.where(np.isnan(means), np.inf, sign * means))
        found[name, group, condition, model, metric] = ranks
    names = ["set", "question", "condition", "model", "metric"]
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(methods))
    table.index = pd.MultiIndex.from_tuples(found, names=names)
    of_condition = table.groupby(["set", "question", "condition", "model"], sort=False).mean()
    return of_condition.groupby(["set", "question"], sort=False).mean()


def compare_ranks(blocks: pd.DataFrame) -> RankComparison:
    """Friedman's test and Nemenyi's critical difference over the blocks of a `rank_table`."""
    return rank_methods(blocks.to_numpy(), list(blocks.columns), better="lower")


def ranked_names(results: pd.DataFrame, leader: str, which: str) -> list[str]:
    """Methods that are ranked against each other, in the order of the table.

    Args:
        results: with methods of all runs.
        leader: the method that is judged.
        which: "quarter" (the leader from few queries, others from all), "all" or "few" (all
            methods from as many).
    """
    names = list(dict.fromkeys(results["method"]))
    few = [name for name in names if is_few(name)]
    full = [name for name in names if not is_few(name) and not is_no_rank(name)]
    if which == "all":
        return full
    if which == "few":
        return [name for name in few if not is_no_rank(plain(name))]
    rest = [name for name in full if name != leader]
    return [name for name in few if plain(name) == leader] + rest


def is_few(method: str) -> bool:
    """Whether a name is of a run from fewer queries.

    Example:
        >>> is_few("dax_v4_few"), is_few("dax_v4")
        (True, False)
    """
    return method.endswith(FEW)


def plain(method: str) -> str:
    """The name of the method, from however many queries.

    Example:
        >>> plain("dax_v4_few"), plain("dax_v4")
        ('dax_v4', 'dax_v4')
    """
    return method.removesuffix(FEW)


def reference_names(methods: Sequence[str]) -> list[str]:
    """Those that are references, from many or few queries."""
    return [name for name in methods if plain(name) in references()]
