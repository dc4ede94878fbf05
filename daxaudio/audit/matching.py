"""How good is the classifier among people who are alike in what is known of them?

Source: Coppock et al., Nature Machine Intelligence 2024, whose classifier of COVID from coughs fell
from an AUC of 0.85 to 0.62 when positives and negatives were matched on what had been measured of
them. As there, pairs are exact on names and nearest on numbers, within a caliper. Differs in that
pairs are found for all strata at once by the least total distance, not one after the other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from daxaudio.audit.cases import Cases, cases_of
from daxaudio.audit.features import as_numbers
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.clusters import Interval, cluster_bootstrap
from daxaudio.metrics.weighted import weighted_auc
from daxaudio.runs.seeds import derive_seed

Values = NDArray[np.float64]

QUESTION = "How good is it among people who are alike in what is known of them?"

_LARGEST = 2000
"""Participants of a stratum that are matched at once; a larger one is cut along its numbers."""
_FAR = 1e6
_LEAST_LOSS = 0.05
"""AUC from which on a loss is one: where nearly all are matched, the interval of what is lost rests
on the few who are not, and is too narrow."""


def matching(recordings: pd.DataFrame, questions: Questions) -> Section:
    """AUC before and after positives and negatives are matched on columns of the table.

    Args:
        recordings: `recording_id`, `participant`, `label`, `score` of the positive class, and the
            columns `match_on`.
        questions: settings.

    Returns:
        The section; its tables are `auc` (before, after, their difference), `balance` (how far the
        classes are apart in each column, before and after) and `pairs`.

    Raises:
        ValueError: when a column is missing.
    """
    cases = cases_of(recordings, questions)
    if not questions.match_on:
        return _not_tested("no column to match on is named (match_on in the questions)")
    if missing := [one for one in questions.match_on if one not in cases.table.columns]:
        raise ValueError(f"match_on: nothing is known of {missing[0]!r}; give a table that has it")
    people = _people(cases, questions)
    pairs = match_pairs(people, questions)
    if len(pairs) < questions.smallest_cell:
        return _not_tested(
            f"only {len(pairs)} pairs of participants are alike in {', '.join(questions.match_on)}"
        )
    table = _areas(cases, pairs, questions)
    matched = people[people["participant"].isin([*pairs["positive"], *pairs["negative"]])]
    balance = _balance(people, matched, questions)
    answer, state = _answer(table, len(pairs), questions)
    tables = {"auc": table.round(6), "balance": balance.round(6), "pairs": pairs}
    method = _method(cases, people, questions)
    return Section("matching", QUESTION, answer, state, tables, method)


def _not_tested(why: str) -> Section:
    return Section("matching", QUESTION, f"Not tested: {why}.", "not tested")


def _people(cases: Cases, questions: Questions) -> pd.DataFrame:
    """Participants of one label of whom all columns are known and the same in all recordings."""
    table = cases.table[["participant", *questions.match_on]].copy()
    table["positive"] = cases.positive
    groups = table.groupby("participant", sort=True)
    alike = (groups.nunique(dropna=False) == 1).all(axis=1)
    first = groups.first().reset_index()
    kept = first[alike.to_numpy() & first.notna().all(axis=1).to_numpy()]
    return kept.reset_index(drop=True)


def match_pairs(people: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    """Pair positives with negatives, each once, as many as the caliper allows.

    Args:
        people: `participant`, `positive`, and the columns `match_on`, nothing missing.
        questions: `match_on`, `categories`, `caliper`, `seed`.

    Returns:
        `positive` and `negative`, the participants of each pair, and their `distance` in standard
        deviations.

    Example:
        >>> people = pd.DataFrame(
        ...     {
        ...         "participant": list("abcd"),
        ...         "positive": [True, True, False, False],
        ...         "sex": ["f", "m", "f", "f"],
        ...     }
        ... )
        >>> len(match_pairs(people, Questions(match_on=("sex",))))
        1
    """
    numbers = {name: as_numbers(people[name]) for name in questions.match_on}
    near = [name for name, values in numbers.items() if values is not None]
    exact = [name for name in questions.match_on if name not in near]
    places = np.zeros((len(people), len(near)))
    for k, name in enumerate(near):
        values = np.asarray(numbers[name], dtype=np.float64)
        places[:, k] = values / (values.std() or 1.0)
    keys = (
        people[exact].astype(str).agg("\t".join, axis=1) if exact else pd.Series("", people.index)
    )
    seed = derive_seed(questions.seed, "matching")
    order = np.random.default_rng(seed).permutation(len(people))
    rows = []
    for key in sorted(keys.unique()):
        members = order[np.asarray(keys == key)[order]]
        for part in _parts(members, places):
            rows += _pairs_in(part, places, np.asarray(people["positive"]), questions.caliper)
    names = people["participant"].to_numpy()
    found = [(names[one], names[other], distance) for one, other, distance in rows]
    table = pd.DataFrame(found, columns=["positive", "negative", "distance"])
    return table.sort_values("positive", ignore_index=True)


def _parts(members: NDArray[np.int64], places: Values) -> list[NDArray[np.int64]]:
    if len(members) <= _LARGEST:
        return [members]
    if places.shape[1]:
        members = members[np.argsort(places[members, 0], kind="stable")]
    return np.array_split(members, -(-len(members) // _LARGEST))


def _pairs_in(
    members: NDArray[np.int64], places: Values, positive: NDArray[np.bool_], caliper: float
) -> list[tuple[int, int, float]]:
    """The most pairs within the caliper, and among as many those of the least total distance."""
    own, others = members[positive[members]], members[~positive[members]]
    if not len(own) or not len(others):
        return []
    apart = np.abs(places[own][:, None] - places[others][None])
    distance = apart.sum(axis=2)
    allowed = np.asarray((apart <= caliper).all(axis=2))
    rows, columns = scipy.optimize.linear_sum_assignment(np.where(allowed, distance, _FAR))
    return [
        (int(own[i]), int(others[j]), float(distance[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if allowed[i, j]
    ]


def _areas(cases: Cases, pairs: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    pair_of = {
        name: f"pair of {one}"
        for one, other in zip(pairs["positive"], pairs["negative"], strict=True)
        for name in (one, other)
    }
    inside = np.array([name in pair_of for name in cases.participants])
    clusters = [pair_of.get(name, name) for name in cases.participants]

    def areas(weights: Values) -> Values:
        before = weighted_auc(cases.scores, cases.positive, weights)
        after = weighted_auc(cases.scores, cases.positive, weights * inside)
        return np.column_stack([before, after, before - after])

    values = areas(np.ones((1, len(inside))))[0]
    seed = derive_seed(questions.seed, "matching", "interval")
    intervals: list[Interval] = cluster_bootstrap(
        areas, clusters, questions.n_bootstrap, seed, confidence=questions.confidence
    )
    people = [len(set(cases.participants)), 2 * len(pairs), np.nan]
    n = [len(inside), int(inside.sum()), np.nan]
    rows = [
        (name, value, one.low, one.high, n_people, n_recordings)
        for name, value, one, n_people, n_recordings in zip(
            ("before", "after", "lost"), values, intervals, people, n, strict=True
        )
    ]
    columns = ["matching", "auc", "low", "high", "n_participants", "n_recordings"]
    return pd.DataFrame(rows, columns=columns)


def _balance(people: pd.DataFrame, matched: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    """Standardised difference of the classes in each column, before and after."""
    rows = []
    for name in questions.match_on:
        numbers = as_numbers(people[name])
        if numbers is not None:
            levels = {"": numbers}
        else:
            texts = people[name].astype(str)
            levels = {one: (texts == one).astype(np.float64) for one in sorted(texts.unique())}
        for level, values in levels.items():
            spread = float(values.std()) or 1.0
            differences = [
                _difference(values[part.index], part["positive"]) / spread
                for part in (people, people.loc[matched.index])
            ]
            rows.append((name, level, *differences))
    return pd.DataFrame(rows, columns=["column", "level", "before", "after"])


def _difference(values: pd.Series, positive: pd.Series) -> float:
    return float(values[positive].mean() - values[~positive].mean())


def _answer(table: pd.DataFrame, n_pairs: int, questions: Questions) -> tuple[str, State]:
    before, after, lost = (table.iloc[k] for k in range(3))
    text = (
        f"Among {n_pairs} pairs of a positive and a negative who are alike in "
        f"{', '.join(questions.match_on)} the AUC is {after['auc']:.2f} ({after['low']:.2f} to "
        f"{after['high']:.2f}); among all it is {before['auc']:.2f} ({before['low']:.2f} to "
        f"{before['high']:.2f})."
    )
    if lost["low"] > 0 and lost["auc"] >= _LEAST_LOSS:
        return f"{text} A part of what it seems to know is who was recorded.", "concern"
    if not after["low"] > 0.5:
        return f"{text} Among those it was not shown to be better than chance.", "note"
    return text, "fine"


def _method(cases: Cases, people: pd.DataFrame, questions: Questions) -> str:
    n_out = len(set(cases.participants)) - len(people)
    return (
        "Pairs of participants, each used once: exact on names, on numbers and dates at most "
        f"{questions.caliper:g} standard deviations apart in each; as many pairs as there are, "
        f"then the least total distance (Coppock et al. 2024). {n_out} participants are left out "
        "of it: they have both labels, or something to match on is not known or differs between "
        f"their recordings. Intervals of {questions.confidence:.0%}: {questions.n_bootstrap} "
        "resamples of pairs, and of participants without one; 'lost' is the difference in the same "
        f"resamples; {_LEAST_LOSS:g} or more of it, and an interval above 0, is a concern. "
        "Balance: difference of the classes in standard deviations of all."
    )
