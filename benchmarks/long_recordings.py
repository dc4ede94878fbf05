"""Peak memory and time of `daxaudio explain` on recordings of 1.25 to 10 minutes, windowed BLSTM.

The model is untrained, which costs as much as a trained one. The peak is that of the process, with
Python and its libraries in it; loading these is not in the time.

python -m benchmarks.long_recordings [--queries 48] [--method dax_v5] [--check none]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

from daxaudio.commands.main import main as command
from daxaudio.features.frontends import make_front_end
from daxaudio.models.blackbox import BlackBox, save_black_box
from daxaudio.models.blstm import WindowBlstm
from daxaudio.runs.config import build, load_config

MINUTES = (1.25, 2.5, 5.0, 10.0)
CONFIG = Path(__file__).parents[1] / "recipes" / "coswara" / "conf" / "planted.yaml"


def write_subject(folder):
    """An untrained model with the settings of the recipe, and bursts of noise in noise."""
    config = load_config(CONFIG)
    torch.manual_seed(0)
    settings = {key: value for key, value in config["model"].items() if key != "kind"}
    black_box = BlackBox(
        build(WindowBlstm, "model", settings),
        make_front_end(config["front_end"]),
        ["n", "p"],
    )
    save_black_box(black_box, folder / "model")
    rate, draws = black_box.front_end.sample_rate, np.random.default_rng(0)
    for minutes in MINUTES:
        n_samples = round(60 * minutes * rate)
        loud = (np.arange(n_samples) // (rate // 2)) % 4 == 0
        samples = draws.standard_normal(n_samples) * np.where(loud, 0.1, 0.01)
        soundfile.write(folder / f"{minutes}.wav", samples, rate, subtype="PCM_16")


def measure(folder, minutes, arguments):
    """Explain one recording in this process, and print what it took; imports are not timed."""
    torch.set_num_threads(arguments.threads)
    began = time.perf_counter()
    words = ["explain", str(folder / f"{minutes}.wav"), "--model", str(folder / "model")]
    words += ["--queries", str(arguments.queries), "--method", arguments.method, "--quiet"]
    words += ["--check", arguments.check, "--target", "p", "--config", str(CONFIG)]
    with open(os.devnull, "w") as nowhere:
        standard, sys.stdout = sys.stdout, nowhere
        code = command([*words, "--out", str(folder / f"out-{minutes}")])
        sys.stdout = standard
    if code:
        sys.exit(code)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.1f} {peak:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=48, help="black-box evaluations")
    parser.add_argument("--method", default="dax_v5", help="explainer")
    parser.add_argument("--check", default="none", help="none, quick or full")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    parser.add_argument("--one", nargs=2, metavar=("DIR", "MINUTES"), help="this one only")
    arguments = parser.parse_args()
    if arguments.one:
        measure(Path(arguments.one[0]), float(arguments.one[1]), arguments)
        return
    print(
        f"{arguments.method}, {arguments.queries} queries, check {arguments.check}\n"
        "| minutes | seconds | seconds a minute, over those of the shortest | peak MB |\n"
        "|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name:
        write_subject(Path(name))
        first = None
        for minutes in MINUTES:
            words = [sys.executable, "-m", "benchmarks.long_recordings", *sys.argv[1:]]
            words += ["--one", name, str(minutes)]
            found = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
            seconds, peak = map(float, found.stdout.split()[-2:])
            first = first or seconds / minutes
            print(
                f"| {minutes:g} | {seconds:.0f} | {seconds / minutes / first:.2f} | {peak:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
