"""What the explanations of one run have in common: each is made once, stored and checked."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxaudio.containers import (
    Events,
    Explainer,
    Explanation,
    ScoreFn,
    Spectrogram,
)
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.units import EndsRun
from daxaudio.experiments.explain import (
    Heard,
    check_askable,
    explain,
    facts_of_run,
    for_model,
    hear,
    judge_of_run,
)
from daxaudio.experiments.pooling import Prepared, prepare
from daxaudio.experiments.predict import read_for, spectrogram_of
from daxaudio.experiments.verdict import Level
from daxaudio.explainers.catalogue import METHODS, make_explainer, settings_of
from daxaudio.explainers.settings import MethodSettings, read_stored_settings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.explainers.storage import add_facts, is_stored, is_whole, load_explanation, load_facts
from daxaudio.features.vad import reduce_to
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.model import Model

logger = logging.getLogger(__name__)

PROBLEM_COLUMNS = ["recording_id", "method", "part", "problem"]
"""Of `problems.csv`; the part is the folder of the explanation, or the group of measures."""


@dataclasses.dataclass(frozen=True, eq=False)
class ExplainingRun:
    """What the explanations of one run have in common; each is stored as soon as it is there.

    Args:
        black_box: the classifier.
        data: the recordings and their labels.
        methods: names as in `METHODS`.
        events: true events by recording id; the oracle needs them.
        settings: of the methods; the fill "auto" becomes that of the black box.
        seed: of the run.
        level: how explanations are checked; None for not at all.
    """

    black_box: Model
    data: DataFolder
    methods: tuple[str, ...]
    _: dataclasses.KW_ONLY
    events: Mapping[str, Events] = dataclasses.field(default_factory=dict)
    settings: MethodSettings = dataclasses.field(default_factory=MethodSettings)
    seed: int = 0
    level: Level | None = None

    def __post_init__(self) -> None:
        check_askable(self.methods, self.black_box)
        object.__setattr__(self, "settings", for_model(self.settings, self.black_box))

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """Seed, model and settings, stored beside each explanation; another run's differ."""
        return facts_of_run(self.black_box, self.settings, self.seed)

    def n_missing(self, names: Sequence[str], out: str | os.PathLike[str]) -> int:
        """How many explanations of recordings are not stored yet."""
        return sum(not is_stored(Path(out) / m / name) for name in names for m in self.methods)

    def spectrogram(self, name: str) -> Spectrogram:
        """Of one recording, on the black box's device."""
        return spectrogram_of(self.black_box, self.data, name)

    def about(self, name: str) -> Model:
        """The model as it is asked about one recording."""
        return self.hear(name).model if self.black_box.masks_sound else self.black_box

    def hear(self, name: str) -> Heard:
        """One recording of the folder, ready to be explained."""
        recording = read_for(self.black_box, self.data, name)
        channel = {} if self.data.channel is None else {"channel": self.data.channel}
        facts = {**self.facts, **_audio_facts(self.data, name), **channel}
        return hear(recording, self.black_box, Events(self.events.get(name, ())), facts)

    def explain(
        self,
        name: str,
        label: str,
        out: str | os.PathLike[str],
        *,
        ask: AskOnce | None = None,
        advance: Callable[[str, str], None] = lambda name, method: None,
    ) -> list[dict[str, str]]:
        """Explain one recording for a class by every method; what is stored is kept.

        Args:
            name: id of the recording.
            label: the class.
            out: explanations go to `out/METHOD/NAME/`.
            ask: the model about this recording, which remembers its answers.
            advance: told the recording and the method when one is done.

        Returns:
            Methods that cannot handle it (see `describe_problem`); all if it cannot be read.

        Raises:
            ValueError: when `out` holds an explanation of another run, class or recording.
        """
        problems: list[dict[str, str]] = []
        for method, error in self.explain_by(self.methods, name, label, out, ask=ask):
            if error is not None:
                problems.append(describe_problem(name, method, Path(out).name, error))
            advance(name, method)
        return problems

    def explain_by(
        self,
        methods: Sequence[str],
        name: str,
        label: str,
        out: str | os.PathLike[str],
        *,
        ask: AskOnce | None = None,
        prepared: tuple[Heard, Prepared] | None = None,
    ) -> Iterator[tuple[str, ValueError | None]]:
        """Explain one recording for a class by some methods, one after the other.

        Where the front end deletes silence, explanations are stored on the time axis with it, 0
        where it was.

        Args:
            methods: of the run's.
            name: id of the recording.
            label: the class.
            out: explanations go to `out/METHOD/NAME/`.
            ask: the model about this recording, which remembers its answers.
            prepared: the recording, asked about already (see `prepare`).

        Yields:
            Each method when it is done, and why it cannot handle the recording, if it cannot.

        Raises:
            EndsRun: when `out` holds an explanation of another run, class or recording.
        """
        score_fn: ScoreFn
        if prepared:
            heard, score_fn, shared = prepared[0], prepared[1].score_fn, prepared[1].shared
        else:
            try:
                heard, shared = self.hear(name), SharedQueries()
            except ValueError as error:  # it could be read when it was classified
                yield from ((method, error) for method in methods)
                return
            score_fn = ask.score_fn(label) if ask else heard.model.score_fn(label)
        for method in methods:
            folder = Path(out) / method / name
            done = _is_done(folder, heard.facts, label, method)
            problem = None
            try:
                if not done:
                    found = explain(
                        heard.spectrogram,
                        score_fn,
                        method,
                        seed=self.seed,
                        settings=self.settings,
                        events=self.events.get(name, Events()),
                        shared=shared,
                    )
                    heard.store(folder, found)
                self._check(folder, heard)
            except ValueError as error:
                problem = error
            yield method, problem

    def _check(self, folder: Path, heard: Heard) -> None:
        """Look for what speaks against a stored explanation, where nobody has yet."""
        if self.level is None:
            return
        if load_facts(folder).get("verdict", {}).get("level") in ("full", self.level):
            return
        stored, own = load_explanation(folder), heard.spectrogram
        verdict = judge_of_run(
            reduce_to(own.to("cpu"), stored) if heard.whole else stored,
            heard.model,
            self.level,
            settings=self.settings,
            seed=self.seed,
            events=self.events.get(own.recording_id, Events()),
        )
        add_facts(folder, {"verdict": {"level": self.level, **verdict.as_dict()}})

    def prepare(
        self, labels: Mapping[str, str], out: str | os.PathLike[str]
    ) -> dict[str, tuple[Heard, Prepared]]:
        """Ask about several recordings in common batches; nothing where there is but one.

        Args:
            labels: class to explain for, by the recordings' ids.
            out: where explanations go; what is there already is not asked for.

        Returns:
            What was asked, by id, for `explain`; without what could not be read, which says why.
        """
        if len(labels) < 2 or not isinstance(self.black_box, BlackBox):
            return {}
        found: dict[str, Heard] = {}
        for name in labels:
            with contextlib.suppress(ValueError, OSError):
                found[name] = self.hear(name)
        waiting = {
            name: [m for m in self.methods if not is_stored(Path(out) / m / name)] for name in found
        }
        recordings = [
            (heard.spectrogram, labels[name], self._explainers(waiting[name], heard, labels[name]))
            for name, heard in found.items()
        ]
        asked = zip(found.values(), prepare(self.black_box, recordings), strict=True)
        return dict(zip(found, asked, strict=True))

    def _explainers(self, methods: Sequence[str], heard: Heard, label: str) -> list[Explainer]:
        """Of the methods that can handle a recording; `explain` says why the others cannot."""
        own, found = heard.events.for_class(label), []
        for method in methods:
            with contextlib.suppress(ValueError):
                what = (method, heard.spectrogram, self.settings)
                found.append(make_explainer(*what, seed=self.seed, events=own))
        return found

    def as_asked(self, explanations: Sequence[Explanation]) -> list[Explanation]:
        """Stored explanations of one recording on the axes of what the black box is asked about.

        Stored are explanations of whole recordings; where the front end deletes silence, the black
        box has never heard that.
        """
        if self.black_box.front_end.vad is None or not explanations:
            return list(explanations)
        part = self.spectrogram(explanations[0].spectrogram.recording_id).to("cpu")
        return [reduce_to(part, explanation) for explanation in explanations]


