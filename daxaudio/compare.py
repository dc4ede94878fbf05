"""Explain a folder of recordings by several methods.

Every explanation is stored as soon as it is there, so that a run can be stopped at any moment and
started again; its numbers depend on the seed, the recording and the method alone.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from daxaudio.blackbox import BlackBox
from daxaudio.containers import (
    Event,
    Explanation,
    ScoreFn,
    Spectrogram,
)
from daxaudio.kaldi import DataFolder, read_utterance
from daxaudio.methods import SETTINGS_OF, MethodSettings
from daxaudio.names import check_length
from daxaudio.precision import choose_precision
from daxaudio.results import list_warnings, write_csv
from daxaudio.seeds import derive_seed
from daxaudio.shared_queries import SharedQueries, explain_one
from daxaudio.store import is_stored, is_whole, load_facts, save_explanation
from daxaudio.vad import expand_to, reduce_to

logger = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.csv"
PROBLEMS_FILE = "problems.csv"
WARNINGS_FILE = "warnings.csv"

PROBLEM_COLUMNS = ["recording_id", "method", "part", "problem"]
"""Of `problems.csv`; the part is the folder of the explanation, or the group of measures."""


def predict_folder(
    black_box: BlackBox, data: DataFolder, path: str | os.PathLike[str], progress: bool = True
) -> pd.DataFrame:
    """Classify every recording of a data folder.

    A recording that cannot be read, whose label the model does not know, or whose id is too long
    for the name of a file, is listed with the reason and left out of nothing else.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        path: CSV file to write.
        progress: show a progress bar.

    Returns:
        One row a recording, sorted by id: `recording_id`, `label`, `predicted`, `score` of the
        predicted class, `correct` (0 or 1), `problem` ("" when there is none).

    Raises:
        ValueError: when there is no recording.
    """
    if not data.wav_scp:
        raise ValueError("the data folder holds no recording: its wav.scp is empty")
    rows = []
    for recording_id in tqdm(data.ids, desc="classifying", disable=not progress):
        label = data.text[recording_id]
        row = {"recording_id": recording_id, "label": label, "predicted": "", "score": 0.0}
        try:
            check_length(recording_id)
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
    run = ExplainingRun(
        black_box, data, tuple(methods), events or {}, settings or MethodSettings(), seed
    )
    problems: list[dict[str, str]] = []
    asked, began = black_box.n_queries, time.perf_counter()
    total = len(recording_ids) * len(methods)
    with tqdm(total=total, desc="explaining", disable=not progress) as bar:

        def advance(name: str, method: str) -> None:
            rate = (black_box.n_queries - asked) / (time.perf_counter() - began)
            bar.set_postfix_str(f"{name} {method}, {rate:.0f} queries/s")
            bar.update()

        for name in recording_ids:
            problems += run.explain(name, data.text[name], out, advance=advance)
    list_problems(problems, out)
    if len(problems) == total:
        raise ValueError(
            f"nothing could be explained; the reasons are in {Path(out) / PROBLEMS_FILE}"
        )
    write_csv(list_warnings(out), Path(out) / WARNINGS_FILE)


@dataclasses.dataclass(frozen=True, eq=False)
class ExplainingRun:
    """What the explanations of one run have in common; each is stored as soon as it is there.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        methods: names as in `METHODS`.
        events: true events by recording id; the oracle needs them.
        settings: of the methods.
        seed: of the run.
    """

    black_box: BlackBox
    data: DataFolder
    methods: tuple[str, ...]
    events: Mapping[str, Sequence[Event]]
    settings: MethodSettings
    seed: int = 0

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """Seed, model and settings, stored beside each explanation; another run's differ."""
        settings, choice = _plain(self.settings), self.black_box.choice
        # what "auto" means here: an explanation of networks trained in the other is another one
        asked = settings["dax"].get("precision", "auto")
        settings["dax"]["precision"] = choose_precision(asked, self.black_box.device).precision
        return {
            "seed": self.seed,
            "model": self.black_box.digest(),
            "precision": choice.as_dict(),
            "run_settings": settings,
        }

    def spectrogram(self, name: str) -> Spectrogram:
        """Of one recording, on the black box's device."""
        return _spectrogram(self.black_box, self.data, name)

    def explain(
        self,
        name: str,
        label: str,
        out: str | os.PathLike[str],
        ask: Callable[[Tensor], Tensor] | None = None,
        advance: Callable[[str, str], None] = lambda name, method: None,
    ) -> list[dict[str, str]]:
        """Explain one recording for a class by every method; what is stored is kept.

        Where the front end deletes silence, explanations are stored on the time axis with it, 0
        where it was.

        Args:
            name: id of the recording.
            label: the class.
            out: explanations go to `out/METHOD/NAME/`.
            ask: see `BlackBox.score_fn`.
            advance: told the recording and the method when one is done.

        Returns:
            Methods that cannot handle it, as `describe_problem` gives them.

        Raises:
            ValueError: when `out` holds an explanation of another run, class or recording.
        """
        spectrogram, problems = self.spectrogram(name), []
        whole = self._whole(name)
        facts = {
            **self.facts,
            "input": digest(spectrogram.values),
            **_audio_facts(self.data, name),
            **({"whole_frames": len(whole.times)} if whole else {}),
            "events": [[event.start, event.end] for event in self.events.get(name, ())],
        }
        score_fn, shared = self.black_box.score_fn(label, ask), SharedQueries()
        for method in self.methods:
            folder = Path(out) / method / name
            if not _is_done(folder, facts, label, method):
                try:
                    found = self._explain(method, spectrogram, score_fn, shared)
                except ValueError as error:
                    problems.append(describe_problem(name, method, Path(out).name, error))
                else:
                    own = {**facts, "derived_seed": str(found.seed)}
                    save_explanation(folder, expand_to(whole, found) if whole else found, own)
            advance(name, method)
        return problems

    def as_asked(self, explanations: Sequence[Explanation]) -> list[Explanation]:
        """Stored explanations of one recording on the axes of what the black box is asked about.

        Stored are explanations of whole recordings; where the front end deletes silence, the black
        box has never heard that.
        """
        if self.black_box.front_end.vad is None or not explanations:
            return list(explanations)
        part = self.spectrogram(explanations[0].spectrogram.recording_id).to("cpu")
        return [reduce_to(part, explanation) for explanation in explanations]

    def _whole(self, name: str) -> Spectrogram | None:
        """The recording with its silence; None where the front end deletes none."""
        front_end = self.black_box.front_end
        if front_end.vad is None:
            return None
        recording = read_utterance(self.data, name, front_end.sample_rate)
        return front_end.spectrogram(recording, keep_silence=True)

    def _explain(
        self, method: str, spectrogram: Spectrogram, score_fn: ScoreFn, shared: SharedQueries
    ) -> Explanation:
        events = self.events.get(spectrogram.recording_id, ())
        return explain_one(score_fn, spectrogram, method, events, self.settings, self.seed, shared)


