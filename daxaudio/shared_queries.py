"""Explain one recording by several methods that share their queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from daxaudio.containers import (
    Event,
    Explainer,
    Explanation,
    Neighbourhood,
    ScoreFn,
    Spectrogram,
)
from daxaudio.methods import MethodSettings, make_explainer


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
        yield explain_one(
            score_fn,
            spectrogram,
            method,
            events,
            settings or MethodSettings(),
            seed,
            shared,
            progress,
        )


def explain_one(
    score_fn: ScoreFn,
    spectrogram: Spectrogram,
    method: str,
    events: Sequence[Event],
    settings: MethodSettings,
    seed: int,
    shared: SharedQueries,
    progress: bool = False,
) -> Explanation:
    """Explain one recording by one method; the rest as in `explain_recording`."""
    shape = (spectrogram.values.shape[0], spectrogram.values.shape[1])
    explainer = make_explainer(
        method, settings, seed, spectrogram.recording_id, shape, events, progress
    )
    return shared.share(explainer)(spectrogram, score_fn)
