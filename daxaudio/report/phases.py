"""Which phases of coughs the methods point at: a report, its tables and pictures.

Rows are methods and `chance`, columns are phases. Positive and negative recordings stand apart,
because what speaks for an illness need not be what speaks against it. `energy` is a method like the
others: explain by it, too, or the report cannot say whether loudness alone would do as well.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from daxaudio.containers import Event, Explanation
from daxaudio.files import write_text
from daxaudio.metrics.phase_events import BACKGROUND, FOUND, LEVELS, PARTLY
from daxaudio.metrics.phases import measure_phases
from daxaudio.plot.phases import plot_phases
from daxaudio.report.comparison_significance import frame_of_tests
from daxaudio.report.comparison_tables import order_methods
from daxaudio.report.markdown import to_markdown
from daxaudio.report.phase_tables import (
    TABLE_VIII,
    as_metrics,
    compare_phases,
    count_events,
    judge_events,
    tabulate_found,
    tabulate_phase_tests,
    tabulate_phases,
)
from daxaudio.report.results import ABOUT_TESTS
from daxaudio.report.tables import tabulate_environment
from daxaudio.results import find_explanations, summarise, write_csv
from daxaudio.store import load_explanation, load_facts

CLASS_NAMES = {"p": "positive", "n": "negative"}
MARKDOWN, VALUES, SUMMARY = "PHASES.md", "phases.csv", "phases_summary.csv"
TESTS, EVENTS, RECORDINGS = "phases_tests.csv", "events_found.csv", "recordings_found.csv"
PICTURES = "pictures/phases"

TITLES = {
    "iou": "IoU by phase",
    "mass": "Share of the mask by phase",
    "mass_over_chance": "Share of the mask over share of the time",
}
TEXTS = {
    "iou": "Frames whose profile is above mean + standard deviation against the frames of all "
    "events of the phase. `chance` is the phase's share of the time: the IoU of marking it all.",
    "mass": "Where the sum of the mask lies; `unlabelled` is in no annotated interval. `chance` is "
    "the share of the time: a flat mask.",
    "mass_over_chance": "1 is a flat mask, more is a mask that is denser there than elsewhere. "
    "Means of ratios by recording.",
}
ABOUT = (
    "Means over recordings with the standard deviation in brackets; a recording in which a phase "
    "does not occur is left out of its column, so n differs."
)
ABOUT_CELLS = (
    "IoU of {leader} minus that of the other method, and the p-value in brackets; bold below 0.05. "
    f"Intervals, numbers of recordings and the same for the mass are in `{TESTS}`."
)
ABOUT_EVENTS = (
    "Each event is paired with at most one run of marked frames, each run with at most one event. "
    f"found: IoU of at least {LEVELS[FOUND]}; in part: at least {LEVELS[PARTLY]}; missed: below. "
    "The last column is the share of the marked time that lies in no event"
)


def write_phases(
    explanations: str | os.PathLike[str],
    events: Mapping[str, Sequence[Event]],
    out: str | os.PathLike[str],
    title: str,
    command: str,
    text: str = "",
    leader: str = "dax_v4",
    background: Collection[str] = BACKGROUND,
    drawn: Sequence[str] = (),
    progress: bool = True,
) -> list[Path]:
    """Write the report of the phases, its tables and its pictures, each file whole or not at all.

    Args:
        explanations: folder that `daxaudio explain` or `daxaudio compare` wrote.
        events: phases by recording id. Recordings without are left out, and counted in the report.
        out: folder to write to: `PHASES.md`, `phases.csv`, `phases_summary.csv`,
            `phases_tests.csv`, `events_found.csv`, `recordings_found.csv` and
            `pictures/phases/METHOD/RECORDING_ID.png`.
        title: heading.
        command: the exact command that made it.
        text: what was done, a paragraph or more.
        leader: the method that the others are compared with.
        background: labels that are no events to be found.
        drawn: methods whose explanations are drawn.
        progress: show a bar.

    Returns:
        Paths of the files, the Markdown first.

    Raises:
        ValueError: when there is no explanation, or none by the leader of a recording with events.
    """
    out = Path(out)
    judged: list[pd.DataFrame] = []
    counted: list[dict[str, object]] = []
    pictures: list[Path] = []
    folders = find_explanations(explanations)
    kept = _annotated(folders, events)

    def each() -> Iterator[Explanation]:
        for folder in tqdm(kept, desc="phases", disable=not progress):
            explanation = load_explanation(folder)
            name = explanation.spectrogram.recording_id
            judged.append(judge_events(explanation, events[name], background))
            counted.append(count_events(explanation, events[name], background))
            if explanation.method in drawn:
                path = out / PICTURES / explanation.method / f"{name}.png"
                pictures.append(plot_phases(explanation, path, events[name], background))
            yield explanation

    values = measure_phases(each(), events)
    if leader not in set(values["method"]):
        found = ", ".join(order_methods(values["method"])) or "none"
        raise ValueError(f"no annotated recording is explained by {leader!r}; by others: {found}")
    tables = {
        VALUES: values.round({"value": 6}),
        SUMMARY: _summarise_all(values),
        TESTS: _test_all(values, leader),
        EVENTS: pd.concat(judged, ignore_index=True).round(6),
        RECORDINGS: pd.DataFrame(counted).round(6),
    }
    for name, table in tables.items():
        write_csv(table, out / name)
    opening = [f"# {title}", text, f"Made by\n\n    {command}" if command else ""]
    sections = [
        f"{len(kept)} explanations of {values['recording_id'].nunique()} annotated recordings; "
        f"{len(folders) - len(kept)} explanations of recordings without annotation are left out.",
        *_sections(values, leader),
        *_found_sections(tables[EVENTS], tables[RECORDINGS]),
        "## Environment",
        to_markdown(tabulate_environment()),
    ]
    write_text(out / MARKDOWN, "\n\n".join(filter(None, [*opening, *sections])) + "\n")
    return [out / MARKDOWN, *(out / name for name in tables), *pictures]


def _annotated(folders: Sequence[Path], events: Mapping[str, Sequence[Event]]) -> list[Path]:
    """Folders of recordings that have events, by recording and then in the order of methods."""
    facts = {folder: load_facts(folder) for folder in folders}
    order = order_methods(fact["method"] for fact in facts.values())
    kept = [folder for folder in folders if facts[folder]["recording_id"] in events]
    return sorted(kept, key=lambda f: (facts[f]["recording_id"], order.index(facts[f]["method"])))


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All recordings, then those of each class that was explained, the positive ones first."""
    yield "all", table
    classes = sorted(set(table["target"]), key=lambda name: (name not in CLASS_NAMES, name == "n"))
    for name in classes if len(classes) > 1 else ():
        yield CLASS_NAMES.get(name, str(name)), table[table["target"] == name]


