"""What the classifier gets wrong: which recordings are shown is a rule, not a choice."""

from __future__ import annotations

import pandas as pd

from daxaudio.audit.cases import Cases, cases_of
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section

QUESTION = "What does it get wrong, and does it look like one cause?"

FALSE_POSITIVE, FALSE_NEGATIVE = "false positive", "false negative"


def worst_errors(recordings: pd.DataFrame, questions: Questions) -> list[str]:
    """Errors that are shown: false positives and false negatives that the model was surest of.

    Of each kind `n_errors`, one a participant as far as there are so many, then a second one each.

    Args:
        recordings: as of `errors`.
        questions: settings.

    Returns:
        Ids, false positives first, the surest first among those of one turn.
    """
    return list(_chosen(cases_of(recordings, questions), questions)["recording_id"])


def errors(recordings: pd.DataFrame, questions: Questions) -> Section:
    """Count errors, and choose those that are shown and heard.

    Args:
        recordings: `recording_id`, `participant`, `label`, `score` of the positive class and,
            unless there is a threshold, `predicted`.
        questions: settings.

    Returns:
        The section; its tables are `shown` and `by_participant` (those with errors); its recordings
        are those that are shown.

    Raises:
        ValueError: when a column is missing.
    """
    cases = cases_of(recordings, questions)
    wrong = _wrong(cases, questions)
    shown = _chosen(cases, questions)
    if not len(cases.scores):
        return Section("errors", QUESTION, "Not tested: no recording has a score.", "not tested")
    counts = wrong["error"].value_counts()
    of_class = {FALSE_POSITIVE: (~cases.positive).sum(), FALSE_NEGATIVE: cases.positive.sum()}
    parts = [
        f"{counts.get(kind, 0)} {kind}s among {n} recordings that are"
        f"{'' if kind == FALSE_NEGATIVE else ' not'} {cases.name}"
        for kind, n in of_class.items()
    ]
    n_people = wrong["participant"].nunique()
    text = f"{' and '.join(parts)}, of {n_people} of {len(set(cases.participants))} participants."
    by_person = _by_participant(cases, wrong)
    always = by_person[(by_person["n_wrong"] == by_person["n"]) & (by_person["n"] > 1)]
    if len(always):
        text += f" All recordings of {len(always)} of them are wrong: a person, not a sound."
    decision = (
        "as the model decides"
        if questions.threshold is None
        else f"from a score of {questions.threshold:g} on"
    )
    method = (
        f"Positive is called {decision}. Shown are the {questions.n_errors} errors of each kind "
        "that the model was surest of, one a participant as far as there are so many participants, "
        "then a second one each."
    )
    tables = {"shown": shown.round(6), "by_participant": by_person}
    return Section("errors", QUESTION, text, "note", tables, method, tuple(shown["recording_id"]))


def _wrong(cases: Cases, questions: Questions) -> pd.DataFrame:
    called = cases.called(questions.threshold)
    table = cases.table[["recording_id", "participant", "label", "score"]].copy()
    table["error"] = [
        FALSE_POSITIVE if one else FALSE_NEGATIVE for one in (called & ~cases.positive)
    ]
    return table[called != cases.positive].reset_index(drop=True)


def _chosen(cases: Cases, questions: Questions) -> pd.DataFrame:
    wrong = _wrong(cases, questions)
    sure = wrong["score"].where(wrong["error"] == FALSE_POSITIVE, 1 - wrong["score"])
    wrong = wrong.assign(sure=sure).sort_values(
        ["error", "sure", "recording_id"], ascending=[False, False, True], kind="stable"
    )
    wrong["turn"] = wrong.groupby(["error", "participant"]).cumcount()
    ordered = wrong.sort_values(
        ["error", "turn", "sure", "recording_id"],
        ascending=[False, True, False, True],
        kind="stable",
    )
    kept = ordered.groupby("error").head(questions.n_errors)
    return kept.drop(columns=["sure", "turn"]).reset_index(drop=True)


def _by_participant(cases: Cases, wrong: pd.DataFrame) -> pd.DataFrame:
    n_all = cases.table.groupby("participant").size()
    n_wrong = wrong.groupby("participant").size()
    table = pd.DataFrame({"n_wrong": n_wrong, "n": n_all.reindex(n_wrong.index)}).reset_index()
    return table.sort_values(
        ["n_wrong", "participant"], ascending=[False, True], kind="stable", ignore_index=True
    )
