"""Ask a black box about all perturbed inputs of one recording, or of several together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from daxaudio.asking import answers, ask, check_finite
from daxaudio.batches import BatchSize, fit_batch
from daxaudio.containers import Neighbourhood, Perturbation, ScoreFn, Spectrogram, target_of
from daxaudio.progress import QueryProgress


def unasked(
    spectrogram: Spectrogram,
    perturbation: Perturbation,
    background: Tensor,
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    began: float | None = None,
) -> Neighbourhood:
    """What will be asked, with scores of 0.

    Args:
        spectrogram: the input to explain.
        perturbation: N ways to keep parts of the input.
        background: `[F, T]` (see `make_background`).
        settings: stored in the neighbourhood.
        seed: stored in the neighbourhood.
        began: `time.perf_counter()` when the work on it began; now when None.
    """
    began = time.perf_counter() if began is None else began
    return Neighbourhood(
        spectrogram,
        perturbation,
        background,
        torch.zeros(len(perturbation)),
        0.0,
        0.0,
        time.perf_counter() - began,
        settings or {},
        seed,
    )


def answer(
    drawn: Neighbourhood,
    score_fn: ScoreFn,
    batch_size: BatchSize = "auto",
    progress: bool = False,
) -> Neighbourhood:
    """Ask the black box about every perturbed input, a batch at a time.

    An accelerator is not waited for before the last batch: the next inputs are made and handed to
    it while it works on the last ones, and scores stay there until the end. Scores that are no
    numbers are then found at the end, on a processor at once.

    Args:
        drawn: what to ask; its scores do not matter.
        score_fn: `[n, F, T]` spectrograms to `[n]` scores.
        batch_size: inputs made at once, fewer of long recordings (see `fit_batch`); changes memory,
            never the result.
        progress: show a progress bar, and after the first batch how long it will take.

    Returns:
        The neighbourhood, with the scores on the CPU.

    Raises:
        ValueError: when the black box does not give one finite score per input.
    """
    began = time.perf_counter()
    values = drawn.spectrogram.values
    size = fit_batch(batch_size, values.shape, values.device)
    ends = torch.stack([values, drawn.background]).split(size)
    original_score, background_score = torch.cat([ask(score_fn, end) for end in ends]).tolist()
    batches = []
    with QueryProgress(drawn.n_samples, progress, values.device) as shown:
        for start in range(0, drawn.n_samples, size):
            inputs = drawn.inputs(slice(start, start + size))
            batches.append(answers(score_fn, inputs))
            if batches[-1].device.type == "cpu":
                check_finite(batches[-1])
            shown.add(len(inputs))
        scores = torch.cat(batches).float().cpu()
    check_finite(scores)
    return dataclasses.replace(
        drawn,
        scores=scores,
        original_score=original_score,
        background_score=background_score,
        seconds=drawn.seconds + time.perf_counter() - began,
        target=target_of(score_fn),
    )


def answer_together(
    drawn: Sequence[Neighbourhood],
    probabilities: Callable[[Tensor], Tensor],
    classes: Sequence[int],
    targets: Sequence[str],
    batch_size: BatchSize = "auto",
) -> list[Neighbourhood]:
    """Ask about several recordings of one shape in common batches, which keep a device busy.

    A batch of other size or with other neighbours may change the rounding of a score. So this is
    for accelerators, where that is so anyway; on a processor every recording is asked alone, and
    its numbers are the same to the last bit whatever else is explained.

    Args:
        drawn: what to ask, of spectrograms of one shape.
        probabilities: `[n, F, T]` spectrograms to `[n, C]`, of the black box of all of them.
        classes: index of the class that each is explained for.
        targets: its name.
        batch_size: inputs made at once.

    Returns:
        The neighbourhoods, in their order; the time of each is its share of the whole.

    Raises:
        ValueError: when a score is NaN or infinite.
    """
    began = time.perf_counter()
    values = drawn[0].spectrogram.values
    size = fit_batch(batch_size, values.shape, values.device)
    ends = torch.cat([torch.stack([one.spectrogram.values, one.background]) for one in drawn])
    index = torch.tensor(classes, device=values.device)
    scores = [  # both ends of all recordings, then the perturbed inputs of one after the other
        _of_class(probabilities(inputs), owners)
        for inputs, owners in (
            *zip(ends.split(size), index.repeat_interleave(2).split(size), strict=True),
            *_common_batches(drawn, index, size),
        )
    ]
    found = torch.cat(scores).float().cpu()
    check_finite(found)
    parts = found[2 * len(drawn) :].split([one.n_samples for one in drawn])
    share = (time.perf_counter() - began) / len(found)
    return [
        dataclasses.replace(
            one,
            scores=own.clone(),
            original_score=original,
            background_score=background,
            seconds=one.seconds + share * one.n_queries,
            target=target,
        )
        for one, own, (original, background), target in zip(
            drawn, parts, found[: 2 * len(drawn)].view(-1, 2).tolist(), targets, strict=True
        )
    ]


def _of_class(probabilities: Tensor, classes: Tensor) -> Tensor:
    """`[n]`: of each input the probability of its own class."""
    return probabilities.gather(1, classes.to(probabilities.device)[:, None])[:, 0]


def _common_batches(
    drawn: Sequence[Neighbourhood], index: Tensor, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs `[n, F, T]` of one recording after the other, and their classes `[n]`."""
    inputs: list[Tensor] = []
    owners: list[Tensor] = []
    room = size
    for place, one in enumerate(drawn):
        start = 0
        while start < one.n_samples:
            stop = min(one.n_samples, start + room)
            inputs.append(one.inputs(slice(start, stop)))
            owners.append(index[place].expand(stop - start))
            room -= stop - start
            start = stop
            if room == 0:
                yield torch.cat(inputs), torch.cat(owners)
                inputs, owners, room = [], [], size
    if inputs:
        yield torch.cat(inputs), torch.cat(owners)
