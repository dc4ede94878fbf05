"""Report of the ranks: targets, ranks and pictures over all sets, a table for each set.

Writes `RESULTS.md`, `report.html`, `summary.csv`, `costs.csv`, `blocks_KIND.csv`, `pictures/`, and
each table of the first sections in `tables/`; what is not there yet is left out, so it may be
called at any time.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
from cover import COVERAGE_FILE
from rank_blocks import (
    by_recording,
    compare_ranks,
    everywhere,
    plain,
    rank_table,
    ranked_names,
    reference_names,
)
from rank_cells import (
    FEW,
    RUNS,
    Cell,
    find_cells,
    gather,
    gather_costs,
    gather_coverage,
    queries_of,
)
from rank_targets import judge_targets

from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.score import summarise
from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics import compare_pairs
from daxaudio.metrics.catalogue import MEASURES
from daxaudio.plot import plot_ranks
from daxaudio.report import to_markdown
from daxaudio.report.model import MISSING, Block, Picture, Report, Section, Table
from daxaudio.report.tables import number, p_value, tabulate_environment, tabulate_summary
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.tables import write_csv

TITLE = "Ranks of methods over sets, questions and classifiers"

TEXT = """\
Methods are asked where a classifier heard its class, on sets whose truth is known in different
ways, and measured by every group of measures. Nothing here was used to choose a setting."""

KINDS = {
    "quarter": "{leader} from few queries, the others from all of theirs",
    "all": "every method from the same, larger number of queries",
    "few": "every method from the same, smaller number of queries",
}

ABOUT_RANKS = """\
A block is one question (a group of measures) on one set; in it methods are ranked by each measure
in each condition, and by the mean of these ranks. A method that has no value where others have is
last. Blocks of one set share recordings, so the tests are no more than a guide. Methods that were
not run on every set are in the tables of their sets alone. Bars join methods that Nemenyi's test
does not tell apart."""

ABOUT_TARGETS = """\
A duel is fought on the recordings that both methods have; the rival is the best by the mean.
"Within noise": behind, and Wilcoxon's p is at least 0.05. The time of the fit holds that of the few
queries about the mask that was found."""

SHOWN = (
    *("iou", "iou_in_v5_form", "best_threshold_iou", "frame_auc", "mask_auc", "focus", "srg"),
    *("deletion_auc", "insertion_auc", "average_drop", "runner_up_iou"),
)
"""Measures of the short tables of sets."""

FORMS = ("", "_in_v4_form", "_in_v5_form")
OF_FORMS = ("iou", "best_threshold_iou", "average_drop")
"""What a form changes, of each method's map as it is and in the forms of V4's and V5's masks."""

ABOUT_FORMS = """\
The same map in three forms: a method's own, a step in time with ranks in frequency (V4's), and what
alone keeps the class (V5's). A higher IoU and a lower average drop are better; no form is best in
both everywhere."""

