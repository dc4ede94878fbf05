"""Should one believe an explanation? Numbers that speak for or against it, in plain words.

No finding says that an explanation is right: that cannot be measured. Each says what the
classifier's score does, or how the mask changes, when one thing is changed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from daxaudio.containers import Explainer, Explanation, ScoreFn, Spectrogram
from daxaudio.experiments.findings import Finding, Verdict
from daxaudio.experiments.own_findings import (
    HALF,
    SLIGHT,
    marks_nothing,
    what_it_cost,
    what_it_knows,
)
from daxaudio.explainers.attribution import map_of
from daxaudio.explainers.catalogue import METHODS
from daxaudio.explainers.method import Method
from daxaudio.metrics.deletion import Direction, perturbation_curves
from daxaudio.metrics.form import rank_correlation
from daxaudio.metrics.relevance_gain import symmetric_relevance_gain
from daxaudio.metrics.sanity import ALIKE, complexity_rise, sanity_check
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.model import Model
from daxaudio.perturbation.fills import Fill, fill_of_bins, make_background, mix_of
from daxaudio.runs.asking import Mix
from daxaudio.runs.batches import BatchSize
from daxaudio.runs.kinds import check_kind
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.seeds import generator

Level = Literal["quick", "full"]
"""What is checked: "full" explains again, with other draws and by a randomised classifier."""

_N_RANDOM = 5
"""Random orders that the mask's order is compared with."""

_N_STEPS = 16
"""Of each curve; both orders of 6 masks thus ask less than 200 queries."""

_CLEARLY = 4.0
"""Times the deviation of random orders' gains, whose mean is 0, that a clear gain is above it or
below. Another random order is so with a probability of 1 % (t distribution, 5 degrees of
freedom)."""

_DIRECTIONS: tuple[Direction, ...] = ("deletion", "insertion")

_MANY, _FEW = 10, 4
"""Classes that a randomised classifier is explained for; few where each trains a network."""


def judge(
    explanation: Explanation,
    black_box: Model | ScoreFn,
    make: Callable[[int], Explainer] | None = None,
    level: Level = "full",
    *,
    seed: int = 0,
    fill: Fill = "global_mean",
    batch_size: BatchSize = "auto",
) -> Verdict:
    """Find out what speaks for an explanation and what against it.

    Both levels: the score, what the mask cost, what the method knows of its own fit, and whether
    the score keeps more when bins are removed in the reverse of the mask's order than in its order
    (SRG), clearly more than in random orders. What is not clear speaks neither for nor against.
    "full" explains again, as costly as the first time: with other random draws, and by a copy of
    the classifier whose weights are shuffled (see `sanity_check` and `complexity_rise`; for up to
    ten of its classes, which cost one set of queries). References get a sentence in the place of
    these; a mask that marks nothing has no order, and is not explained again.

    Args:
        explanation: to be judged; where `black_box` is a `BlackBox`, its target is a class of it.
        black_box: the classifier. Where there is query access only, the score function of the
            explained class: then it is not known what is predicted, and nothing can be shuffled.
        make: the explainer of the same method and settings for any seed of a run; None where the
            explanation knows how it was made, which it does as `explain` returns it.
        level: "quick" or "full".
        seed: of the run that made the explanation.
        fill: what stands where bins are removed; "segment_mean" becomes the mean of all.
        batch_size: inputs made at once; never changes a value.

    Returns:
        The verdict.

    Raises:
        ValueError: when the level is unknown, the explanation's target is none or unknown, or it is
            not known how to make it again.

    Example:
        >>> from daxaudio.explainers.references import Energy
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> heard = lambda inputs: inputs[:, 0, 0]
        >>> judge(Energy()(picture, heard), heard, lambda seed: Energy()).summary
        'A reference to compare methods with, not an explanation.'
    """
    if level not in get_args(Level):
        raise ValueError(f"level must be one of {', '.join(get_args(Level))}, got {level!r}")
    check_kind(explanation, Explanation, "give an Explanation to judge, then its classifier")
    if not isinstance(black_box, Model) and not callable(black_box):
        raise TypeError(
            "an explanation is judged with the Model, or the score function, that it explains, "
            f"got {type(black_box).__name__}; load_model(path) reads one"
        )
    if make is None and explanation.again is None and level == "full":
        raise ValueError(
            'it is not known how the explanation was made: give make, or level="quick", which does '
            "not explain again"
        )
    if isinstance(black_box, Model):
        if isinstance(black_box, ForeignModel) and black_box.masks_sound:
            black_box = _about(black_box, explanation)
        if not explanation.target:
            raise ValueError(
                "the explanation names no class: explain black_box.score_fn(CLASS), or judge with "
                "the score function that was explained in place of the black box"
            )
        score_fn: ScoreFn = black_box.score_fn(explanation.target)
        spectrogram = explanation.spectrogram.to(black_box.device)
    else:
        score_fn, spectrogram = black_box, explanation.spectrogram
    of_bins = fill_of_bins(fill)
    background, mix = make_background(spectrogram, of_bins, seed=seed), mix_of(of_bins)
    row = METHODS.get(explanation.method)
    reference = row.reference if row else ""
    flat = marks_nothing(explanation)

    def score() -> Iterator[Finding]:
        yield _score(explanation, black_box, spectrogram)
        yield what_it_cost(explanation)
        if reference:
            sentence = f"{explanation.method} is a reference: {reference}."
            yield Finding("reference", math.nan, None, sentence)
        else:
            yield from what_it_knows(explanation)

    def deletion() -> Iterator[Finding]:
        yield _deletion(explanation, spectrogram, background, mix, score_fn, batch_size, seed)

    def remake(turn: int) -> Explainer:
        made = explanation.again(turn) if make is None and explanation.again else None
        return made or cast(Callable[[int], Explainer], make)(seed + turn)

    def stability() -> Iterator[Finding]:
        if _draws(row, remake(0), remake(1)):
            yield _stability(explanation, remake(1)(spectrogram, score_fn))

    def sanity() -> Iterator[Finding]:
        if isinstance(black_box, BlackBox):
            yield _sanity(explanation, black_box, spectrogram, remake(0), seed)

    steps = [score] if flat else [score, deletion]
    if level == "full" and not reference and not flat:
        steps += [stability, sanity]
    bar = progress_bar(steps, "checking", unit="check", leave=False)
    return Verdict(tuple(finding for step in bar for finding in step()))