def describe_problem(
    recording_id: str, method: str, part: str, error: ValueError
) -> dict[str, str]:
    """A row of `problems.csv`; the log has it too."""
    logger.warning("%s by %s is left out (%s): %s", recording_id, method, part, error)
    problem = " ".join(str(error).split())
    return dict(zip(PROBLEM_COLUMNS, (recording_id, method, part, problem), strict=True))


def list_problems(problems: Sequence[Mapping[str, str]], out: str | os.PathLike[str]) -> None:
    """Write `out/problems.csv`, a header alone when there is none."""
    write_csv(pd.DataFrame(problems, columns=PROBLEM_COLUMNS), Path(out) / PROBLEMS_FILE)


def _spectrogram(black_box: BlackBox, data: DataFolder, recording_id: str) -> Spectrogram:
    recording = read_utterance(data, recording_id, black_box.front_end.sample_rate)
    return black_box.front_end.spectrogram(recording).to(black_box.device)


def _audio_facts(data: DataFolder, recording_id: str) -> dict[str, Any]:
    """The file of a recording, and which part of it where it is a segment."""
    segment = data.segment(recording_id)
    facts: dict[str, Any] = {"audio": data.wav_scp[segment.recording_id]}
    if data.segments is not None:
        facts["segment"] = [segment.start, segment.end]
    return facts


def _plain(settings: MethodSettings) -> dict[str, Any]:
    """As a JSON file gives them back."""
    return dict(json.loads(json.dumps(dataclasses.asdict(settings))))


def digest(values: Tensor) -> str:
    """Short hash of what a tensor holds."""
    content = values.float().cpu().contiguous().numpy()
    return hashlib.sha256(content.tobytes()).hexdigest()[:16]


def _is_done(folder: Path, facts: Mapping[str, Any], label: str, method: str) -> bool:
    """Whether this very explanation is stored; one of another run is an error."""
    if not is_stored(folder):
        return False
    if not is_whole(folder):
        logger.warning("%s: cannot be read, and is made again", folder)
        return False
    stored = load_facts(folder)
    for key, name in (("seed", "seed"), ("model", "model or precision"), ("input", "recording")):
        _check_same(folder, name, stored.get(key), facts[key])
    _check_same(folder, "time axis", stored.get("whole_frames"), facts.get("whole_frames"))
    _check_same(folder, "class", stored["target"], label)
    if method == "oracle" and stored.get("events") != facts["events"]:
        return False  # the events were corrected since; the oracle costs nothing
    for field in SETTINGS_OF.get(method, ()):
        # a setting that was not there yet when it was stored stood at its default
        default = _plain(MethodSettings())[field]
        found = stored.get("run_settings", {}).get(field, default)
        name = "number of queries" if field == "queries" else f"setting of {field!r}"
        _check_same(folder, name, found, facts["run_settings"][field])
    return True


def _check_same(folder: Path, name: str, stored: object, asked: object) -> None:
    if stored != asked:
        raise ValueError(
            f"{folder} holds an explanation of another {name}; remove the folder of explanations "
            f"or write to another one"
        )
