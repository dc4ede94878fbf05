"""Choose padded clips that the classifier gets right, the same ones for every seed where it can.

Classifies all clips of a data folder and writes `predictions.csv`, and the data folder `chosen` of
at most so many that are right, spread over the classes. The order of the draw is that of seed 0
whatever the seed of the classifier or the methods, so that runs with several seeds share clips.
"""

import argparse
import sys
from pathlib import Path

from daxaudio.commands.arguments import add_model, open_model
from daxaudio.commands.main import exit_code_of
from daxaudio.data.kaldi import read_data_folder, write_data_folder
from daxaudio.experiments.predict import (
    PREDICTIONS_FILE,
    choose_recordings,
    describe_none,
    predict_folder,
)


def main() -> None:
    """Write `predictions.csv` and `chosen/`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="data folder of padded clips")
    add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the condition")
    parser.add_argument("--config", required=True, help="configuration of the classifier")
    parser.add_argument("--n_recordings", type=int, required=True, help="at most; 0 for all")
    arguments = parser.parse_args()
    data = read_data_folder(arguments.data)
    black_box = open_model(arguments)
    predictions = predict_folder(black_box, data, arguments.out / PREDICTIONS_FILE)
    chosen = choose_recordings(predictions, arguments.n_recordings or None)
    if not chosen:
        classes, sources = list(black_box.class_names), list(data.wav_scp.values())
        reason = describe_none(predictions, "correct", classes, sources)
        raise ValueError(f"{arguments.data}: nothing to explain: {reason}")
    write_data_folder(data.part(chosen), arguments.out / "chosen")
    n_correct = int(predictions["correct"].sum())
    print(f"{len(data.ids)} recordings, {n_correct} classified correctly, {len(chosen)} chosen")


if __name__ == "__main__":
    sys.exit(exit_code_of("choose_clips.py", main))
