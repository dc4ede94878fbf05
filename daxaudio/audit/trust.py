"""How far the explanations themselves can be trusted, apart from what they show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.clusters import cluster_bootstrap
from daxaudio.runs.seeds import derive_seed

QUESTION = "How far can the explanations be trusted?"

_HALF = 0.5
"""A median reliability or agreement below it, or so many findings against, is a concern."""

_NOT_OF_MASKS = ("score", "cost")
"""Findings that say nothing of the mask."""

_METHOD = (
    "Reliability: the correlation that as many other queries would give, as the method estimates "
    "it. Agreement: rank correlation over all bins of the masks of {method} and {second} of one "
    "recording. Medians over recordings, {level:.0f} % bootstrap intervals by participant. Checks, "
    "on the recordings with controls alone: does the score fall when what is marked is removed "
    "first, do other random draws give the same mask, and is it gone when the model's weights are "
    "shuffled (where they can be)? A mask that passes all of it may still be wrong."
)


def numbers(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """By method and what: `method`, `what`, `median`, `low`, `high`, `share_below_half`, `n`."""
    who = evidence.recordings[["recording_id", "participant"]]
    table = evidence.explained.merge(who, on="recording_id")
    rows = []
    for (method,), own in table.groupby(["method"], sort=False):
        for what in ("reliability", "agreement"):
            part = own[own[what].notna()]
            if part.empty:
                continue
            values = part[what].to_numpy(dtype=np.float64)
            low, high = _interval(values, part["participant"], questions, f"{method} {what}")
            below = float((values < _HALF).mean())
            rows.append((method, what, float(np.median(values)), low, high, below, len(part)))
    columns = ["method", "what", "median", "low", "high", "share_below_half", "n"]
    return pd.DataFrame(rows, columns=columns)


def warnings_of(evidence: Evidence) -> pd.DataFrame:
    """Explanations by method, and how many have warnings: `method`, `n`, `n_warned`, `first`."""
    rows = []
    for (method,), own in evidence.explained.groupby(["method"], sort=False):
        warned = own[own["n_warnings"] > 0]
        rows.append((method, len(own), len(warned), next(iter(warned["warning"]), "")))
    return pd.DataFrame(rows, columns=["method", "n", "n_warned", "first"])


def checks_of(evidence: Evidence) -> pd.DataFrame:
    """By finding: `finding`, `n`, `n_for`, `n_against`, `n_neither`, `mean`."""
    rows = []
    judged = evidence.checks[~evidence.checks["finding"].isin(_NOT_OF_MASKS)]
    for (name,), own in judged.groupby(["finding"], sort=False):
        good = own["good"]
        counts = (int((good == 1).sum()), int((good == 0).sum()), int(good.isna().sum()))
        rows.append((name, len(own), *counts, float(own["value"].mean())))
    columns = ["finding", "n", "n_for", "n_against", "n_neither", "mean"]
    return pd.DataFrame(rows, columns=columns)


def trust_section(evidence: Evidence, questions: Questions) -> Section:
    """The section; a concern where masks are mostly noise, or checks speak against most of them."""
    table, checks = numbers(evidence, questions), checks_of(evidence)
    method = _METHOD.format(
        method=questions.method,
        second=questions.second_method or "no second method",
        level=100 * questions.confidence,
    )
    tables = {"numbers": table, "warnings": warnings_of(evidence), "checks": checks}
    if evidence.explained.empty:
        answer = "Not tested: nothing was explained."
        return Section("trust", QUESTION, answer, "not tested", {}, method)
    sentences, doubts = [], []
    for row in table.to_dict("records"):
        name = f"{row['what']} of {row['method']}"
        sentences.append(f"{name} {row['median']:.2f} [{row['low']:.2f}, {row['high']:.2f}]")
        if row["median"] < _HALF:
            doubts.append(name)
    n_checked = evidence.checks["recording_id"].nunique()
    for row in checks.to_dict("records"):
        if row["n_against"] > n_checked / 2:
            doubts.append(f"{row['finding']}, against {row['n_against']} of {n_checked} masks")
    state: State = "concern" if doubts else "fine" if sentences else "note"
    told = f"Medians: {'; '.join(sentences)}." if sentences else "The method knows of no measure."
    if doubts:
        told += f" This speaks against the masks: {'; '.join(doubts)}."
    warned = evidence.explained["n_warnings"].gt(0)
    told += f" {int(warned.sum())} of {len(warned)} explanations have warnings."
    worst = evidence.explained[evidence.explained["method"] == questions.method]
    worst = worst[worst["reliability"].notna()].sort_values(["reliability", "recording_id"])
    return Section("trust", QUESTION, told, state, tables, method, tuple(worst["recording_id"][:1]))


def _interval(
    values: np.ndarray, who: pd.Series, questions: Questions, name: str
) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    ordered = values[order]

    def median(weights: np.ndarray) -> np.ndarray:
        total = np.cumsum(weights[:, order], axis=1)
        place = (total < total[:, -1:] / 2).sum(axis=1)
        return np.asarray(ordered[place])

    (found,) = cluster_bootstrap(
        median,
        who.to_numpy(),
        questions.n_bootstrap,
        derive_seed(questions.seed, "trust", name),
        confidence=questions.confidence,
    )
    return found.low, found.high
