"""Explain the recordings of each fold by the classifier that has not seen them, if it is right."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from daxaudio.blackbox import load_black_box
from daxaudio.cli import exit_code_of
from daxaudio.commands.arguments import events_by_recording
from daxaudio.compare import PREDICTIONS_FILE, choose_recordings, explain_folder, predict_folder
from daxaudio.config import build, load_config
from daxaudio.cross_validation import SCORES_FILE
from daxaudio.kaldi import read_data_folder
from daxaudio.methods import MethodSettings, check_methods
from daxaudio.results import write_csv


def main() -> None:
    """Predict every fold, choose recordings over all of them, explain fold by fold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--config", help="YAML file of settings")
    parser.add_argument("--methods", nargs="+", required=True, help="names of methods")
    parser.add_argument("--queries", type=int, help="black-box evaluations a method")
    parser.add_argument("--n_recordings", type=int, default=0, help="at most; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the run")
    arguments = parser.parse_args()
    exp_dir, methods = arguments.exp_dir, check_methods(arguments.methods)
    config = load_config(arguments.config)
    if arguments.queries is not None:
        config["explain"]["queries"] = arguments.queries
    settings = build(MethodSettings, "explain", config["explain"])
    data = read_data_folder(exp_dir / "data")
    events = events_by_recording(exp_dir / "data" / "events.tsv")
    scored = pd.read_csv(
        exp_dir / "models" / SCORES_FILE, dtype={"recording_id": str}, keep_default_na=False
    )
    black_boxes, tables = {}, []
    for fold, rows in scored.groupby("fold"):
        facts = {**config["black_box"], "folder": exp_dir / "models" / f"fold{fold}"}
        black_boxes[fold] = build(load_black_box, "black_box", facts)
        # fold by fold, so that each recording meets the model that has not seen it
        path = exp_dir / "explanations" / f"fold{fold}" / PREDICTIONS_FILE
        part = data.part(rows["recording_id"])
        tables.append(predict_folder(black_boxes[fold], part, path).assign(fold=fold))
    predictions = pd.concat(tables, ignore_index=True)
    write_csv(predictions, exp_dir / PREDICTIONS_FILE)
    # only what somebody annotated can be scored
    annotated = predictions[predictions["recording_id"].isin(events)]
    chosen = choose_recordings(annotated, arguments.n_recordings or None, arguments.seed)
    if not chosen:
        raise ValueError(
            f"no recording is annotated and classified correctly; see {exp_dir / PREDICTIONS_FILE}"
        )
    fold_of = predictions.set_index("recording_id")["fold"]
    for fold, black_box in black_boxes.items():
        names = [name for name in chosen if fold_of[name] == fold]
        if names:
            out = exp_dir / "explanations" / f"fold{fold}"
            explain_folder(black_box, data, names, methods, out, events, settings, arguments.seed)
    n_correct = int(predictions["correct"].sum())
    print(
        f"{len(predictions)} recordings, {n_correct} classified correctly, "
        f"{int(annotated['correct'].sum())} of these annotated, {len(chosen)} explained by "
        f"{len(methods)} methods"
    )


if __name__ == "__main__":
    sys.exit(exit_code_of("explain_folds.py", main))