def describe_problem(
    recording_id: str, method: str, part: str, error: ValueError
) -> dict[str, str]:
    """A row of `problems.csv`; the log has it too."""
    logger.warning("%s by %s is left out (%s): %s", recording_id, method, part, error)
    problem = " ".join(str(error).split())
    return dict(zip(PROBLEM_COLUMNS, (recording_id, method, part, problem), strict=True))


def _audio_facts(data: DataFolder, recording_id: str) -> dict[str, Any]:
    """The file of a recording, unless it may not be told, and which part where it is a segment."""
    segment, facts = data.segment(recording_id), dict[str, Any]()
    if not data.paths_hidden:
        facts["audio"] = data.wav_scp[segment.recording_id]
    if data.segments is not None:
        facts["segment"] = [segment.start, segment.end]
    return facts


def _is_done(folder: Path, facts: Mapping[str, Any], label: str, method: str) -> bool:
    """Whether this very explanation is stored; one of another run is an error."""
    if not is_stored(folder):
        return False
    if not is_whole(folder):
        logger.warning("%s: cannot be read, and is made again", folder)
        return False
    stored = load_facts(folder)
    _check_same(folder, "model or precision", stored.get("model_digest"), facts["model_digest"])
    for key, name in (("seed", "seed"), ("input", "recording")):
        _check_same(folder, name, stored.get(key), facts[key])
    _check_same(folder, "time axis", stored.get("whole_frames"), facts.get("whole_frames"))
    _check_same(folder, "class", stored["target"], label)
    if METHODS[method].needs_events and stored.get("events") != facts["events"]:
        return False  # the events were corrected since; this costs nothing
    # a setting that was not there yet when it was stored stood at its default
    try:
        run = read_stored_settings(stored.get("run_settings", {}))
    except ValueError as error:
        raise EndsRun(f"{folder} was explained with other settings ({error})") from error
    for field in settings_of(method):
        name = "number of queries" if field == "queries" else f"setting of {field!r}"
        _check_same(folder, name, run[field], facts["run_settings"][field])
    return True


def _check_same(folder: Path, name: str, stored: object, asked: object) -> None:
    if stored != asked:
        raise EndsRun(
            f"{folder} holds an explanation of another {name}; remove the folder of explanations "
            f"or write to another one"
        )
