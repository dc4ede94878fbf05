"""Gather what `daxaudio compare` found of each model."""

import argparse
import csv
import sys
from pathlib import Path

import pandas as pd

from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.compare import COST_FILE
from daxaudio.experiments.paired import frame_of_tests, paired_tests
from daxaudio.experiments.score import RESULTS_FILE, SUMMARY_FILE, summarise
from daxaudio.runs.tables import read_table, write_csv, write_table

MEASURES = (
    *("iou", "frame_auc", "best_threshold_iou", "mask_auc"),
    *("srg", "deletion_auc", "insertion_auc", "average_drop"),
)
"""Those that are tabulated and tested; all are in `results.csv`."""

COMPARED = "compare"
"""Folder of a model that `daxaudio compare` writes."""


def read_models() -> pd.DataFrame:
    """The models of the recipe, one a row, as texts."""
    with open(Path(__file__).parent / "conf" / "models.tsv", encoding="utf-8") as table:
        return pd.DataFrame(csv.DictReader(table, delimiter="\t"))


def score_model(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Values, means with what they cost, and the paired tests, of what is explained of one model.

    Returns:
        One row a recording, method and measure; one a method and measure; one a test, whose
        `p_holm` is corrected for all of the model.
    """
    results = read_table(folder / COMPARED / RESULTS_FILE)
    cost = read_table(folder / COMPARED / COST_FILE)
    summary = summarise(results).merge(cost, on="method")
    measures = [name for name in MEASURES if name in set(results["metric"])]
    tests = frame_of_tests(paired_tests(results, measures))
    for table in (results, summary, tests):
        table.insert(0, "model", folder.name)
    return results, summary, tests


def main() -> None:
    """Write `results.csv`, `summary.csv` and `tests.csv` over all models that are explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    exp_dir = parser.parse_args().exp_dir
    names = read_models()["name"]
    folders = [exp_dir / name for name in names if (exp_dir / name / COMPARED).is_dir()]
    if not folders:
        raise ValueError(f"{exp_dir}: no model is explained here; run the stages before")
    results, summaries, tests = map(pd.concat, zip(*map(score_model, folders), strict=True))
    write_table(results, exp_dir / RESULTS_FILE)
    write_csv(summaries, exp_dir / SUMMARY_FILE)
    write_csv(tests, exp_dir / "tests.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score.py", main))
