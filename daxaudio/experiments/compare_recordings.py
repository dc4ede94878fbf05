"""Compare methods on recordings in memory: explained, measured, one table; nothing is stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd

from daxaudio.containers import Events, Explanation, Recording, Spectrogram
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.against_events import against_events
from daxaudio.experiments.explain import asked_about, explain, settings_for
from daxaudio.experiments.explaining_run import ExplainingRun
from daxaudio.experiments.measure import Measuring
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.catalogue import check_methods
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics import complexity, marked_share, sparseness
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.model import Model
from daxaudio.runs.kinds import as_listed, check_kind

logger = logging.getLogger(__name__)

_ASKING = ("deletion", "srg", "faithfulness")


def compare(
    recordings: Sequence[Recording | Spectrogram],
    model: Model,
    methods: Sequence[str],
    *,
    truth: Mapping[str, Events] | None = None,
    target: str | None = None,
    queries: int | None = None,
    settings: MethodSettings | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Several methods side by side on the same recordings; `compare_folder` does a whole folder.

    Args:
        recordings: at least one, each with an id of its own, which seeds its draws.
        model: the classifier.
        methods: names as in `METHODS`.
        truth: true events by recording id, for the measures that need them.
        target: class to explain; None for the one that is predicted for each recording.
        queries: black-box evaluations that a method may ask; those of `settings` when None.
        settings: of the methods.
        seed: of all draws.

    Returns:
        One row a recording and method, in this order: `recording_id`, `method`, `target`, `score`,
        `queries`, those against events for recordings that have some, and the measures of form,
        deletion, srg and faithfulness (see `daxaudio.metrics.catalogue`). What cannot be explained
        is left out, with a warning that says why.

    Raises:
        ValueError: when nothing is given, a method is unknown, two recordings have one id, the
            truth is of none of them, or nothing could be explained.
        TypeError: when the model is no `Model`, or another argument of another kind.
    """
    if not isinstance(model, Model):
        raise TypeError(
            f"methods are compared on a Model, got a {type(model).__name__}; load_model(path) "
            "reads one"
        )
    recordings = as_listed(recordings, "give a list of recordings to compare methods on")
    for recording in recordings:
        expected = "each of the recordings must be a Recording or a Spectrogram"
        check_kind(recording, (Recording, Spectrogram), expected)
    names = _names_of(recordings)
    run = ExplainingRun(
        model,
        DataFolder({}, {}, {}, {}),  # what is compared lies in no folder
        tuple(check_methods(methods)),
        events=_truth_for(names, truth),
        settings=settings_for(settings, queries, seed),
        seed=seed,
    )
    if target is not None:
        model.score_fn(target)  # an unknown class is no fault of a recording
    rows = [
        row
        for asked, spectrogram in _asked(model, recordings)
        for row in _compare_on(run, asked, spectrogram, target)
    ]
    if not rows:
        raise ValueError("nothing could be explained; the warnings above say why")
    return pd.DataFrame(rows)


def _names_of(recordings: Sequence[Recording | Spectrogram]) -> list[str]:
    """Their ids, each of which stands once."""
    names = [recording.recording_id for recording in recordings]
    if not names:
        raise ValueError("give at least one recording to compare methods on")
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(
            f"several recordings have the id {min(twice)!r}; give each a recording_id of its own"
        )
    return names


def _truth_for(names: Sequence[str], truth: Mapping[str, Events] | None) -> dict[str, Events]:
    """True events by recording, of which at least one must be compared."""
    if truth is None:
        return {}
    check_kind(truth, Mapping, "truth must map recording ids to lists of events")
    if truth and not set(names) & set(truth):
        raise ValueError(
            f"truth holds events of {next(iter(truth))!r} and so on, of none of the recordings, "
            f"such as {names[0]!r}; its keys must be their recording_id"
        )
    return {name: Events(own) for name, own in truth.items()}


def _asked(
    model: Model, recordings: Iterable[Recording | Spectrogram]
) -> Iterator[tuple[Model, Spectrogram]]:
    """What the model is asked about, of each recording from which that can be made."""
    for recording in recordings:
        try:
            asked, spectrogram = asked_about(model, recording)
            yield cast(Model, asked), spectrogram
        except ValueError as error:
            logger.warning("%s is left out: %s", recording.recording_id, error)


def _compare_on(
    run: ExplainingRun, model: Model, spectrogram: Spectrogram, target: str | None
) -> list[dict[str, Any]]:
    """The rows of one recording."""
    name, ask = spectrogram.recording_id, AskOnce(model)
    label = model.predict(spectrogram)[0] if target is None else target
    score_fn, shared = ask.score_fn(label), SharedQueries()
    how: dict[str, Any] = {"seed": run.seed, "settings": run.settings, "shared": shared}
    events = run.events.get(name, Events())
    found = []
    for method in run.methods:
        try:
            found.append(explain(spectrogram, score_fn, method, events=events, **how))
        except ValueError as error:
            logger.warning("%s by %s is left out: %s", name, method, error)
    rows = [_row(explanation, events) for explanation in found]
    measuring = Measuring(run, MeasureSettings(), Path())
    for group in _ASKING:
        for row, values in zip(rows, measuring.find(group, found, ask), strict=True):
            if isinstance(values, ValueError):
                logger.warning("%s by %s has no %s: %s", name, row["method"], group, values)
            else:
                row |= values["values"]
    return rows


def _row(explanation: Explanation, events: Events) -> dict[str, Any]:
    """What needs no black box."""
    return {
        "recording_id": explanation.spectrogram.recording_id,
        "method": explanation.method,
        "target": explanation.target,
        "score": explanation.score,
        "queries": explanation.n_queries,
        **(against_events(explanation, events) if events else {}),
        "sparseness": sparseness(explanation.mask),
        "complexity": complexity(explanation.mask),
        "marked_share": marked_share(explanation.mask),
    }
