"""Does the classifier listen to what goes with the label by the way a corpus was made?

A suspect is accused when two things hold: it tells the label apart (`least_auc` or more), and the
model's score follows it: within a label (`least_effect` or more of rank correlation), or under an
intervention that changes it and nothing else (`least_effect` or more of the score). The first alone
is a weakness of the corpus that the model may not have used; the second alone is sensitivity that
pays nothing here.

The first is tested of everything, by Holm at its part of `alpha`. The second is tested of the best
of each kind that passed, again by Holm at its part: its tests shuffle scores within a label, where
the first step did not look, so that what passed by chance is not likelier to pass again. What the
parts are, and what else may accuse, is in `accusations`.

The likeliest cause is named first: what an intervention confirmed before what only goes along, the
larger effect first, the background as a whole after what is special in it (a hum is heard in it,
too), and a site before the traces that differ between sites and not within one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daxaudio.audit.accusations import alpha_of, n_draws
from daxaudio.audit.cases import Cases, cases_of
from daxaudio.audit.confounder_tests import (
    TABLE,
    WHOLE,
    auc_within,
    find_suspects,
    run_tests,
)
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.significance import holm
from daxaudio.runs.tables import check_columns

INTERVENTIONS = ("kind", "effect", "low", "high", "p")
"""Columns of a table of interventions. An effect is the change of the score towards the class of
the recording whose hum, level, ... was given to another, between 0 and 1 where it moved there."""

_BY = {"site": ("equaliser", "background", "site"), "background": ("background",)}
"""Interventions that speak for a kind, where they have another name."""

WORDS = {
    "hum": "a steady tone in the background",
    "level": "the level of the recording",
    "bandwidth": "the band and coding of the recording",
    "background": "the background between events",
    "duration": "the length of the recording",
    "clipping": "clipping",
}

QUESTION = "Can the label be told from how recordings were made, and does the model do so?"

ACCUSED = (
    *("rank", "kind", "suspect", "auc", "low", "high", "p_label", "follows", "p_follows"),
    *("effect", "effect_low", "effect_high", "p_effect", "evidence", "explained_by"),
)
"""Columns of the table of the accused; p-values are corrected."""

_MINIMUM = 4
"""Participants of each class without whom nothing is tested."""


def confounders(
    recordings: pd.DataFrame,
    questions: Questions,
    *,
    traces: pd.DataFrame | None = None,
    known: pd.DataFrame | None = None,
    interventions: pd.DataFrame | None = None,
) -> Section:
    """Test everything that is known of recordings beside what happens in them.

    Args:
        recordings: `recording_id`, `participant`, `label`, `score` of the positive class.
        questions: settings.
        traces: `recording_id` and what `measure_traces` gives.
        known: `recording_id` and the columns of the table of what is known.
        interventions: what changes of one thing did to the score: `INTERVENTIONS`; None when the
            model was not asked.

    Returns:
        The section; its tables are `accused` (the likeliest cause first; none is a good sign),
        `tests` and, where there are any, `interventions`.

    Raises:
        ValueError: when a table lacks a column.
    """
    cases = cases_of(recordings, questions)
    people = [len(set(cases.participants[cases.positive == one])) for one in (True, False)]
    suspects = find_suspects(cases, traces, known, questions)
    if min(people) < _MINIMUM or not suspects:
        why = (
            f"needs {_MINIMUM} participants of each class, got {people[0]} and {people[1]}"
            if min(people) < _MINIMUM
            else "nothing differs between the recordings"
        )
        return Section("confounders", QUESTION, f"Not tested: {why}.", "not tested")
    asked = _checked(interventions)
    tests, numbers = run_tests(suspects, cases, questions)
    tests["holm_label"] = holm(tests["p_label"].to_numpy(dtype=np.float64))
    told = _representatives(tests, questions)
    asked = _correct(told, tests, asked)
    accused = _accuse(tests.loc[told.index], asked, questions)
    sites = {
        str(name): known.set_index("recording_id")[name].reindex(cases.table["recording_id"])
        for name in tests["suspect"][tests["kind"] == "site"]
        if known is not None
    }
    accused = _ranked(accused, sites, numbers, cases)
    tables = {"accused": accused, "tests": tests.sort_values(["p_label", "suspect"])}
    if interventions is not None:
        tables["interventions"] = asked
    answer, state = _answer(accused, tests, questions)
    return Section(
        "confounders",
        QUESTION,
        answer,
        state,
        {name: table.round(6).reset_index(drop=True) for name, table in tables.items()},
        _method(len(tests), len(told) + len(asked), questions),
    )


def _checked(interventions: pd.DataFrame | None) -> pd.DataFrame:
    if interventions is None:
        return pd.DataFrame(columns=[*INTERVENTIONS])
    check_columns(interventions, INTERVENTIONS, "a table of interventions")
    return interventions[list(INTERVENTIONS)].reset_index(drop=True)


def _representatives(tests: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    """The best of each kind, and each column of the table, that tell the label apart."""
    told = tells_label(tests, questions) & (tests["of"] != WHOLE)
    order = tests[told].sort_values(
        ["holm_label", "auc", "suspect"], ascending=[True, False, True], kind="stable"
    )
    # traces of a kind are accused together, columns of a table each by itself
    unit = order["suspect"].where(order["of"] == "column", "")
    return order[~pd.DataFrame({"kind": order["kind"], "unit": unit}).duplicated()]


def tells_label(tests: pd.DataFrame, questions: Questions) -> pd.Series:
    """Whether each suspect of the table `tests` tells the label apart."""
    surely = tests["holm_label"] < alpha_of("label", questions)
    return surely & (tests["auc"] >= questions.least_auc)


def _correct(told: pd.DataFrame, tests: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Interventions on what tells the label apart; p-values of the second step are corrected."""
    wanted = {name for kind in told["kind"] for name in _BY.get(str(kind), (str(kind),))}
    asked = asked[asked["kind"].isin(wanted)].reset_index(drop=True)
    given = np.concatenate([told["p_follows"], asked["p"]]).astype(np.float64)
    corrected = holm(given)
    tests["holm_follows"] = pd.Series(corrected[: len(told)], index=told.index).reindex(tests.index)
    asked["holm"] = corrected[len(told) :]
    return asked