ABOUT_SETS = """\
Means over recordings (each the mean over its seeds), the standard deviation in brackets. METHOD_few
is a method from few queries."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """Ranks of one kind, over all sets or on one."""

    title: str
    blocks: pd.DataFrame
    mean_ranks: dict[str, float]
    picture: Path
    pairs: pd.DataFrame
    text: str


def rank(results: pd.DataFrame, leader: str, kind: str, file: Path) -> Ranking | None:
    """Rank the methods that were run wherever the leader was; None where too few were."""
    judged = {"quarter": f"{leader}{FEW}", "few": f"{leader}{FEW}"}.get(kind, leader)
    where = results.loc[results["method"] == judged, "condition"].unique()
    results = results[results["condition"].isin(where)]
    methods = everywhere(results, ranked_names(results, leader, kind))
    if len(methods) < 2:
        return None
    blocks = rank_table(results, methods)
    found = compare_ranks(blocks)
    ours = [name for name in methods if plain(name) == leader][:1]
    title = KINDS[kind].format(leader=leader)
    picture = plot_ranks(
        found, file, leader="".join(ours), references=reference_names(methods), title=title
    )
    tests = compare_pairs(found.ranks, methods, better="lower", leader=ours[0] if ours else None)
    pairs = pd.DataFrame([dataclasses.asdict(test) for test in tests]).round(6)
    text = (
        f"{found.n_blocks} blocks, {len(methods)} methods. Friedman's chi square "
        f"{found.statistic:.1f}, p {p_value(found.p_value)}; Kendall's W {found.kendall_w:.2f}; "
        f"Nemenyi's critical difference {found.critical_difference:.2f} ranks."
    )
    return Ranking(title, blocks, found.mean_ranks, picture, pairs, text)


def tabulate_ranks(ranking: Ranking) -> Table:
    """A row a method: its mean rank over blocks, and over the measures of each question."""
    questions = list(dict.fromkeys(ranking.blocks.index.get_level_values("question")))
    of_question = ranking.blocks.groupby("question").mean()
    means = ranking.mean_ranks
    rows = [
        (name, number(mean, 2), *(number(of_question.loc[q, name], 1) for q in questions))
        for name, mean in means.items()
    ]
    return Table(("method", "mean rank", *questions), tuple(rows))


def tabulate_pairs(pairs: pd.DataFrame) -> Table:
    """The leader against each other method, by ranks in blocks."""
    rows = [
        (row.b, str(row.n_better), str(row.n_worse), p_value(row.p_value), p_value(row.p_holm))
        for row in pairs.itertuples()
    ]
    return Table(("against", "better in", "worse in", "p (Wilcoxon)", "p (Holm)"), tuple(rows))


def summarise_cells(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, deviation and count by set, condition, model, method and metric."""
    parts = []
    for (name, condition, model), part in results.groupby(
        ["set", "condition", "model"], sort=False
    ):
        own = {"set": name, "condition": condition, "model": model}
        parts.append(summarise(part[["recording_id", "method", "metric", "value"]]).assign(**own))
    table = pd.concat(parts, ignore_index=True)
    return table[["set", "condition", "model", "method", "metric", "mean", "std", "n"]]


def tabulate_set(results: pd.DataFrame) -> Table:
    """The measures that the targets are of, over all conditions of a set together."""
    metrics = [name for name in SHOWN if name in set(results["metric"])]
    summary = summarise(results[results["metric"].isin(metrics)])
    return tabulate_summary(summary, order_names(summary["method"]), metrics, decimals=2)


def tabulate_models(results: pd.DataFrame, metric: str = "frame_auc") -> Table:
    """One measure of a set: a row a method, a column a condition."""
    rows = results[results["metric"] == metric]
    means = rows.groupby(["method", "condition"], sort=False)["value"].mean().unstack()
    cells = [
        (name, *(number(value, 3) for value in means.loc[name]))
        for name in order_names(means.index)
    ]
    return Table(("method", *map(str, means.columns)), tuple(cells))


def tabulate_forms(results: pd.DataFrame) -> Table:
    """A row a set and method that was measured in the forms, a column a measure and form."""
    metrics = [f"{name}{form}" for name in OF_FORMS for form in FORMS]
    rows = []
    for name, part in results[results["metric"].isin(metrics)].groupby("set", sort=False):
        means = part.groupby(["method", "metric"])["value"].mean().unstack()
        if f"{OF_FORMS[0]}{FORMS[-1]}" not in means:
            continue
        means = means.reindex(columns=metrics).dropna(subset=f"{OF_FORMS[0]}{FORMS[-1]}")
        rows += [
            (str(name), method, *(number(value, 2) for value in means.loc[method]))
            for method in order_names(means.index)
        ]
    return Table(("set", "method", *metrics), tuple(rows))


def order_names(names: Iterable[str]) -> list[str]:
    """Methods in the order of tables, each from few queries behind itself from many."""
    found = set(names)
    ordered = order_methods({plain(name) for name in found})
    return [name for own in ordered for name in (own, f"{own}{FEW}") if name in found]


def tell_set(results: pd.DataFrame, leader: str, pictures: Path) -> Section:
    """Tables of a set, one a group of measures and condition, below its ranks."""
    name = str(results["set"].iloc[0])
    blocks = []
    if ranking := rank(results, leader, "quarter", pictures / f"ranks_{name}.png"):
        blocks += [Picture(ranking.picture, f"Ranks on {name}: {ranking.title}"), ranking.text]
    for (condition, model), part in results.groupby(["condition", "model"], sort=False):
        n = part["recording_id"].nunique()
        blocks.append(f"**{condition}**, {model}, {n} recordings:")
        summary = summarise(part)
        order = order_names(summary["method"])
        of_group = summary["metric"].map(lambda metric: MEASURES[metric].group)
        blocks += [
            tabulate_summary(own, [m for m in order if m in set(own["method"])])
            for _, own in summary.groupby(of_group, sort=False)
        ]
    return Section(name, blocks)


