"""Ask each question once: methods that perturb alike share their queries."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Hashable
from typing import Any

from daxaudio.containers import Explainer, ScoreFn, Spectrogram
from daxaudio.perturbation.neighbourhood import Neighbourhood, check_spectrogram


class SharedQueries:
    """Remembers neighbourhoods, so that no query is asked twice.

    Methods whose samplers are equal (same segments, draws, fill and number) get the same
    neighbourhood of one recording and one score function; each explanation still reports the
    queries and the time that it rests on. Another recording, one of the same name and other
    content, or another score function (of another class, say) is asked anew.
    """

    def __init__(self) -> None:
        self.answered: dict[Hashable, Neighbourhood] = {}
        self.known: list[Any] = []
        """Keeps alive what keys name by identity, so that no other object takes its place."""

    def share(self, explainer: Explainer) -> Explainer:
        """The same explainer, asking through this memory where it has a sampler."""
        sampler = getattr(explainer, "sampler", None)
        if sampler is None:
            return explainer
        return dataclasses.replace(  # type: ignore[type-var]
            explainer, sampler=_Remembering(sampler, self)
        )

    def put(
        self,
        sampler: Any,
        spectrogram: Spectrogram,
        score_fn: ScoreFn,
        neighbourhood: Neighbourhood,
    ) -> None:
        """Remember what a sampler drew of a recording and a score function answered."""
        key = (_identity(sampler), _content(spectrogram), _identity(score_fn))
        self.answered[key] = neighbourhood
        self.known += [sampler, score_fn]


class _Remembering:
    def __init__(self, sampler: Any, memory: SharedQueries) -> None:
        self.sampler = sampler
        self.memory = memory

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        check_spectrogram(spectrogram)
        key = (_identity(self.sampler), _content(spectrogram), _identity(score_fn))
        answered = self.memory.answered
        if key not in answered:
            found = self.sampler(spectrogram, score_fn)
            self.memory.put(self.sampler, spectrogram, score_fn, found)
        return answered[key]


def _identity(part: Any) -> Hashable:
    """Equal for two parts that do the same for certain: equal ones, or one and the same object."""
    try:
        hash(part)
    except TypeError:
        return (type(part), id(part))
    return (type(part), part)


def _content(spectrogram: Spectrogram) -> Hashable:
    """Its name, by which draws are seeded, and all that it holds."""
    digest = hashlib.sha256()
    for part in (spectrogram.values, spectrogram.frequencies, spectrogram.times):
        digest.update(part.cpu().contiguous().numpy().tobytes())
    return (
        spectrogram.recording_id,
        spectrogram.values.shape,
        str(spectrogram.values.device),
        digest.digest(),
    )