def _about(model: Model, explanation: Explanation) -> Model:
    """A model of waveforms about the recording that was explained."""
    if explanation.recording is None:
        raise ValueError(
            "the explanation does not hold its audio, about which a classifier of waveforms is "
            "asked: judge model.about(recording) in place of the model"
        )
    return model.about(explanation.recording)


def _score(
    explanation: Explanation, black_box: Model | ScoreFn, spectrogram: Spectrogram
) -> Finding:
    target, score = explanation.target, explanation.score
    if not isinstance(black_box, Model):
        return Finding("score", score, None, f"The classifier's score is {score:.2f}.")
    if not black_box.exclusive or target not in black_box.class_names:
        return Finding("score", score, None, f"The classifier's score of {target} is {score:.3g}.")
    predicted, best = black_box.predict(spectrogram)
    if predicted != target:
        sentence = (
            f"The classifier's score of {target} is {score:.2f}, but it predicts {predicted} "
            f"({best:.2f}): there is little of {target} to explain."
        )
        return Finding("score", score, False, sentence, n_queries=1)
    sentence = f"The classifier predicts {target} with a score of {score:.2f}."
    if score < HALF:
        sentence = f"{sentence[:-1]}: it is not sure, so there is little to explain."
    return Finding("score", score, True if score >= HALF else None, sentence, n_queries=1)


def _deletion(
    explanation: Explanation,
    spectrogram: Spectrogram,
    background: Tensor,
    mix: Mix,
    score_fn: ScoreFn,
    batch_size: BatchSize,
    seed: int,
) -> Finding:
    random = generator(seed, "random orders", spectrogram.recording_id)
    orders = torch.rand((_N_RANDOM, *explanation.mask.shape), generator=random)
    masks = torch.cat([explanation.mask[None], orders])
    n_queries = 0

    def counted(inputs: Tensor) -> Tensor:
        nonlocal n_queries
        n_queries += len(inputs)
        return score_fn(inputs)

    deletions, insertions = (
        perturbation_curves(
            masks,
            spectrogram.values,
            background,
            counted,
            direction=direction,
            n_steps=_N_STEPS,
            batch_size=batch_size,
            mix=mix,
            seed=seed,
        )
        for direction in _DIRECTIONS
    )
    own, *others = map(symmetric_relevance_gain, deletions, insertions)
    # a random order and its reverse are as likely, and have opposite gains: the mean is 0
    deviation = math.sqrt(fmean(gain**2 for gain in others))
    good = None if abs(own) <= _CLEARLY * deviation else own > 0
    what = {True: "More", False: "Less", None: "Not clearly more"}[good]
    sentence = (
        f"{what} of the classifier's score is left when the least marked bins go first than when "
        f"the most marked ones do: {insertions[0].auc:.2f} on average on the way, against "
        f"{deletions[0].auc:.2f}"
    )
    if good is None:
        widest = max(map(abs, others))
        sentence += f"; in {_N_RANDOM} random orders the two differ by up to {widest:.2f}"
    return Finding("deletion", own, good, f"{sentence}.", n_queries)


