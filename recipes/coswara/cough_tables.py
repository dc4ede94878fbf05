"""Tables of the cough recipe: classifiers, recordings, and what was left out."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.report.model import Table
from daxaudio.runs.files import read_text
from daxaudio.runs.tables import read_table

LISTS = {
    "data/bad_files.txt": "files that could not be used",
    "data/without_annotation.txt": "recordings without annotation (trained on, not explained)",
    "data/other_formats.txt": "recordings with other channels or rates (averaged, resampled)",
    "models/bad_files.txt": "recordings not trained on (too short, silent, in no fold)",
    "problems.csv": "explanations that a method could not give, of the last call",
    "warnings.csv": "warnings that an explanation should not be trusted",
}


def folds_table(path: Path) -> Table:
    """Area under the ROC curve and sensitivity by fold."""
    table = read_table(path)
    rows = [
        (
            row["fold"],
            *("" if pd.isna(row[name]) else str(int(row[name])) for name in ("n", "n_positive")),
            *("-" if pd.isna(row[name]) else f"{row[name]:.3f}" for name in ("auc", "sensitivity")),
        )
        for row in table.to_dict("records")
    ]
    header = ("fold", "n", "positive", "AUC", "sensitivity at a specificity above 0.95")
    return Table(header, tuple(rows))


def lists_table(exp_dir: Path) -> Table:
    """How many entries each list has of what was left out or is unlike the others."""
    rows = []
    for name, text in LISTS.items():
        lines = read_text(exp_dir / name).splitlines()
        rows.append((name, text, str(len(lines) - name.endswith(".csv"))))
    return Table(("list", "what", "entries"), tuple(rows))


def counts_table(exp_dir: Path, annotated: Collection[str], explained: Collection[str]) -> Table:
    """Recordings of each class, from those that were scored to those that are explained."""
    predictions = read_table(exp_dir / PREDICTIONS_FILE)
    rows = []
    for label, own in predictions.groupby("label"):
        right = own.loc[own["correct"] == 1, "recording_id"]
        counts = (len(own), len(right), right.isin(annotated).sum(), right.isin(explained).sum())
        rows.append((str(label), *map(str, counts)))
    return Table(("class", "scored", "right", "annotated of these", "explained"), tuple(rows))
