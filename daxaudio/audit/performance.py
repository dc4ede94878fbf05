"""How good is the classifier, in whom, and can its scores be read as probabilities?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daxaudio.audit.cases import Cases, cases_of
from daxaudio.audit.groups import groups_of
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.calibration import Calibration, calibration
from daxaudio.metrics.clusters import cluster_bootstrap
from daxaudio.metrics.permutations import permute_labels
from daxaudio.metrics.significance import holm
from daxaudio.metrics.weighted import weighted_auc, weighted_calibration, weighted_sensitivity
from daxaudio.runs.seeds import derive_seed

Values = NDArray[np.float64]

QUESTION = "How good is the classifier, and is it as good in every group?"

MEASURES = (
    *("auc", "sensitivity_at_specificity", "sensitivity", "specificity"),
    *("brier", "intercept", "slope", "ece"),
)
SUBGROUP_COLUMNS = (
    *("column", "group", "n_recordings", "n_positive_participants", "n_negative_participants"),
    *("small", "auc", "low", "high", "sensitivity", "sensitivity_low", "sensitivity_high"),
    *("specificity", "specificity_low", "specificity_high", "auc_rest", "p", "p_holm"),
)


def performance(recordings: pd.DataFrame, questions: Questions) -> Section:
    """Discrimination and calibration, over all and by subgroup.

    Args:
        recordings: `recording_id`, `participant`, `label`, `score` of the positive class,
            `predicted` unless there is a threshold, and the columns of the subgroups.
        questions: settings.

    Returns:
        The section; its tables are `overall`, `calibration` (by bin of the score) and, where
        subgroups are asked for, `subgroups`.

    Raises:
        ValueError: when a table lacks a column.
    """
    cases = cases_of(recordings, questions)
    if not cases.both_classes:
        return Section("performance", QUESTION, "Not tested: one class is missing.", "not tested")
    found = calibration(cases.scores, cases.positive)
    overall = _overall(cases, found, questions)
    tables = {"overall": overall, "calibration": _bins(found)}
    subgroups = _subgroups(cases, questions)
    if questions.subgroups:
        tables["subgroups"] = subgroups
    answer, state = _answer(overall, subgroups, cases, questions)
    tables = {name: table.round(6) for name, table in tables.items()}
    return Section("performance", QUESTION, answer, state, tables, _method(questions))


def _overall(cases: Cases, found: Calibration, questions: Questions) -> pd.DataFrame:
    called = cases.called(questions.threshold)

    def measures(weights: Values) -> Values:
        calibrated = weighted_calibration(cases.scores, cases.positive, weights)
        brier = weights @ np.square(cases.scores - cases.positive) / weights.sum(axis=1)
        own = _rates(cases, called, weights)
        wanted = questions.specificity
        return np.column_stack(
            [
                weighted_auc(cases.scores, cases.positive, weights),
                weighted_sensitivity(cases.scores, cases.positive, weights, wanted),
                *own,
                brier,
                calibrated,
            ]
        )

    values = measures(np.ones((1, len(called))))[0]
    intervals = _bootstrap(measures, cases, questions, "overall")
    rows = [
        (name, value, interval.low, interval.high)
        for name, value, interval in zip(MEASURES[:-1], values, intervals, strict=True)
    ]
    # of few recordings it is too high in every resample, so that an interval would mislead
    rows.append(("ece", found.ece, float("nan"), float("nan")))
    return pd.DataFrame(rows, columns=["measure", "value", "low", "high"])


def _bootstrap(
    statistic: Callable[[Values], Values], cases: Cases, questions: Questions, name: str
) -> list:
    return cluster_bootstrap(
        statistic,
        cases.participants,
        questions.n_bootstrap,
        derive_seed(questions.seed, "performance", name),
        confidence=questions.confidence,
    )


def _rates(cases: Cases, called: NDArray[np.bool_], weights: Values) -> tuple[Values, Values]:
    """Sensitivity and specificity of the model's own decision, `[B]` each."""
    found = []
    for side in (True, False):
        of_side = cases.positive == side
        total = weights @ of_side
        right = weights @ (of_side & (called == side))
        found.append(np.where(total > 0, right / np.where(total > 0, total, 1), np.nan))
    return found[0], found[1]


def _bins(found: Calibration) -> pd.DataFrame:
    rows = [(one.low, one.high, one.n, one.mean_score, one.share_positive) for one in found.bins]
    return pd.DataFrame(rows, columns=["low", "high", "n", "mean_score", "share_positive"])


def _subgroups(cases: Cases, questions: Questions) -> pd.DataFrame:
    rows = [
        _subgroup(cases, column, group, inside, questions)
        for column, group, inside in _groups(cases, questions)
    ]
    found = pd.DataFrame(rows, columns=list(SUBGROUP_COLUMNS))
    found["p_holm"] = holm(found["p"].to_numpy(dtype=np.float64))
    return found


def _groups(cases: Cases, questions: Questions) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for column in questions.subgroups:
        if column not in cases.table.columns:
            raise ValueError(f"subgroups: nothing is known of {column!r}; give a table that has it")
        groups = groups_of(cases.table[column])
        for group in dict.fromkeys(sorted(groups.dropna().unique())):
            yield column, str(group), np.asarray(groups == group, dtype=bool)


