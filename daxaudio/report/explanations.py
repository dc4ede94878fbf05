"""The page over explanations of a folder: what was predicted, what was marked, what to doubt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.experiments.folder import PROBLEMS_FILE
from daxaudio.explainers.storage import PICTURE_FILE, is_stored, is_up_to_date, load_facts
from daxaudio.report.explanation_page import PAGE_FILE as EXPLANATION_FILE
from daxaudio.report.model import (
    MISSING,
    Link,
    Overview,
    Picture,
    RecordingView,
    Report,
    Section,
    Table,
)
from daxaudio.report.writing import write_page
from daxaudio.runs.tables import read_table

PAGE_FILE = "report.html"

_TEXT = """\
Each recording below was explained for one class: where the classifier listened when it scored that
class. Colour lies over the spectrogram where the mask is large; marked are the frames whose profile
(the mean of the mask over frequency) is above its mean plus standard deviation, or half-way up
where none is. Warnings say why an explanation should not be trusted; that there is none proves
nothing.

The table can be sorted by a click on the name of a column, and searched: words that are typed must
all stand in a row, in any column. What is below it follows. Pictures are loaded from the folder
that holds this page, and links lead to pages in it, which can be heard: send or keep the whole
folder."""

_FACTS = ("method", "target", "score", "warnings", "verdict")

_CHOICES = ("label", "predicted", "explained class")
"""Columns of which one value can be chosen."""


def write_index(
    out: str | os.PathLike[str],
    title: str,
    *,
    predictions: pd.DataFrame,
    recording_ids: Sequence[str],
    methods: Sequence[str],
) -> Path:
    """Write `report.html` over the explanations of a folder, whole or not at all.

    Args:
        out: folder that `explain_folder` wrote; the page goes into it.
        title: heading of the page.
        predictions: as `predict_folder` gives them.
        recording_ids: what was explained, in the order of the page.
        methods: by which methods.

    Returns:
        The path of the page.
    """
    out = Path(out)
    rows = predictions.set_index("recording_id").to_dict("index")
    known = {str(name): {str(key): row[key] for key in row} for name, row in rows.items()}
    found = {
        name: [folder for method in methods if is_stored(folder := out / method / name)]
        for name in recording_ids
    }
    facts = {name: [_facts_of(folder) for folder in folders] for name, folders in found.items()}
    views = [
        _view(name, known[name], found[name], facts[name]) for name in recording_ids if found[name]
    ]
    sections = [Section("Recordings", [_overview(known, found, facts)])]
    left_out = _left_out(out, predictions, recording_ids)
    if left_out is not None:
        text = "These could not be read, classified or explained, or have a label that is unknown."
        sections.append(Section("Problems", [text, left_out]))
    sections.append(Section("Explanations", views))
    return write_page(Report(title, sections, [_TEXT]), out / PAGE_FILE)


def _facts_of(folder: Path) -> dict[str, Any]:
    """What the page says of an explanation; there may be very many of them."""
    facts = load_facts(folder)
    return {name: facts[name] for name in _FACTS if name in facts}


def _overview(
    known: dict[str, dict[str, Any]],
    found: dict[str, list[Path]],
    facts: dict[str, list[dict[str, Any]]],
) -> Overview:
    links = tuple(links_of(folders, facts[name]) for name, folders in found.items() if folders)
    return Overview(_table(known, facts), links, _CHOICES, "warnings")


def links_of(folders: Sequence[Path], facts: Sequence[dict[str, Any]]) -> tuple[Link, ...]:
    """Pages of the explanations of one recording, where they are as new as these."""
    return tuple(
        Link(folder / EXPLANATION_FILE, each["method"])
        for folder, each in zip(folders, facts, strict=True)
        if is_up_to_date(folder, EXPLANATION_FILE)
    )


def _table(known: dict[str, dict[str, Any]], facts: dict[str, list[dict[str, Any]]]) -> Table:
    judged = any("verdict" in each for own in facts.values() for each in own)
    rows = [
        (
            name,
            known[name]["label"] or MISSING,
            known[name]["predicted"],
            f"{known[name]['score']:.3f}",
            own[0]["target"],
            _score(own[0]),
            str(sum(len(each.get("warnings", ())) for each in own)),
            *(["; ".join(map(_against, own))] if judged else []),
        )
        for name, own in facts.items()
        if own
    ]
    header = ("recording", "label", "predicted", "score", "explained class", "its score")
    return Table((*header, "warnings", *(["speaks against it"] if judged else [])), tuple(rows))


def _view(
    name: str,
    known: dict[str, Any],
    folders: Sequence[Path],
    facts: Sequence[dict[str, Any]],
) -> RecordingView:
    label = f"Labelled {known['label']}" if known["label"] else "Without a label"
    text = f"{label}; predicted {known['predicted']} with a score of {known['score']:.3f}"
    if facts[0]["target"] == known["predicted"]:
        text += ", and explained for it."
    else:
        text += f". Explained for {facts[0]['target']}, whose score is {_score(facts[0])}."
    pictures = tuple(
        Picture(folder / PICTURE_FILE, f"{each['method']} on {name}", linked=True)
        for folder, each in zip(folders, facts, strict=True)
        if (folder / PICTURE_FILE).is_file()
    )
    warnings = tuple(
        f"{each['method']}: {warning}" for each in facts for warning in each.get("warnings", ())
    )
    warnings += tuple(
        f"{each['method']}: {each['verdict']['summary']}" for each in facts if "verdict" in each
    )
    return RecordingView(name, text, pictures, warnings=warnings, links=links_of(folders, facts))


def _against(facts: dict[str, Any]) -> str:
    """What the check of an explanation found against it."""
    if "verdict" not in facts:
        return f"{facts['method']}: not checked"
    found = [each["name"] for each in facts["verdict"]["findings"] if each["good"] is False]
    return f"{facts['method']}: {', '.join(found) or 'nothing'}"


def _score(facts: dict[str, Any]) -> str:
    return MISSING if facts["score"] is None else f"{facts['score']:.3f}"


def _left_out(out: Path, predictions: pd.DataFrame, recording_ids: Sequence[str]) -> Table | None:
    """What could not be classified, or not be explained."""
    bad = predictions[predictions["problem"] != ""]
    rows = [tuple(row) for row in bad[["recording_id", "problem"]].itertuples(index=False)]
    path = out / PROBLEMS_FILE
    if path.is_file():
        problems = read_table(path)
        rows += [
            (row.recording_id, f"{row.method}: {row.problem}")
            for row in problems.itertuples()
            if row.recording_id in set(recording_ids)
        ]
    return Table(("recording", "problem"), tuple(rows)) if rows else None
