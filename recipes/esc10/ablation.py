"""The paper's ablations on what run.sh left: its Tables IV, V and VI, and Figure 5.

Explains correctly classified padded recordings with one thing changed at a time. Settings that
perturb alike share one set of queries a recording. It can be stopped at any moment and started
again. Writes `ablation_NAME.csv` and `ablation_NAME.md`, and for "convergence" a picture.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
from ablation_report import write_report
from ablation_rows import Run
from ablations import DEFAULT_QUERIES, NAMES, make_ablation

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.commands.sections import read_sections
from daxaudio.data.kaldi import read_data_folder, read_utterance
from daxaudio.experiments.predict import choose_recordings, predict_folder
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.blackbox import load_black_box
from daxaudio.runs.config import build
from daxaudio.runs.progress import progress_bar, show_progress


def read_arguments() -> argparse.Namespace:
    """What to vary, on what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--model", type=Path, help="default EXP_DIR/model")
    parser.add_argument("--data", type=Path, help="default EXP_DIR/data/test_padded")
    parser.add_argument("--n_recordings", type=int, default=10, help="to explain (default 10)")
    parser.add_argument("--config", type=Path, help="default conf/resnet18.yaml beside this script")
    parser.add_argument(
        "--queries",
        type=int,
        nargs="+",
        help="Q; several for queries_and_lambda (default 500 1000 2000), otherwise one (default: "
        "the configuration's)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of every random draw (default 0)")
    arguments = parser.parse_args()
    arguments.model = arguments.model or arguments.exp_dir / "model"
    arguments.data = arguments.data or arguments.exp_dir / "data" / "test_padded"
    arguments.config = arguments.config or Path(__file__).parent / "conf" / "resnet18.yaml"
    if arguments.name == "queries_and_lambda":
        arguments.queries = sorted(set(arguments.queries or DEFAULT_QUERIES))
    elif arguments.queries and len(arguments.queries) > 1:
        raise ValueError(f"{arguments.name} takes one number of --queries: {arguments.queries}")
    return arguments


def score_recordings(arguments: argparse.Namespace, run: Run) -> pd.DataFrame:
    """Rows of every chosen recording and setting."""
    options = {**read_sections(arguments.config)["black_box"], "folder": arguments.model}
    black_box = build(load_black_box, "black_box", options)
    print(f"precision: {black_box.choice}")
    data = read_data_folder(arguments.data)
    events = events_by_recording(arguments.data / "events.tsv")
    predictions = predict_folder(black_box, data, run.folder / "predictions.csv")
    chosen = choose_recordings(predictions, arguments.n_recordings, arguments.seed)
    if not chosen:
        raise ValueError(f"{arguments.data}: no recording is classified correctly")
    if missing := sorted(set(chosen) - events.keys()):
        raise ValueError(f"{arguments.data / 'events.tsv'}: names no recording {missing[0]!r}")
    rows, front_end, model = [], black_box.front_end, black_box.digest()
    n_steps = len(chosen) * len(run.ablation.settings)
    with progress_bar(what=arguments.name, total=n_steps) as bar, show_progress(False):
        for name in sorted(chosen):
            recording = read_utterance(data, name, front_end.sample_rate)
            spectrogram = front_end.spectrogram(recording).to(black_box.device)
            score_fn = black_box.score_fn(data.text[name])
            for label, found in run.rows_of(spectrogram, score_fn, events[name], model):
                rows += found
                bar.set_postfix_str(f"{name}: {label}")
                bar.update()
    return pd.DataFrame(rows)


def main() -> None:
    """Explain, score, and write the table."""
    arguments = read_arguments()
    section = read_sections(arguments.config)["explain"]
    if arguments.queries:
        section["queries"] = max(arguments.queries)
    settings = build(MethodSettings, "explain", section).resolved()
    ablation = make_ablation(arguments.name, arguments.queries or ())
    run = Run(ablation, settings, arguments.seed, arguments.exp_dir / "ablations" / arguments.name)
    results = score_recordings(arguments, run)
    for path in write_report(arguments.name, ablation, settings, results, arguments.exp_dir):
        print(path)


if __name__ == "__main__":
    sys.exit(exit_code_of("ablation.py", main))
