"""Report of the cough recipe: classifiers by fold, explanations by phase, what was left out."""

import argparse
import sys
from pathlib import Path

import pandas as pd
from planted import planted_tables

from daxaudio.cli import exit_code_of
from daxaudio.commands.arguments import events_by_recording
from daxaudio.cross_validation import FOLDS_FILE
from daxaudio.kaldi import read_data_folder
from daxaudio.methods import DEFAULT_METHOD
from daxaudio.report import to_markdown
from daxaudio.report.phase_scores import score_phases
from daxaudio.report.phases import write_phases
from daxaudio.report.tables import Table

TEXT = """\
Each recording is scored and explained by the classifier of the fold that it is in, which has not
seen it. Recordings that it gets right are explained for their true class (p positive, n negative),
and each method is asked where in the recording that class was heard."""
SYNTHETIC = """\
The audio of this corpus is synthetic: the timings of the phases are real, the sounds are made, and
evidence of the positive class is planted. It shows whether methods find what is there to be found;
it says nothing about any illness, nor how a classifier of real coughs decides.

The first table is of the positive recordings: in how many of them the mask is densest (share of the
mask over share of the time) in the phase that holds the evidence, and in each phase. `background`
is all that is labelled neither cough nor inhalation, compression or throat clearing."""
LISTS = {
    "bad_files.txt": "files that could not be used",
    "without_annotation.txt": "recordings without annotation (trained on, not explained)",
    "other_formats.txt": "recordings with other channels or sample rate (averaged, resampled)",
}


def folds_table(path: Path) -> Table:
    """Area under the ROC curve and sensitivity by fold."""
    table = pd.read_csv(path)
    rows = [
        (
            row["fold"],
            *("" if pd.isna(row[name]) else str(int(row[name])) for name in ("n", "n_positive")),
            *("-" if pd.isna(row[name]) else f"{row[name]:.3f}" for name in ("auc", "sensitivity")),
        )
        for row in table.to_dict("records")
    ]
    header = ("fold", "n", "positive", "AUC", "sensitivity at a specificity above 0.95")
    return Table(header, tuple(rows))


def lists_table(data: Path) -> Table:
    """How many files are in each list of what was left out or is unlike the others."""
    counts = {name: (data / name).read_text(encoding="utf-8").splitlines() for name in LISTS}
    rows = [(f"data/{name}", text, str(len(counts[name]))) for name, text in LISTS.items()]
    return Table(("list", "what", "entries"), tuple(rows))


def main() -> None:
    """Score what the stages left, write the report, and print the main tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exp_dir", type=Path, required=True, help="folder of the recipe")
    parser.add_argument("--corpus", type=Path, required=True, help="may hold planted.csv")
    parser.add_argument("--command", required=True, help="command that is quoted in the report")
    arguments = parser.parse_args()
    exp_dir = arguments.exp_dir
    data = read_data_folder(exp_dir / "data")
    events = events_by_recording(exp_dir / "data" / "events.tsv")
    values = score_phases(exp_dir / "explanations", events, exp_dir, drawn=[DEFAULT_METHOD])
    planted = planted_tables(arguments.corpus, values, exp_dir)
    facts = {
        **planted,
        "Classifiers": folds_table(exp_dir / "models" / FOLDS_FILE),
        "What was left out, and what is unlike the rest": lists_table(exp_dir / "data"),
    }
    text = "\n\n".join([TEXT, *([SYNTHETIC] if planted else [])])
    found = set(values["method"])
    leader = DEFAULT_METHOD if DEFAULT_METHOD in found else sorted(found - {"chance"})[0]
    paths = write_phases(
        exp_dir, "Cough phases", arguments.command, text, facts, leader, data.wav_scp
    )
    for table in (facts["Classifiers"], *planted.values()):
        print(to_markdown(table) + "\n")
    print(f"table:    {paths[0]}\nreport:   {paths[1]} (open it in a browser)")
    print(f"pictures: {exp_dir / 'pictures' / 'phases'}")


if __name__ == "__main__":
    sys.exit(exit_code_of("report.py", main))
