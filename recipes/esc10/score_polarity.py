"""Scores of DAX's masks as trained, and turned over where the black box says so (18 queries).

Joint training leaves the sign of a mask open; this shows what that costs. Reads the stored
explanations of `dax_v1` and `dax_v2`, asks the model, and writes `polarity.csv` (one row for each
recording, method and metric) and `polarity_summary.csv`.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.commands.sections import read_sections
from daxaudio.experiments.score import summarise
from daxaudio.explainers.dax.polarity import check_polarity
from daxaudio.explainers.storage import is_stored, load_explanation
from daxaudio.metrics import score_profile
from daxaudio.models.blackbox import load_black_box
from daxaudio.perturbation.fills import make_background, mix_of
from daxaudio.runs.config import build
from daxaudio.runs.tables import write_csv, write_table

METHODS = ("dax_v1", "dax_v2")


def score_polarity(exp_dir: Path, config: Path) -> pd.DataFrame:
    """One row for each recording, method (`dax_v1`, `dax_v1_checked`, ...) and metric."""
    settings = read_sections(config)["black_box"]
    black_box = build(load_black_box, "black_box", {**settings, "folder": exp_dir / "model"})
    events = events_by_recording(exp_dir / "data" / "test_padded" / "events.tsv")
    rows = []
    for folder in sorted((exp_dir / "explanations").glob("*/*")):
        if folder.parent.name not in METHODS or not is_stored(folder):
            continue
        explanation = load_explanation(folder)
        spectrogram = explanation.spectrogram.to(black_box.device)
        fill = explanation.settings["sampler"]["fill"]
        background = make_background(spectrogram, fill)
        score_fn = black_box.score_fn(explanation.target)
        mask = explanation.mask.to(black_box.device)
        upright = check_polarity(
            mask, spectrogram.values, background, score_fn, mix=mix_of(fill)
        ).upright
        checked = explanation.mask if upright else 1 - explanation.mask
        for name, found in (("", explanation.mask), ("_checked", checked)):
            recording_id = spectrogram.recording_id
            scores = score_profile(found.mean(dim=0), spectrogram.times, events[recording_id])
            rows += [
                (recording_id, explanation.method + name, metric, value)
                for metric, value in scores.items()
            ]
    return pd.DataFrame(rows, columns=["recording_id", "method", "metric", "value"])


def main() -> None:
    """Write `polarity.csv` and `polarity_summary.csv`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--config", type=Path, required=True, help="configuration of the run")
    arguments = parser.parse_args()
    results = score_polarity(arguments.exp_dir, arguments.config).round({"value": 6})
    write_table(results, arguments.exp_dir / "polarity.csv")
    write_csv(summarise(results), arguments.exp_dir / "polarity_summary.csv")


if __name__ == "__main__":
    sys.exit(exit_code_of("score_polarity.py", main))
