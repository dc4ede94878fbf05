"""Report of the ESC-10 recipe: the paper's column beside ours, accuracy by fold, pictures."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from daxaudio.annotations import read_events
from daxaudio.report.results import Comparison, classification_counts, write_results

# Table VII of the paper: mean (standard deviation) of the IoU on ESC-10, ResNet-101, 139 recordings
PAPER = {
    "dax_v1": "0.223 (0.042)",
    "dax_v2": "0.241 (0.043)",
    "lime": "0.170 (0.053)",
    "kernel_shap": "0.152 (0.033)",
    "rise": "0.215 (0.045)",
    "occlusion": "0.201 (0.057)",
}

TEXT = """\
Test clips of ESC-10 are padded with 1 to 5 s of noise at both ends, and each method is asked where
in the padded clip the classifier heard its class; the true event is where the clip lies. Only
clips that the classifier gets right *as padded* are explained. The column `paper` is Table VII of
the paper (ResNet-101, another split, 139 clips), the other columns are this run."""


def accuracy_by_fold(folder: Path):
    """The fold is the first part of a recording's id."""
    predictions = pd.read_csv(folder / "predictions.csv")
    folds = predictions["recording_id"].str.split("-").str[0].rename("fold")
    return classification_counts(predictions, folds)


def main() -> int:
    """Read what the stages left and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    events = read_events(exp_dir / "data" / "test_padded" / "events.tsv")
    comparison = Comparison(
        exp_dir,
        "Localisation of ESC-10 events in noise-padded clips",
        arguments.command,
        TEXT,
        {Path(name).stem: found for name, found in events.items()},
        PAPER,
        {
            "Accuracy on clean test clips by fold": accuracy_by_fold(exp_dir / "model"),
            "Accuracy on padded test clips by fold": accuracy_by_fold(exp_dir / "explanations"),
        },
    )
    for path in write_results(comparison):
        print(path)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, OSError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        sys.exit(2)
