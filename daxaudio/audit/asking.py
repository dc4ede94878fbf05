"""What a model of any kind says of recordings that were changed as sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.models.foreign.inputs import as_heard
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.model import Model

_AT_ONCE = 2**23
"""Samples that are held at once beside the recordings themselves: 32 MiB."""


def scores_of(model: Model, recordings: Sequence[Recording]) -> Tensor:
    """Scores of every class of recordings, each through the model's front end, in batches.

    What belongs together in a batch depends on these recordings alone, so that the same ones give
    the same bits.

    Args:
        model: any; one of waveforms is given the sound itself.
        recordings: any lengths and rates.

    Returns:
        float32 `[N, C]` on the CPU. NaN where a recording cannot be heard: it is too short for the
        front end, or nothing is left of it where that deletes silence.

    Raises:
        ValueError: when the model's scores are not finite.

    Example:
        >>> from daxaudio.features.mel import LogMel
        >>> from daxaudio.models.blackbox import BlackBox
        >>> from daxaudio.models.resnet import SpectrogramResNet
        >>> network = SpectrogramResNet(2, depth=10, width=4)
        >>> model = BlackBox(network, LogMel(8000, n_fft=256, n_mels=16), ["cat", "dog"])
        >>> sounds = [Recording(torch.ones(1, n), 8000) for n in (4000, 10)]
        >>> [round(score, 3) for score in scores_of(model, sounds).sum(dim=1).tolist()]
        [1.0, nan]
    """
    found = torch.full((len(recordings), len(model.class_names)), float("nan"))
    for places, inputs in _batches(model, recordings):
        answers = _answers(model, inputs).float().cpu()
        if not bool(answers.isfinite().all()):
            name = recordings[places[0]].recording_id or "recording"
            raise ValueError(
                f"{name}: the model's scores are NaN; its weights or this input are too large"
            )
        found[places] = answers
    return found


def _batches(model: Model, recordings: Sequence[Recording]) -> Iterator[tuple[list[int], Tensor]]:
    """Inputs of one shape, at most so many at once, and the places of their recordings."""
    waiting: dict[tuple[int, ...], list[tuple[int, Tensor]]] = {}
    for place, recording in enumerate(recordings):
        try:
            heard = _input_of(model, recording)
        except ValueError:  # too short, or nothing is left of it without silence
            continue
        own = waiting.setdefault(tuple(heard.shape), [])
        own.append((place, heard))
        if len(own) * heard.numel() >= _AT_ONCE:
            yield _stacked(waiting.pop(tuple(heard.shape)))
    for shape in list(waiting):
        yield _stacked(waiting.pop(shape))


def _stacked(waiting: Sequence[tuple[int, Tensor]]) -> tuple[list[int], Tensor]:
    return [place for place, _ in waiting], torch.stack([heard for _, heard in waiting])


def _input_of(model: Model, recording: Recording) -> Tensor:
    if isinstance(model, ForeignModel) and model.masks_sound:
        return as_heard(recording, model.description).to(model.device)
    return model.front_end.spectrogram(recording).values.to(model.device)


def _answers(model: Model, inputs: Tensor) -> Tensor:
    if isinstance(model, ForeignModel) and model.masks_sound:
        model.n_queries += len(inputs)
        return model.pool(model.answers(inputs))
    return model.probabilities(inputs)
