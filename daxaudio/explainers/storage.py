"""Explanations on disk: one folder each, `explanation.npz` and `explanation.json`."""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from daxaudio.containers import Explanation, Spectrogram
from daxaudio.runs.files import read_text, whole_file, write_text
from daxaudio.runs.provenance import versions, without_nan

ARRAYS_FILE = "explanation.npz"
FACTS_FILE = "explanation.json"
PICTURE_FILE = "explanation.png"

_NEEDED: Mapping[str, tuple[type, ...]] = {
    "recording_id": (str,),
    "method": (str,),
    "target": (str,),
    "score": (int, float, type(None)),
    "queries": (int,),
    "seconds": (dict,),
    "seed": (int,),
    "settings": (dict,),
    "history": (dict,),
}
_OPTIONAL: Mapping[str, tuple[type, ...]] = {
    # files from before these were known have none
    "gradients": (int,),
    "findings": (dict,),
    "warnings": (list,),
    "run_settings": (dict,),
    "verdict": (dict,),
    "unit": (str,),
}
"""Facts that are read, and of which type they are."""

_FOUND = (
    *("student_r2", "mask_r2", "mask_reliability", "salience_reliability"),
    *("score_of_kept", "score_of_removed", "completeness_error"),
)
"""Findings that stood among the settings in older files."""

