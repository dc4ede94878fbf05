"""The page of a long recording: its score over time, what was explained, and what was marked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daxaudio.experiments.long_recording import (
    MARKED_FILE,
    TEXTGRID_FILE,
    WINDOWS_FILE,
    WINDOWS_FOLDER,
    LongExplained,
    marked_table,
)
from daxaudio.explainers.storage import PICTURE_FILE, is_stored, load_facts
from daxaudio.report.explanations import PAGE_FILE, links_of
from daxaudio.report.model import (
    Block,
    Overview,
    Picture,
    RecordingView,
    Report,
    Section,
    Table,
)
from daxaudio.report.writing import write_page
from daxaudio.runs.seconds import clock

_TEXT = """\
The recording was read in windows, and every window was scored by the classifier. Those in which it
decides something were explained: where it listened when it scored the class. Where windows overlap,
their masks are blended, each weighted by sin^2 of its place in the window. **What was not explained
has no mask; that is not the same as no evidence.** Times are hours, minutes and seconds from the
start of the recording; on the pages of windows they count from the start of the window.

Masks are scaled in each window, so that they compare moments within a window; whole windows are
compared by their scores. Marked are the frames whose profile (the mean of the mask over frequency)
is above its mean plus standard deviation in their window, or half-way up where none is; thresholds
are blended as masks are."""


def write_long_page(
    whole: LongExplained, out: str | os.PathLike[str], methods: Sequence[str]
) -> Path:
    """Write `report.html` over the windows of a long recording, whole or not at all.

    Args:
        whole: the recording, explained into the folder, its pictures drawn.
        out: where it was explained.
        methods: by which methods.

    Returns:
        The path of the page.
    """
    out = Path(out)
    sections = [_section_of(whole, method) for method in methods]
    sections += _windows(whole, out, methods)
    unheard = whole.table[whole.table["problem"] != ""]
    if len(unheard):
        rows = tuple((_times(row), str(row["problem"])) for _, row in unheard.iterrows())
        sections.append(Section("Not heard", [Table(("window", "problem"), rows)]))
    title = f"{whole.recording_id}: class {whole.target} over {clock(whole.duration)}"
    return write_page(Report(title, sections, [_TEXT, _summary(whole)]), out / PAGE_FILE)


def _summary(whole: LongExplained) -> str:
    table, cut = whole.table, whole.windowing
    asked = [] if cut.threshold is None else [f"a score of at least {cut.threshold:g}"]
    asked += [] if cut.most is None else [f"the {cut.most} highest scores at most"]
    share = whole.stretches.duration / whole.duration
    return (
        f"- length {clock(whole.duration, 1)}, {len(table)} windows of {cut.seconds:g} s, one "
        f"every {cut.step:g} s; all of their scores are in `{WINDOWS_FILE}`\n"
        f"- explained: windows with {' and '.join(asked)}: {len(whole.explained)}, which are "
        f"{100 * share:.1f} % of the time\n"
        f"- the highest score of a window is {table['score'].max():.3f}"
    )


def _section_of(whole: LongExplained, method: str) -> Section:
    place, stitched = whole.places[method], whole.stitched.get(method)
    blocks: list[Block] = []
    if (place / PICTURE_FILE).is_file():
        blocks.append(Picture(place / PICTURE_FILE, f"{method} over the whole recording"))
    if stitched is None:
        return Section(f"Marked by {method}", [*blocks, "No window was explained."])
    blocks += [f"**Warning:** {warning}" for warning in stitched.explanation.warnings]
    marked = marked_table(stitched, whole.explained)
    rows = tuple(
        (
            *(row["from"], row["to"], f"{row['end'] - row['start']:.2f}", row["label"]),
            *(f"{row['salience']:.3f}", f"{row['window_score']:.3f}"),
        )
        for row in marked.to_dict("records")
    )
    header = ("from", "to", "seconds", "class", "mean of the profile", "score of its window")
    text = f"{len(rows)} stretches; for other programs: `{MARKED_FILE}`, `{TEXTGRID_FILE}`."
    return Section(f"Marked by {method}", [*blocks, text, Table(header, rows)])


def _windows(whole: LongExplained, out: Path, methods: Sequence[str]) -> list[Section]:
    """What is known of each explained window, highest score first."""
    if whole.explained.empty:
        return []
    ordered = whole.explained.sort_values("score", ascending=False, kind="stable")
    rows, links, views = [], [], []
    for _, window in ordered.iterrows():
        name = str(window["recording_id"])
        folders = [f for m in methods if is_stored(f := out / WINDOWS_FOLDER / m / name)]
        facts = [load_facts(folder) for folder in folders]
        own = links_of(folders, facts)
        warnings = _warnings(facts)
        rows.append((_times(window), f"{window['score']:.3f}", whole.target, str(len(warnings))))
        links.append(own)
        pictures = tuple(
            Picture(folder / PICTURE_FILE, f"{each['method']}; times from the window's start", True)
            for folder, each in zip(folders, facts, strict=True)
            if (folder / PICTURE_FILE).is_file()
        )
        text = f"Score of {whole.target}: {window['score']:.3f}; level {window['level_db']} dBFS."
        views.append(RecordingView(_times(window), text, pictures, warnings=warnings, links=own))
    table = Table(("window", "score", "class", "warnings"), tuple(rows))
    overview = Overview(table, tuple(links), ("class",), "warnings")
    return [Section("Explained windows", [overview]), Section("Explanations", views)]


def _warnings(facts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    found = [f"{each['method']}: {text}" for each in facts for text in each.get("warnings", ())]
    found += [
        f"{each['method']}: {each['verdict']['summary']}" for each in facts if "verdict" in each
    ]
    return tuple(found)


def _times(window: pd.Series) -> str:
    return f"{clock(float(window['start']), 1)} to {clock(float(window['end']), 1)}"
