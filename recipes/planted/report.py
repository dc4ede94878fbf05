"""Report of the planted-evidence recipe: tables in time, and in time and frequency."""

import argparse
import sys
from pathlib import Path

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.paired import paired_tests
from daxaudio.experiments.score import RESULTS_FILE, SUMMARY_FILE
from daxaudio.report import to_markdown
from daxaudio.report.results import Comparison, write_results
from daxaudio.report.tables import tabulate_comparisons, tabulate_summary
from daxaudio.runs.tables import read_table

TEXT = """\
A made corpus: every recording holds background noise, distractors that tell nothing about its
class, and one event that decides it, at a time and in a frequency band that are known. Each method
is asked where the classifier heard its class. Synthetic audio: it shows that methods find what is
there to be found, and nothing about real recordings.

In `conf/demo.yaml` the masks of `dax_v1` and `dax_v2` are turned over where the black box says that
they are upside down (`polarity: checked`). The metrics that begin with `mask_` compare masks with
the evidence in time and frequency: area under the curve, average precision, and IoU of bins above
mean + standard deviation. The row `oracle` knows the time of the event only, so it is no ceiling
there."""


def main() -> None:
    """Read what the stages left, write the report, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    events = events_by_recording(exp_dir / "corpus" / "test" / "events.tsv")
    summary = read_table(exp_dir / SUMMARY_FILE)
    tests = paired_tests(read_table(exp_dir / RESULTS_FILE), ["mask_auc"])
    comparison = Comparison(
        exp_dir,
        "Finding planted evidence",
        arguments.command,
        TEXT,
        events,
        facts={"Paired tests in time and frequency": tabulate_comparisons(tests)},
    )
    write_results(comparison)
    shown = ["frame_auc", "iou", "mask_auc", "mask_iou"]
    print(to_markdown(tabulate_summary(summary, metrics=shown)))


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