def main() -> None:
    """Gather what is there, write the report, print targets and ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--leader", required=True, help="method that is judged")
    parser.add_argument("--command", default="", help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir, leader = arguments.exp_dir, arguments.leader
    cells = find_cells(exp_dir)
    every = gather(cells)
    results, costs = by_recording(every), gather_costs(cells)
    targets = judge_targets(results, costs, gather_coverage(cells, COVERAGE_FILE), leader)
    pictures = exp_dir / "pictures"
    for folder in (pictures, exp_dir / "tables"):
        folder.mkdir(exist_ok=True)
    overall = {
        kind: ranking
        for kind in KINDS
        if (ranking := rank(results, leader, kind, pictures / f"ranks_{kind}.png"))
    }
    files = {"summary.csv": summarise_cells(results), "costs.csv": costs}
    told = Table(tuple(targets), tuple(map(tuple, targets.to_numpy())))
    shown = {"ranks_targets": told}
    sections = [Section("Targets", [told, ABOUT_TARGETS])]
    sections.append(Section("Ranks over all sets", [ABOUT_RANKS]))
    for kind, ranking in overall.items():
        files[f"blocks_{kind}.csv"] = ranking.blocks.reset_index().round(4)
        shown[f"ranks_{kind}"] = tabulate_ranks(ranking)
        shown[f"ranks_{kind}_pairs"] = tabulate_pairs(ranking.pairs)
        blocks = [Picture(ranking.picture, ranking.title), ranking.text]
        blocks += [shown[f"ranks_{kind}"], shown[f"ranks_{kind}_pairs"]]
        sections.append(Section(ranking.title, blocks, level=3))
    shown["ranks_forms"] = tabulate_forms(results)
    if shown["ranks_forms"].rows:
        sections.append(Section("Forms", [ABOUT_FORMS, shown["ranks_forms"]]))
    shown["ranks_sets"] = tabulate_cells(every, cells)
    sections.append(Section("Sets", [ABOUT_SETS, shown["ranks_sets"]]))
    for name, part in results.groupby("set", sort=False):
        shown[f"ranks_{name}"] = tabulate_set(part)
        short: list[Block] = [shown[f"ranks_{name}"]]
        if part["condition"].nunique() > 1:
            shown[f"ranks_{name}_auc"] = tabulate_models(part)
            short += ["Frame AUC:", shown[f"ranks_{name}_auc"]]
        sections.append(Section(f"{name}, in short", short, level=3))
    sections += [tell_set(part, leader, pictures) for _, part in results.groupby("set", sort=False)]
    for name, table in shown.items():
        frame = pd.DataFrame(table.rows, columns=[head.replace(" ", "_") for head in table.header])
        files[f"tables/{name}.csv"] = frame
    for name, table in files.items():
        write_csv(table, exp_dir / name)
    sections.append(Section("Environment", [tabulate_environment()]))
    report = Report(TITLE, sections, [TEXT], arguments.command)
    write_markdown(report, exp_dir / "RESULTS.md")
    write_page(report, exp_dir / "report.html")
    print(to_markdown(told))
    for ranking in overall.values():
        print(f"\n{ranking.title}\n\n{to_markdown(tabulate_ranks(ranking))}")


def tabulate_cells(results: pd.DataFrame, cells: Sequence[Cell]) -> Table:
    """Recordings, seeds and queries of each set, condition and classifier."""
    rows = []
    for key, part in results.groupby(["set", "condition", "model"], sort=False):
        own = [cell for cell in cells if (cell.set, cell.condition, cell.model) == key]
        asked = [_listed(queries_of(cell.run(name)) for cell in own) for name in RUNS[:2]]
        seeds = _listed(part["seed"])
        rows.append((*key, str(part["recording_id"].nunique()), seeds, *asked))
    head = ("set", "condition", "model", "recordings", "seeds", "queries", "few queries")
    return Table(head, tuple(rows))


def _listed(numbers: Iterable[int | None]) -> str:
    """Each number once, in order."""
    return ", ".join(map(str, sorted({n for n in numbers if n is not None}))) or MISSING


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
