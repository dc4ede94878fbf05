"""Score the masks of each model against the scenes: in time, and in frequency where it is known."""

import argparse
import csv
import sys
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.paired import frame_of_tests, paired_tests
from daxaudio.experiments.score import score_folder, score_masks, summarise, total_cost
from daxaudio.metrics import mask_auc
from daxaudio.runs.tables import write_csv, write_table
from daxaudio_data_prep.synthetic.evidence import (
    EVENTS_FILE,
    EVIDENCE_FILE,
    cells_of,
    read_evidence,
)

MEASURES = ("iou", "frame_auc", "best_threshold_iou", "mask_auc")


def read_models() -> pd.DataFrame:
    """The models of the recipe, one a row, as texts."""
    with open(Path(__file__).parent / "conf" / "models.tsv", encoding="utf-8") as table:
        return pd.DataFrame(csv.DictReader(table, delimiter="\t"))


def score_model(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Means with what they cost, and the paired tests, of what is explained of one model.

    Returns:
        One row a method and measure, and one a test; `p_holm` is corrected for all of the model.
    """
    events = events_by_recording(folder / "scenes" / EVENTS_FILE)
    results, _ = score_folder(folder / "explanations", events, folder)
    evidence_file = folder / "scenes" / EVIDENCE_FILE
    if evidence_file.exists():
        evidence = read_evidence(evidence_file)
        in_frequency = score_masks(
            folder / "explanations",
            lambda shown: cells_of(evidence[shown.recording_id], shown),
            {"mask_auc": mask_auc},
        )
        results = pd.concat([results, in_frequency], ignore_index=True)
    results = results[results["metric"].isin(MEASURES)]
    write_table(results, folder / "measures.csv")
    summary = summarise(results).merge(total_cost(folder / "explanations"), on="method")
    summary.insert(0, "model", folder.name)
    measures = [name for name in MEASURES if name in set(results["metric"])]
    tests = frame_of_tests(paired_tests(results, measures))
    tests.insert(0, "model", folder.name)
    return summary, tests


def main() -> None:
    """Write `summary.csv` and `tests.csv` over all models that are explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    exp_dir = parser.parse_args().exp_dir
    names = read_models()["name"]
    folders = [exp_dir / name for name in names if (exp_dir / name / "explanations").is_dir()]
    if not folders:
        raise ValueError(f"{exp_dir}: no model is explained here; run the stages before")
    summaries, tests = zip(*map(score_model, folders), strict=True)
    write_csv(pd.concat(summaries), exp_dir / "summary.csv")
    write_csv(pd.concat(tests), exp_dir / "tests.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score.py", main))
