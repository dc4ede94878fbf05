"""Groups of measures that explain again: other inputs, other models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from daxaudio.containers import Events, ScoreFn, Spectrogram
from daxaudio.experiments.explain import explain
from daxaudio.experiments.measure_groups import Asking, Found
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.metrics.sanity import compare_stage, randomise_cascade
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
            return _explain_again(asking, method, near, score_fn, shared)

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
        ) -> Tensor:
            return _explain_again(asking, method, asking.spectrogram, score_fn, shared)

        try:
            mask = again(*trained)
            stages = [compare_stage("trained", mask, mask[None])]
            for layer, classes in stages_asked:
                masks = torch.stack([again(*asked) for asked in classes])
                stages.append(compare_stage(layer, mask, masks))
        except ValueError as error:
            yield error
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
) -> Tensor:
    """The mask of a method with the queries that explaining again is allowed."""
    settings = asking.run.settings
    if asking.settings.again_queries is not None:
        settings = dataclasses.replace(settings, queries=asking.settings.again_queries)
    found = explain(
        spectrogram,
        score_fn,
        method,
        seed=asking.run.seed,
        settings=settings,
        events=asking.run.events.get(spectrogram.recording_id, Events()),
        shared=shared,
    )
    return found.mask.cpu()
