"""Explain the recordings of each fold by the classifier that has not seen them, if it is right."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import events_by_recording, method_settings
from daxaudio.commands.main import Parser, exit_code_of
from daxaudio.commands.sections import read_sections
from daxaudio.data.kaldi import read_data_folder
from daxaudio.experiments.explaining_run import ExplainingRun
from daxaudio.experiments.folder import PROBLEMS_FILE, WARNINGS_FILE, list_problems
from daxaudio.experiments.predict import PREDICTIONS_FILE, choose_recordings, predict_folder
from daxaudio.experiments.score import list_warnings
from daxaudio.explainers.catalogue import check_methods
from daxaudio.explainers.storage import load_facts
from daxaudio.models.blackbox import BlackBox, load_black_box
from daxaudio.models.cross_validation import SCORES_FILE
from daxaudio.runs.config import build
from daxaudio.runs.progress import WorkProgress
from daxaudio.runs.tables import read_table, write_csv, write_table


def check_stored(folder: Path, fold_of: Mapping[str, int], boxes: Mapping[int, BlackBox]) -> None:
    """Refuse explanations of other folds or models that an earlier call left."""
    digests = {fold: box.digest() for fold, box in boxes.items()}
    for path in sorted(folder.glob("fold*/*/*/explanation.json")):
        fold = fold_of.get(path.parent.name)
        own = path.parts[-4] == f"fold{fold}"
        if not own or load_facts(path.parent).get("model_digest") != digests.get(fold):
            raise ValueError(f"{path.parent} is of another fold or model; remove {folder}")


def arguments():
    """What the command line asks for."""
    parser = Parser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--config", help="YAML file of settings")
    parser.add_argument("--methods", nargs="+", required=True, help="names of methods")
    parser.add_argument("--queries", type=int, help="black-box evaluations a method")
    parser.add_argument("--n_recordings", type=int, default=0, help="at most; 0 for all")
    parser.add_argument("--device", help="cpu, cuda, ... (default the configuration's)")
    parser.add_argument("--seed", type=int, default=0, help="of the run")
    return parser.parse_args()


def main() -> None:
    """Predict every fold, choose recordings over all of them, explain each by its classifier."""
    asked = arguments()
    exp_dir, methods = asked.exp_dir, check_methods(asked.methods)
    config = read_sections(asked.config)
    settings = method_settings(asked)
    data, out = read_data_folder(exp_dir / "data"), exp_dir / "explanations"
    events = events_by_recording(exp_dir / "data" / "events.tsv")
    path = exp_dir / "models" / SCORES_FILE
    scored = read_table(path)
    fold_of = scored.set_index("recording_id")["fold"].to_dict()
    boxes, tables = {}, []
    for fold, rows in scored.groupby("fold"):
        facts = {**config["black_box"], "folder": exp_dir / "models" / f"fold{fold}"}
        facts |= {"device": asked.device} if asked.device else {}
        boxes[fold] = build(load_black_box, "black_box", facts)
        path = out / f"fold{fold}" / PREDICTIONS_FILE
        tables.append(predict_folder(boxes[fold], data.part(rows["recording_id"]), path))
    print(f"precision: {next(iter(boxes.values())).choice}")
    check_stored(out, fold_of, boxes)
    predictions = pd.concat(tables, ignore_index=True)
    write_table(predictions, exp_dir / PREDICTIONS_FILE)
    # only what somebody annotated can be scored
    annotated = predictions[predictions["recording_id"].isin(events)]
    chosen = choose_recordings(annotated, asked.n_recordings or None, asked.seed)
    if not chosen:
        raise ValueError(f"{exp_dir}: no recording is annotated and classified correctly")
    what = {"events": events, "settings": settings, "seed": asked.seed}
    runs = {fold: ExplainingRun(box, data, tuple(methods), **what) for fold, box in boxes.items()}
    problems: list[dict[str, str]] = []
    n_steps = len(chosen) * len(methods)
    with WorkProgress(
        "explaining", n_steps, lambda: sum(box.n_queries for box in boxes.values())
    ) as progress:
        for name in chosen:
            run, folder = runs[fold_of[name]], out / f"fold{fold_of[name]}"
            problems += run.explain(name, data.text[name], folder, advance=progress.advance)
    list_problems(problems, exp_dir)
    if len(problems) == len(chosen) * len(methods):
        raise ValueError(f"nothing could be explained; see {exp_dir / PROBLEMS_FILE}")
    write_csv(list_warnings(out), exp_dir / WARNINGS_FILE)
    print(f"{len(chosen)} recordings explained by {len(methods)} methods")


if __name__ == "__main__":
    sys.exit(exit_code_of("explain_folds.py", main))
