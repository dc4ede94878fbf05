"""Planted coughs as data folders to train on, to test, and to explain.

The first fold is tested, the others train. Explained are the positive recordings of the first fold,
for their class; true is where the phase lies in which the evidence is planted, and in frequency
where the evidence is.
"""

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.containers import Events
from daxaudio.data.events import write_events
from daxaudio.data.evidence import EVIDENCE_FILE
from daxaudio.data.kaldi import read_data_folder, write_data_folder
from daxaudio.runs.files import read_text
from daxaudio_data_prep.synthetic.cough_files import fold_label, read_truth


def main() -> None:
    """Write `train`, `test` and `positive` from `all` and the truth of `corpus`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="holds corpus/ and all/")
    folder = parser.parse_args().folder
    data = read_data_folder(folder / "all")
    lines = read_text(folder / "all" / "folds").splitlines()
    folds = dict(line.split() for line in lines)
    first = min(folds.values())
    phases = {row.participant: row.phase for row in read_truth(folder / "corpus" / "planted.csv")}
    true = {}
    for name, events in events_by_recording(folder / "all" / "events.tsv").items():
        phase, label = phases[name.rsplit("_", 1)[0]], data.text[name]
        planted = [e for e in events if fold_label(e.label) == phase and phase != "none"]
        if planted and folds[name] == first:
            true[name] = Events(dataclasses.replace(event, label=label) for event in planted)
    if not true:
        raise ValueError(f"{folder}: no recording of the first fold has planted evidence")
    write_data_folder(data.part([n for n in data.ids if folds[n] != first]), folder / "train")
    write_data_folder(data.part([n for n in data.ids if folds[n] == first]), folder / "test")
    write_data_folder(data.part([n for n in data.ids if n in true]), folder / "positive")
    write_events(true, folder / "positive" / "events.tsv")
    shutil.copy(folder / "corpus" / EVIDENCE_FILE, folder / "positive" / EVIDENCE_FILE)
    print(f"{len(data.ids)} recordings, {len(true)} to explain")


if __name__ == "__main__":
    sys.exit(exit_code_of("split_coughs.py", main))
