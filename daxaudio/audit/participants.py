"""Who is in a corpus, who was left out and why, and who is on both sides of a split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from daxaudio.audit.features import as_numbers
from daxaudio.audit.known import PARTICIPANT, Known
from daxaudio.audit.questions import Questions
from daxaudio.audit.sections import Section, State
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.runs.names import name_some
from daxaudio.runs.tables import check_columns

QUESTION = "Who is in it, who was left out, and was anybody trained on?"

LEFT_OUT = ("recording_id", "participant", "reason")
"""Columns of a table of what was left out before or while the model was asked; where a participant
has no recording at all, the id is empty."""

FLOW = ("step", "n_recordings", "n_participants", "n_participants_lost")
_NAMED = 6  # most levels of a column that get a row of their own


def left_out_before(known: Known, text: Mapping[str, str], questions: Questions) -> pd.DataFrame:
    """What is left out before the model is asked: no label, a reason in the table, no recording.

    Args:
        known: what is known of all recordings.
        text: label of each recording, `UNLABELLED` where there is none.
        questions: `left_out` names the column of reasons.

    Returns:
        `LEFT_OUT`, a recording once: the reason of the table goes first.

    Raises:
        ValueError: when there is no such column.
    """
    column = questions.left_out
    if column is not None and column not in known.columns:
        raise ValueError(f"left_out: nothing is known of {column!r}; give a table that has it")
    rows: list[tuple[str, str, str]] = []
    for one in known.table.to_dict("records"):
        name, reason = str(one["recording_id"]), one[column] if column else None
        if reason is not None and reason == reason:  # NaN is no reason
            rows.append((name, str(one["participant"]), str(reason)))
        elif text[name] == UNLABELLED:
            rows.append((name, str(one["participant"]), "no label"))
    if known.by == PARTICIPANT:
        rows += [("", name, "no recording of them in the data") for name in known.unknown]
    return pd.DataFrame(rows, columns=list(LEFT_OUT))


def participants(
    recordings: pd.DataFrame,
    questions: Questions,
    *,
    left_out: pd.DataFrame | None = None,
    described: tuple[str, ...] = (),
) -> Section:
    """The flow of participants and recordings, the classes side by side, and what is shared.

    Args:
        recordings: one row a recording that was asked about: `recording_id`, `participant`,
            `label`; the column of the split; and, where it is known, `input`, a digest of the
            audio, by which copies are found.
        questions: settings.
        left_out: one row a recording (or participant) that was not, with the reason: `LEFT_OUT`.
        described: columns of the table of what is known that describe the classes.

    Returns:
        The section; its tables are `flow`, `classes`, and, where there are any, `on_both_sides`,
        `both_labels`, `copies` and `left_out`.

    Raises:
        ValueError: when a column is missing.
    """
    needed = ["recording_id", "participant", "label"]
    check_columns(recordings, needed, "a table of recordings of an audit")
    out = pd.DataFrame(columns=list(LEFT_OUT)) if left_out is None else left_out
    check_columns(out, LEFT_OUT, "a table of what was left out")
    table = recordings.sort_values("recording_id", kind="stable").reset_index(drop=True)
    shared = _on_both_sides(table, questions)
    both = _both_labels(table)
    copies = _copies(table)
    tables = {"flow": _flow(table, out), "classes": _classes(table, described)}
    found = {"on_both_sides": shared, "both_labels": both, "copies": copies}
    tables |= {name: part for name, part in found.items() if part is not None and len(part)}
    if len(out):
        order = out.sort_values(["reason", "recording_id"], kind="stable", ignore_index=True)
        tables["left_out"] = order[list(LEFT_OUT)]
    answer, state = _answer(table, out, shared, copies, questions)
    method = (
        "Everything is counted for recordings and for participants; a participant is lost when "
        "none of their recordings is left. Copies are recordings whose audio is the same, sample "
        "by sample, under several ids."
    )
    shown = tuple(copies["recording_id"][:6]) if len(copies) else ()
    return Section("participants", QUESTION, answer, state, tables, method, shown)


def _flow(table: pd.DataFrame, out: pd.DataFrame) -> pd.DataFrame:
    of_table, of_out = set(table["participant"]), set(out["participant"])
    has_recording = out["recording_id"].fillna("") != ""
    total = len(table) + int(has_recording.sum())
    rows: list[tuple[str, int, int, int]] = [("all", total, len(of_table | of_out), 0)]
    for reason, part in out.groupby("reason", sort=True):
        people = set(part["participant"])
        n = int((part["recording_id"].fillna("") != "").sum())
        rows.append((f"left out: {reason}", n, len(people), len(people - of_table)))
    lost = len(of_out - of_table)
    rows.append(("audited", len(table), len(of_table), lost))
    for label, part in table.groupby("label", sort=True):
        rows.append((f"audited, {label}", len(part), part["participant"].nunique(), 0))
    return pd.DataFrame(rows, columns=list(FLOW))


def _classes(table: pd.DataFrame, described: tuple[str, ...]) -> pd.DataFrame:
    """What the participants of each class are like, one row a column or a level of it."""
    people = table.drop_duplicates(["participant", "label"])
    labels = sorted(table["label"].astype(str).unique())
    rows = [{"column": "recordings of each", "level": "median"}]
    sizes = table.groupby(["label", "participant"]).size()
    rows[0] |= {label: f"{sizes[label].median():g}" for label in labels}
    for name in described:
        if name in people.columns:
            rows += _described(people, name, labels)
    return pd.DataFrame(rows, columns=["column", "level", *labels])


def _described(people: pd.DataFrame, name: str, labels: list[str]) -> list[dict[str, str]]:
    numbers = as_numbers(people[name])
    if numbers is not None and pd.api.types.is_numeric_dtype(people[name].dtype):
        row = {"column": name, "level": "median (quartiles)"}
        for label in labels:
            known = numbers[people["label"] == label].dropna()
            quarters = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else [np.nan] * 3
            row[label] = f"{quarters[1]:.4g} ({quarters[0]:.4g} to {quarters[2]:.4g})"
        return [row]
    texts = people[name].where(people[name].notna(), "(unknown)").astype(str)
    counts = texts.value_counts()
    often = sorted(counts.index[:_NAMED])
    texts = texts.where(texts.isin(often), "(others)")
    rows = []
    for level in [*often, *(["(others)"] if len(counts) > _NAMED else [])]:
        row = {"column": name, "level": level}
        for label in labels:
            own = texts[people["label"] == label]
            n = int((own == level).sum())
            row[label] = f"{n} ({n / max(1, len(own)):.0%})"
        rows.append(row)
    return rows


def _on_both_sides(table: pd.DataFrame, questions: Questions) -> pd.DataFrame | None:
    """Participants who stand on more than one side of the split; None when nobody knows."""
    split = questions.split
    if split is None:
        return None
    if split not in table.columns:
        raise ValueError(f"split: nothing is known of {split!r}; give a table that has it")
    known = table[table[split].notna()]
    rows = []
    for person, part in known.groupby("participant", sort=True):
        sides = sorted(map(_as_text, part[split].unique()))
        if len(sides) > 1:
            rows.append((person, ", ".join(sides), len(part)))
    return pd.DataFrame(rows, columns=["participant", "sides", "n_recordings"])


def _as_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _both_labels(table: pd.DataFrame) -> pd.DataFrame:
    groups = table.groupby("participant", sort=True)["label"]
    mixed = groups.nunique() > 1
    rows = [(person, int(groups.size()[person])) for person in mixed[mixed].index]
    return pd.DataFrame(rows, columns=["participant", "n_recordings"])


def _copies(table: pd.DataFrame) -> pd.DataFrame:
    columns = ["recording_id", "participant", "label", "input"]
    if "input" not in table.columns:
        return pd.DataFrame(columns=columns)
    known = table[table["input"].fillna("") != ""]
    found = known[known["input"].duplicated(keep=False)][columns]
    return found.sort_values(["input", "recording_id"], kind="stable", ignore_index=True)


def _answer(
    table: pd.DataFrame,
    out: pd.DataFrame,
    shared: pd.DataFrame | None,
    copies: pd.DataFrame,
    questions: Questions,
) -> tuple[str, State]:
    people = set(table["participant"])
    text = f"{len(table)} recordings of {len(people)} participants were audited"
    recorded = out[out["recording_id"].fillna("") != ""]
    lost = len(set(recorded["participant"]) - people)
    if len(recorded):
        text += f"; {len(recorded)} recordings were left out, and {lost} participants with them"
    text += "."
    if n_absent := len(set(out["participant"]) - set(recorded["participant"]) - people):
        text += f" {n_absent} participants of the table have no recording here."
    worse = False
    if shared is None:
        text += " Nobody said who was trained on (split in the questions)."
    elif len(shared):
        names = name_some(shared["participant"])
        text += (
            f" {len(shared)} participants are on both sides of {questions.split}: {names}; what is "
            "said of how good it is on new people is too good."
        )
        worse = True
    else:
        text += f" Nobody is on both sides of {questions.split}."
    if len(copies):
        n = copies["input"].nunique()
        text += f" {n} sounds are there more than once, under {len(copies)} ids."
        worse = worse or bool((copies.groupby("input")["participant"].nunique() > 1).any())
    state: State = "concern" if worse else "note" if shared is None or len(recorded) else "fine"
    return text, state
