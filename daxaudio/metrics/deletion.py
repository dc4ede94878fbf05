"""Deletion and insertion: how the score falls, or rises, as the best places go, or come.

Conventions: a mask `[F, T]` in [0, 1] says in which order parts of the input change, highest
first. Deletion starts with the input and puts the background in its place, part by part; insertion
starts with the background and puts the input in its place. The x axis is the share of the bins (of
the frames, where whole frames or events change) that have changed, from 0 to 1, both ends included.

Parts that the mask does not tell apart change in an order that is drawn once, and is the same for
every mask. By position, a flat mask would go through the recording from one end to the other, and
would be good or bad by where the event happens to lie; so it is no better than a random mask.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import Event, Events, ScoreFn
from daxaudio.metrics.events import Numbers, to_array
from daxaudio.runs.asking import Mix, ask
from daxaudio.runs.batches import BatchSize, check_batch_size, fit_batch
from daxaudio.runs.seeds import generator
from daxaudio.runs.tolerances import TIME_TOLERANCE

Direction = Literal["deletion", "insertion"]
"""Whether parts of the input go or come."""

Unit = Literal["bins", "frames", "events"]
"""What goes or comes at once: a bin, a frame, or the stretch of an event or of a gap."""


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """The score of one input while more and more of it changes.

    Args:
        scores: float64 `[P]`, the black box's scores.
        shares: float64 `[P]`, share of the bins or frames that have changed; from 0 to 1,
            increasing. At 0 a deletion is the input and an insertion the background, at 1 the
            other one.
        direction: "deletion" or "insertion".
        unit: what changes at once.
        fill: what the background is, in a word.

    Raises:
        ValueError: when the two are not equally long, the shares do not increase from 0 to 1, or a
            score is not finite.

    Example:
        >>> curve = Curve(np.array([1.0, 0.2, 0.0]), np.array([0.0, 0.5, 1.0]), "deletion", "bins")
        >>> round(curve.auc, 3), round(curve.drop, 3)
        (0.35, 0.65)
    """

    scores: NDArray[np.float64]
    shares: NDArray[np.float64]
    direction: Direction
    unit: Unit
    _: dataclasses.KW_ONLY
    fill: str = ""

    def __post_init__(self) -> None:
        if self.scores.ndim != 1 or self.scores.shape != self.shares.shape or len(self.scores) < 2:
            raise ValueError(
                "scores and shares must be equally long lists of two or more, got shapes "
                f"{self.scores.shape} and {self.shares.shape}"
            )
        ends = (self.shares[0], self.shares[-1])
        if ends != (0, 1) or not (np.diff(self.shares) > 0).all():
            raise ValueError("shares must increase from 0 to 1")
        if not np.isfinite(self.scores).all():
            raise ValueError("scores hold NaN or infinite values")

    @property
    def auc(self) -> float:
        """Area under the scores over the shares, by trapezoids, both ends included.

        In the range of the scores. Of a deletion lower is better, of an insertion higher.
        """
        heights = (self.scores[1:] + self.scores[:-1]) / 2
        return float((heights * np.diff(self.shares)).sum())

    @property
    def drop(self) -> float:
        """How far the score lies below that of the unchanged input, on average over the curve.

        Of a deletion higher is better, of an insertion lower.
        """
        original = self.scores[0 if self.direction == "deletion" else -1]
        return float(original) - self.auc

    def as_dict(self) -> dict[str, Any]:
        """The curve and its area as plain values, for JSON."""
        return {
            "direction": self.direction,
            "unit": self.unit,
            "fill": self.fill,
            "shares": self.shares.tolist(),
            "scores": self.scores.tolist(),
            "auc": self.auc,
        }


def check_masks(masks: Tensor, values: Tensor, background: Tensor, batch_size: BatchSize) -> None:
    """Refuse what cannot be masked.

    Args:
        masks: should be `[M, F, T]` in [0, 1], M at least 1.
        values: should be `[F, T]`.
        background: should be `[F, T]`.
        batch_size: should be at least 1.

    Raises:
        ValueError: when one is not as it should be.

    Example:
        >>> check_masks(torch.ones(2, 3), torch.zeros(2, 3), torch.zeros(2, 3), 64)
        Traceback (most recent call last):
        ValueError: masks must be [M, F, T] with M at least 1 and (F, T) = (2, 3), got shape (2, 3)
    """
    if values.ndim != 2 or values.shape != background.shape:
        raise ValueError(
            f"values and background must both be [F, T], got shapes {tuple(values.shape)} and "
            f"{tuple(background.shape)}"
        )
    if masks.ndim != 3 or masks.shape[1:] != values.shape or len(masks) == 0:
        raise ValueError(
            f"masks must be [M, F, T] with M at least 1 and (F, T) = {tuple(values.shape)}, "
            f"got shape {tuple(masks.shape)}"
        )
    if not bool(((masks >= 0) & (masks <= 1)).all()):
        raise ValueError("masks leave [0, 1] or hold NaN; scale them by scale_to_mask")
    check_batch_size(batch_size)


def _check_settings(direction: str, unit: str, n_steps: int) -> None:
    for name, value, kind in (("direction", direction, Direction), ("unit", unit, Unit)):
        if value not in get_args(kind):
            raise ValueError(f"{name} must be one of {', '.join(get_args(kind))}, got {value!r}")
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}")


def perturbation_curves(
    masks: Tensor,
    values: Tensor,
    background: Tensor,
    score_fn: ScoreFn,
    *,
    direction: Direction,
    unit: Unit = "bins",
    n_steps: int = 32,
    events: Sequence[Event] = (),
    times: Numbers | None = None,
    batch_size: BatchSize = "auto",
    mix: Mix = torch.lerp,
    fill: str = "",
    seed: int = 0,
) -> list[Curve]:
    """Deletion or insertion curves of M masks of one recording, asked together.

    Source: Petsiuk et al. 2018 (RISE). Differs in that ties are broken by a drawn
    order and not by position (which moves a mask with large flat parts towards chance), and that
    insertion starts with the same background as deletion ends with, not with a blurred input.

    Args:
        masks: `[M, F, T]` in [0, 1], one a method; 1 is most salient.
        values: `[F, T]` the input.
        background: `[F, T]`, what stands where the input does not.
        score_fn: `[n, F, T]` spectrograms to `[n]` scores. Asked M * (n_steps - 1) + 2 times at
            most: the two ends are the same for every mask.
        direction: "deletion" or "insertion".
        unit: "bins" change singly, by the mask; "frames" as whole columns, by the mean of the mask
            over frequency; "events" as whole stretches of time, by the mean of the mask in them.
            The recording is cut into stretches at the start and the end of every event.
        n_steps: steps from 0 to 1, as equal as whole parts allow; fewer where there are fewer
            parts.
        events: where to cut, for "events".
        times: `[T]` frame centres in seconds, for "events".
        batch_size: inputs made at once; changes memory, never the result.
        mix: how the background goes into the input; as it is by default.
        fill: what the background is, in a word; stored in the curves.
        seed: of the order of parts that a mask does not tell apart.

    Returns:
        One curve a mask, in their order. With "events" their shares differ, and a recording that
        is one single stretch has a straight line for every mask.

    Raises:
        ValueError: when shapes disagree, a mask leaves [0, 1], a setting is unknown or below 1,
            "events" has no events or no times, or `score_fn` does not give one finite score per
            input.

    Example:
        >>> mask = torch.tensor([[0.1, 0.9, 0.2, 0.3]])
        >>> heard = lambda inputs: inputs[:, 0, 1]  # listens to the second frame alone
        >>> ones, zeros = torch.ones(1, 4), torch.zeros(1, 4)
        >>> curve, = perturbation_curves(mask[None], ones, zeros, heard, direction="deletion")
        >>> curve.shares.tolist(), curve.scores.tolist(), curve.auc
        ([0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0], 0.125)
    """
    check_masks(masks, values, background, batch_size)
    _check_settings(direction, unit, n_steps)
    part_of = _cut(values.shape, unit, events, times)
    order, sizes = _order_parts(masks, part_of, seed), part_of.flatten().bincount()
    steps = np.unique(np.rint(np.linspace(0, len(sizes), n_steps + 1)).astype(np.int64))
    n_changed = torch.nn.functional.pad(sizes[order].cumsum(dim=1), (1, 0))
    shares = n_changed[:, steps].double().numpy() / part_of.numel()
    ends = (values, background) if direction == "deletion" else (background, values)
    # The rank of the part that a bin belongs to is the step at which it changes: [M, F or 1, T].
    ranks = order.argsort(dim=1).int()[:, part_of].to(values.device)
    first, last = ask(score_fn, torch.stack(ends)).tolist()
    at_once = fit_batch(batch_size, values.shape, values.device)
    batches = _partly_changed(ranks, steps[1:-1].tolist(), at_once)
    kept = (~changed if direction == "deletion" else changed for changed in batches)
    inputs = (mix(background, values, _masks(part, values)) for part in kept)
    inner = [score for batch in inputs for score in ask(score_fn, batch).tolist()]
    rows = np.array(inner, dtype=np.float64).reshape(len(masks), len(steps) - 2)
    return [
        Curve(np.array([first, *row, last]), share, direction, unit, fill=fill)
        for row, share in zip(rows, shares, strict=True)
    ]


def _cut(
    shape: Sequence[int], unit: Unit, events: Sequence[Event], times: Numbers | None
) -> Tensor:
    """Which part each bin, int64 `[F, T]`, or each frame, `[1, T]`, belongs to; from 0 on."""
    n_bins, n_frames = shape
    if unit == "bins":
        return torch.arange(n_bins * n_frames).view(n_bins, n_frames)
    if unit == "frames":
        return torch.arange(n_frames)[None]
    if not events or times is None:
        raise ValueError("unit 'events' needs events and times; choose 'bins' or 'frames' without")
    centres = to_array(times, "times")
    if centres.shape != (n_frames,):
        raise ValueError(f"times must be [T] with T = {n_frames}, got shape {centres.shape}")
    borders = np.array(Events(events).borders)
    # Events that touch but for a rounding error have one border.
    borders = borders[np.diff(borders, prepend=-np.inf) > TIME_TOLERANCE]
    # A centre on a border belongs to what begins there, as everywhere: [start, end).
    stretches = np.searchsorted(borders, centres, side="right")
    _, stretches = np.unique(stretches, return_inverse=True)
    return torch.from_numpy(stretches.astype(np.int64))[None]


def _order_parts(masks: Tensor, part_of: Tensor, seed: int) -> Tensor:
    """Parts of each mask from the highest down, int64 `[M, parts]`."""
    levels = masks.detach().cpu().double()
    if len(part_of) == 1:
        levels = levels.mean(dim=1, keepdim=True)
    index, sizes = part_of.flatten(), part_of.flatten().bincount()
    sums = torch.zeros(len(masks), len(sizes), dtype=torch.float64)
    means = sums.index_add_(1, index, levels.flatten(1)) / sizes
    # Rounded, so that the same level, summed up over more or fewer bins, is still a tie.
    means = means.round(decimals=9)
    shuffled = torch.randperm(len(sizes), generator=generator(seed, "ties"))
    return shuffled[means[:, shuffled].argsort(dim=1, descending=True, stable=True)]


def _masks(kept: Tensor, values: Tensor) -> Tensor:
    """What is kept, `[n, F or 1, T]` bool, as masks `[n, F, T]`."""
    return kept.to(values).expand(-1, *values.shape)


def _partly_changed(ranks: Tensor, steps: Sequence[int], batch_size: int) -> Iterator[Tensor]:
    """What has changed, `[n, F or 1, T]` bool, of every mask at every step, one after the other."""
    n_inputs, step = len(ranks) * len(steps), torch.tensor(steps, device=ranks.device)
    for start in range(0, n_inputs, batch_size):
        rows = torch.arange(start, min(start + batch_size, n_inputs), device=ranks.device)
        yield ranks[rows // len(steps)] < step[rows % len(steps), None, None]
