"""The report of `daxaudio compare`, from the tables that it left in its folder."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.experiments.compare import (
    COST_FILE,
    CURVES_FILE,
    EXPLANATIONS,
    RANDOMISATION_FILE,
    SETTINGS_FILE,
)
from daxaudio.experiments.folder import PROBLEMS_FILE
from daxaudio.experiments.paired import SIGNIFICANT, ComparisonRow, compare_methods, frame_of_tests
from daxaudio.experiments.score import RESULTS_FILE, SUMMARY_FILE
from daxaudio.explainers.catalogue import DEFAULT_METHOD, order_methods, references
from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.metrics.sanity import ALIKE
from daxaudio.plot import plot_curves, plot_measures, plot_randomisation
from daxaudio.plot.curves import N_STANDING_OUT
from daxaudio.plot.measures import share_beaten
from daxaudio.report.measures import (
    Paper,
    tabulate_fall,
    tabulate_legend,
    tabulate_measures,
    tabulate_tests,
    tabulate_wrongly_predicted,
)
from daxaudio.report.model import Block, Picture, Report, Section, Table
from daxaudio.report.sentences import (
    ABOUT_MARKS,
    ABOUT_TESTS,
    TEXTS,
    TITLES,
    describe_alike,
    describe_left_out,
    describe_recordings,
    describe_worse,
    warned_explanations,
)
from daxaudio.report.tables import tabulate_cost, tabulate_environment
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.files import read_text
from daxaudio.runs.tables import is_table, read_table, write_csv

TESTS_FILE = "paired_tests.csv"
PICTURES = "pictures"

_CAPTIONS = {
    "measures": "Mean of every method by every measure, and how many of the others it beats",
    "curves": "Score over the share that has changed, mean over recordings:",
    "randomisation": "Likeness of masks to those of the trained model, as layers become random",
}


@dataclasses.dataclass(frozen=True, eq=False)
class _Found:
    """The tables of a comparison; those that are not there are empty."""

    out: Path
    results: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    cost: pd.DataFrame
    randomisation: pd.DataFrame

    @property
    def methods(self) -> list[str]:
        return order_methods(self.summary["method"])

    @property
    def groups(self) -> dict[str, list[str]]:
        """Measures that are there, by the name of their group."""
        there = set(self.summary["metric"])
        found = {
            group: [name for name in names if name in there] for group, names in GROUPS.items()
        }
        return {group: names for group, names in found.items() if names}


def write_comparison(
    out: str | os.PathLike[str],
    title: str,
    command: str,
    *,
    text: str = "",
    paper: Paper | None = None,
    leader: str = DEFAULT_METHOD,
    sections: Sequence[Section] = (),
) -> list[Path]:
    """Write `RESULTS.md`, `report.html`, `paired_tests.csv` and `pictures/`, each whole or not.

    What was not measured is left out of the report.

    Args:
        out: holds `results.csv` and `summary.csv`, and perhaps `curves.csv`, `cost.csv` and
            `randomisation.csv`.
        title: heading.
        command: the exact command that made it.
        text: what was done, a paragraph or more.
        paper: the paper's figures by measure and method, shown beside ours.
        leader: the method that the others are tested against; no tests when it has no results.
        sections: further ones behind the measures, for instance accuracy by fold.

    Returns:
        Paths of what was written, `RESULTS.md` first.

    Raises:
        ValueError: when results or summary are not there, are empty, or hold a measure that
            `MEASURES` does not know.
    """
    found = _read_all(Path(out))
    rivals = [name for name in found.methods if name != leader]
    tests = {
        group: compare_methods(found.results, leader, rivals, metrics)
        for group, metrics in found.groups.items()
    }
    tests = {group: rows for group, rows in tests.items() if rows}
    pictures = _draw(found, leader)
    overview: list[Block] = [
        f"{describe_recordings(found.results)} {ABOUT_MARKS}",
        describe_left_out(_read(found.out / PROBLEMS_FILE)),
        warned_explanations(found.out / EXPLANATIONS),
        *_show(pictures, "measures"),
        describe_worse(found.results),
    ]
    metrics = [name for names in found.groups.values() for name in names]
    parts = [
        Section("Overview", overview),
        *(_measures_section(found, group, pictures, paper or {}) for group in found.groups),
        *sections,
        *_cost_section(found),
        *_settings_section(found.out),
        Section("Measures", [tabulate_legend(metrics)]),
        *_test_sections(found.groups, leader, tests),
        Section("Environment", [tabulate_environment()]),
    ]
    report = Report(title, parts, [text], command)
    written = [
        write_markdown(report, found.out / "RESULTS.md"),
        write_page(report, found.out / "report.html"),
        *pictures.values(),
    ]
    if tests:
        write_csv(pd.concat(map(frame_of_tests, tests.values())), found.out / TESTS_FILE)
        written.insert(2, found.out / TESTS_FILE)
    else:
        (found.out / TESTS_FILE).unlink(missing_ok=True)
    return written


def _read_all(out: Path) -> _Found:
    for name in (RESULTS_FILE, SUMMARY_FILE):
        if not is_table(out / name):
            raise ValueError(f"{out}: no {name} here; run `daxaudio compare` first")
    names = (RESULTS_FILE, SUMMARY_FILE, CURVES_FILE, COST_FILE, RANDOMISATION_FILE)
    found = _Found(out, *(_read(out / name) for name in names))
    for name, table in ((RESULTS_FILE, found.results), (SUMMARY_FILE, found.summary)):
        unknown = [str(metric) for metric in table["metric"].unique() if metric not in MEASURES]
        if table.empty or unknown:
            fault = f"metric {unknown[0]!r} is unknown" if unknown else "no row"
            raise ValueError(f"{out / name}: {fault}; was it made by `daxaudio compare`?")
    return found


def _read(path: Path) -> pd.DataFrame:
    """A table; an empty one where there is none."""
    return read_table(path) if is_table(path) else pd.DataFrame()


def _draw(found: _Found, leader: str) -> dict[str, Path]:
    """Draw what there is; paths by what they show."""
    folder = found.out / PICTURES
    ordered = found.summary.sort_values(
        "method", key=lambda names: names.map(found.methods.index), kind="stable"
    )
    pictures = {"measures": plot_measures(ordered, folder / "measures.png", references())}
    first = [leader] if leader not in references() else []
    if len(found.curves):
        drawn = set(found.curves["method"])
        ranked = [name for name in (*first, *_rank_by_deletion(found.summary)) if name in drawn]
        colours = list(dict.fromkeys(ranked))[:N_STANDING_OUT]
        kinds = found.curves[["unit", "fill"]].drop_duplicates()
        for unit, fill in kinds.itertuples(index=False):
            path = folder / f"{'_'.join(filter(None, ('curves', unit, fill)))}.png"
            pictures[path.stem] = plot_curves(
                found.curves,
                path,
                unit=unit,
                fill=fill,
                methods=colours,
                references=references(),
            )
    if len(found.randomisation):
        there = [name for name in first if name in set(found.randomisation["method"])]
        path = folder / "randomisation.png"
        pictures["randomisation"] = plot_randomisation(
            found.randomisation, path, ALIKE, methods=there, references=references()
        )
    for old in (*folder.glob("curves_*.png"), *folder.glob("randomisation.png")):
        if old not in pictures.values():
            old.unlink()  # of an earlier call with other groups
    return pictures


def _rank_by_deletion(summary: pd.DataFrame) -> list[str]:
    """Methods by the mean share of others that they beat in deletion and insertion, best first."""
    means = summary.pivot(index="method", columns="metric", values="mean")
    shares = [share_beaten(means[name], name) for name in GROUPS["deletion"] if name in means]
    ranks = pd.concat(shares, axis=1).mean(axis=1) if shares else pd.Series(dtype=float)
    best_first = ranks.dropna().sort_values(ascending=False, kind="stable").index
    return [str(name) for name in best_first if name not in references()]


def _measures_section(
    found: _Found, group: str, pictures: Mapping[str, Path], paper: Paper
) -> Section:
    blocks: list[Block] = [
        TEXTS[group],
        tabulate_measures(found.summary, found.groups[group], paper),
    ]
    if group == "deletion":
        blocks += _show(pictures, "curves")
    if group == "labels":
        for other in ("wrong_label_iou", "runner_up_iou"):
            title = f"`iou` less `{other}`, on the same recordings:"
            blocks += _titled(title, tabulate_fall(found.results, other))
    if group == "wrongly_predicted":
        title = "IoU of what the model predicts rightly and wrongly:"
        blocks += _titled(title, tabulate_wrongly_predicted(found.results))
    if group == "sanity" and len(found.randomisation):
        blocks += [describe_alike(found.randomisation), *_show(pictures, "randomisation")]
    return Section(TITLES[group], blocks)


def _cost_section(found: _Found) -> list[Section]:
    if found.cost.empty:
        return []
    return [Section("Cost", ["Means over recordings.", tabulate_cost(found.cost)])]


def _settings_section(out: Path) -> list[Section]:
    """What the measures were set to, as `daxaudio compare` stored it."""
    if not (out / SETTINGS_FILE).is_file():
        return []
    document = json.loads(read_text(out / SETTINGS_FILE))
    lines = [
        f"- `{section}`: " + ", ".join(f"{key} {value}" for key, value in document[section].items())
        for section in ("explain", "compare")
    ]
    about = (
        "`again` and what begins with it say how many recordings are explained again for "
        "max-sensitivity and sanity, and with how many queries (None: as many as `explain` says)."
    )
    return [Section("Settings", ["\n".join(lines), about])]


def _test_sections(
    groups: Mapping[str, Sequence[str]], leader: str, tests: Mapping[str, Sequence[ComparisonRow]]
) -> list[Section]:
    """A table a group of measures, below a heading that says what the cells are."""
    if not tests:
        return []
    n_tests = sum(map(len, tests.values()))
    cells = (
        f"Each cell is the mean of {leader} less that of the row's method, and in brackets the "
        "p-value and p (Holm), which is corrected for all the tests of its table. Bold: "
        f"{leader} is better and p (Holm) is below {SIGNIFICANT}; italic: it is worse. Of these "
        f"{n_tests} tests, about {SIGNIFICANT * n_tests:.0f} p-values would fall below "
        f"{SIGNIFICANT} by luck alone. `{TESTS_FILE}` has the intervals."
    )
    found = [Section(f"Paired tests: {leader} against each other method", [cells, ABOUT_TESTS])]
    for group, rows in tests.items():
        tested = {row.metric for row in rows}
        names = [name for name in groups[group] if name in tested]
        about = f"{len(rows)} tests, corrected together."
        found.append(Section(TITLES[group], [tabulate_tests(rows, names), about], level=3))
    return found


def _show(pictures: Mapping[str, Path], start: str) -> list[Picture]:
    """The pictures whose name begins so."""
    return [
        Picture(path, f"{_CAPTIONS[start]}{name.removeprefix(start).replace('_', ' ')}")
        for name, path in pictures.items()
        if name.startswith(start)
    ]


def _titled(title: str, table: Table | None) -> list[Block]:
    return [] if table is None else [title, table]
