"""Report of the ESC-10 recipe: the paper's column beside ours, accuracy by fold, pictures."""

import argparse
import sys
from pathlib import Path

from paper import PAPER

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.paired import ComparisonRow
from daxaudio.metrics import paired_comparison
from daxaudio.report.comparison import write_comparison
from daxaudio.report.model import Table
from daxaudio.report.results import Comparison, classification_counts, describe_explanations
from daxaudio.report.tables import tabulate_comparisons, tabulate_summary
from daxaudio.runs.tables import read_table

TEXT = """\
Test clips of ESC-10 are padded with 1 to 5 s of noise at both ends, and each method is asked where
in the padded clip the classifier heard its class; the true event is where the clip lies. Only
clips that the classifier gets right *as padded* are explained. Columns that name the paper are its
figures: `iou` is Table VII (ESC-10, ResNet-101, another split, 139 clips). The paper has deletion
(Table III, ResNet-101), wrong labels (Table II, ResNet-101) and wrongly predicted inputs (Table IX,
ViT-b16) for images only: those columns show its order of methods, not what to expect of sound."""


def accuracy_by_fold(folder: Path):
    """The fold is the first part of a recording's id."""
    predictions = read_table(folder / "predictions.csv")
    folds = predictions["recording_id"].str.split("-").str[0].rename("fold")
    return classification_counts(predictions, folds)


def polarity_tables(exp_dir: Path) -> dict[str, Table]:
    """DAX as trained against DAX turned over where the black box says so; none without DAX."""
    summary = read_table(exp_dir / "polarity_summary.csv")
    if summary.empty:
        return {}
    wide = read_table(exp_dir / "polarity.csv").pivot_table(
        index="recording_id", columns=["metric", "method"], values="value"
    )
    tests = []
    for metric in ("iou", "frame_auc"):
        for method in sorted(name for name in wide[metric].columns if name.endswith("_checked")):
            trained = method.removesuffix("_checked")
            pair = (wide[metric][name].to_numpy() for name in (method, trained))
            tests.append(ComparisonRow(method, trained, metric, paired_comparison(*pair)))
    return {
        "DAX with the polarity test (18 more queries)": tabulate_summary(summary),
        "Polarity test against as trained": tabulate_comparisons(tests),
    }


def main() -> None:
    """Read what the stages left and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    events = events_by_recording(exp_dir / "data" / "test_padded" / "events.tsv")
    facts = {
        "Accuracy on clean test clips by fold": accuracy_by_fold(exp_dir / "model"),
        "Accuracy on padded test clips by fold": accuracy_by_fold(exp_dir / "explanations"),
        **polarity_tables(exp_dir),
    }
    title = "Localisation of ESC-10 events in noise-padded clips"
    comparison = Comparison(exp_dir, title, arguments.command, TEXT, events, PAPER["iou"], facts)
    for path in write_comparison(
        exp_dir,
        title,
        arguments.command,
        text=TEXT,
        paper=PAPER,
        sections=describe_explanations(comparison),
    )[:2]:
        print(path)


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
