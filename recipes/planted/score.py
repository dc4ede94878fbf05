"""Score masks against the planted events, in time, and in time and frequency."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.experiments.score import find_explanations, score_folder, summarise
from daxaudio.explainers.storage import load_explanation
from daxaudio.metrics import mask_auc, mask_average_precision, mask_iou
from daxaudio.runs.tables import write_csv, write_table
from daxaudio_data_prep.synthetic.evidence import read_evidence

METRICS = {
    "mask_auc": mask_auc,
    "mask_average_precision": mask_average_precision,
    "mask_iou": mask_iou,
}


def score_evidence(exp_dir: Path) -> pd.DataFrame:
    """One row for each recording, method and metric of `METRICS`."""
    evidence = read_evidence(exp_dir / "corpus" / "evidence.csv")
    rows = []
    for folder in find_explanations(exp_dir / "explanations"):
        explanation = load_explanation(folder)
        spectrogram = explanation.spectrogram
        truth = sum(
            part.on_axes(spectrogram.times, spectrogram.frequencies)
            for part in evidence[spectrogram.recording_id]
        )
        for name, metric in METRICS.items():
            value = metric(explanation.mask, truth > 0)
            rows.append((spectrogram.recording_id, explanation.method, name, value))
    table = pd.DataFrame(rows, columns=["recording_id", "method", "metric", "value"])
    return table.round({"value": 6})


def main() -> None:
    """Write `results.csv`, `evidence_results.csv` and the summary of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    exp_dir = parser.parse_args().exp_dir
    events = events_by_recording(exp_dir / "corpus" / "test" / "events.tsv")
    score_folder(exp_dir / "explanations", events, exp_dir)
    results = score_evidence(exp_dir)
    write_table(results, exp_dir / "evidence_results.csv")
    write_csv(summarise(results), exp_dir / "evidence_summary.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score.py", main))
