"""Measures of stored explanations that ask the black box; each is stored as soon as it is there.

What is stored is kept by `out/measures/GROUP/METHOD/RECORDING_ID.json`, with the mask and the
settings that it was made from; when those change it is made anew.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from daxaudio.containers import Events, Explanation, ScoreFn, Spectrogram
from daxaudio.experiments.explain import explain
from daxaudio.experiments.folder import ExplainingRun, describe_problem
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics import (
    faithfulness_measures,
    perturbation_curves,
)
from daxaudio.metrics.catalogue import groups_that_need
from daxaudio.metrics.deletion import Direction, Unit
from daxaudio.metrics.sanity import compare_stage, randomise_cascade
from daxaudio.metrics.sensitivity import max_sensitivity
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox, module_behind
from daxaudio.models.model import Model
from daxaudio.perturbation.fills import Fill, fill_of_bins, make_background, mix_of
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.provenance import digest, without_nan
from daxaudio.runs.seeds import derive_seed

ASKING_GROUPS = groups_that_need("queries")
"""Groups of measures that ask the black box; the others need the stored explanations alone."""

AGAIN_GROUPS = groups_that_need("explainer")
"""Groups that explain again, many times, and so cost most."""

Measured = tuple[Explanation, dict[str, Any] | ValueError]
"""An explanation, and what was found of it, or why nothing could be."""

_DIRECTIONS: tuple[Direction, ...] = ("deletion", "insertion")

Advance = Callable[[str, str], None]
"""Told a recording and what was done with it."""


@dataclasses.dataclass(frozen=True)
class MeasureSettings:
    """How explanations are measured.

    Args:
        n_steps: steps of a deletion or insertion curve.
        again: recordings whose explanations are made again for "max_sensitivity" and "sanity".
        again_of: another number for some methods, by name.
        again_queries: black-box evaluations of each of these; None for as many as the methods have.
        radius: greatest change of a bin in "max_sensitivity", in dB (see there of other units).
        n_draws: perturbed inputs of "max_sensitivity".
        n_stages: stages of the randomisation of "sanity".
        n_classes: classes that each random model is explained for; the mean over them counts.

    Raises:
        ValueError: when a number is out of range.
    """

    n_steps: int = 32
    again: int = 10
    again_of: Mapping[str, int] = dataclasses.field(default_factory=dict)
    again_queries: int | None = None
    radius: float = 1.0
    n_draws: int = 3
    n_stages: int = 3
    n_classes: int = 4

    def __post_init__(self) -> None:
        for name in ("n_steps", "again", "n_draws", "n_stages", "n_classes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.radius < math.inf:
            raise ValueError(f"radius must be above 0 dB and finite, got {self.radius}")
        if self.again_queries is not None and self.again_queries < 10:
            raise ValueError(f"again_queries must be at least 10, got {self.again_queries}")
        if not isinstance(self.again_of, Mapping) or not all(
            type(number) is int and number >= 0 for number in self.again_of.values()
        ):
            raise ValueError(
                f"again_of must give methods a whole number each, such as {{dax_v2: 3}}, got "
                f"{self.again_of!r}"
            )

    def of_group(self, group: str) -> dict[str, Any]:
        """Those settings that the values of a group depend on."""
        names = {
            "deletion": ("n_steps",),
            "faithfulness": (),
            "max_sensitivity": ("again_queries", "radius", "n_draws"),
            "sanity": ("again_queries", "n_stages", "n_classes"),
        }[group]
        return {name: getattr(self, name) for name in names}


@dataclasses.dataclass(frozen=True, eq=False)
class Measuring:
    """Measures the explanations of one run, a recording at a time.

    Args:
        run: that made the explanations.
        settings: of the measures.
        out: folder of the comparison.
    """

    run: ExplainingRun
    settings: MeasureSettings
    out: Path

    def measure(
        self,
        group: str,
        explanations: Sequence[Explanation],
        ask: AskOnce,
        advance: Advance = lambda name, what: None,
    ) -> list[dict[str, str]]:
        """Measure the explanations of one recording by one of `ASKING_GROUPS`.

        Args:
            group: its name.
            explanations: one a method, of one recording and class; at least one.
            ask: the black box.
            advance: told when one is done.

        Returns:
            Those that cannot be measured, as `describe_problem` gives them.
        """
        name = explanations[0].spectrogram.recording_id
        waiting = []
        for explanation in explanations:
            if self.stored(group, explanation) is None:
                waiting.append(explanation)
            else:
                advance(name, group)
        problems = []
        measured = self.find(group, self.run.as_asked(waiting), ask)
        for explanation, (_, found) in zip(waiting, measured, strict=True):
            if isinstance(found, ValueError):
                problems.append(describe_problem(name, explanation.method, group, found))
            else:
                document = {"made_from": self._made_from(group, explanation), **found}
                text = json.dumps(without_nan(document)) + "\n"
                write_text(text, self._path(group, explanation))
            advance(name, f"{explanation.method} {group}")
        return problems

    def find(
        self, group: str, explanations: Sequence[Explanation], ask: AskOnce
    ) -> Iterator[Measured]:
        """What a group says of explanations of one recording and class, or why nothing; no file."""
        work = {
            "deletion": self._deletion,
            "faithfulness": self._faithfulness,
            "max_sensitivity": self._max_sensitivity,
            "sanity": self._sanity,
        }[group]
        return _measured(work, explanations, ask)

    def stored(self, group: str, explanation: Explanation) -> dict[str, Any] | None:
        """What was found for this very explanation and these settings, or None."""
        path = self._path(group, explanation)
        if not path.is_file():
            return None
        try:
            document = json.loads(read_text(path))
        except ValueError:
            return None  # somebody cut it short or changed it: it is made again
        asked = without_nan(self._made_from(group, explanation))
        if not isinstance(document, dict) or document.pop("made_from", None) != asked:
            return None
        return document

    def _path(self, group: str, explanation: Explanation) -> Path:
        name = f"{explanation.spectrogram.recording_id}.json"
        return self.out / "measures" / group / explanation.method / name

    def _made_from(self, group: str, explanation: Explanation) -> dict[str, Any]:
        events = self._events(explanation) if group == "deletion" else ()
        return {
            "mask": digest(explanation.mask),
            "input": digest(explanation.spectrogram.values),
            "target": explanation.target,
            "fill": self._fill,
            "model": self.run.facts["model_digest"],
            "seed": self.run.seed,
            "events": [[event.start, event.end] for event in events],
            **self.settings.of_group(group),
        }

    def _events(self, explanation: Explanation) -> Events:
        return self.run.events.get(explanation.spectrogram.recording_id, Events())

    def _deletion(self, explanations: Sequence[Explanation], ask: AskOnce) -> Iterator[Measured]:
        spectrogram = _on_device(explanations[0], self.run.black_box)
        score_fn = ask.score_fn(explanations[0].target)
        masks = torch.stack([explanation.mask for explanation in explanations])
        events = self._events(explanations[0])
        fill = self._fill
        kinds: list[tuple[str, Unit, Fill]] = [
            ("", "bins", fill),
            ("_frames", "frames", fill),
        ]
        if fill != "noise":
            kinds.append(("_noise", "bins", "noise"))
        if events:
            kinds.append(("_events", "events", fill))
        found: list[dict[str, Any]] = [{"values": {}, "curves": []} for _ in explanations]
        for suffix, unit, filled in kinds:
            for direction in _DIRECTIONS:
                curves = perturbation_curves(
                    masks,
                    spectrogram.values,
                    self._background(spectrogram, filled),
                    score_fn,
                    direction=direction,
                    unit=unit,
                    n_steps=self.settings.n_steps,
                    events=events,
                    times=spectrogram.times,
                    batch_size=self.run.settings.batch_size,
                    mix=mix_of(filled),
                    fill=filled,
                    seed=derive_seed(self.run.seed, "ties", spectrogram.recording_id),
                )
                for own, curve in zip(found, curves, strict=True):
                    own["values"][f"{direction}_auc{suffix}"] = curve.auc
                    own["curves"].append(curve.as_dict())
        yield from zip(explanations, found, strict=True)

    def _faithfulness(
        self, explanations: Sequence[Explanation], ask: AskOnce
    ) -> Iterator[Measured]:
        spectrogram = _on_device(explanations[0], self.run.black_box)
        values = faithfulness_measures(
            torch.stack([explanation.mask for explanation in explanations]),
            spectrogram.values,
            self._background(spectrogram, self._fill),
            ask.probabilities,
            index=ask.model.class_index(explanations[0].target),
            batch_size=self.run.settings.batch_size,
            mix=mix_of(self._fill),
        )
        for explanation, own in zip(explanations, values, strict=True):
            yield explanation, {"values": own}

    def _max_sensitivity(
        self, explanations: Sequence[Explanation], ask: AskOnce
    ) -> Iterator[Measured]:
        spectrogram = _on_device(explanations[0], self.run.black_box)
        seed = derive_seed(self.run.seed, "max_sensitivity", spectrogram.recording_id)
        score_fn = ask.score_fn(explanations[0].target)
        memory: dict[str, SharedQueries] = {}
        for explanation in explanations:

            def mask_of(near: Spectrogram, method: str = explanation.method) -> Tensor:
                # the methods see the same few inputs, and share their queries on each
                shared = memory.setdefault(digest(near.values), SharedQueries())
                return self._again(method, near, score_fn, shared)

            try:
                value = max_sensitivity(
                    mask_of,
                    spectrogram,
                    mask_of(spectrogram),
                    radius=self.settings.radius,
                    n_samples=self.settings.n_draws,
                    seed=seed,
                )
            except ValueError as error:
                yield explanation, error
            else:
                yield explanation, {"values": {"max_sensitivity": value}}

    def _sanity(self, explanations: Sequence[Explanation], ask: AskOnce) -> Iterator[Measured]:
        spectrogram = _on_device(explanations[0], self.run.black_box)
        target = explanations[0].target
        trained = ask.score_fn(target), SharedQueries()
        # each random model and class has its own scores; a model answers for all classes at once
        randomised = [
            (layer, [(once.score_fn(name), SharedQueries()) for name in self._classes(target)])
            for layer, box in self._randomised
            for once in (AskOnce(box),)
        ]
        for explanation in explanations:

            def again(
                score_fn: ScoreFn, shared: SharedQueries, method: str = explanation.method
            ) -> Tensor:
                return self._again(method, spectrogram, score_fn, shared)

            try:
                mask = again(*trained)
                stages = [compare_stage("trained", mask, mask[None])]
                for layer, classes in randomised:
                    masks = torch.stack([again(*asked) for asked in classes])
                    stages.append(compare_stage(layer, mask, masks))
            except ValueError as error:
                yield explanation, error
                continue
            last = stages[-1]
            values = {
                "randomisation_correlation": last.correlation,
                "randomisation_absolute": last.absolute,
                "randomisation_ssim": last.ssim,
            }
            rows = [
                {
                    "stage": place,
                    "layer": stage.name,
                    "correlation": stage.correlation,
                    "ssim": stage.ssim,
                }
                for place, stage in enumerate(stages)
            ]
            yield explanation, {"values": values, "stages": rows}

    def _classes(self, target: str) -> list[str]:
        """The class itself and the next ones in the model's order."""
        names = list(self.run.black_box.class_names)
        first = self.run.black_box.class_index(target)
        return [*names[first:], *names[:first]][: self.settings.n_classes]

    @property
    def n_evaluations(self) -> int:
        """Inputs that the black box and its randomised copies have scored so far."""
        randomised = self.__dict__.get("_randomised", [])  # made when they are first needed
        return self.run.black_box.n_queries + sum(box.n_queries for _, box in randomised)

    @functools.cached_property
    def _randomised(self) -> list[tuple[str, BlackBox]]:
        """The black box with more and more of its layers at random; the same for all recordings."""
        box = module_behind(self.run.black_box)
        modules = randomise_cascade(box.module, self.run.seed, self.settings.n_stages)
        return [(layer, self._with(module)) for layer, module in modules]

    def _with(self, module: nn.Module) -> BlackBox:
        return dataclasses.replace(module_behind(self.run.black_box), module=module)

    def _again(
        self, method: str, spectrogram: Spectrogram, score_fn: ScoreFn, shared: SharedQueries
    ) -> Tensor:
        """The mask of a method with the queries that explaining again is allowed."""
        settings = self.run.settings
        if self.settings.again_queries is not None:
            settings = dataclasses.replace(settings, queries=self.settings.again_queries)
        found = explain(
            spectrogram,
            score_fn,
            method,
            seed=self.run.seed,
            settings=settings,
            events=self.run.events.get(spectrogram.recording_id, Events()),
            shared=shared,
        )
        return found.mask.cpu()

    @property
    def _fill(self) -> Fill:
        """As in the neighbourhoods, as far as single bins can have it."""
        return fill_of_bins(cast(Fill, self.run.settings.fill))

    def _background(self, spectrogram: Spectrogram, fill: Fill) -> Tensor:
        seed = derive_seed(self.run.seed, "background", spectrogram.recording_id)
        return make_background(spectrogram, fill, seed=seed)


def _measured(
    work: Callable[[Sequence[Explanation], AskOnce], Iterator[Measured]],
    explanations: Sequence[Explanation],
    ask: AskOnce,
) -> Iterator[Measured]:
    """What the work finds; where it fails as a whole, why, for each that is not done."""
    n_done = 0
    try:
        for measured in work(explanations, ask) if explanations else ():
            n_done += 1
            yield measured
    except ValueError as error:
        yield from ((explanation, error) for explanation in explanations[n_done:])


def _on_device(explanation: Explanation, black_box: Model) -> Spectrogram:
    return explanation.spectrogram.to(black_box.device)
