"""Where masks lie over a corpus: by event class, band and level, and whether errors differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from daxaudio.audit.choose import describe_rule
from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.clusters import cluster_bootstrap
from daxaudio.metrics.phase_events import BACKGROUND
from daxaudio.metrics.phases import UNLABELLED
from daxaudio.metrics.sign_flips import mean_difference
from daxaudio.metrics.significance import holm, unpaired_comparison
from daxaudio.runs.seeds import derive_seed

QUESTION = "Where in the recordings does the classifier listen?"

EVENTS = "all events"
"""The part of the events that the class should be heard in, taken together."""

_METHOD = (
    "Masks of {method}, {queries} queries each, for the class that the model predicts. {rule} "
    "Share: of the mask's sum. Chance: the share that a flat mask has there, that of the time or "
    "of the bins. Density: mean share over mean chance, 1 is chance; {level:.0f} % bootstrap "
    "interval by participant. p: of share less chance, flipped signs by participant, Holm over "
    "all rows of the table. Masks when the model errs: Mann and Whitney's test of participants' "
    "means, Holm over the parts, at {alpha:g} in this section alone. A mask says where a change of "
    "the sound changes the score, not why."
)

_FEWEST_ERRORS = 3


def shares(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """Every part of every division: where the mask is denser than chance.

    Returns:
        `division`, `part`, `share`, `chance`, `density`, `low`, `high`, `p`, `p_holm`,
        `n_recordings`, `n_participants`.
    """
    rows = []
    for (division, part), own in _masks(evidence, questions).groupby(
        ["division", "part"], sort=False
    ):
        rows.append({"division": division, "part": part, **_density(own, questions, str(part))})
    columns = ["division", "part", "share", "chance", "density", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=[*columns, "n_recordings", "n_participants"])
    table.insert(8, "p_holm", holm(table["p"].to_numpy(dtype=np.float64)))
    return table


def by_group(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """The same by class of the label, and by right or wrong: `group`, then as `shares`."""
    masks = _masks(evidence, questions)
    groups = {
        "label positive": masks["positive"],
        "label negative": ~masks["positive"],
        "model right": masks["correct"] == 1,
        "model wrong": masks["correct"] == 0,
    }
    rows = []
    for name, inside in groups.items():
        for (division, part), own in masks[inside].groupby(["division", "part"], sort=False):
            found = _density(own, questions, f"{name} {part}")
            del found["p"]
            rows.append({"group": name, "division": division, "part": part, **found})
    columns = ["group", "division", "part", "share", "chance", "density", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "n_recordings", "n_participants"])


def when_wrong(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """Whether masks lie elsewhere when the model errs (guideline G4 of Jin et al. 2022).

    Returns:
        One row a part: `division`, `part`, `wrong_less_right` (difference of mean share less
        chance), `low`, `high`, `p` (Mann and Whitney, of participants' means), `p_holm`,
        `n_right`, `n_wrong`; empty with fewer than three participants of either kind.
    """
    rows = []
    for (division, part), own in _masks(evidence, questions).groupby(
        ["division", "part"], sort=False
    ):
        above = own["share"] - own["chance"]
        means = above.groupby([own["correct"], own["participant"]]).mean()
        wrong, right = (
            means[means.index.get_level_values(0) == k].to_numpy(dtype=np.float64) for k in (0, 1)
        )
        if min(len(wrong), len(right)) < _FEWEST_ERRORS:
            continue
        found = unpaired_comparison(wrong, right, derive_seed(questions.seed, "wrong", part))
        numbers = (found.mean_difference, found.low, found.high, found.p_value)
        rows.append((division, part, *numbers, found.n_b, found.n_a))
    columns = ["division", "part", "wrong_less_right", "low", "high", "p", "n_right", "n_wrong"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(6, "p_holm", holm(table["p"].to_numpy(dtype=np.float64)))
    return table


def listening_section(evidence: Evidence, questions: Questions) -> Section:
    """The section; a concern where masks lie outside the events that the class is said to be in."""
    table, wrong = shares(evidence, questions), when_wrong(evidence, questions)
    method = _METHOD.format(
        method=questions.method,
        queries=questions.queries,
        rule=describe_rule(questions),
        level=100 * questions.confidence,
        alpha=questions.alpha,
    )
    if table.empty:
        answer = "Not tested: nothing was explained, or every mask is empty."
        return Section("listening", QUESTION, answer, "not tested", {}, method)
    tables = {"shares": table, "by_group": by_group(evidence, questions)}
    if not wrong.empty:
        tables["when_wrong"] = wrong
    state, answer = _events_answer(table, questions)
    densest = table[table["division"] == "band"].nlargest(1, "density")
    for row in densest.itertuples():
        answer += f" By band it is densest at {row.part}: {_number(row)} times chance."
    answer += f" {_errors_answer(wrong, questions)}"
    shown = _typical(evidence, questions)
    return Section("listening", QUESTION, answer, state, tables, method, shown)


def _events_answer(table: pd.DataFrame, questions: Questions) -> tuple[State, str]:
    named = ", ".join(questions.phases) if questions.phases else "the events"
    row = events_row(table)
    if row is None:
        return "note", "No events are known, so it is not known whether it listens to them."
    text = f"{named}: {_number(row)} times as dense as chance"
    if row["low"] > 1:
        return "fine", f"The mask is denser in {text}."
    if row["high"] < 1:
        return "concern", f"The mask lies outside of {text}."
    return "note", f"The mask is not clearly denser in {text}."


def events_row(table: pd.DataFrame) -> pd.Series | None:
    """The row of the table `shares` of the events that the class should be heard in, if any."""
    rows = table[(table["division"] == "event") & (table["part"] == EVENTS)]
    return None if rows.empty else rows.iloc[0]


def _errors_answer(wrong: pd.DataFrame, questions: Questions) -> str:
    if wrong.empty:
        return "The model errs too rarely on what was explained to compare its masks then."
    differing = wrong[wrong["p_holm"] < questions.alpha]
    if differing.empty:
        return "When the model errs, its masks look the same: they do not warn of errors."
    return f"When the model errs, its masks differ in {', '.join(differing['part'])}."


def _number(row: object) -> str:
    return f"{row.density:.2f} [{row.low:.2f}, {row.high:.2f}]"  # type: ignore[attr-defined]


def _masks(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """Rows of the first method, with the wanted events together, and what is known of each."""
    own = evidence.where[evidence.where["method"] == questions.method]
    events = own[own["division"] == "event"]
    wanted = set(questions.phases) or set(events["part"]) - {UNLABELLED, *BACKGROUND}
    inside = events[events["part"].isin(wanted)]
    together = inside.groupby("recording_id")[["share", "chance"]].sum().clip(upper=1.0)
    together = together.reset_index().assign(division="event", part=EVENTS)
    columns = ["recording_id", "participant", "label", "correct"]
    found = pd.concat([together, own], ignore_index=True).merge(
        evidence.recordings[columns], on="recording_id"
    )
    found["positive"] = found["label"] == questions.positive
    return found


def _density(own: pd.DataFrame, questions: Questions, name: str) -> dict[str, float]:
    share, chance = (own[n].to_numpy(dtype=np.float64) for n in ("share", "chance"))
    who = own["participant"].to_numpy()
    seed = derive_seed(questions.seed, "listening", name)
    (interval,) = cluster_bootstrap(
        lambda weights: (weights @ share) / (weights @ chance),
        who,
        questions.n_bootstrap,
        seed,
        confidence=questions.confidence,
    )
    test = mean_difference(
        share - chance, who, n_bootstrap=1, n_permutations=questions.n_permutations, seed=seed
    )
    return {
        "share": float(share.mean()),
        "chance": float(chance.mean()),
        "density": float(share.mean() / chance.mean()),
        "low": interval.low,
        "high": interval.high,
        "p": test.p_value,
        "n_recordings": len(own),
        "n_participants": test.n_participants,
    }


def _typical(evidence: Evidence, questions: Questions) -> tuple[str, ...]:
    """Of each class the recording that is explained and whose score is the median of those."""
    own = evidence.explained[evidence.explained["method"] == questions.method]
    table = evidence.recordings[evidence.recordings["recording_id"].isin(own["recording_id"])]
    found = []
    for label in (True, False):
        part = table[(table["label"] == questions.positive) == label]
        part = part.sort_values(["score", "recording_id"])
        if len(part):
            found.append(str(part["recording_id"].iloc[(len(part) - 1) // 2]))
    return tuple(found)
