"""What tells the label apart without listening to an event, and whether the score goes with it.

Each suspect is a set of columns: one trace by itself, the traces of one kind, the background as a
whole, one column of the table of what is known, all of them. Of each two things are tested:

1. Does it tell the label apart? A single number by the area under the ROC curve, a set by a linear
   classifier held out by participant (`predict_label`).
2. Does the model's score go with it among recordings of one label, in the direction in which it
   tells the labels apart (`association_within_classes`)? Where the suspect differs between the
   labels and nowhere within them, this cannot be seen, and only an intervention tells.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daxaudio.audit.accusations import n_draws
from daxaudio.audit.cases import Cases
from daxaudio.audit.features import column_features, is_site, number_features
from daxaudio.audit.prediction import predict_label
from daxaudio.audit.questions import Questions
from daxaudio.audit.traces import KINDS
from daxaudio.metrics.clusters import Interval, cluster_bootstrap
from daxaudio.metrics.permutations import association_within_classes, label_association
from daxaudio.metrics.weighted import weighted_auc
from daxaudio.runs.seeds import derive_seed

Values = NDArray[np.float64]

BACKGROUND_KINDS = ("background", "hum")
"""Kinds of traces that are of the background."""

_ALONE = tuple(name for name in KINDS if not name.startswith("background_") or name[-2:] == "db")
"""Traces that are also tested by themselves: all but the third octaves of the background."""

TABLE, WHOLE = "table", "columns"
"""The kind of what is known beside the sound; what the whole table is a suspect of."""

COLUMNS = (
    *("kind", "suspect", "of", "n", "auc", "low", "high", "higher_in", "p_label"),
    *("follows", "p_follows", "holm_label", "holm_follows"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Suspect:
    """A set of columns that may tell the label apart.

    Args:
        kind: of `KINDS`, "site" or "table".
        name: of the trace, the column or the set.
        of: "trace", "traces", "column" or "columns".
        values: `[n]` of a single number; None of a set.
        features: `[n, d]` of a set; None of a single number.
    """

    kind: str
    name: str
    of: str
    values: Values | None = None
    features: Values | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What no other suspect has: a column of the table may have the name of a trace."""
        return self.of, self.name


def find_suspects(
    cases: Cases, traces: pd.DataFrame | None, known: pd.DataFrame | None, questions: Questions
) -> list[Suspect]:
    """Everything that is tested; what has one value in all recordings is left out.

    Args:
        cases: the recordings.
        traces: `recording_id` and a column a trace; None when nothing was measured.
        known: `recording_id` and the columns of the table of what is known; None without one.
        questions: which columns, and which of them are sites.

    Raises:
        ValueError: when the questions name a column that is not there.
    """
    found = []
    ids = cases.table["recording_id"]
    if traces is not None:
        found += _of_traces(traces.set_index("recording_id").reindex(ids))
    if known is not None:
        wanted = _columns(known, questions)
        found += _of_table(known.set_index("recording_id").reindex(ids)[wanted], questions)
    return found


def _of_traces(traces: pd.DataFrame) -> list[Suspect]:
    kinds = list(dict.fromkeys(KINDS.values()))
    found = []
    for kind in kinds:
        of_kind = BACKGROUND_KINDS if kind == "background" else (kind,)
        names = [n for n in KINDS if n in traces.columns and KINDS[n] in of_kind]
        varying = [name for name in names if traces[name].nunique() > 1]
        if len(varying) > 1:
            features = number_features(traces[varying])
            found.append(Suspect(kind, kind, "traces", features=features))
        for name in varying:
            if name in _ALONE and KINDS[name] == kind:
                values = traces[name].to_numpy(dtype=np.float64)
                found.append(Suspect(kind, name, "trace", values=values))
    return found


def _of_table(known: pd.DataFrame, questions: Questions) -> list[Suspect]:
    found, parts = [], []
    for name in known.columns:
        features = column_features(known[name])
        if features.shape[1]:
            parts.append(features)
            site = is_site(name) if questions.sites is None else name in questions.sites
            found.append(Suspect("site" if site else TABLE, name, "column", features=features))
    if len(parts) > 1:
        found.append(Suspect(TABLE, "the whole table", WHOLE, features=np.hstack(parts)))
    return found


