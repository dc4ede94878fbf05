"""Ask a black box about all perturbed inputs of one recording, or of several together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from daxaudio.containers import ScoreFn, Spectrogram
from daxaudio.perturbation.fills import FILLS, Fill, make_background, refuse_pictures
from daxaudio.perturbation.neighbourhood import Neighbourhood, Perturbation
from daxaudio.perturbation.sound_fills import ScoresSounds, SoundInTime
from daxaudio.runs.asking import answers, ask, check_finite, target_of
from daxaudio.runs.batches import BatchSize, fit_batch
from daxaudio.runs.progress import QueryProgress
from daxaudio.runs.provenance import describe


def unasked(
    spectrogram: Spectrogram,
    perturbation: Perturbation,
    background: Tensor,
    *,
    fill: Fill = "global_mean",
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    began: float | None = None,
) -> Neighbourhood:
    """What will be asked, with scores of 0.

    Args:
        spectrogram: the input to explain.
        perturbation: N ways to keep parts of the input.
        background: `[F, T]` (see `make_background`).
        fill: whose background it is.
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
        original_score=0.0,
        background_score=0.0,
        seconds=time.perf_counter() - began,
        settings=settings or {},
        seed=seed,
        fill=fill,
    )


class Sampler(Protocol):
    """What draws a neighbourhood, with a fill and a seed of its own; a dataclass."""

    @property
    def fill(self) -> Fill:
        """What stands where a part is masked off."""

    @property
    def seed(self) -> int:
        """Seed of the draws."""


def unasked_by(
    sampler: Sampler,
    spectrogram: Spectrogram,
    perturbation: Perturbation,
    *,
    segments: Tensor | None = None,
    began: float | None = None,
    **found: Any,
) -> Neighbourhood:
    """What a sampler will ask, with its own fill, seed and settings, and scores of 0.

    Args:
        sampler: whose draws they are.
        spectrogram: the input to explain.
        perturbation: N ways to keep parts of the input.
        segments: int64 `[F, T]`, where the parts are segments.
        began: `time.perf_counter()` when the work on it began; now when None.
        **found: stored beside the sampler's settings.
    """
    return unasked(
        spectrogram,
        perturbation,
        make_background(spectrogram, sampler.fill, segments, sampler.seed),
        fill=sampler.fill,
        settings={**describe(sampler), **found},
        seed=sampler.seed,
        began=began,
    )


def answer(
    drawn: Neighbourhood,
    score_fn: ScoreFn,
    batch_size: BatchSize = "auto",
) -> Neighbourhood:
    """Ask the black box about every perturbed input, a batch at a time.

    An accelerator is not waited for before the last batch: the next inputs are made and handed to
    it while it works on the last ones, and scores stay there until the end; the input and the
    background go with the first batch. Scores that are no numbers are then found at the end. On a
    processor the two are asked first, and wrong scores are found at once.

    Args:
        drawn: what to ask; its scores do not matter.
        score_fn: `[n, F, T]` spectrograms to `[n]` scores.
        batch_size: inputs made at once, fewer of long recordings (see `fit_batch`); changes memory,
            never the result.

    Returns:
        The neighbourhood, with the scores on the CPU.

    Raises:
        ValueError: when the black box does not give one finite score per input.
    """
    began = time.perf_counter()
    values = drawn.spectrogram.values
    asked, score_of, shape = _as_asked(drawn, score_fn)
    size = fit_batch(batch_size, shape, values.device)
    apart = values.device.type == "cpu"
    batches = []
    with QueryProgress(drawn.n_samples, values.device) as shown:
        for inputs, _ in _batches([asked], torch.zeros(1, device=values.device), size, apart):
            batches.append(answers(score_of, inputs))
            shown.reach(sum(map(len, batches)) - 2)
        scores = torch.cat(batches).float().cpu()
    check_finite(scores)
    original_score, background_score = scores[:2].tolist()
    return dataclasses.replace(
        drawn,
        scores=scores[2:].clone(),
        original_score=original_score,
        background_score=background_score,
        seconds=drawn.seconds + time.perf_counter() - began,
        target=target_of(score_fn),
    )


def ask_masked(neighbourhood: Neighbourhood, masks: Tensor, score_fn: ScoreFn) -> Tensor:
    """Scores of the input as other masks keep it, masked off as in a neighbourhood.

    Args:
        neighbourhood: says what stands where a part is masked off.
        masks: `[n, F, T]` in [0, 1].
        score_fn: that it was asked of.

    Returns:
        `[n]` on the CPU.

    Raises:
        ValueError: when the black box does not give one finite score per input.
    """
    if FILLS[neighbourhood.fill].in_sound:
        return ask(_score_of_masks(neighbourhood, score_fn), masks)
    return ask(score_fn, neighbourhood.masked(masks))


