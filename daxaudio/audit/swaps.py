"""Does the score follow the background: what happens when sounds are exchanged between classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from daxaudio.audit.accusations import alpha_of, n_draws
from daxaudio.audit.answers import ALONE, AS_IS, OTHER, OWN
from daxaudio.audit.changes import CHANGES
from daxaudio.audit.gather import Evidence
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.metrics.clusters import cluster_bootstrap
from daxaudio.metrics.permutations import label_association
from daxaudio.metrics.sign_flips import MeanDifference, mean_difference
from daxaudio.metrics.significance import holm
from daxaudio.metrics.weighted import weighted_auc
from daxaudio.runs.seeds import derive_seed

QUESTION = "Does the score change when only the background does?"

_METHOD = (
    "The model is asked about made recordings. Background: the events of a recording stay, all "
    "between them is taken from a donor, as loud against the events as it was there; what sounds "
    "under events stays with them, so effects are underestimated rather than made up. Other rows "
    "take one thing alone from the donor: the narrow bands that stand out of the background (hum), "
    "the level of the loudest twentieth (level), the frequency above which nothing is left "
    "(bandwidth; it can only be lowered), the colour of the background in third octaves "
    "(equaliser). Each recording has {n} donors of its own class and {n} of the other, other "
    "participants, drawn by its name. Effect: how much nearer the score is to the donors' class "
    "with donors of the other class than with donors of its own; what editing alone does is in "
    "both, and cancels. 0: the score does not follow. 1: it follows wholly. Mean over "
    "participants, {level:.0f} % bootstrap interval by participant, two-sided test of flipped "
    "signs by participant. Background alone: AUC, two-sided test of labels shuffled among "
    "participants. All of these tests are corrected together by Holm's method; below {alpha:.3g} "
    "and with an effect of {effect:g} or an AUC of {least:g} or more, the background is a concern. "
    "That is this section's part of {all:g}, which is how often an audit may accuse a classifier "
    "that listens to the events alone: here and in section confounders together."
)

_N_TESTS = len(CHANGES) + 1
"""Of the family: every kind of change, and background alone."""


def interventions(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """How far the score follows each kind of change.

    Returns:
        One row a kind of `CHANGES` that could be asked: `kind`, `effect`, `low`, `high`, `p`,
        `p_holm` (over the rows), `effect_positive` and `effect_negative` (of recordings of either
        class), `n_recordings`, `n_participants`.
    """
    table = differences(evidence, questions)
    rows = []
    for kind in CHANGES:
        own = table[table["kind"] == kind]
        if own.empty:
            continue
        found = _mean_of(own, questions, kind)
        parts = {
            name: float(own["difference"][own["positive"] == side].mean())
            for name, side in (("effect_positive", True), ("effect_negative", False))
        }
        rows.append(
            {
                "kind": kind,
                "effect": found.mean,
                "low": found.low,
                "high": found.high,
                "p": found.p_value,
                **parts,
                "n_recordings": found.n,
                "n_participants": found.n_participants,
            }
        )
    columns = ["kind", "effect", "low", "high", "p", "effect_positive", "effect_negative"]
    found_table = pd.DataFrame(rows, columns=[*columns, "n_recordings", "n_participants"])
    found_table.insert(5, "p_holm", holm(found_table["p"].to_numpy(dtype=np.float64)))
    return found_table


def differences(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """By recording and kind: how far the score moves towards the class of the donors.

    Returns:
        `recording_id`, `participant`, `positive`, `kind`, `own`, `other` (mean scores), and
        `difference`: own less other of a positive recording, other less own of a negative one.
    """
    sides = evidence.answers[evidence.answers["donor_class"].isin([OWN, OTHER])]
    columns = ["recording_id", "kind", OWN, OTHER]
    if sides.empty:
        means = pd.DataFrame(columns=columns)
    else:
        means = sides.pivot_table("score", ["recording_id", "kind"], "donor_class").reset_index()
        means = means.reindex(columns=columns).dropna()
    who = evidence.recordings[["recording_id", "participant", "label"]]
    found = means.merge(who, on="recording_id")
    found["positive"] = found.pop("label") == questions.positive
    moved = (found[OWN] - found[OTHER]).astype(np.float64)
    found["difference"] = np.where(found["positive"], moved, -moved)
    return found.sort_values(["recording_id", "kind"], ignore_index=True)


def alone(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """How well the score tells the classes apart when only a part of each recording is heard.

    Returns:
        One row for the recordings as they are and for each of `ALONE`: `heard`, `auc`, `low`,
        `high`, `p` (labels shuffled among participants), `score_positive`, `score_negative` (mean
        scores), `n_recordings`.
    """
    who = evidence.recordings[["recording_id", "participant", "label"]]
    found = evidence.answers.merge(who, on="recording_id")
    rows = []
    for kind in (AS_IS, *ALONE):
        own = found[found["kind"] == kind]
        positive = (own["label"] == questions.positive).to_numpy()
        if not positive.any() or positive.all():
            continue
        scores = own["score"].to_numpy(dtype=np.float64)
        auc, low, high = _auc(scores, positive, own["participant"], questions, kind)
        means = float(scores[positive].mean()), float(scores[~positive].mean())
        _, p_values = label_association(
            scores[:, None],
            positive,
            own["participant"].to_numpy(),
            n_draws(_N_TESTS, questions),
            seed=derive_seed(questions.seed, "alone", kind),
        )
        rows.append((kind, auc, low, high, float(p_values[0]), *means, len(own)))
    columns = ["heard", "auc", "low", "high", "p", "score_positive", "score_negative"]
    return pd.DataFrame(rows, columns=[*columns, "n_recordings"])


def crossed(evidence: Evidence, questions: Questions) -> pd.DataFrame:
    """Mean score by whose events and whose background: four numbers that need no statistics."""
    table = differences(evidence, questions)
    own = table[table["kind"] == "background"]
    rows = []
    for positive in (True, False):
        part = own[own["positive"] == positive]
        same, other = float(part[OWN].mean()), float(part[OTHER].mean())
        pair = (same, other) if positive else (other, same)
        rows.append(("positive" if positive else "negative", *pair, len(part)))
    columns = ["events_of", "on_positive_background", "on_negative_background", "n_recordings"]
    return pd.DataFrame(rows, columns=columns)


def swaps_section(evidence: Evidence, questions: Questions) -> Section:
    """The section; `questions.positive` must name the class."""
    kinds, parts = _corrected(interventions(evidence, questions), alone(evidence, questions))
    alpha = alpha_of("swaps", questions)
    method = _METHOD.format(
        n=questions.n_donors,
        level=100 * questions.confidence,
        least=questions.least_auc,
        effect=questions.least_effect,
        alpha=alpha,
        all=questions.alpha,
    )
    rows = kinds[kinds["kind"] == "background"]
    if rows.empty:
        reason = "no recording has background between its events, or nobody has a donor"
        if not questions.n_donors:
            reason = "n_donors is 0"
        answer = f"Not tested: {reason}."
        return Section("swaps", QUESTION, answer, "not tested", {"parts": parts}, method)
    row = rows.iloc[0]
    follows = row["p_holm"] < alpha and row["effect"] >= questions.least_effect
    state: State = "concern" if follows else "fine"
    effect = f"{row['effect']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
    how = "follows the background" if follows else "does not clearly follow the background"
    answer = (
        f"The score {how}: on backgrounds of the other class it moves by {effect} towards that "
        f"class, more than on backgrounds of its own ({int(row['n_participants'])} participants)."
    )
    for one in parts[parts["heard"] == _BACKGROUND].to_dict("records"):
        answer += (
            f" With the events cut out it tells the classes apart with an AUC of "
            f"{one['auc']:.2f} [{one['low']:.2f}, {one['high']:.2f}]; 0.5 is chance."
        )
        if one["p_holm"] < alpha and one["auc"] >= questions.least_auc:
            state = "concern"
    tables = {"interventions": kinds, "parts": parts, "crossed": crossed(evidence, questions)}
    moved = differences(evidence, questions)
    most = moved[moved["kind"] == "background"].nlargest(3, "difference", keep="all")
    shown = tuple(most["recording_id"][:3]) if follows else ()
    return Section("swaps", QUESTION, answer, state, tables, method, shown)


_BACKGROUND = ALONE[2]


def _corrected(kinds: pd.DataFrame, parts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with `p_holm` over all that may accuse: every kind, and background alone."""
    own = parts["heard"] == _BACKGROUND
    p_values = np.concatenate([kinds["p"], parts["p"][own]]).astype(np.float64)
    corrected = holm(p_values)
    parts.insert(5, "p_holm", np.nan)
    parts.loc[own, "p_holm"] = corrected[len(kinds) :]
    return kinds.assign(p_holm=corrected[: len(kinds)]), parts


def _mean_of(table: pd.DataFrame, questions: Questions, kind: str) -> MeanDifference:
    return mean_difference(
        table["difference"].to_numpy(dtype=np.float64),
        table["participant"].to_numpy(),
        n_bootstrap=questions.n_bootstrap,
        n_permutations=n_draws(_N_TESTS, questions),
        confidence=questions.confidence,
        seed=derive_seed(questions.seed, "swaps", kind),
    )


def _auc(
    scores: np.ndarray, positive: np.ndarray, who: pd.Series, questions: Questions, kind: str
) -> tuple[float, float, float]:
    auc = float(weighted_auc(scores, positive, np.ones((1, len(scores))))[0])
    (interval,) = cluster_bootstrap(
        lambda weights: weighted_auc(scores, positive, weights),
        who.to_numpy(),
        questions.n_bootstrap,
        derive_seed(questions.seed, "alone", kind),
        confidence=questions.confidence,
    )
    return auc, interval.low, interval.high
