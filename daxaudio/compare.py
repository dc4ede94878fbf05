"""Explain a folder of recordings by several methods.

Every explanation is stored as soon as it is there, so that a run can be stopped at any moment and
started again; its numbers depend on the seed, the recording and the method alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from daxaudio.annotations import DataFolder
from daxaudio.audio import read_recording
from daxaudio.blackbox import BlackBox
from daxaudio.containers import (
    Event,
    Explainer,
    Explanation,
    Neighbourhood,
    ScoreFn,
    Spectrogram,
)
from daxaudio.methods import MethodSettings, make_explainer
from daxaudio.results import list_warnings, write_csv
from daxaudio.seeds import derive_seed
from daxaudio.store import is_stored, load_facts, save_explanation

logger = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.csv"
PROBLEMS_FILE = "problems.csv"
WARNINGS_FILE = "warnings.csv"


class SharedQueries:
    """Remembers the neighbourhoods of one recording, so that no query is asked twice.

    Methods whose samplers are equal (same segments, draws, fill and number) get the same
    neighbourhood; each explanation still reports the queries and the time that it rests on.
    """

    def __init__(self) -> None:
        self.answered: dict[Any, Neighbourhood] = {}

    def share(self, explainer: Explainer) -> Explainer:
        """The same explainer, asking through this memory where it has a sampler."""
        sampler = getattr(explainer, "sampler", None)
        if sampler is None:
            return explainer
        return dataclasses.replace(  # type: ignore[type-var]
            explainer, sampler=_Remembering(sampler, self.answered)
        )


class _Remembering:
    def __init__(self, sampler: Any, answered: dict[Any, Neighbourhood]) -> None:
        self.sampler = sampler
        self.answered = answered
        self.progress = sampler.progress

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        key = repr(self.sampler)
        if key not in self.answered:
            self.answered[key] = self.sampler(spectrogram, score_fn)
        return self.answered[key]


def predict_folder(
    black_box: BlackBox, data: DataFolder, path: str | os.PathLike[str], progress: bool = True
) -> pd.DataFrame:
    """Classify every recording of a data folder.

    A recording that cannot be read, or whose label the model does not know, is listed with the
    reason and left out of nothing else.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        path: CSV file to write.
        progress: show a progress bar.

    Returns:
        One row a recording, sorted by id: `recording_id`, `label`, `predicted`, `score` of the
        predicted class, `correct` (0 or 1), `problem` ("" when there is none).
    """
    rows = []
    for recording_id in tqdm(sorted(data.wav_scp), desc="classifying", disable=not progress):
        label = data.text[recording_id]
        row = {"recording_id": recording_id, "label": label, "predicted": "", "score": 0.0}
        try:
            black_box.class_index(label)
            spectrogram = _spectrogram(black_box, data, recording_id)
            row["predicted"], row["score"] = black_box.predict(spectrogram)
            problem = ""
        except ValueError as error:
            problem = str(error)
            logger.warning("%s is left out: %s", recording_id, problem)
        rows.append({**row, "correct": int(row["predicted"] == label), "problem": problem})
    table = pd.DataFrame(rows).round({"score": 6})
    write_csv(table, path)
    return table


def choose_recordings(
    predictions: pd.DataFrame, n_recordings: int | None = None, seed: int = 0
) -> list[str]:
    """Ids of correctly classified recordings, spread over the classes.

    Args:
        predictions: as `predict_folder` gives them.
        n_recordings: at most so many; None for all.
        seed: seed of the order within a class.

    Returns:
        Ids in the order of work: one of each class, then the next of each, and so on. A longer
        list begins with a shorter one.

    Raises:
        ValueError: when `n_recordings` is below 1.
    """
    if n_recordings is not None and n_recordings < 1:
        raise ValueError(f"n_recordings must be at least 1, got {n_recordings}")
    correct = predictions[predictions["correct"] == 1].copy()
    correct["draw"] = [derive_seed(seed, "choice", name) for name in correct["recording_id"]]
    correct = correct.sort_values("draw")
    correct["turn"] = correct.groupby("label").cumcount()
    ordered = correct.sort_values(["turn", "label"])["recording_id"].tolist()
    return ordered if n_recordings is None else ordered[:n_recordings]


def explain_recording(
    score_fn: ScoreFn,
    spectrogram: Spectrogram,
    methods: Sequence[str],
    events: Sequence[Event] = (),
    settings: MethodSettings | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Iterator[Explanation]:
    """Explain one recording by several methods that share their queries where they can.

    Args:
        score_fn: the black box, for the class to explain.
        spectrogram: the recording.
        methods: names as in `METHODS`.
        events: its true events; only the oracle sees them.
        settings: of the methods.
        seed: of the run; each recording and method has its own, derived from it.
        progress: show a bar while the black box is asked.

    Yields:
        One explanation a method, as soon as it is there.
    """
    shared = SharedQueries()
    for method in methods:
        yield _explain_one(
            score_fn,
            spectrogram,
            method,
            events,
            settings or MethodSettings(),
            seed,
            shared,
            progress,
        )


def _explain_one(
    score_fn: ScoreFn,
    spectrogram: Spectrogram,
    method: str,
    events: Sequence[Event],
    settings: MethodSettings,
    seed: int,
    shared: SharedQueries,
    progress: bool = False,
) -> Explanation:
    shape = (spectrogram.values.shape[0], spectrogram.values.shape[1])
    explainer = make_explainer(
        method, settings, seed, spectrogram.recording_id, shape, events, progress
    )
    return shared.share(explainer)(spectrogram, score_fn)


def explain_folder(
    black_box: BlackBox,
    data: DataFolder,
    recording_ids: Sequence[str],
    methods: Sequence[str],
    out: str | os.PathLike[str],
    events: Mapping[str, Sequence[Event]] | None = None,
    settings: MethodSettings | None = None,
    seed: int = 0,
    progress: bool = True,
) -> None:
    """Explain each recording for its true class by every method; what is stored is kept.

    A method that cannot handle a recording (say, one too short for its grid) is listed in
    `out/problems.csv`, and ends nothing else. The warnings of all explanations that `out` then
    holds, of this call or an earlier one, are listed in `out/warnings.csv`.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        recording_ids: which to explain, in the order of work.
        methods: names as in `METHODS`.
        out: explanations go to `out/METHOD/RECORDING_ID/`.
        events: true events by recording id; the oracle needs them.
        settings: of the methods.
        seed: of the run.
        progress: show a progress bar with evaluations per second.

    Raises:
        ValueError: when `out` holds explanations of another seed, model, recording or other
            settings, or when nothing at all could be explained.
    """
    settings = settings or MethodSettings()
    out = Path(out)
    run = {"seed": seed, "model": black_box.digest(), "run_settings": _plain(settings)}
    problems: list[dict[str, str]] = []
    asked, began = black_box.n_queries, time.perf_counter()
    total = len(recording_ids) * len(methods)
    with tqdm(total=total, desc="explaining", disable=not progress) as bar:
        for name in recording_ids:
            label, spectrogram = data.text[name], _spectrogram(black_box, data, name)
            facts = {**run, "input": _digest(spectrogram), "audio": data.wav_scp[name]}
            waiting = [m for m in methods if not _is_done(out / m / name, facts)]
            bar.update(len(methods) - len(waiting))
            true_events = (events or {}).get(name, ())
            score_fn, shared = black_box.score_fn(label), SharedQueries()
            for method in waiting:
                try:
                    explanation = _explain_one(
                        score_fn, spectrogram, method, true_events, settings, seed, shared
                    )
                except ValueError as error:
                    logger.warning("%s by %s is left out: %s", name, method, error)
                    problems.append({"recording_id": name, "method": method, "problem": str(error)})
                else:
                    explanation = dataclasses.replace(explanation, target=label)
                    own = {**facts, "derived_seed": str(explanation.seed)}
                    save_explanation(out / method / name, explanation, own)
                rate = (black_box.n_queries - asked) / (time.perf_counter() - began)
                bar.set_postfix_str(f"{name} {method}, {rate:.0f} queries/s")
                bar.update()
    columns = ["recording_id", "method", "problem"]
    write_csv(pd.DataFrame(problems, columns=columns), out / PROBLEMS_FILE)
    if len(problems) == total:
        raise ValueError(f"nothing could be explained; the reasons are in {out / PROBLEMS_FILE}")
    write_csv(list_warnings(out), out / WARNINGS_FILE)


def _spectrogram(black_box: BlackBox, data: DataFolder, recording_id: str) -> Spectrogram:
    recording = read_recording(
        data.wav_scp[recording_id],
        sample_rate=black_box.front_end.sample_rate,
        recording_id=recording_id,
    )
    return black_box.front_end.spectrogram(recording).to(black_box.device)


def _plain(settings: MethodSettings) -> dict[str, Any]:
    """As a JSON file gives them back."""
    return dict(json.loads(json.dumps(dataclasses.asdict(settings))))


def _digest(spectrogram: Spectrogram) -> str:
    values = spectrogram.values.float().cpu().contiguous().numpy()
    return hashlib.sha256(values.tobytes()).hexdigest()[:16]


def _is_done(folder: Path, facts: Mapping[str, Any]) -> bool:
    """Whether this very explanation is stored; one of another run is an error."""
    if not is_stored(folder):
        return False
    stored = load_facts(folder)
    for key, name in (
        ("seed", "seed"),
        ("model", "model or precision"),
        ("run_settings", "settings or number of queries"),
        ("input", "recording"),
    ):
        if stored.get(key) != facts[key]:
            raise ValueError(
                f"{folder} holds an explanation of another {name}; remove the folder of "
                f"explanations or write to another one"
            )
    return True
