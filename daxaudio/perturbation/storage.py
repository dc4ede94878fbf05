"""Neighbourhoods on disk: what was asked once need not be asked again."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.perturbation.masks import GridMasks, JoinedGrids, SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, Perturbation
from daxaudio.runs.files import whole_file


def save_neighbourhood(neighbourhood: Neighbourhood, path: str | os.PathLike[str]) -> None:
    """Write a neighbourhood to one safetensors file, whole or not at all.

    Args:
        neighbourhood: what to keep; its queries need not be asked again.
        path: the file to write.
    """
    spectrogram, perturbation = neighbourhood.spectrogram, neighbourhood.perturbation
    tensors = {
        "values": spectrogram.values,
        "frequencies": spectrogram.frequencies,
        "times": spectrogram.times,
        "background": neighbourhood.background,
        "scores": neighbourhood.scores,
        "kept": perturbation.kept,
    }
    facts: dict[str, Any] = {
        "recording_id": spectrogram.recording_id,
        "unit": spectrogram.unit,
        "original_score": neighbourhood.original_score,
        "background_score": neighbourhood.background_score,
        "seconds": neighbourhood.seconds,
        "settings": dict(neighbourhood.settings),
        "seed": neighbourhood.seed,
        "fill": neighbourhood.fill,
        "target": neighbourhood.target,
    }
    if isinstance(perturbation, SegmentMasks):
        tensors["segments"] = perturbation.segments
    elif isinstance(perturbation, GridMasks):
        tensors["shifts"] = perturbation.shifts
        facts["cells"] = list(perturbation.cells)
    elif isinstance(perturbation, JoinedGrids):
        tensors["shifts"] = torch.cat([part.shifts for part in perturbation.parts])
        facts["grids"] = [list(part.cells) for part in perturbation.parts]
        facts["bounds"] = perturbation.bounds
    else:
        raise TypeError(f"cannot save a {type(perturbation).__name__}")
    plain = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as temporary:
        save_file(plain, temporary, metadata={"facts": json.dumps(facts)})


def load_neighbourhood(path: str | os.PathLike[str]) -> Neighbourhood:
    """Read what `save_neighbourhood` wrote.

    Args:
        path: a safetensors file.

    Returns:
        The neighbourhood, on the CPU.
    """
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    spectrogram = Spectrogram(
        tensors["values"],
        tensors["frequencies"],
        tensors["times"],
        facts["recording_id"],
        facts.get("unit", "dB"),  # older files have none
    )
    return Neighbourhood(
        spectrogram,
        _perturbation(tensors, facts),
        tensors["background"],
        tensors["scores"],
        original_score=facts["original_score"],
        background_score=facts["background_score"],
        seconds=facts["seconds"],
        settings=facts["settings"],
        seed=facts["seed"],
        fill=facts.get("fill", "global_mean"),  # older files have none; all mixed alike
        target=facts.get("target", ""),  # older files have none
    )


def _perturbation(tensors: dict[str, Tensor], facts: dict[str, Any]) -> Perturbation:
    if "segments" in tensors:
        return SegmentMasks(tensors["segments"], tensors["kept"])
    shape = (tensors["values"].shape[0], tensors["values"].shape[1])
    grids = facts.get("grids") or [facts["cells"]]
    bounds = facts.get("bounds") or [0, len(tensors["kept"])]
    parts = [
        GridMasks(
            shape,
            (rows, columns),
            tensors["kept"][start:end, : rows * columns],
            tensors["shifts"][start:end],
        )
        for (rows, columns), (start, end) in zip(grids, itertools.pairwise(bounds), strict=True)
    ]
    return JoinedGrids(tuple(parts)) if "grids" in facts else parts[0]