def _subgroup(
    cases: Cases, column: str, group: str, inside: NDArray[np.bool_], questions: Questions
) -> tuple[object, ...]:
    own, rest = cases.part(inside), cases.part(~inside)
    people = [len(set(own.participants[own.positive == side])) for side in (True, False)]
    small = min(people) < questions.smallest_cell
    called = own.called(questions.threshold)

    def measures(weights: Values) -> Values:
        area = weighted_auc(own.scores, own.positive, weights)
        return np.column_stack([area, *_rates(own, called, weights)])

    values = measures(np.ones((1, len(called))))[0]
    intervals = _bootstrap(measures, own, questions, f"{column}={group}")
    numbers = [n for v, i in zip(values, intervals, strict=True) for n in (v, i.low, i.high)]
    p_value, of_rest = float("nan"), float("nan")
    if rest.both_classes and own.both_classes:
        of_rest = float(weighted_auc(rest.scores, rest.positive, np.ones((1, len(rest.scores))))[0])
        if not small:
            p_value = _difference_p(cases, inside, questions, f"{column}={group}")
    return (column, group, len(own.scores), *people, small, *numbers, of_rest, p_value, np.nan)


def _difference_p(
    cases: Cases, inside: NDArray[np.bool_], questions: Questions, name: str
) -> float:
    """Two-sided p-value of "the group does not matter", shuffled among participants of a class."""
    seed, n = derive_seed(questions.seed, "subgroup", name), questions.n_permutations
    sides = [np.flatnonzero(cases.positive == side) for side in (True, False)]
    orders = [permute_labels(inside[one], cases.participants[one], n, seed) for one in sides]

    def differences(weights: Values) -> Values:
        within = weighted_auc(cases.scores, cases.positive, weights)
        return np.abs(within - weighted_auc(cases.scores, cases.positive, 1 - weights))

    found = differences(inside[None].astype(np.float64))[0]
    drawn = []
    whole = [np.concatenate(list(parts)) for parts in orders]
    for first in range(0, n, 500):
        weights = np.zeros((len(whole[0][first : first + 500]), len(inside)))
        for members, order in zip(sides, whole, strict=True):
            weights[:, members] = order[first : first + 500]
        drawn.append(differences(weights))
    n_as_far = int((np.nan_to_num(np.concatenate(drawn)) >= found - 1e-12).sum())
    return (1 + n_as_far) / (1 + n)


def worse_subgroups(subgroups: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    """Rows of the table `subgroups` in which it is surely worse than in the rest."""
    surely = subgroups["p_holm"] < questions.alpha
    return subgroups[surely & (subgroups["auc"] < subgroups["auc_rest"])]


def is_off(overall: pd.DataFrame) -> bool:
    """Whether scores are surely no probabilities, by the slope of the table `overall`."""
    slope = overall.set_index("measure").loc["slope"]
    return bool(slope["low"] > 1 or slope["high"] < 1)


def _answer(
    overall: pd.DataFrame, subgroups: pd.DataFrame, cases: Cases, questions: Questions
) -> tuple[str, State]:
    values = overall.set_index("measure")
    area, slope, reached = (
        values.loc[name] for name in ("auc", "slope", "sensitivity_at_specificity")
    )
    off = is_off(overall)
    text = (
        f"It tells {cases.name} from the rest with an AUC of {area['value']:.2f} "
        f"({area['low']:.2f} to {area['high']:.2f}); at a specificity above "
        f"{questions.specificity:g} it finds {reached['value']:.0%} "
        f"({reached['low']:.0%} to {reached['high']:.0%}) of the positives."
    )
    if off:
        how = "too extreme" if slope["value"] < 1 else "too timid"
        text += f" Its scores are {how} to be read as probabilities."
    worse = worse_subgroups(subgroups, questions)
    for _, one in worse.iterrows():
        text += (
            f" It is worse where {one['column']} is {one['group']} (AUC {one['auc']:.2f} against "
            f"{one['auc_rest']:.2f})."
        )
    n_small = int(subgroups["small"].sum())
    if n_small:
        text += (
            f" {n_small} of {len(subgroups)} subgroups are too small to be compared (fewer than "
            f"{questions.smallest_cell} participants of a class)."
        )
    if not area["low"] > 0.5:
        return f"{text} It was not shown to be better than chance.", "concern"
    if len(worse):
        return text, "concern"
    return text, "note" if off or n_small else "fine"


def _method(questions: Questions) -> str:
    decision = (
        "the model's own decision"
        if questions.threshold is None
        else f"a score of {questions.threshold:g}"
    )
    return (
        f"Intervals of {questions.confidence:.0%}: {questions.n_bootstrap} resamples of "
        f"participants with all of their recordings. Sensitivity and specificity are those of "
        f"{decision}; sensitivity_at_specificity takes the lowest threshold of this corpus whose "
        f"specificity is above {questions.specificity:g}. Calibration: intercept (0 is best) and "
        "slope (1 is best) of the log odds, Brier score, expected calibration error of ten equally "
        "wide bins, which is too high of few recordings. Subgroups: the AUC is compared with that "
        f"of the rest by {questions.n_permutations} shuffles of participants within a class, "
        f"corrected by Holm's method over the groups with {questions.smallest_cell} participants "
        f"or more of either class, at {questions.alpha:g} in this section alone; a column of many "
        "numbers is cut at its thirds."
    )