def _as_asked(
    drawn: Neighbourhood, score_fn: ScoreFn
) -> tuple[Neighbourhood, ScoreFn, Sequence[int]]:
    """What makes inputs, what scores them, and the shape of one that the black box takes.

    Where the sound itself is changed, inputs are the masks: a picture of ones before zeros.
    """
    picture = drawn.spectrogram
    if not FILLS[drawn.fill].in_sound:
        return drawn, score_fn, picture.values.shape
    of_masks = _score_of_masks(drawn, score_fn)
    ones = dataclasses.replace(picture, values=torch.ones_like(picture.values))
    zeros = torch.zeros_like(picture.values)
    masks = dataclasses.replace(drawn, spectrogram=ones, background=zeros, fill="floor")
    return masks, of_masks, of_masks.masked.sound.waveform.shape


def ask_rivals(neighbourhood: Neighbourhood, masks: Tensor, score_fn: ScoreFn) -> Tensor | None:
    """The best score that any other class has of the input as other masks keep it.

    Args:
        neighbourhood: says what stands where a part is masked off.
        masks: `[n, F, T]` in [0, 1].
        score_fn: that it was asked of.

    Returns:
        `[n]` on the CPU; None where the score function knows of no class that excludes its own.

    Raises:
        ValueError: when the black box does not give one finite score per input.
    """
    if not getattr(score_fn, "has_rivals", False):
        return None
    if not FILLS[neighbourhood.fill].in_sound:
        return ask(score_fn.rivals, neighbourhood.masked(masks))  # type: ignore[attr-defined]
    of_sounds = getattr(score_fn, "rivals_of_sounds", None)
    if of_sounds is None:
        return None
    return ask(dataclasses.replace(_score_of_masks(neighbourhood, score_fn), ask=of_sounds), masks)


@dataclasses.dataclass(frozen=True, eq=False)
class _ScoreOfMasks:
    """Scores `[n]` of the recording as masks `[n, F, T]` keep it in time."""

    ask: Callable[[Tensor], Tensor]
    masked: SoundInTime

    def __call__(self, masks: Tensor) -> Tensor:
        return self.ask(self.masked(masks))


def _score_of_masks(drawn: Neighbourhood, score_fn: ScoreFn) -> _ScoreOfMasks:
    if not isinstance(score_fn, ScoresSounds):
        raise ValueError(refuse_pictures(drawn.fill))
    masked = SoundInTime(score_fn.sound, drawn.spectrogram.times, drawn.fill, drawn.seed)
    return _ScoreOfMasks(score_fn.of_sounds, masked)


def answer_together(
    drawn: Sequence[Neighbourhood],
    probabilities: Callable[[Tensor], Tensor],
    classes: Sequence[int],
    targets: Sequence[str],
    *,
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
    index = torch.tensor(classes, device=values.device)
    scores = [
        _of_class(probabilities(inputs), owners)
        for inputs, owners in _batches(drawn, index, size, apart=False)
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


_Source = tuple[int, Callable[[slice], Tensor], Tensor]
"""How many inputs, what makes some of them, and the class of each."""


def _batches(
    drawn: Sequence[Neighbourhood], index: Tensor, size: int, apart: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs `[n, F, T]`, at most `size`, and their classes `[n]`.

    First the input and the background of each recording, in batches of their own where they are
    `apart`; then the perturbed inputs of one recording after the other.
    """
    ends = torch.cat([torch.stack([one.spectrogram.values, one.background]) for one in drawn])
    first: list[_Source] = [(len(ends), ends.__getitem__, index.repeat_interleave(2))]
    rest: list[_Source] = [
        (one.n_samples, one.inputs, own.expand(one.n_samples))
        for one, own in zip(drawn, index, strict=True)
    ]
    for sources in (first, rest) if apart else (first + rest,):
        yield from _cut(sources, size)


def _cut(sources: Sequence[_Source], size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of exactly `size`, the last one apart; each is made when it is asked for."""
    pieces: list[tuple[Tensor, Tensor]] = []
    room = size
    for n_inputs, inputs_of, classes in sources:
        start = 0
        while start < n_inputs:
            rows = slice(start, min(n_inputs, start + room))
            pieces.append((inputs_of(rows), classes[rows]))
            room -= rows.stop - start
            start = rows.stop
            if room == 0:
                yield _joined(pieces)
                pieces, room = [], size
    if pieces:
        yield _joined(pieces)


def _joined(pieces: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    if len(pieces) == 1:
        return pieces[0]
    inputs, classes = zip(*pieces, strict=True)
    return torch.cat(inputs), torch.cat(classes)
