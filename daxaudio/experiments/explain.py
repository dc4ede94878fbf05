"""Explain one recording: the one way, of commands, folders, comparisons and notebooks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from daxaudio.containers import (
    Event,
    Events,
    Explainer,
    Explanation,
    Recording,
    ScoreFn,
    Spectrogram,
)
from daxaudio.experiments.findings import Verdict
from daxaudio.experiments.verdict import Level, judge
from daxaudio.explainers.catalogue import DEFAULT_METHOD, METHODS, make_explainer
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.explainers.storage import save_explanation
from daxaudio.features.vad import expand_to
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.model import Model
from daxaudio.models.precision import choose_precision
from daxaudio.perturbation.fills import Fill, refuse_pictures
from daxaudio.runs.asking import target_of
from daxaudio.runs.kinds import check_kind, check_whole
from daxaudio.runs.provenance import digest


def explain(
    recording: Recording | Spectrogram,
    model: Model | ScoreFn,
    method: str = DEFAULT_METHOD,
    *,
    target: str | None = None,
    queries: int | None = None,
    seed: int = 0,
    settings: MethodSettings | None = None,
    events: Sequence[Event] = (),
    check: Level | None = None,
    shared: SharedQueries | None = None,
) -> Explanation:
    """Where a classifier listened in one recording.

    Args:
        recording: audio, which goes through the model's front end (channels averaged, resampled);
            or a spectrogram, as the model takes it.
        model: a `Model`, such as a `BlackBox` or what `load_model` reads; or any function of
            spectrograms `[N, F, T]` that gives one score each `[N]`, for which `recording` must be
            a spectrogram. For a model of waveforms `recording` must be audio.
        method: one of the names of `METHODS`.
        target: class to explain, one of a `Model`; None for the one that it predicts, which
            costs one query more. A function scores one class already, and may name it in its
            attribute `target`.
        queries: black-box evaluations that the method may ask; those of `settings` when None.
        seed: of all draws, together with the recording's id and the method.
        settings: of the methods; all defaults when None.
        events: true events of the recording; only the method "oracle" sees those of the class.
        check: judge it at once, "quick" or "full" (see `judge`); the explanation then shows the
            verdict in a notebook and in its picture.
        shared: remembers what was asked, so that methods that perturb alike, explaining one score
            function (`black_box.score_fn(target)`), ask once.

    Returns:
        The explanation, on the axes of what the model was asked about: where a front end deletes
        silence, its frames are those that are left, with their times in the recording.

    Raises:
        ValueError: when the method, the target or a setting is unknown, the spectrogram is not of
            the model's front end, or the method cannot handle it (a recording too short, say).
        TypeError: when an argument is of another kind, or recording and model do not go together.

    Example:
        >>> picture = Spectrogram(torch.eye(12), torch.arange(12.0), torch.arange(12.0))
        >>> explanation = explain(picture, lambda inputs: inputs[:, 3, 3], "rise", queries=500)
        >>> int(explanation.profile.argmax())
        3
    """
    model, spectrogram = asked_about(model, recording)
    settings, events = settings_for(settings, queries, seed), Events(events)
    settings = for_model(settings, model)
    make = functools.partial(_explainer, method, spectrogram, settings, seed)
    make(events, 0)  # raises before the model is asked
    score_fn = _score_fn_for(model, spectrogram, target)
    again = functools.partial(make, events.for_class(target_of(score_fn)))
    explainer = again(0)
    found = (shared or SharedQueries()).share(explainer)(spectrogram, score_fn)
    sound = recording if isinstance(recording, Recording) else None
    found = dataclasses.replace(found, again=again, recording=sound)
    if check is None:
        return found
    asked = model if isinstance(model, Model) else score_fn
    verdict = judge_of_run(found, asked, check, settings=settings, seed=seed, events=events)
    return dataclasses.replace(found, verdict=verdict.summary)


def check_askable(methods: Iterable[str], model: Model) -> None:
    """Refuse methods that cannot explain a model.

    Raises:
        ValueError: names the first, and says what to take.
    """
    for method in methods:
        if reason := why_not(method, model):
            raise ValueError(reason)


def why_not(method: str, model: Model) -> str:
    """Why a method cannot explain a model; "" where it can."""
    row = METHODS[method]
    if row.needs_module and not isinstance(model, BlackBox):
        return (
            f"{method} looks into the module of a classifier, and this one can only be asked; "
            "take a method that asks, such as dax_v5 or rise"
        )
    if row.needs_sound and not model.masks_sound:
        return (
            f"{method} masks the sound itself, and this classifier is asked about spectrograms; "
            "take a method that masks spectrograms, such as dax_v5 or rise"
        )
    return ""


def settings_for(settings: MethodSettings | None, queries: int | None, seed: int) -> MethodSettings:
    """The settings of a run as `explain` takes them, with its queries; raises what it raises."""
    check_whole(seed, "seed")
    settings = MethodSettings() if settings is None else settings
    check_kind(settings, MethodSettings, "settings must be MethodSettings(...)")
    return settings if queries is None else dataclasses.replace(settings, queries=queries)


def for_model(settings: MethodSettings, model: Model | ScoreFn) -> MethodSettings:
    """The settings of a run with the fill that goes with a model, or with a score function of it.

    Whatever explains, judges or measures asks here, and only here; what is resolved stays so.

    Raises:
        ValueError: when the fill changes the sound, of which the model hears none.
    """
    masks_sound = bool(getattr(model, "masks_sound", False))
    settings = settings.resolved(masks_sound)
    refused = "" if masks_sound else refuse_pictures(cast(Fill, settings.fill))
    if refused:
        raise ValueError(refused)
    return settings


def _explainer(
    method: str,
    spectrogram: Spectrogram,
    settings: MethodSettings,
    seed: int,
    events: Sequence[Event],
    turn: int,
) -> Explainer:
    """The explainer of a recording; each turn has its own draws, the first those of the run."""
    return make_explainer(method, spectrogram, settings, seed=seed + turn, events=events)


def asked_about(
    model: Model | ScoreFn, recording: Recording | Spectrogram
) -> tuple[Model | ScoreFn, Spectrogram]:
    """The model as it is asked about a recording, and by which spectrogram; raises as `explain`."""
    if not isinstance(recording, Recording | Spectrogram):
        raise TypeError(
            f"give a Recording or a Spectrogram to explain, got a {type(recording).__name__}; "
            "read_recording(path) reads an audio file"
        )
    if not isinstance(model, Model):
        if not callable(model):
            raise TypeError(
                "the model must be a Model or a function of spectrograms [N, F, T], got a "
                f"{type(model).__name__}; load_model(path) reads one"
            )
        if isinstance(recording, Recording):
            raise TypeError(
                "a function of spectrograms cannot be asked about a Recording; give the "
                "Spectrogram that it takes, such as LogMel().spectrogram(recording)"
            )
        return model, recording
    if isinstance(recording, Recording):
        spectrogram = model.front_end.spectrogram(recording).to(model.device)
        return model.about(recording), spectrogram
    if model.masks_sound and isinstance(model, ForeignModel):
        raise TypeError(
            "a classifier of waveforms cannot be asked about a Spectrogram; give the Recording"
        )
    own, given = model.front_end.frequencies.double(), recording.frequencies.double()
    if own.shape != given.shape or not torch.allclose(own, given):
        raise ValueError(
            f"the spectrogram has {len(given)} bins up to {float(given[-1]):.0f} Hz, the model's "
            f"front end makes {len(own)} up to {float(own[-1]):.0f} Hz; give the Recording, or "
            "model.front_end.spectrogram(recording)"
        )
    return model, recording.to(model.device)


def _score_fn_for(model: Model | ScoreFn, spectrogram: Spectrogram, target: str | None) -> ScoreFn:
    """The score of the class to explain."""
    if isinstance(model, Model):
        return model.score_fn(model.predict(spectrogram)[0] if target is None else target)
    if target not in (None, target_of(model)):
        raise ValueError(
            f"target {target!r} goes with a Model; a function scores one class already, which "
            "it may name in its attribute `target`"
        )
    return model


def judge_of_run(
    explanation: Explanation,
    black_box: Model | ScoreFn,
    level: Level,
    *,
    settings: MethodSettings,
    seed: int = 0,
    events: Sequence[Event] = (),
) -> Verdict:
    """What speaks for an explanation of a run and what against it; see `judge`.

    Args:
        explanation: on the axes of what the black box was asked about.
        black_box: the classifier, one of waveforms as it is asked about the recording; or the
            score function that was explained.
        level: "quick" or "full".
        settings: of the run.
        seed: of the run.
        events: true events of the recording.
    """
    settings, events = for_model(settings, black_box), Events(events).for_class(explanation.target)

    def make(seed: int) -> Explainer:
        what = (explanation.method, explanation.spectrogram, settings)
        return make_explainer(*what, seed=seed, events=events)

    return judge(
        explanation,
        black_box,
        make,
        level,
        seed=seed,
        fill=cast(Fill, settings.fill),
        batch_size=settings.batch_size,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Heard:
    """One recording, ready to be explained.

    Args:
        model: the classifier, as it is asked about this recording.
        spectrogram: what the black box hears, on its device.
        whole: the recording with its silence; None where the front end deletes none.
        facts: stored beside each explanation; another recording's or run's differ.
        events: its true events.
    """

    model: Model
    spectrogram: Spectrogram
    whole: Spectrogram | None
    facts: Mapping[str, Any]
    events: Events

    def store(self, folder: Path, found: Explanation, **facts: Any) -> Explanation:
        """Write an explanation of it, whole or not at all, with further facts.

        Returns:
            What was stored: on the time axis with the silence, 0 where it was deleted.
        """
        stored = expand_to(self.whole, found) if self.whole else found
        own = {**self.facts, "derived_seed": str(found.seed), **facts}
        save_explanation(stored, folder, own)
        return stored


def hear(
    recording: Recording,
    black_box: Model,
    events: Sequence[Event] = (),
    facts: Mapping[str, Any] | None = None,
) -> Heard:
    """A recording, ready to be explained and stored.

    Args:
        recording: to be explained.
        black_box: the classifier.
        events: its true events, which are stored.
        facts: of the run (see `facts_of_run`), and of where the recording came from.

    Raises:
        ValueError: when the recording is too short for the front end.
    """
    front_end = black_box.front_end
    spectrogram = front_end.spectrogram(recording).to(black_box.device)
    whole = front_end.spectrogram(recording, keep_silence=True) if front_end.vad else None
    known = {
        **(facts or {}),
        "input": digest(spectrogram.values),
        **({"whole_frames": len(whole.times)} if whole else {}),
        "events": [[event.start, event.end] for event in events],
    }
    return Heard(black_box.about(recording), spectrogram, whole, known, Events(events))


def facts_of_run(black_box: Model, settings: MethodSettings, seed: int) -> dict[str, Any]:
    """Seed, model and settings, stored beside each explanation; another run's differ.

    Returns:
        `seed`; `model`, the folder that it was read from ("" where it was made otherwise), and
        `model_digest`, which tells models apart; `precision`; `run_settings`.
    """
    plain = for_model(settings, black_box).as_dict()
    # what "auto" means here: an explanation of networks trained in the other is another one
    chosen = choose_precision(settings.dax.precision, black_box.device)
    plain["dax"]["precision"] = chosen.precision
    return {
        "seed": seed,
        "model": black_box.source,
        "model_digest": black_box.digest(),
        **black_box.facts(),
        "run_settings": plain,
    }
