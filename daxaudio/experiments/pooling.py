"""Short explanations of many recordings: their queries go to an accelerator in common batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from daxaudio.containers import Explainer, Spectrogram
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.module_score import ModuleScore
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import answer_together

POOLED_QUERIES = 1024
"""Recordings are asked about together until they have so many queries a method."""

MOST_RECORDINGS = 16
"""Recordings that are asked about together at most."""


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A recording whose queries are answered already.

    Args:
        spectrogram: the recording, on the black box's device.
        score_fn: the black box for the class to explain.
        shared: what was answered.
    """

    spectrogram: Spectrogram
    score_fn: ModuleScore
    shared: SharedQueries


def recordings_together(queries: int, on_accelerator: bool) -> int:
    """How many recordings are asked about together.

    On a processor each is alone: there its numbers shall be the same to the last bit whatever else
    is explained, and larger batches are not faster.

    Args:
        queries: of one method on one recording.
        on_accelerator: whether the black box runs on one.

    Example:
        >>> recordings_together(500, True), recordings_together(500, False)
        (3, 1)
    """
    return min(MOST_RECORDINGS, -(-POOLED_QUERIES // queries)) if on_accelerator else 1


def prepare(
    black_box: BlackBox, recordings: Sequence[tuple[Spectrogram, str, Sequence[Explainer]]]
) -> list[Prepared]:
    """Ask about several recordings in common batches, for all explainers that draw samples.

    What cannot be drawn or answered is left out; the explainer will say why when it is called.

    Args:
        black_box: the classifier.
        recordings: spectrograms on its device, the class of each, and who explains it.

    Returns:
        The recordings, in their order.
    """
    found = [Prepared(s, black_box.score_fn(name), SharedQueries()) for s, name, _ in recordings]
    waiting: dict[tuple[int, ...], list[tuple[Prepared, Any, Neighbourhood]]] = {}
    for prepared, (spectrogram, _, explainers) in zip(found, recordings, strict=True):
        drawn = set()
        for sampler in (getattr(explainer, "sampler", None) for explainer in explainers):
            if sampler is None or sampler in drawn:
                continue
            drawn.add(sampler)
            try:
                neighbourhood = sampler.draw(spectrogram)
            except ValueError:
                continue
            waiting.setdefault(tuple(spectrogram.values.shape), []).append(
                (prepared, sampler, neighbourhood)
            )
    for group in waiting.values():
        try:
            answered = answer_together(
                [neighbourhood for _, _, neighbourhood in group],
                black_box.probabilities,
                [prepared.score_fn.index for prepared, _, _ in group],
                [prepared.score_fn.target for prepared, _, _ in group],
                batch_size=group[0][1].batch_size,
            )
        except ValueError:
            continue
        for (prepared, sampler, _), neighbourhood in zip(group, answered, strict=True):
            prepared.shared.put(sampler, prepared.spectrogram, prepared.score_fn, neighbourhood)
    return found
