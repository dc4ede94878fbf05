"""Classify the recordings of a folder, and choose those to be explained."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from daxaudio.containers import Recording, Spectrogram
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.data.kaldi import DataFolder, read_source, read_utterance
from daxaudio.engines.engine import HERE, Engine
from daxaudio.engines.progress import UnitProgress
from daxaudio.engines.units import Outcome, Unit, Worker, one_by_one
from daxaudio.models.model import Model
from daxaudio.runs.names import check_length, name_some
from daxaudio.runs.seeds import derive_seed
from daxaudio.runs.tables import write_table

logger = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.csv"

PREDICTION_COLUMNS = ("recording_id", "label", "predicted", "score", "correct", "problem")

Which = Literal["correct", "wrong", "all"]
"""Recordings whose label is predicted, whose is not, or all that could be read."""


def predict_folder(
    black_box: Model,
    data: DataFolder,
    path: str | os.PathLike[str] | None,
    *,
    recording_ids: Sequence[str] | None = None,
    engine: Engine = HERE,
    open_model: Callable[[str | None], Model] | None = None,
) -> pd.DataFrame:
    """Classify every recording of a data folder.

    A recording that cannot be read, whose label the model does not know, or whose id is too long
    for the name of a file, is listed with the reason and left out of nothing else. So is one that
    ended its worker, or took too long, as often as it was tried.

    Args:
        black_box: the classifier.
        data: the recordings and their labels, `UNLABELLED` where there is none.
        path: CSV file to write; None writes none.
        recording_ids: which to classify; all when None.
        engine: does them.
        open_model: opens the classifier in another process; see `explain_folder`.

    Returns:
        One row a recording, sorted by id: `recording_id`, `label` ("" when there is none),
        `predicted` ("" when it could not be read), `score` of the predicted class, `correct` (0 or
        1), `problem` ("" when there is none).

    Raises:
        ValueError: when there is no recording.
    """
    if not data.wav_scp:
        raise ValueError("the data folder holds no recording: its wav.scp is empty")
    names = data.ids if recording_ids is None else sorted(recording_ids)
    job = PredictJob(opener_for(black_box, engine, open_model), data)
    with UnitProgress("classifying", len(names)) as progress:
        units = [Unit(name, "predictions") for name in names]
        outcomes = engine.run(units, job, heard=progress.heard)
    rows = []
    for outcome in outcomes:
        name = outcome.unit.recording_id
        row = outcome.row
        if row is None:
            row = {**_unread(data, name), "problem": f"{outcome.state}: {outcome.problem}"}
        if row["problem"]:
            logger.warning("%s: %s", name, row["problem"])
        rows.append(row)
    table = pd.DataFrame(rows, columns=PREDICTION_COLUMNS).round({"score": 6})
    if path is not None:
        write_table(table, path)
    return table


@dataclasses.dataclass(frozen=True, eq=False)
class PredictJob:
    """Classifies recordings: opened once in each worker.

    Args:
        open_model: opens the classifier, on a device.
        data: the recordings and their labels.
    """

    open_model: Callable[[str | None], Model]
    data: DataFolder

    def open(self, device: str | None) -> Worker:
        """Load the model; see `Job`."""
        model = self.open_model(device)

        def predict(unit: Unit) -> Outcome:
            before = model.n_queries
            row = predict_recording(model, self.data, unit.recording_id)
            return Outcome(unit, n_queries=model.n_queries - before, row=row)

        return one_by_one(predict)


def predict_recording(black_box: Model, data: DataFolder, recording_id: str) -> dict[str, Any]:
    """The row of one recording in the table of `predict_folder`."""
    row = _unread(data, recording_id)
    try:
        check_length(recording_id)
        recording = read_for(black_box, data, recording_id)
        spectrogram = black_box.front_end.spectrogram(recording).to(black_box.device)
        row["predicted"], row["score"] = black_box.about(recording).predict(spectrogram)
        if row["label"]:
            black_box.class_index(row["label"])
    except ValueError as error:
        row["problem"] = str(error)
    return {**row, "correct": int(row["predicted"] == row["label"] != "")}


def _unread(data: DataFolder, recording_id: str) -> dict[str, Any]:
    label = "" if data.text[recording_id] == UNLABELLED else data.text[recording_id]
    row = {"recording_id": recording_id, "label": label, "predicted": "", "score": 0.0}
    return {**row, "correct": 0, "problem": ""}


@dataclasses.dataclass(frozen=True)
class _Opened:
    """A model that is open already, for units that this process does."""

    model: Model

    def __call__(self, device: str | None) -> Model:
        return self.model


def opener_for(
    model: Model, engine: Engine, open_model: Callable[[str | None], Model] | None
) -> Callable[[str | None], Model]:
    """How the workers of an engine get a model: this process has it already.

    Raises:
        ValueError: when units are done elsewhere and nobody says how to open it there.
    """
    if engine.here:
        return _Opened(model)
    if open_model is None:
        raise ValueError("other processes cannot take over an open model: give open_model, too")
    return open_model


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