def _accuse(told: pd.DataFrame, asked: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    """What tells the label and is followed, within a label or under an intervention."""
    rows = []
    for _, one in told.iterrows():
        follows = one["holm_follows"] < alpha_of("follows", questions)
        follows &= one["follows"] >= questions.least_effect
        confirmed = _confirmed(str(one["kind"]), asked, questions)
        if not follows and confirmed is None:
            continue
        row = {
            name: one[name] for name in ("kind", "of", "suspect", "auc", "low", "high", "follows")
        }
        row |= {"p_label": one["holm_label"], "p_follows": one["holm_follows"]}
        if confirmed is not None:
            row |= {"effect": confirmed["effect"], "p_effect": confirmed["holm"]}
            row |= {f"effect_{end}": confirmed[end] for end in ("low", "high")}
        row["evidence"] = "association" if confirmed is None else "intervention"
        rows.append(row)
    return pd.DataFrame(rows, columns=["of", *(name for name in ACCUSED if name not in _RANKING)])


_RANKING = ("rank", "explained_by")


def _confirmed(kind: str, asked: pd.DataFrame, questions: Questions) -> pd.Series | None:
    """The largest effect of an intervention on what is suspected, if there is one."""
    own = asked["kind"].isin(_BY.get(kind, (kind,)))
    own &= asked["holm"] < alpha_of("follows", questions)
    found = asked[own & (asked["effect"] >= questions.least_effect)]
    return None if found.empty else found.sort_values("effect", ascending=False).iloc[0]


def _ranked(
    accused: pd.DataFrame,
    sites: Mapping[str, pd.Series],
    numbers: Mapping[tuple[str, str], NDArray[np.float64]],
    cases: Cases,
) -> pd.DataFrame:
    """The likeliest cause first."""
    accused = accused.copy()
    accused["explained_by"] = [
        _explained_by(one, accused, sites, numbers, cases) for _, one in accused.iterrows()
    ]
    general = accused["kind"].isin(("background", TABLE))
    size = accused["effect"].astype(float).fillna(accused["follows"].astype(float))
    order = pd.DataFrame(
        {
            "explained": accused["explained_by"] != "",
            "general": general,
            "weaker": accused["evidence"] == "association",
            "smaller": -size,
            # of two columns that say the same, the coarser one
            "finer": [
                sites[name].nunique() if kind == "site" else 0
                for kind, name in zip(accused["kind"], accused["suspect"], strict=True)
            ],
            "suspect": accused["suspect"],
        }
    )
    found = accused.loc[order.sort_values(list(order.columns)).index].reset_index(drop=True)
    found["rank"] = np.arange(1, len(found) + 1)
    return found[list(ACCUSED)]


def _explained_by(
    one: pd.Series,
    accused: pd.DataFrame,
    sites: Mapping[str, pd.Series],
    numbers: Mapping[tuple[str, str], NDArray[np.float64]],
    cases: Cases,
) -> str:
    """An accused site within which a trace hardly tells the label apart any more, or ""."""
    if one["kind"] in ("site", TABLE):
        return ""
    for name in accused["suspect"][accused["kind"] == "site"]:
        groups = sites[name].astype(object).fillna("(unknown)").astype(str).to_numpy(dtype=object)
        within = auc_within(numbers[one["of"], one["suspect"]], cases, groups)
        if np.isnan(within) or within - 0.5 < (one["auc"] - 0.5) / 3:
            return str(name)
    return ""


def _answer(accused: pd.DataFrame, tests: pd.DataFrame, questions: Questions) -> tuple[str, State]:
    if len(accused):
        return _accusation(accused), "concern"
    told = tests[tells_label(tests, questions)]
    best = (told if len(told) else tests).sort_values("auc", ascending=False).iloc[0]
    most = f"(AUC {best['auc']:.2f}, {best['low']:.2f} to {best['high']:.2f})"
    if len(told):
        text = (
            f"{_words(best)} {most} tells the labels apart without any event, but the model's "
            "score was not found to follow it. A model could learn it from such data."
        )
        return text[0].upper() + text[1:], "note"
    text = "Nothing that was measured beside the events was found to tell the labels apart; the "
    return f"{text}most is {_words(best)} {most}.", "fine"


def _accusation(accused: pd.DataFrame) -> str:
    first = accused.iloc[0]
    how = (
        f"the score moves by {first['effect']:.2f} ({first['effect_low']:.2f} to "
        f"{first['effect_high']:.2f}) when it is given to other recordings"
        if first["evidence"] == "intervention"
        else f"within a label the score goes with it (rank correlation {first['follows']:.2f})"
    )
    text = (
        f"The likeliest confounder is {_words(first)}: it tells the labels apart by itself (AUC "
        f"{first['auc']:.2f}, {first['low']:.2f} to {first['high']:.2f}), and {how}."
    )
    others = [_words(one) for _, one in accused.iloc[1:].iterrows()]
    if not others:
        return text
    return f"{text} So it is, less likely or as a consequence, with {_listed(others)}."


def _words(one: pd.Series) -> str:
    if one["kind"] in ("site", TABLE):
        whole = one.get("of") == WHOLE  # which is never accused
        return "the table as a whole" if whole else f"the column {one['suspect']!r}"
    return WORDS[str(one["kind"])]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _method(n_label: int, n_follows: int, questions: Questions) -> str:
    parts = [f"{alpha_of(one, questions):.3g}" for one in ("label", "follows")]
    return (
        f"Two steps, each corrected by Holm's method at its part of {questions.alpha:g}, which is "
        "how often an audit may accuse a classifier that listens to the events alone: here and in "
        f"section swaps together. First, at {parts[0]}, {n_label} tests of what tells the label "
        "apart: a number by itself by the area under the ROC curve, a set by ridge regression of "
        f"the label on normal scores in {questions.n_folds} folds by participant; AUC of "
        f"{questions.least_auc:g} or more. Then, at {parts[1]}, of the best of each kind that "
        f"does, {n_follows} tests of whether the score follows: by rank correlation within a "
        f"label, or under an intervention; {questions.least_effect:g} or more. P-values: "
        f"{n_draws(n_label, questions)} shuffles of participants. Intervals: "
        f"{questions.n_bootstrap} resamples of participants. Where a suspect is the same in all "
        "recordings of a label, only an intervention can show that it is followed. What sounds "
        "under an event is not looked at."
    )