def _draws(row: Method | None, explainer: Explainer, other: Explainer) -> bool:
    """Whether a method's mask depends on its seed: two explainers that differ by it alone."""
    if row and not row.draws and getattr(explainer, "fill", "") != "noise":
        return False
    return explainer != other


def _stability(explanation: Explanation, again: Explanation) -> Finding:
    correlation = rank_correlation(explanation.mask, again.mask)
    good = correlation >= HALF  # a flat mask has none, and is no good
    if math.isnan(correlation):
        sentence = "With other random draws the method marks nothing."
    elif good:
        sentence = (
            "With other random draws the mask is much the same: correlation of ranks "
            f"{correlation:.2f}."
        )
    else:
        sentence = (
            "With other random draws the mask is another: correlation of ranks "
            f"{correlation:.2f}; do not rely on one of them."
        )
    return Finding("stability", correlation, good, sentence, again.n_queries, again.n_gradients)


def _sanity(
    explanation: Explanation,
    black_box: BlackBox,
    spectrogram: Spectrogram,
    explainer: Explainer,
    seed: int,
) -> Finding:
    index = black_box.class_index(explanation.target)
    names = [*black_box.class_names[index:], *black_box.class_names[:index]]
    row = METHODS.get(explanation.method)
    names = names[: _FEW if row and row.trains else _MANY]
    boxes: list[BlackBox] = []
    found: list[Explanation] = []

    def again(module: nn.Module) -> Tensor:
        box = dataclasses.replace(black_box, module=module)
        ask = AskOnce(box)
        boxes.append(box)
        found.extend(explainer(spectrogram, box.score_fn(name, ask)) for name in names)
        return torch.stack([other.mask for other in found[-len(names) :]])

    check = sanity_check(again, black_box.module, explanation.mask, seed=seed, n_stages=1)
    cost = sum(box.n_queries for box in boxes), sum(other.n_gradients for other in found)
    rise = _rise(explanation, found)
    average = (
        f"correlation of ranks {check.correlation:.2f} over {len(names)} classes, "
        f"{check.absolute:.2f} regardless of sign; entropy of its values {100 * rise:+.0f} %"
    )
    good: bool | None = check.passes
    if math.isnan(check.correlation):
        sentence = "With the classifier's weights shuffled, the method marks nothing."
    elif check.passes:
        sentence = (
            f"With the classifier's weights shuffled, the mask is another ({average}): it depends "
            "on the classifier, not on the recording alone."
        )
        if rise < -SLIGHT:
            good = None
            sentence += " But it is simpler, where of a classifier that knows nothing noise is due."
        elif check.absolute >= ALIKE:
            sentence += " But this recording leaves room for few different masks."
    elif rise > SLIGHT:
        good = None
        sentence = (
            f"With the classifier's weights shuffled, the mask is much the same ({average}), yet "
            "less clear: this recording leaves room for few different masks."
        )
    else:
        sentence = (
            f"With the classifier's weights shuffled, the mask is much the same ({average}): it "
            "shows the recording more than what the classifier makes of it."
        )
    return Finding("sanity", check.correlation, good, sentence, *cost)


def _rise(explanation: Explanation, found: Sequence[Explanation]) -> float:
    """Of the complexity in a random classifier; masks that are flat there are left out."""
    marking = [other for other in found if not marks_nothing(other)]
    if not marking:
        return math.nan
    if explanation.attribution is None:
        return complexity_rise(explanation.mask, [other.mask for other in marking])
    return complexity_rise(map_of(explanation), map(map_of, marking))
