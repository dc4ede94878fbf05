"""What each group of measures asks the black box about the explanations of one recording."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from daxaudio.containers import Events, Explanation, ScoreFn, Spectrogram
from daxaudio.experiments.explaining_run import ExplainingRun
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.metrics import (
    Curve,
    correlation_measures,
    faithfulness_measures,
    perturbation_curves,
    road,
    scores_at_area,
    symmetric_relevance_gain,
)
from daxaudio.metrics.deletion import Direction, Unit
from daxaudio.metrics.relevance_gain import ROAD_STEPS
from daxaudio.models.ask_once import AskOnce
from daxaudio.perturbation.fills import Fill, fill_of_bins, make_background, mix_of
from daxaudio.perturbation.linear_imputation import LinearImputation
from daxaudio.runs.seeds import derive_seed

Found = dict[str, Any] | ValueError
"""What was found of an explanation: `values` by measure, and what tables show beside them; or why
nothing could be."""

_DIRECTIONS: tuple[Direction, ...] = ("deletion", "insertion")


@dataclasses.dataclass(frozen=True, eq=False)
class Asking:
    """What a group of measures is computed from.

    Args:
        run: that made the explanations.
        settings: of the measures.
        explanations: one a method, of one recording and class; at least one.
        ask: the black box.
    """

    run: ExplainingRun
    settings: MeasureSettings
    explanations: Sequence[Explanation]
    ask: AskOnce

    @functools.cached_property
    def spectrogram(self) -> Spectrogram:
        """What was explained, where the black box takes it."""
        return self.explanations[0].spectrogram.to(self.run.black_box.device)

    @property
    def target(self) -> str:
        """The class that was explained."""
        return self.explanations[0].target

    @property
    def score_fn(self) -> ScoreFn:
        """The score of that class."""
        return self.ask.score_fn(self.target)

    @property
    def events(self) -> Events:
        """True events of the class in the recording; none where they are not known."""
        known = self.run.events.get(self.spectrogram.recording_id, ())
        return Events(known).for_class(self.target)

    @property
    def fill(self) -> Fill:
        """As in the neighbourhoods, as far as single bins can have it."""
        return fill_of_bins(cast(Fill, self.run.settings.fill))

    def masks(self) -> Tensor:
        """`[M, F, T]`, one an explanation."""
        return torch.stack([explanation.mask for explanation in self.explanations])

    def background(self, fill: Fill) -> Tensor:
        """What the input is when everything is masked off, `[F, T]`."""
        return make_background(self.spectrogram, fill, seed=self.seed("background"))

    def seed(self, what: str) -> int:
        """Of what is drawn for the recording, the same for every method."""
        return derive_seed(self.run.seed, what, self.spectrogram.recording_id)


def find_deletion(asking: Asking) -> Iterator[Found]:
    """Curves of deletion and insertion, and their areas: see `metrics.deletion`."""
    kinds = _kinds_of_curves(asking)
    if asking.events:
        kinds.append(("_events", "events", asking.fill))
    found: list[dict[str, Any]] = [{"values": {}, "curves": []} for _ in asking.explanations]
    for suffix, unit, fill in kinds:
        for direction, curves in _both_curves(asking, unit, fill).items():
            for own, curve in zip(found, curves, strict=True):
                own["values"][f"{direction}_auc{suffix}"] = curve.auc
                own["curves"].append(curve.as_dict())
    yield from found


def find_srg(asking: Asking) -> Iterator[Found]:
    """What the order of masks gains, and what they mark: see `relevance_gain` and `marked`.

    The curves are those of `find_deletion`, which the black box is not asked for again.
    """
    marked = scores_at_area(
        asking.masks(),
        asking.spectrogram.values,
        asking.background(asking.fill),
        asking.score_fn,
        n_placements=asking.settings.n_placements,
        batch_size=asking.run.settings.batch_size,
        mix=mix_of(asking.fill),
        seed=asking.seed("placements"),
    )
    for suffix, unit, fill in _kinds_of_curves(asking):
        both = _both_curves(asking, unit, fill)
        for own, deletion, insertion in zip(
            marked, both["deletion"], both["insertion"], strict=True
        ):
            own[f"srg{suffix}"] = symmetric_relevance_gain(deletion, insertion)
    yield from ({"values": own} for own in marked)


def find_road(asking: Asking) -> Iterator[Found]:
    """The gap between both orders over a noisy linear imputation: see `relevance_gain`."""
    impute = LinearImputation(seed=asking.seed("imputation"))
    curves = {
        direction: perturbation_curves(
            asking.masks(),
            asking.spectrogram.values,
            asking.background("global_mean"),  # stands at the ends alone, which do not count
            asking.score_fn,
            direction=direction,
            n_steps=ROAD_STEPS,
            batch_size=asking.run.settings.batch_size,
            mix=impute,
            seed=asking.seed("ties"),
        )
        for direction in _DIRECTIONS
    }
    for deletion, insertion in zip(curves["deletion"], curves["insertion"], strict=True):
        yield {"values": {"road": road(deletion, insertion)}}


def find_correlation(asking: Asking) -> Iterator[Found]:
    """Whether masks foretell what the score loses: see `metrics.correlation`."""
    values = correlation_measures(
        asking.masks(),
        asking.spectrogram.values,
        asking.background(asking.fill),
        asking.score_fn,
        n_subsets=asking.settings.n_subsets,
        n_parts=asking.settings.n_parts,
        batch_size=asking.run.settings.batch_size,
        mix=mix_of(asking.fill),
        seed=asking.seed("correlation"),
    )
    yield from ({"values": own} for own in values)


def find_faithfulness(asking: Asking) -> Iterator[Found]:
    """What the masked input keeps of the score: see `metrics.faithfulness`."""
    yield from ({"values": own} for own in faithfulness_of(asking, asking.masks()))


def faithfulness_of(asking: Asking, masks: Tensor) -> list[dict[str, float]]:
    """Measures of faithfulness of masks `[M, F, T]` of the recording."""
    return faithfulness_measures(
        masks,
        asking.spectrogram.values,
        asking.background(asking.fill),
        asking.ask.probabilities,
        index=asking.ask.model.class_index(asking.target),
        batch_size=asking.run.settings.batch_size,
        mix=mix_of(asking.fill),
    )


def _kinds_of_curves(asking: Asking) -> list[tuple[str, Unit, Fill]]:
    """End of the measures' names, what changes at once, and what stands in its place."""
    kinds: list[tuple[str, Unit, Fill]] = [
        ("", "bins", asking.fill),
        ("_frames", "frames", asking.fill),
    ]
    if asking.fill != "noise":
        kinds.append(("_noise", "bins", "noise"))
    return kinds


def _both_curves(asking: Asking, unit: Unit, fill: Fill) -> dict[Direction, list[Curve]]:
    """Curves of every mask, by direction."""
    spectrogram = asking.spectrogram
    return {
        direction: perturbation_curves(
            asking.masks(),
            spectrogram.values,
            asking.background(fill),
            asking.score_fn,
            direction=direction,
            unit=unit,
            n_steps=asking.settings.n_steps,
            events=asking.events,
            times=spectrogram.times,
            batch_size=asking.run.settings.batch_size,
            mix=mix_of(fill),
            fill=fill,
            seed=asking.seed("ties"),
        )
        for direction in _DIRECTIONS
    }
