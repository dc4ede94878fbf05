"""Groups of measures that explain again: other inputs, other models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from daxaudio.containers import Events, Explanation, ScoreFn, Spectrogram
from daxaudio.experiments.explain import explain
from daxaudio.experiments.measure_groups import Asking, Found
from daxaudio.explainers.attribution import map_of
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics.sanity import compare_stage, complexity_rise, randomise_cascade
from daxaudio.metrics.sensitivity import max_sensitivity
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox, module_behind
from daxaudio.models.model import Model
from daxaudio.runs.provenance import digest

RandomModels = Sequence[tuple[str, BlackBox]]
"""A black box with more and more of its layers at random, each named for the last of them."""


def find_max_sensitivity(asking: Asking) -> Iterator[Found]:
    """How far masks change under noise that nobody hears: see `metrics.sensitivity`."""
    score_fn = asking.score_fn
    memory: dict[str, SharedQueries] = {}
    for explanation in asking.explanations:

        def mask_of(near: Spectrogram, method: str = explanation.method) -> Tensor:
            # the methods see the same few inputs, and share their queries on each
            shared = memory.setdefault(digest(near.values), SharedQueries())
            return _explain_again(asking, method, near, score_fn, shared).mask

        try:
            value = max_sensitivity(
                mask_of,
                asking.spectrogram,
                mask_of(asking.spectrogram),
                radius=asking.settings.radius,
                n_samples=asking.settings.n_draws,
                seed=asking.seed("max_sensitivity"),
            )
        except ValueError as error:
            yield error
        else:
            yield {"values": {"max_sensitivity": value}}


def find_sanity(asking: Asking, randomised: RandomModels) -> Iterator[Found]:
    """How alike masks are to those of random models: see `metrics.sanity`."""
    trained = asking.score_fn, SharedQueries()
    # each random model and class has its own scores; a model answers for all classes at once
    stages_asked = [
        (layer, [(once.score_fn(name), SharedQueries()) for name in _classes(asking)])
        for layer, box in randomised
        for once in (AskOnce(box),)
    ]
    for explanation in asking.explanations:

        def again(
            score_fn: ScoreFn, shared: SharedQueries, method: str = explanation.method
        ) -> Explanation:
            return _explain_again(asking, method, asking.spectrogram, score_fn, shared)

        try:
            own = again(*trained)
            stages, others = [compare_stage("trained", own.mask, own.mask[None])], [own]
            for layer, classes in stages_asked:
                others = [again(*asked) for asked in classes]
                masks = torch.stack([other.mask for other in others])
                stages.append(compare_stage(layer, own.mask, masks))
        except ValueError as error:
            yield error
            continue
        last = stages[-1]
        values = {
            "randomisation_correlation": last.correlation,
            "randomisation_absolute": last.absolute,
            "randomisation_ssim": last.ssim,
            "randomisation_rise": complexity_rise(map_of(own), map(map_of, others)),
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
        yield {"values": values, "stages": rows}


def random_models(model: Model, seed: int, n_stages: int) -> RandomModels:
    """The black box with more and more of its layers at random."""
    box = module_behind(model)
    modules = randomise_cascade(box.module, seed, n_stages)
    return [(layer, dataclasses.replace(box, module=module)) for layer, module in modules]


def _classes(asking: Asking) -> list[str]:
    """The class itself and the next ones in the model's order."""
    box = asking.run.black_box
    names, first = list(box.class_names), box.class_index(asking.target)
    return [*names[first:], *names[:first]][: asking.settings.n_classes]


def _explain_again(
    asking: Asking,
    method: str,
    spectrogram: Spectrogram,
    score_fn: ScoreFn,
    shared: SharedQueries,
) -> Explanation:
    """By a method, with the queries that explaining again is allowed."""
    settings = asking.run.settings
    if asking.settings.again_queries is not None:
        settings = dataclasses.replace(settings, queries=asking.settings.again_queries)
    return explain(
        spectrogram,
        score_fn,
        method,
        seed=asking.run.seed,
        settings=settings,
        events=asking.run.events.get(spectrogram.recording_id, Events()),
        shared=shared,
    )
