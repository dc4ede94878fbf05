"""Take those scenes in which a model hears what is looked for, where it is: the first that it does.

A scene counts when the model's score of it is at least so high, and falls by at least half when the
sound is silenced at the times of its events. Nothing of an explanation is asked.
"""

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path

import pandas as pd
import torch

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.main import exit_code_of
from daxaudio.data.evidence import EVIDENCE_FILE
from daxaudio.data.kaldi import read_data_folder, write_data_folder
from daxaudio.experiments.predict import read_for
from daxaudio.models.foreign.load import load_model
from daxaudio.runs.tables import write_csv
from daxaudio_data_prep.synthetic.evidence import EVENTS_FILE

SCORES_FILE = "scores.csv"
LOST = 0.5
"""Share of the score that silence in place of the event takes away, at least."""

_FADE = 0.005  # seconds


def silenced(recording, events):
    """The recording with silence at the times of the events, between ramps of 5 ms.

    Args:
        recording: one or more channels.
        events: each longer than the ramps.
    """
    waveform, rate = recording.waveform.clone(), recording.sample_rate
    for event in events:
        first, last = round(event.start * rate), round(event.end * rate)
        part = waveform[:, first:last]
        n = min(round(_FADE * rate), part.shape[1] // 2)
        gain = torch.zeros(part.shape[1])
        gain[:n], gain[part.shape[1] - n :] = torch.linspace(1, 0, n), torch.linspace(0, 1, n)
        part *= gain
    return dataclasses.replace(recording, waveform=waveform)


def score(model, recording, target):
    """What the model says of a recording as it is."""
    asked = model.about(recording)
    spectrogram = asked.front_end.spectrogram(recording)
    return float(asked.score_fn(target)(spectrogram.values[None])[0])


def main() -> None:
    """Write `scores.csv` of all candidates, and the data folder of those that are chosen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidates", type=Path, help="data folder with events.tsv")
    parser.add_argument("out", type=Path, help="data folder to write")
    parser.add_argument("--model", required=True, help="as `daxaudio explain` takes it")
    parser.add_argument("--model_config", help="its model.yaml")
    parser.add_argument("--allow_code", action="store_true", help="run the model's code")
    parser.add_argument("--target", required=True, help="the class that is looked for")
    parser.add_argument("--least", type=float, required=True, help="lowest score of a scene")
    parser.add_argument("--n", type=int, required=True, help="scenes to take")
    arguments = parser.parse_args()
    data = read_data_folder(arguments.candidates)
    events = events_by_recording(arguments.candidates / EVENTS_FILE)
    model = load_model(
        arguments.model, config=arguments.model_config, allow_code=arguments.allow_code
    )
    rows, chosen = [], []
    for name in data.ids:
        recording = read_for(model, data, name)
        heard, without = (
            score(model, one, arguments.target)
            for one in (recording, silenced(recording, events[name]))
        )
        if heard >= arguments.least and without <= (1 - LOST) * heard:
            chosen.append(name)
        rows.append((name, heard, without, int(name in chosen)))
        if len(chosen) == arguments.n:
            break
    columns = ["recording_id", "score", "score_without", "chosen"]
    write_csv(pd.DataFrame(rows, columns=columns).round(4), arguments.out / SCORES_FILE)
    if len(chosen) < arguments.n:
        raise ValueError(
            f"{arguments.candidates}: the model hears {len(chosen)} of {len(rows)} scenes, and "
            f"{arguments.n} are wanted; see {arguments.out / SCORES_FILE}"
        )
    write_data_folder(data.part(chosen), arguments.out)
    for file in (EVENTS_FILE, EVIDENCE_FILE):
        if (arguments.candidates / file).exists():
            shutil.copy(arguments.candidates / file, arguments.out / file)
    print(f"{len(chosen)} of {len(rows)} scenes chosen")


if __name__ == "__main__":
    sys.exit(exit_code_of("choose.py", main))
