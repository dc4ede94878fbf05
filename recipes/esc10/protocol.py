"""Report of the protocol: tables over classifiers, paddings and seeds, from what is there so far.

Writes `RESULTS.md`, `results.csv`, `summary.csv` and `comparison.png` into the protocol's folder;
may be called while the protocol runs.
"""

import argparse
import sys
from pathlib import Path

from daxaudio.commands.main import exit_code_of
from daxaudio.explainers.catalogue import DEFAULT_METHOD
from daxaudio.report.protocol import write_protocol

TITLE = "Localisation of ESC-10 events in noise-padded clips: classifiers, paddings, seeds"

TEXT = """\
Test clips of ESC-10 are padded with 1 to 5 s of noise at both ends (white noise, pink noise, or
training clips of another class), and each method is asked where in the padded clip the classifier
heard its class; the true event is where the clip lies. All classifiers and seeds see the same
padded clips, and only those that the classifier gets right *as padded* are explained. Every
perturbation method perturbs equally often, occlusion once a window. Beside that the others ask of
the input and of the background, and `dax_v4` also of what its mask keeps and leaves."""


def main() -> None:
    """Write the report and name its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the protocol")
    parser.add_argument("--leader", default=DEFAULT_METHOD, help=f"(default {DEFAULT_METHOD})")
    arguments = parser.parse_args()
    for path in write_protocol(arguments.exp_dir, TITLE, TEXT, arguments.leader):
        print(path)


if __name__ == "__main__":
    sys.exit(exit_code_of("protocol.py", main))