def _columns(known: pd.DataFrame, questions: Questions) -> list[str]:
    none = {"recording_id", "participant", questions.split, questions.left_out}
    there = [str(name) for name in known.columns if name not in none]
    for name in (*questions.columns, *(questions.sites or ())):
        if name not in there:
            raise ValueError(f"the table of what is known has no column {name!r}; it has {there}")
    return list(questions.columns or there)


def run_tests(
    suspects: Sequence[Suspect], cases: Cases, questions: Questions
) -> tuple[pd.DataFrame, dict[tuple[str, str], Values]]:
    """Both tests of every suspect, not corrected yet.

    Args:
        suspects: what is tested.
        cases: of both classes.
        questions: settings.

    Returns:
        A table with the columns `COLUMNS`, but for the corrected ones, and by `of` and name the
        number that stands for each suspect, `[n]`, higher in positives; NaN where it is missing.
    """
    n_permutations = n_draws(len(suspects), questions)
    seed = derive_seed(questions.seed, "confounders")
    numbers: dict[tuple[str, str], Values] = {}
    rows = []
    alone = [one for one in suspects if one.values is not None]
    if alone:
        stacked = np.stack([one.values for one in alone if one.values is not None], axis=1)
        areas, p_values = label_association(
            stacked, cases.positive, cases.participants, n_permutations, seed=seed
        )
        for one, values, area, p_value in zip(alone, stacked.T, areas, p_values, strict=True):
            numbers[one.key] = values if area >= 0.5 else -values
            higher = "positives" if area >= 0.5 else "negatives"
            rows.append((one, max(area, 1 - area), higher, p_value))
    for one in suspects:
        if one.features is not None:
            held_out = predict_label(
                one.features,
                cases,
                n_folds=questions.n_folds,
                n_permutations=n_permutations,
                seed=seed,
            )
            numbers[one.key] = held_out.scores
            rows.append((one, held_out.auc, "", held_out.p_value))
    table = _rows_with_intervals(rows, numbers, cases, questions)
    keys = zip(table["of"], table["suspect"], strict=True)
    together = np.stack([numbers[key] for key in keys], axis=1)
    table["follows"], table["p_follows"] = association_within_classes(
        together,
        cases.scores,
        cases.positive,
        cases.participants,
        n_permutations=n_permutations,
        seed=seed,
    )
    return table, numbers


def _rows_with_intervals(
    rows: Sequence[tuple[Suspect, float, str, float]],
    numbers: Mapping[tuple[str, str], Values],
    cases: Cases,
    questions: Questions,
) -> pd.DataFrame:
    found = []
    for one, area, higher, p_value in rows:
        known = ~np.isnan(numbers[one.key])
        interval = _interval(numbers[one.key][known], cases.part(known), questions)
        counted = (int(known.sum()), area, interval.low, interval.high, higher, p_value)
        found.append((one.kind, one.name, one.of, *counted))
    return pd.DataFrame(found, columns=list(COLUMNS[:9]))


def _interval(numbers: Values, cases: Cases, questions: Questions) -> Interval:
    if not len(numbers) or not cases.both_classes:
        return Interval(float("nan"), float("nan"))
    (found,) = cluster_bootstrap(
        lambda weights: weighted_auc(numbers, cases.positive, weights),
        cases.participants,
        questions.n_bootstrap,
        derive_seed(questions.seed, "interval"),
        confidence=questions.confidence,
    )
    return found


def auc_within(numbers: Values, cases: Cases, groups: NDArray[np.object_]) -> float:
    """Area under the ROC curve over pairs of one group only; NaN where no group has both classes.

    Example:
        >>> table = pd.DataFrame({"recording_id": list("abcd")})
        >>> positive = np.array([True, False, True, False])
        >>> cases = Cases(table, positive, np.zeros(4), np.array(list("abcd"), object), "ill")
        >>> auc_within(np.array([4.0, 3.0, 2.0, 1.0]), cases, np.array(list("xxyy"), object))
        1.0
    """
    hits = pairs = 0.0
    for group in sorted(set(groups)):
        inside = (groups == group) & ~np.isnan(numbers)
        positive = cases.positive[inside]
        n_pairs = float(positive.sum() * (~positive).sum())
        if n_pairs:
            area = weighted_auc(numbers[inside], positive, np.ones((1, len(positive))))[0]
            hits, pairs = hits + n_pairs * float(area), pairs + n_pairs
    return hits / pairs if pairs else float("nan")
