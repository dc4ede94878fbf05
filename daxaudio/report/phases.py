"""Which phases of coughs the methods point at: a report of what `score_phases` wrote.

Rows are methods and `chance`, columns are phases. Positive and negative recordings stand apart,
because what speaks for an illness need not be what speaks against it. `energy` is a method like the
others: explain by it, too, or the report cannot say whether loudness alone would do as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from daxaudio.experiments.paired import frame_of_tests
from daxaudio.experiments.phases import EVENTS, PICTURES, RECORDINGS, VALUES
from daxaudio.experiments.score import summarise
from daxaudio.explainers.catalogue import DEFAULT_METHOD, order_methods
from daxaudio.metrics.phase_events import FOUND, LEVELS, PARTLY
from daxaudio.metrics.phases import CHANCE
from daxaudio.report.model import Picture, RecordingView, Report, Section, Sound, Table
from daxaudio.report.phase_tables import (
    as_metrics,
    compare_phases,
    tabulate_found,
    tabulate_phase_tests,
    tabulate_phases,
)
from daxaudio.report.sentences import ABOUT_TESTS
from daxaudio.report.tables import tabulate_environment
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.tables import is_table, read_table, write_csv

CLASS_NAMES = {"p": "positive", "n": "negative"}
MARKDOWN, PAGE = "RESULTS.md", "report.html"
SUMMARY, TESTS = "phases_summary.csv", "phases_tests.csv"
_EMBEDDED = (".wav", ".flac", ".ogg", ".mp3")

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
    "IoU of {leader} minus that of the other method; in brackets p and p (Holm), corrected for all "
    "tests of the table; bold where p (Holm) is below 0.05. "
    f"Intervals, numbers of recordings and the same for the mass are in `{TESTS}`."
)
ABOUT_EVENTS = (
    "Each event is paired with at most one run of marked frames, each run with at most one event. "
    f"found: IoU of at least {LEVELS[FOUND]}; in part: at least {LEVELS[PARTLY]}; missed: below. "
    "The last column is the share of the marked time that lies in no event. Cells: found, found at "
    f"least in part, of how many; `{EVENTS}` and `{RECORDINGS}` have them by recording."
)
ABOUT_PAPER = (
    " Columns that name the paper are its Table VIII (Coswara, its own black box, recordings and "
    "annotation; positive and negative together)."
)
ABOUT_VIEWS = (
    "The first recordings of each class by {leader}. `" + EVENTS + "` lists every event of every "
    "recording; pictures of the others lie in `" + PICTURES + "`."
)


def write_phases(
    out: str | os.PathLike[str],
    title: str,
    command: str,
    text: str = "",
    *,
    paper: Mapping[str, Mapping[str, str]] | None = None,
    facts: Mapping[str, Table] | None = None,
    leader: str = DEFAULT_METHOD,
    sounds: Mapping[str, str | os.PathLike[str]] | None = None,
    n_shown: int = 12,
) -> list[Path]:
    """Write the report of the phases, each file whole or not at all.

    Args:
        out: folder that `score_phases` wrote to; `RESULTS.md`, `report.html`, `phases_summary.csv`
            and `phases_tests.csv` are written there, too.
        title: heading.
        command: the exact command that made it.
        text: what was done, a paragraph or more.
        paper: the paper's IoU by phase and method, positive and negative recordings together;
            shown beside ours.
        facts: further tables by heading, shown first, for instance the area under the curve by
            fold.
        leader: the method that the others are compared with, and whose pictures are on the page.
        sounds: audio files by recording id, to be heard on the page.
        n_shown: recordings on the page, of each class as many where there are.

    Returns:
        Paths of the files, the Markdown and the page first.

    Raises:
        ValueError: when the tables of `score_phases` are not there, or hold nothing by the leader.
    """
    out = Path(out)
    values = _read(out / VALUES)
    if leader not in set(values["method"]):
        found = ", ".join(order_methods(set(values["method"]) - {CHANCE})) or "none"
        raise ValueError(f"no annotated recording is explained by {leader!r}; by others: {found}")
    judged, counted = _read(out / EVENTS), _read(out / RECORDINGS)
    write_csv(_summarise_all(values), out / SUMMARY)
    write_csv(_test_all(values, leader), out / TESTS)
    text = f"{text}\n\n{_counts(values)}".strip()
    views = _views(out, judged[judged["method"] == leader], leader, sounds or {}, n_shown)
    heard = Section("Recordings", [ABOUT_VIEWS.format(leader=leader), *views])
    sections = [
        *(Section(name, [table]) for name, table in (facts or {}).items()),
        *_mean_sections(values, paper),
        *_test_sections(values, leader),
        *_found_sections(judged, counted),
        *([heard] if views else []),
        Section("Environment", [tabulate_environment()]),
    ]
    report = Report(title, sections, [text], command)
    write_markdown(report, out / MARKDOWN)
    write_page(report, out / PAGE)
    return [out / MARKDOWN, out / PAGE, out / SUMMARY, out / TESTS]


def _read(path: Path) -> pd.DataFrame:
    if not is_table(path):
        raise ValueError(f"{path}: no such file; score the explanations first")
    return read_table(path)


def _counts(values: pd.DataFrame) -> str:
    counts = {name: part["recording_id"].nunique() for name, part in _groups(values)}
    n_all = counts.pop("all")
    classes = f" ({', '.join(f'{n} {name}' for name, n in counts.items())})" if counts else ""
    methods = order_methods(set(values["method"]) - {CHANCE})
    return (
        f"{n_all} annotated recordings{classes} are explained by {', '.join(methods)}; where a "
        "method has fewer, n says so."
    )


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


def _mean_sections(
    values: pd.DataFrame, paper: Mapping[str, Mapping[str, str]] | None
) -> list[Section]:
    sections = []
    for metric, title in TITLES.items():
        for group, part in _groups(values):
            beside = paper if metric == "iou" and group == "all" else None
            about = f"{TEXTS[metric]} {ABOUT}" if group == "all" else ""
            about += ABOUT_PAPER if beside else ""
            table = tabulate_phases(part, metric, beside)
            sections.append(Section(_titled(title, group), [about, table]))
    return sections


def _test_sections(values: pd.DataFrame, leader: str) -> list[Section]:
    sections = []
    for group, part in _groups(values):
        about = f"{ABOUT_TESTS}\n\n{ABOUT_CELLS.format(leader=leader)}" if group == "all" else ""
        table = tabulate_phase_tests(compare_phases(part, "iou", leader))
        sections.append(Section(_titled(f"Paired tests of {leader}", group), [about, table]))
    return sections


def _found_sections(judged: pd.DataFrame, counted: pd.DataFrame) -> list[Section]:
    sections = []
    for group, counts in _groups(counted):
        about = ABOUT_EVENTS if group == "all" else ""
        # of a recording with nothing but background there is no event to judge
        part = judged[judged["recording_id"].isin(counts["recording_id"])]
        table = tabulate_found(part, counts)
        sections.append(Section(_titled("Events found", group), [about, table]))
    return sections


def _titled(title: str, group: str) -> str:
    return title if group == "all" else f"{title}: {group}"


def _views(
    out: Path,
    judged: pd.DataFrame,
    leader: str,
    sounds: Mapping[str, str | os.PathLike[str]],
    n_shown: int,
) -> tuple[RecordingView, ...]:
    """Recordings whose picture is there, one of each class in turn."""
    targets = judged.drop_duplicates("recording_id").sort_values("recording_id")
    turns = targets.assign(turn=targets.groupby("target").cumcount())
    ordered = turns.sort_values(["turn", "target"], ascending=[True, False], kind="stable")
    views: list[RecordingView] = []
    for name, target in zip(ordered["recording_id"], ordered["target"], strict=True):
        path = out / PICTURES / leader / f"{name}.png"
        if len(views) == n_shown or not path.is_file():
            continue
        sound = Path(sounds.get(name, ""))
        heard = sound.suffix.lower() in _EMBEDDED and sound.is_file()
        views.append(
            RecordingView(
                name,
                f"Explained for {CLASS_NAMES.get(target, target)}.",
                (Picture(path, f"{leader}: mask, time profile and phases"),),
                (Sound(sound, "the recording"),) if heard else (),
            )
        )
    return tuple(views)
