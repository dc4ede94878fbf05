"""Explanations on disk: one folder each, `explanation.npz` and `explanation.json`."""

from __future__ import annotations

import json
import math
import os
import platform
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.files import read_text, whole_file, write_text

ARRAYS_FILE = "explanation.npz"
FACTS_FILE = "explanation.json"
PICTURE_FILE = "explanation.png"


def versions() -> dict[str, str]:
    """Versions of what makes the numbers.

    Example:
        >>> sorted(versions())
        ['daxaudio', 'numpy', 'python', 'torch', 'torchaudio', 'torchvision']
    """
    names = ("daxaudio", "numpy", "torch", "torchaudio", "torchvision")
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
    }


def is_stored(folder: str | os.PathLike[str]) -> bool:
    """Whether a whole explanation lies in `folder`: the facts are written last."""
    return (Path(folder) / FACTS_FILE).is_file()


def save_explanation(
    folder: str | os.PathLike[str], explanation: Explanation, facts: Mapping[str, Any] | None = None
) -> None:
    """Write an explanation, each file whole or not at all, the JSON last.

    Args:
        folder: made where it does not exist.
        explanation: what to write.
        facts: more facts for the JSON file, for instance the audio file and the model.
    """
    folder = Path(folder)
    spectrogram = explanation.spectrogram
    attribution = explanation.mask if explanation.attribution is None else explanation.attribution
    history = dict(explanation.history)
    masks = np.asarray(history.pop("masks", np.empty((0, *explanation.mask.shape))), np.float16)
    known: dict[str, Any] = {}
    if explanation.standard_error is not None:
        known["standard_error"] = explanation.standard_error.float().numpy()
    (folder / FACTS_FILE).unlink(missing_ok=True)  # old facts never stand beside a new mask
    with whole_file(folder / ARRAYS_FILE) as temporary:
        np.savez_compressed(
            temporary,
            mask=explanation.mask.float().numpy(),
            frequencies=spectrogram.frequencies.numpy(),
            times=spectrogram.times.numpy(),
            profile=explanation.profile.float().numpy(),
            attribution=attribution.float().numpy(),
            spectrogram=spectrogram.values.float().cpu().numpy(),
            masks_by_epoch=masks,
            **known,
        )
    document = {
        "recording_id": spectrogram.recording_id,
        "method": explanation.method,
        "target": explanation.target,
        "score": explanation.score,
        "queries": explanation.n_queries,
        "gradients": explanation.n_gradients,
        "seconds": dict(explanation.seconds),
        "seed": explanation.seed,
        "warnings": list(explanation.warnings),
        "settings": dict(explanation.settings),
        "history": history,
        "versions": versions(),
        **(facts or {}),
    }
    write_text(folder / FACTS_FILE, json.dumps(without_nan(document), indent=2) + "\n")


def load_explanation(folder: str | os.PathLike[str]) -> Explanation:
    """Read what `save_explanation` wrote.

    Args:
        folder: holds `explanation.npz` and `explanation.json`.

    Returns:
        The explanation; without standard error and warnings where the files know of none.

    Raises:
        ValueError: when a file is missing or cannot be read.
    """
    folder = Path(folder)
    for name in (ARRAYS_FILE, FACTS_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: no {name} here; give a folder that `explain` wrote")
    try:
        facts = load_facts(folder)
        with np.load(folder / ARRAYS_FILE) as file:
            arrays = {name: torch.from_numpy(file[name]) for name in file.files}
        history = dict(facts["history"])
        if len(arrays["masks_by_epoch"]):
            history["masks"] = list(arrays["masks_by_epoch"].float().numpy())
        return Explanation(
            arrays["mask"],
            Spectrogram(
                arrays["spectrogram"],
                arrays["frequencies"],
                arrays["times"],
                facts["recording_id"],
            ),
            facts["method"],
            facts["target"],
            math.nan if facts["score"] is None else facts["score"],
            facts["queries"],
            facts["seconds"],
            facts["settings"],
            facts["seed"],
            arrays["attribution"],
            history,
            arrays.get("standard_error"),
            tuple(facts.get("warnings", ())),
            facts.get("gradients", 0),
        )
    except (KeyError, OSError, json.JSONDecodeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{folder}: not an explanation that daxaudio wrote ({error!r})") from error


def load_facts(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON file of an explanation, without its arrays."""
    return dict(json.loads(read_text(Path(folder) / FACTS_FILE)))


def without_nan(value: Any) -> Any:
    """NaN is no JSON: it becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return value