def _summarise_all(values: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for group, part in _groups(values):
        for metric in TITLES:
            summary = summarise(as_metrics(part, metric)).rename(columns={"metric": "phase"})
            summary.insert(0, "recordings", group)
            summary.insert(2, "metric", metric)
            parts.append(summary)
    return pd.concat(parts, ignore_index=True)


def _test_all(values: pd.DataFrame, leader: str) -> pd.DataFrame:
    parts = []
    for group, part in _groups(values):
        for metric in ("iou", "mass"):
            tests = frame_of_tests(compare_phases(part, metric, leader))
            tests = tests.rename(columns={"metric": "phase"})
            tests.insert(0, "recordings", group)
            tests.insert(1, "metric", metric)
            parts.append(tests)
    return pd.concat(parts, ignore_index=True)


def _sections(values: pd.DataFrame, leader: str) -> list[str]:
    parts = [ABOUT]
    for metric, title in TITLES.items():
        parts += [f"## {title}", TEXTS[metric]]
        for group, part in _groups(values):
            paper = TABLE_VIII if metric == "iou" and group == "all" else None
            parts += [f"### {group}", to_markdown(tabulate_phases(part, metric, paper))]
        if metric == "iou":
            parts.append(
                "Columns that name the paper are its Table VIII (Coswara, its own black box, "
                "recordings and annotation; positive and negative together)."
            )
    parts += [f"## Paired tests of {leader}", ABOUT_TESTS, ABOUT_CELLS.format(leader=leader)]
    for group, part in _groups(values):
        parts += [
            f"### {group}",
            to_markdown(tabulate_phase_tests(compare_phases(part, "iou", leader))),
        ]
    return parts


def _found_sections(judged: pd.DataFrame, counted: pd.DataFrame) -> list[str]:
    parts = ["## Events found", f"{ABOUT_EVENTS} (`{EVENTS}` and `{RECORDINGS}` by recording)."]
    for (group, part), (_, counts) in zip(_groups(judged), _groups(counted), strict=True):
        parts += [f"### {group}", "Cells: found, found at least in part, of how many."]
        parts.append(to_markdown(tabulate_found(part, counts)))
    return parts