_UNREADABLE: tuple[type[Exception], ...] = (
    *(KeyError, TypeError, ValueError, AttributeError, EOFError, OSError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading arrays may raise that somebody cut short or changed."""


def is_stored(folder: str | os.PathLike[str]) -> bool:
    """Whether a whole explanation lies in `folder`: the facts are written last."""
    return (Path(folder) / FACTS_FILE).is_file()


def is_up_to_date(folder: str | os.PathLike[str], name: str) -> bool:
    """Whether what was made of a stored explanation lies beside it, and is no older than it.

    Args:
        folder: of the explanation, which is stored.
        name: file that was made of it, such as its picture.
    """
    made, facts = Path(folder) / name, Path(folder) / FACTS_FILE
    return made.is_file() and made.stat().st_mtime_ns >= facts.stat().st_mtime_ns


def is_whole(folder: str | os.PathLike[str]) -> bool:
    """Whether what is stored in `folder` can be read and holds what an explanation may hold.

    An explanation that somebody cut short or changed by hand, to a mask with NaN, say, can then be
    made again. It takes a few milliseconds.
    """
    try:
        load_explanation(folder)
    except ValueError:
        return False
    return True


def save_explanation(
    explanation: Explanation, folder: str | os.PathLike[str], facts: Mapping[str, Any] | None = None
) -> None:
    """Write an explanation, each file whole or not at all, the JSON last.

    Args:
        explanation: what to write.
        folder: made where it does not exist.
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
    document = {
        "recording_id": spectrogram.recording_id,
        "unit": spectrogram.unit,
        "method": explanation.method,
        "target": explanation.target,
        "score": explanation.score,
        "queries": explanation.n_queries,
        "gradients": explanation.n_gradients,
        "seconds": dict(explanation.seconds),
        "seed": explanation.seed,
        "warnings": list(explanation.warnings),
        "settings": dict(explanation.settings),
        "findings": dict(explanation.findings),
        "history": history,
        "versions": versions(),
        **(facts or {}),
    }
    text = json.dumps(without_nan(document), indent=2) + "\n"
    # both are written before either takes its name, the arrays first: a full disk changes nothing
    with whole_file(folder / FACTS_FILE) as facts_file:
        facts_file.write_text(text, encoding="utf-8")
        with whole_file(folder / ARRAYS_FILE) as arrays_file:
            np.savez_compressed(
                arrays_file,
                mask=explanation.mask.float().numpy(),
                frequencies=spectrogram.frequencies.numpy(),
                times=spectrogram.times.numpy(),
                profile=explanation.profile.float().numpy(),
                attribution=attribution.float().numpy(),
                spectrogram=spectrogram.values.float().cpu().numpy(),
                masks_by_epoch=masks,
                **known,
            )
            (folder / FACTS_FILE).unlink(missing_ok=True)  # old facts never stand beside a new mask


def add_facts(folder: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """Write more facts beside an explanation that is stored, such as its verdict.

    Raises:
        ValueError: when there is none that can be read.
    """
    document = {**load_facts(folder), **facts}
    write_text(json.dumps(without_nan(document), indent=2) + "\n", Path(folder) / FACTS_FILE)


def load_explanation(folder: str | os.PathLike[str]) -> Explanation:
    """Read what `save_explanation` wrote.

    Args:
        folder: holds `explanation.npz` and `explanation.json`.

    Returns:
        The explanation; without standard error, warnings and findings where the files know of none.

    Raises:
        ValueError: when a file is missing or cannot be read.
    """
    folder = Path(folder)
    for name in (ARRAYS_FILE, FACTS_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: no {name} here; give a folder that `explain` wrote")
    facts = load_facts(folder)
    try:
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
                facts.get("unit", "dB"),
            ),
            facts["method"],
            facts["target"],
            score=math.nan if facts["score"] is None else facts["score"],
            n_queries=facts["queries"],
            seconds=facts["seconds"],
            settings=facts["settings"],
            findings=facts["findings"],
            seed=int(facts.get("derived_seed", facts["seed"])),  # "seed" is the whole run's
            attribution=arrays["attribution"],
            history=history,
            standard_error=arrays.get("standard_error"),
            warnings=tuple(facts.get("warnings", ())),
            n_gradients=facts.get("gradients", 0),
            verdict=str(facts.get("verdict", {}).get("summary", "")),
        )
    except PermissionError:
        raise  # nothing is wrong with the file
    except _UNREADABLE as error:
        raise ValueError(
            f"{folder / ARRAYS_FILE}: not an explanation that daxaudio wrote ({error}); remove its "
            "folder and explain again"
        ) from error


def load_facts(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON file of an explanation, without its arrays.

    Raises:
        ValueError: when it is not what `save_explanation` wrote; names the file.
    """
    path = Path(folder) / FACTS_FILE
    try:
        facts = json.loads(read_text(path))
        if not isinstance(facts, dict):
            raise ValueError(f"a {type(facts).__name__} in place of facts by name")
        for name, types in {**_NEEDED, **_OPTIONAL}.items():
            if name not in facts and name in _OPTIONAL:
                continue
            value = facts[name]
            if not isinstance(value, types) or isinstance(value, bool):
                raise ValueError(f"{name} is {value!r:.40}")
    except (ValueError, KeyError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path}: not an explanation that daxaudio wrote ({what}); remove its folder and "
            "explain again"
        ) from error
    if "model" in facts:  # the digest stood there before the model's folder did
        facts.setdefault("model_digest", facts["model"])
    return facts if "findings" in facts else {**facts, **_apart(facts["settings"])}


def _apart(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings and findings of files from before these stood apart."""
    found = {name: settings[name] for name in _FOUND if name in settings}
    if isinstance(polarity := settings.get("polarity_found"), dict):
        found |= {name: polarity[name] for name in polarity if name != "n_queries"}
    if "precision_found" in settings:
        found["precision"] = settings["precision_found"]
    if "mask_reliability" in settings and "salience_reliability" in settings:
        known = settings["mask_reliability"], settings["salience_reliability"]
        found["reliability"] = None if None in known else min(known)
    hidden = {*_FOUND, "polarity_found", "precision_found"}
    return {
        "settings": {name: value for name, value in settings.items() if name not in hidden},
        "findings": found,
    }


def check_alike(folder: str | os.PathLike[str], facts: Mapping[str, Any]) -> None:
    """Refuse a folder that holds explanations of something else, itself or one level below.

    Explanations by several methods lie side by side there, and are compared with each other.

    Args:
        folder: where explanations of one recording go.
        facts: `recording_id`, and what else must be the same, such as `input` and `target`.

    Raises:
        ValueError: when a stored explanation has other facts.
    """
    folder = Path(folder)
    for place in (folder, *(path for path in sorted(folder.glob("*")) if path.is_dir())):
        if not is_stored(place):
            continue
        stored = load_facts(place)
        for name, asked in facts.items():
            if name in stored and stored[name] != asked:
                what = {"recording_id": "recording", "input": "recording", "target": "class"}
                raise ValueError(
                    f"{place} holds an explanation of another {what.get(name, 'model')} "
                    f"({stored['recording_id']!r} for {stored['target']!r}); remove it or choose "
                    "another --out"
                )
