"""Classify the recordings of a folder, and choose those to be explained."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from daxaudio.containers import Recording, Spectrogram
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.data.kaldi import DataFolder, read_source, read_utterance
from daxaudio.models.model import Model
from daxaudio.runs.names import check_length, name_some
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.seeds import derive_seed
from daxaudio.runs.tables import write_table

logger = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.csv"


Which = Literal["correct", "wrong", "all"]
"""Recordings whose label is predicted, whose is not, or all that could be read."""


def predict_folder(
    black_box: Model, data: DataFolder, path: str | os.PathLike[str]
) -> pd.DataFrame:
    """Classify every recording of a data folder.

    A recording that cannot be read, whose label the model does not know, or whose id is too long
    for the name of a file, is listed with the reason and left out of nothing else.

    Args:
        black_box: the classifier.
        data: the recordings and their labels, `UNLABELLED` where there is none.
        path: CSV file to write.

    Returns:
        One row a recording, sorted by id: `recording_id`, `label` ("" when there is none),
        `predicted` ("" when it could not be read), `score` of the predicted class, `correct` (0 or
        1), `problem` ("" when there is none).

    Raises:
        ValueError: when there is no recording.
    """
    if not data.wav_scp:
        raise ValueError("the data folder holds no recording: its wav.scp is empty")
    rows = []
    for recording_id in progress_bar(data.ids, "classifying"):
        label = "" if data.text[recording_id] == UNLABELLED else data.text[recording_id]
        row = {"recording_id": recording_id, "label": label, "predicted": "", "score": 0.0}
        problem = ""
        try:
            check_length(recording_id)
            recording = read_for(black_box, data, recording_id)
            spectrogram = black_box.front_end.spectrogram(recording).to(black_box.device)
            row["predicted"], row["score"] = black_box.about(recording).predict(spectrogram)
            if label:
                black_box.class_index(label)
        except ValueError as error:
            problem = str(error)
            logger.warning("%s: %s", recording_id, problem)
        rows.append({**row, "correct": int(row["predicted"] == label != ""), "problem": problem})
    table = pd.DataFrame(rows).round({"score": 6})
    write_table(table, path)
    return table


def choose_recordings(
    predictions: pd.DataFrame,
    n_recordings: int | None = None,
    seed: int = 0,
    which: Which = "correct",
) -> list[str]:
    """Ids of recordings to explain, spread over the classes.

    Args:
        predictions: as `predict_folder` gives them.
        n_recordings: at most so many; None for all.
        seed: seed of the order within a class.
        which: recordings classified correctly, wrongly (their label is known to the model, and
            another one is predicted), or all that could be classified.

    Returns:
        Ids in the order of work: one of each class, then the next of each, and so on. A class is
        that of the label, and the predicted one where there is none. A longer list begins with a
        shorter one.

    Raises:
        ValueError: when `n_recordings` is below 1.
    """
    if n_recordings is not None and n_recordings < 1:
        raise ValueError(f"n_recordings must be at least 1, got {n_recordings}")
    chosen = predictions[_is_chosen(predictions, which)].copy()
    chosen["draw"] = [derive_seed(seed, "choice", name) for name in chosen["recording_id"]]
    chosen["class"] = chosen["label"]
    if which == "all":
        chosen["class"] = chosen["label"].where(chosen["label"] != "", chosen["predicted"])
    chosen = chosen.sort_values("draw")
    chosen["turn"] = chosen.groupby("class").cumcount()
    ordered = chosen.sort_values(["turn", "class"])["recording_id"].tolist()
    return ordered if n_recordings is None else ordered[:n_recordings]


def default_which(predictions: pd.DataFrame) -> Which:
    """The paper explains what is classified correctly; where nothing has a label, explain all."""
    return "correct" if (predictions["label"] != "").any() else "all"


def describe_none(
    predictions: pd.DataFrame, which: Which, class_names: Sequence[str], sources: Sequence[str] = ()
) -> str:
    """Why no recording is there to be explained, and what to do about it, in one line.

    Args:
        predictions: as `predict_folder` gives them.
        which: what was asked for.
        class_names: those of the model.
        sources: paths of the audio files, if known.

    Example:
        >>> row = {"recording_id": "a", "label": "cow", "predicted": "dog", "problem": ""}
        >>> none = describe_none(pd.DataFrame([{**row, "correct": 0}]), "correct", ["cat", "dog"])
        >>> none.split("; ")[0]
        'of 1 recordings the model classifies 0 correctly'
    """
    unreadable = predictions[predictions["predicted"] == ""]
    labels = sorted(set(predictions["label"]) - {"", *class_names})
    unknown = predictions[predictions["label"].isin(labels)]
    unlabelled = int((predictions["label"] == "").sum())
    n_correct = int(predictions["correct"].sum())
    parts = [f"of {len(predictions)} recordings the model classifies {n_correct} correctly"]
    if len(unreadable):
        part = f"{len(unreadable)} could not be read (first: {unreadable['problem'].iloc[0]})"
        if any(not Path(source).is_absolute() for source in sources):
            part += f", and relative paths of wav.scp start at the working folder, {Path.cwd()}"
        parts.append(part)
    if len(unknown):
        parts.append(
            f"{len(unknown)} have a label that it does not know ({name_some(labels)}; it knows "
            f"{name_some(class_names)})"
        )
    if unlabelled:
        parts.append(f"{unlabelled} have no label")
    return "; ".join(parts)


def read_for(model: Model, data: DataFolder, recording_id: str) -> Recording:
    """One recording with the channels that a model takes; raises as `read_utterance`."""
    if model.channels == 1 or data.channel is not None:
        return read_utterance(data, recording_id, model.front_end.sample_rate)
    part = data.segment(recording_id)
    segment = None if data.segments is None else (part.start, part.end)
    # a folder holds commands only where they were allowed
    source = data.wav_scp[part.recording_id]
    return read_source(source, recording_id, segment, allow_commands=True)


def spectrogram_of(black_box: Model, data: DataFolder, recording_id: str) -> Spectrogram:
    """One recording as the black box hears it, on its device."""
    recording = read_for(black_box, data, recording_id)
    return black_box.front_end.spectrogram(recording).to(black_box.device)


def _is_chosen(predictions: pd.DataFrame, which: Which) -> pd.Series:
    if which == "correct":
        return predictions["correct"] == 1
    readable = predictions["predicted"] != ""
    if which == "all":
        return readable
    known = (predictions["label"] != "") & (predictions["problem"] == "")
    return readable & known & (predictions["correct"] == 0)
