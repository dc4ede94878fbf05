"""Does the stated standard error hold: explain again with other seeds, and look how far it moves.

Of two explanations of one recording from different draws, a bin is covered when its two values
differ by at most twice the standard error of their difference, the root of the sum of the two
stated squares. Honest normal errors cover 95 % of bins. Bins that no draw marks, and of which no
error is stated, are left out: they would be covered whatever is stated.
"""

import argparse
import itertools
import sys
from pathlib import Path

import pandas as pd
import torch

from daxaudio.commands.arguments import add_model, add_queries, counted, method_settings, open_model
from daxaudio.commands.main import exit_code_of
from daxaudio.data.kaldi import read_data_folder
from daxaudio.experiments.explain import explain
from daxaudio.experiments.predict import (
    PREDICTIONS_FILE,
    choose_recordings,
    predict_folder,
    spectrogram_of,
)
from daxaudio.runs.tables import write_csv

COVERAGE_FILE = "coverage.csv"
N_SEEDS = 5


def coverage(explanations):
    """Share of bins covered, the mean over pairs of redraws; None where no error is stated.

    Args:
        explanations: of one recording, from independent draws.
    """
    if any(explanation.standard_error is None for explanation in explanations):
        return None
    shares = []
    for one, other in itertools.combinations(explanations, 2):
        error = torch.hypot(one.standard_error, other.standard_error)
        apart = (one.mask - other.mask).abs()
        said = (error > 0) | (apart > 0)
        if said.any():
            shares.append((apart <= 2 * error)[said].float().mean().item())
    return sum(shares) / len(shares) if shares else None


def main() -> None:
    """Write `coverage.csv`: `recording_id`, `coverage`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="data folder")
    add_model(parser)
    add_queries(parser)
    parser.add_argument("--config", help="YAML file of settings")
    parser.add_argument("--method", required=True, help="name of the method")
    parser.add_argument("--n_recordings", type=counted, required=True, help="at most")
    parser.add_argument("--seed", type=int, default=0, help="of the first explanation")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    data, model = read_data_folder(arguments.data), open_model(arguments)
    settings = method_settings(arguments)
    predictions = predict_folder(model, data, arguments.out / PREDICTIONS_FILE)
    rows = []
    for name in choose_recordings(predictions, arguments.n_recordings, arguments.seed):
        spectrogram, score_fn = spectrogram_of(model, data, name), model.score_fn(data.text[name])
        drawn = [
            explain(spectrogram, score_fn, arguments.method, seed=seed, settings=settings)
            for seed in range(arguments.seed, arguments.seed + 1000 * N_SEEDS, 1000)
        ]
        rows.append((name, coverage(drawn)))
    table = pd.DataFrame(rows, columns=["recording_id", "coverage"]).astype({"coverage": float})
    write_csv(table.round(4), arguments.out / COVERAGE_FILE)
    print(f"{len(table)} recordings: {table['coverage'].mean():.3f} of bins covered")


if __name__ == "__main__":
    sys.exit(exit_code_of("cover.py", main))
