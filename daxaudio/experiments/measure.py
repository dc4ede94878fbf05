"""Measures of stored explanations that ask the black box; each is stored as soon as it is there.

What is stored is kept by `out/measures/GROUP/METHOD/RECORDING_ID.json`, with the mask and the
settings that it was made from; when those change it is made anew.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from daxaudio.containers import Events, Explanation
from daxaudio.experiments.explaining_run import ExplainingRun, describe_problem
from daxaudio.experiments.measure_again import (
    RandomModels,
    find_max_sensitivity,
    find_sanity,
    random_models,
)
from daxaudio.experiments.measure_forms import find_same_form
from daxaudio.experiments.measure_groups import (
    Asking,
    Found,
    find_correlation,
    find_deletion,
    find_faithfulness,
    find_road,
    find_srg,
)
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.attribution import map_of
from daxaudio.metrics.catalogue import groups_that_need
from daxaudio.models.ask_once import AskOnce
from daxaudio.perturbation.fills import Fill, fill_of_bins
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.provenance import digest, without_nan

ASKING_GROUPS = groups_that_need("queries")
"""Groups of measures that ask the black box; the others need the stored explanations alone."""

AGAIN_GROUPS = groups_that_need("explainer")
"""Groups that explain again, many times, and so cost most."""

_FORMULAS = {"same_form": 2}
"""Groups whose numbers were once others: what an earlier formula gave is measured anew."""

Advance = Callable[[str, str], None]
"""Told a recording and what was done with it."""


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
        for explanation, found in zip(
            waiting, self.find(group, self.run.as_asked(waiting), ask), strict=True
        ):
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
    ) -> Iterator[Found]:
        """What a group says of explanations of one recording and class, in their order; no file."""
        n_done = 0
        try:
            for found in self._find(group, explanations, ask) if explanations else ():
                n_done += 1
                yield found
        except ValueError as error:  # the work fails as a whole, for each that is not done
            yield from (error for _ in explanations[n_done:])

    def _find(
        self, group: str, explanations: Sequence[Explanation], ask: AskOnce
    ) -> Iterator[Found]:
        asking = Asking(self.run, self.settings, explanations, ask)
        if group == "sanity":
            return find_sanity(asking, self._randomised)
        work = {
            "deletion": find_deletion,
            "srg": find_srg,
            "faithfulness": find_faithfulness,
            "correlation": find_correlation,
            "road": find_road,
            "max_sensitivity": find_max_sensitivity,
            "same_form": find_same_form,
        }[group]
        return work(asking)

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
        name = explanation.spectrogram.recording_id
        known = Events(self.run.events.get(name, ()))
        against = group in ("deletion", "same_form")
        events = known.for_class(explanation.target) if against else ()
        return {
            "mask": digest(explanation.mask),
            "input": digest(explanation.spectrogram.values),
            "target": explanation.target,
            "fill": fill_of_bins(cast(Fill, self.run.settings.fill)),
            "model": self.run.facts["model_digest"],
            "seed": self.run.seed,
            "events": [[event.start, event.end] for event in events],
            **({"map": digest(map_of(explanation))} if group == "same_form" else {}),
            **({"formula": _FORMULAS[group]} if group in _FORMULAS else {}),
            **self.settings.of_group(group),
        }

    @property
    def n_evaluations(self) -> int:
        """Inputs that the black box and its randomised copies have scored so far."""
        randomised = self.__dict__.get("_randomised", [])  # made when they are first needed
        return self.run.black_box.n_queries + sum(box.n_queries for _, box in randomised)

    @functools.cached_property
    def _randomised(self) -> RandomModels:
        """The same random models for all recordings."""
        return random_models(self.run.black_box, self.run.seed, self.settings.n_stages)
