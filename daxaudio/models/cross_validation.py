"""Train on all folds but one, score that one, for each fold; then all scores together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.containers import Recording
from daxaudio.metrics.detection import roc_auc, sensitivity_at_specificity
from daxaudio.models.blackbox import BlackBox
from daxaudio.runs.tables import write_csv, write_table

SCORES_FILE = "scores.csv"
FOLDS_FILE = "folds.csv"

TrainModel = Callable[[Sequence[Recording], Path], BlackBox]
"""Trains on some recordings and leaves the model in a folder, or finds it there."""


def cross_validate(
    recordings: Sequence[Recording],
    classes: Mapping[str, str],
    folds: Mapping[str, int],
    train: TrainModel,
    *,
    out: str | os.PathLike[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One model a fold; every recording is scored by the model that has not seen it.

    Args:
        recordings: all of them.
        classes: class of each by its id; two classes. The second one in the order of names is the
            positive one, so of "n" and "p" it is "p".
        folds: fold of each by its id; may name more recordings.
        train: called for each fold with the recordings of the others and the folder
            `out/fold0`, `out/fold1`, ...
        out: the two tables go here too, as `scores.csv` and `folds.csv`.

    Returns:
        Scores: one row a recording, `recording_id`, `fold`, `label`, `score` (the probability of
        the positive class). Folds: `fold`, `n`, `n_positive`, `auc`, `sensitivity` (at a
        specificity above 0.95), one row a fold, then `mean` and `std` of the folds (n - 1 in the
        denominator), then `pooled`, of all scores together, as if the models gave comparable ones.

    Raises:
        ValueError: when there are not two classes, a recording is in no fold, or all recordings
            outside a fold are of one class.
    """
    names = [recording.recording_id for recording in recordings]
    labels = sorted({classes[name] for name in names})
    if len(labels) != 2:
        raise ValueError(f"cross-validation needs two classes, got {labels}")
    missing = [name for name in names if name not in folds]
    if missing:
        raise ValueError(f"{len(missing)} recordings are in no fold, the first is {missing[0]!r}")
    rows: list[dict[str, object]] = []
    for fold in sorted({folds[name] for name in names}):
        training = [r for r in recordings if folds[r.recording_id] != fold]
        if {classes[r.recording_id] for r in training} != set(labels):
            raise ValueError(f"outside fold {fold} are not both of {labels}; deal other folds")
        black_box = train(training, Path(out) / f"fold{fold}")
        for recording in (r for r in recordings if folds[r.recording_id] == fold):
            name = recording.recording_id
            score = score_recording(black_box, recording, labels[1])
            row = {"recording_id": name, "fold": fold, "label": classes[name], "score": score}
            rows.append(row)
    scores = pd.DataFrame(rows).round({"score": 6})
    summary = summarise_folds(scores, labels[1])
    write_table(scores, Path(out) / SCORES_FILE)
    write_csv(summary, Path(out) / FOLDS_FILE)
    return scores, summary


def score_recording(black_box: BlackBox, recording: Recording, target: str) -> float:
    """Probability of a class for one whole recording (one query)."""
    values = black_box.front_end.spectrogram(recording).values
    return float(black_box.probabilities(values[None])[0, black_box.class_index(target)])


def summarise_folds(scores: pd.DataFrame, positive: str) -> pd.DataFrame:
    """Area under the ROC curve and sensitivity by fold, of the folds, and of all scores together.

    Args:
        scores: `fold`, `label`, `score`.
        positive: label of the positive class.

    Returns:
        As `cross_validate` describes it. A fold without both classes has NaN, which mean and
        deviation leave out.

    Example:
        >>> scores = pd.DataFrame({"fold": [0, 0, 1, 1], "label": list("npnp"),
        ...                        "score": [0.1, 0.2, 0.6, 0.5]})
        >>> summarise_folds(scores, "p").set_index("fold").auc.to_dict()
        {'0': 1.0, '1': 0.0, 'mean': 0.5, 'std': 0.707107, 'pooled': 0.5}
    """
    rows = [_measure(str(fold), part, positive) for fold, part in scores.groupby("fold")]
    table = pd.DataFrame(rows)
    measures = table[["auc", "sensitivity"]]
    for name, values in (("mean", measures.mean()), ("std", measures.std())):
        auc, sensitivity = values.tolist()
        rows.append({"fold": name, "auc": auc, "sensitivity": sensitivity})
    rows.append(_measure("pooled", scores, positive))
    return pd.DataFrame(rows).astype({"n": "Int64", "n_positive": "Int64"}).round(6)


def _measure(name: str, scores: pd.DataFrame, positive: str) -> dict[str, object]:
    is_positive = (scores["label"] == positive).to_numpy()
    values = scores["score"].to_numpy()
    return {
        "fold": name,
        "n": len(scores),
        "n_positive": int(is_positive.sum()),
        "auc": roc_auc(values, is_positive),
        "sensitivity": sensitivity_at_specificity(values, is_positive),
    }
