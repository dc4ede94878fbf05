"""Score masks against the planted events, in time, and in time and frequency."""

import argparse
import sys
from pathlib import Path

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.score import score_folder, score_masks, summarise
from daxaudio.metrics import mask_auc, mask_average_precision, mask_iou
from daxaudio.runs.tables import write_csv, write_table
from daxaudio_data_prep.synthetic.evidence import cells_of, read_evidence

METRICS = {
    "mask_auc": mask_auc,
    "mask_average_precision": mask_average_precision,
    "mask_iou": mask_iou,
}


def main() -> None:
    """Write `results.csv`, `evidence_results.csv` and the summary of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    exp_dir = parser.parse_args().exp_dir
    events = events_by_recording(exp_dir / "corpus" / "test" / "events.tsv")
    score_folder(exp_dir / "explanations", events, exp_dir)
    evidence = read_evidence(exp_dir / "corpus" / "evidence.csv")
    results = score_masks(
        exp_dir / "explanations",
        lambda shown: cells_of(evidence[shown.recording_id], shown),
        METRICS,
    )
    write_table(results, exp_dir / "evidence_results.csv")
    write_csv(summarise(results), exp_dir / "evidence_summary.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score.py", main))
