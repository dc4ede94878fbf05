"""Take those scenes in which a model hears what is looked for, where it is: the first that it does.

A scene counts when the model's score of it is at least so high; when noise in place of its events
leaves at most half of that; and when the events alone, in noise, give at least half of it. The
noise is that of the scenes. Nothing of an explanation is asked.
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
from daxaudio.data.padding import pink_noise
from daxaudio.experiments.predict import read_for
from daxaudio.models.foreign.load import load_model
from daxaudio.runs.seeds import generator
from daxaudio.runs.tables import write_csv
from daxaudio_data_prep.synthetic.evidence import EVENTS_FILE
from daxaudio_data_prep.synthetic.scene_sounds import NOISE_DB

SCORES_FILE = "scores.csv"
HALF = 0.5
"""Share of the score that is left without the events at most, and with them alone at least."""

_FADE = 0.005  # seconds


def without_and_alone(recording, events, seed=0):
    """A scene with noise in place of its events, and its events in noise.

    Args:
        recording: the scene, one or more channels.
        events: each longer than the ramps of 5 ms at both of its ends.
        seed: of the draws of the noise, which is as loud as that of scenes.
    """
    waveform, rate = recording.waveform, recording.sample_rate
    kept = torch.zeros(waveform.shape[1])
    for event in events:
        first, last = round(event.start * rate), round(event.end * rate)
        part = kept[first:last]
        n = min(round(_FADE * rate), len(part) // 2)
        part[:] = 1
        part[:n], part[len(part) - n :] = torch.linspace(0, 1, n), torch.linspace(1, 0, n)
    noise = pink_noise(len(kept), rate, generator(seed, recording.recording_id, "choose"))
    noise = 10 ** (NOISE_DB / 20) * noise / noise.square().mean().sqrt()
    return tuple(
        dataclasses.replace(recording, waveform=share * waveform + (1 - share**2).sqrt() * noise)
        for share in (1 - kept, kept)
    )


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
        heard, without, alone = (
            score(model, one, arguments.target)
            for one in (recording, *without_and_alone(recording, events[name]))
        )
        if heard >= arguments.least and without <= HALF * heard <= alone:
            chosen.append(name)
        rows.append((name, heard, without, alone, int(name in chosen)))
        if len(chosen) == arguments.n:
            break
    columns = ["recording_id", "score", "score_without", "score_alone", "chosen"]
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
