"""Report of the protocol: tables over classifiers, paddings and seeds, from what is there so far.

Writes `RESULTS.md`, `results.csv`, `summary.csv` and `comparison.png` into the protocol's folder;
may be called while the protocol runs.
"""

import argparse
import sys
from pathlib import Path

from protocol_tables import TESTED, as_table, tell_conditions, tell_scores
from protocol_texts import ABOUT_SEEDS, ABOUT_TARGETS, TEXT, TITLE
from targets import judge_targets

from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.conditions import (
    find_conditions,
    gather_results,
    measure_costs,
    measure_stability,
    summarise_conditions,
)
from daxaudio.experiments.score import RESULTS_FILE, SUMMARY_FILE
from daxaudio.explainers.catalogue import DEFAULT_METHOD, references
from daxaudio.plot.scores import plot_summaries
from daxaudio.report.model import Report, Section
from daxaudio.report.sentences import ABOUT_METRICS, ABOUT_TESTS
from daxaudio.report.tables import tabulate_environment
from daxaudio.report.writing import write_markdown
from daxaudio.runs.files import read_text
from daxaudio.runs.tables import write_csv, write_table

COMMAND_FILE = "command.txt"


def write_protocol(exp_dir: Path, leader: str = DEFAULT_METHOD) -> list[Path]:
    """Write `RESULTS.md`, `results.csv`, `summary.csv` and `comparison.png`, each whole or not.

    Conditions that are not there yet are named in the report, and hinder nothing.

    Args:
        exp_dir: folder of the protocol, see `daxaudio.experiments.conditions`.
        leader: the method that the others are compared with.

    Returns:
        Paths of the four files.

    Raises:
        ValueError: when no condition has results, or none has any of the leader.
    """
    conditions = find_conditions(exp_dir)
    results = gather_results(conditions, leader)
    summary = summarise_conditions(results, leader)
    costs = measure_costs(conditions, leader)
    targets = judge_targets(results, measure_stability(conditions, leader), costs, leader)
    write_table(results, exp_dir / RESULTS_FILE)
    write_csv(summary, exp_dir / SUMMARY_FILE)
    about = "Means over recordings, then over seeds; the ratio is fit time over query time."
    sections = [
        Section("Conditions", tell_conditions(exp_dir, conditions)),
        Section("Targets", [as_table(targets), ABOUT_TARGETS]),
        Section("Scores", [ABOUT_METRICS, ABOUT_SEEDS.format(leader=leader), ABOUT_TESTS]),
        *tell_scores(summary),
        Section("Cost", [about, as_table(costs)]),
        Section("Environment", [tabulate_environment()]),
    ]
    path = exp_dir / COMMAND_FILE
    command = read_text(path).strip() if path.is_file() else ""
    markdown = write_markdown(Report(TITLE, sections, [TEXT], command), exp_dir / "RESULTS.md")
    model = conditions[0].model
    of_first = summary[summary["model"] == model].groupby("padding", sort=False)
    panels = {f"{model}, {padding}": part for padding, part in of_first}
    picture = plot_summaries(panels, exp_dir / "comparison.png", TESTED, references())
    return [markdown, exp_dir / RESULTS_FILE, exp_dir / SUMMARY_FILE, picture]


def main() -> None:
    """Write the report and name its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the protocol")
    parser.add_argument("--leader", default=DEFAULT_METHOD, help=f"(default {DEFAULT_METHOD})")
    arguments = parser.parse_args()
    for path in write_protocol(arguments.exp_dir, arguments.leader):
        print(path)


if __name__ == "__main__":
    sys.exit(exit_code_of("protocol.py", main))
