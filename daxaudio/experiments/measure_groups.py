"""What each group of measures asks the black box about the explanations of one recording."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from daxaudio.containers import Events, Explanation, ScoreFn, Spectrogram
from daxaudio.experiments.folder import ExplainingRun
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.metrics import faithfulness_measures, perturbation_curves
from daxaudio.metrics.deletion import Direction, Unit
from daxaudio.models.ask_once import AskOnce
from daxaudio.perturbation.fills import Fill, fill_of_bins, make_background, mix_of
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
        """True events of the recording; none where they are not known."""
        return self.run.events.get(self.spectrogram.recording_id, Events())

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
    masks, spectrogram, fill = asking.masks(), asking.spectrogram, asking.fill
    kinds: list[tuple[str, Unit, Fill]] = [("", "bins", fill), ("_frames", "frames", fill)]
    if fill != "noise":
        kinds.append(("_noise", "bins", "noise"))
    if asking.events:
        kinds.append(("_events", "events", fill))
    found: list[dict[str, Any]] = [{"values": {}, "curves": []} for _ in masks]
    for suffix, unit, filled in kinds:
        for direction in _DIRECTIONS:
            curves = perturbation_curves(
                masks,
                spectrogram.values,
                asking.background(filled),
                asking.score_fn,
                direction=direction,
                unit=unit,
                n_steps=asking.settings.n_steps,
                events=asking.events,
                times=spectrogram.times,
                batch_size=asking.run.settings.batch_size,
                mix=mix_of(filled),
                fill=filled,
                seed=asking.seed("ties"),
            )
            for own, curve in zip(found, curves, strict=True):
                own["values"][f"{direction}_auc{suffix}"] = curve.auc
                own["curves"].append(curve.as_dict())
    yield from found


def find_faithfulness(asking: Asking) -> Iterator[Found]:
    """What the masked input keeps of the score: see `metrics.faithfulness`."""
    values = faithfulness_measures(
        asking.masks(),
        asking.spectrogram.values,
        asking.background(asking.fill),
        asking.ask.probabilities,
        index=asking.ask.model.class_index(asking.target),
        batch_size=asking.run.settings.batch_size,
        mix=mix_of(asking.fill),
    )
    yield from ({"values": own} for own in values)
