"""Report of the recipe of pretrained models: what was found, and what it cost."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from choose import SCORES_FILE
from score import MEASURES, read_models

from daxaudio.commands.main import exit_code_of
from daxaudio.explainers.catalogue import DEFAULT_METHOD
from daxaudio.report import to_markdown
from daxaudio.report.model import MISSING, Report, Section, Table
from daxaudio.report.sentences import ABOUT_METRICS
from daxaudio.report.tables import number, p_value, tabulate_environment, tabulate_summary
from daxaudio.report.writing import write_markdown, write_page
from daxaudio.runs.tables import read_table, write_csv

TEXT = """\
Classifiers that others have trained, compared on made scenes, in which what each listens for is
known in time, for notes also the frequencies of its partials (`mask_auc`). It stands beside louder
sounds, so that the loud parts are not the answer (`energy`). A scene is taken where the model's
score is high, falls by at least half when noise stands in place of the sound, and keeps at least
half when the sound stands alone in noise; nothing of an explanation is asked for that. The scenes
are synthetic, and few."""

ABOUT_SCENES = """\
Candidates that were asked about until enough were taken, and the mean score of those that were: as
they are, with noise in place of their events, and of the events alone, in noise."""

ABOUT = f"""\
The mean of {DEFAULT_METHOD} - method over the same scenes, and behind it the p of the paired
Wilcoxon test, corrected by Holm for all tests of the model. Of n scenes no p is below 2 / 2^n
before that."""


def tabulate_means(summary: pd.DataFrame) -> Table:
    """A row for each model and method."""
    rows, header = [], ()
    for model, own in summary.groupby("model", sort=False):
        table = tabulate_summary(own, metrics=MEASURES, decimals=2)
        cost = own.drop_duplicates("method").set_index("method")
        for method, *cells in table.rows:
            spent = (number(cost["queries"][method], 0), number(cost["seconds"][method], 1))
            rows.append((model, method, *cells, *spent))
        header = ("model", *table.header, "queries", "seconds")
    return Table(header, tuple(rows))


def tabulate_scenes(exp_dir: Path, names: Sequence[str]) -> Table:
    """How many scenes of each model were taken, and its scores of those."""
    header = ("model", "asked about", "taken", "score", "without the event", "of it alone")
    rows = []
    for name in names:
        scores = read_table(exp_dir / name / "scenes" / SCORES_FILE)
        taken = scores[scores["chosen"] == 1]
        columns = ("score", "score_without", "score_alone")
        means = (number(taken[column].mean(), 2) for column in columns)
        rows.append((name, str(len(scores)), str(len(taken)), *means))
    return Table(header, tuple(rows))


def tabulate_tests(tests: pd.DataFrame) -> Table:
    """A row for each model and method that the default one is held against."""
    own = tests[tests["method_a"] == DEFAULT_METHOD].set_index(["model", "method_b", "metric"])
    rows = []
    for model, method in own.index.droplevel("metric").unique():
        found = own.loc[(model, method)]
        cells = [
            f"{number(found['mean_difference'][name], 2, '+')} ({p_value(found['p_holm'][name])})"
            if name in found.index
            else MISSING
            for name in MEASURES
        ]
        rows.append((model, method, *cells))
    return Table(("model", "method", *MEASURES), tuple(rows))


def main() -> None:
    """Read what the stages left, write the report and the files of its tables, print the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    models = read_models()
    summary, tests = (read_table(exp_dir / name) for name in ("summary.csv", "tests.csv"))
    models = models[models["name"].isin(summary["model"])]
    random = set(models["name"][models["package"] == "-"])
    summary, tests = (table[~table["model"].isin(random)] for table in (summary, tests))
    if summary.empty:
        raise ValueError(f"{exp_dir}: nothing but random weights is explained; there is no table")
    listed = models[["name", "kind", "package", "licence", "file", "target", "scenes"]]
    about = f"Explained, but of random weights and so in no table: {', '.join(random) or 'none'}."
    names = Table(tuple(listed), tuple(map(tuple, listed.to_numpy())))
    tables = {
        "pretrained.csv": tabulate_means(summary),
        "pretrained_tests.csv": tabulate_tests(tests),
    }
    means, compared = tables.values()
    sections = [
        Section("Models", [names, about]),
        Section("Scenes", [tabulate_scenes(exp_dir, models["name"]), ABOUT_SCENES]),
        Section("Results", [means, ABOUT_METRICS]),
        Section(f"Paired tests of {DEFAULT_METHOD}", [compared, ABOUT]),
        Section("Environment", [tabulate_environment()]),
    ]
    report = Report("Pretrained models", sections, [TEXT], arguments.command)
    write_markdown(report, exp_dir / "RESULTS.md")
    write_page(report, exp_dir / "report.html")
    for name, table in tables.items():
        write_csv(pd.DataFrame(table.rows, columns=table.header), exp_dir / name)
    print(to_markdown(means))


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
