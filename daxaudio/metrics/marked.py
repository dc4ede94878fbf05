"""The score without, and with nothing but, the bins that a mask marks, against bins elsewhere.

Conventions: a mask marks the bins at half its height or above, half-way between its least and its
greatest value. So neither scale nor offset of a mask change what it marks, and nothing is drawn:
the marked bins are a definite set. (The sum of the mask as its area would shrink when a mask is
scaled down, and grow when it is raised, with the same explanation.)

How much the score falls without the marked bins says little by itself: the more are marked the more
it falls, and a hole of one form does more harm than one of another. So it is held against the same
marked bins, moved: their number, their outline and their texture are the same, only the place is
not. Form and size alone give 0, whatever they are. What is marked may be moved in time and in
frequency, around the borders.
"""

from __future__ import annotations

import torch
from torch import Tensor

from daxaudio.containers import ScoreFn
from daxaudio.metrics.deletion import check_masks
from daxaudio.runs.asking import Mix, ask
from daxaudio.runs.batches import BatchSize, fit_batch
from daxaudio.runs.seeds import generator


def marked_bins(mask: Tensor) -> Tensor:
    """Where a mask is at half its height or above.

    Args:
        mask: `[..., F, T]`, at least 0.

    Returns:
        bool `[..., F, T]`. Of a flat mask all bins, of a mask of zeros none.

    Example:
        >>> marked_bins(torch.tensor([[0.2, 0.4, 0.7, 0.8]]))
        tensor([[False, False,  True,  True]])
    """
    low, high = mask.amin(dim=(-2, -1), keepdim=True), mask.amax(dim=(-2, -1), keepdim=True)
    return (mask >= (low + high) / 2) & (mask > 0)


def marked_share(mask: Tensor) -> float:
    """Share of the bins that a mask marks: its area.

    Args:
        mask: `[F, T]`, at least 0.

    Returns:
        In [0, 1]; no merit by itself.

    Example:
        >>> marked_share(torch.tensor([[0.2, 0.4, 0.7, 0.8]]))
        0.5
    """
    return float(marked_bins(mask).double().mean())


def scores_at_area(
    masks: Tensor,
    values: Tensor,
    background: Tensor,
    score_fn: ScoreFn,
    *,
    n_placements: int = 8,
    batch_size: BatchSize = "auto",
    mix: Mix = torch.lerp,
    seed: int = 0,
) -> list[dict[str, float]]:
    """Deletion and insertion of what each of M masks marks, against the same form elsewhere.

    Source: our own, after deletion and insertion (Petsiuk et al. 2018). Differs in that one share
    counts, the mask's own, and that what is reported is the gain over chance at that very share and
    form.

    Args:
        masks: `[M, F, T]` in [0, 1], one a method; 1 is most salient.
        values: `[F, T]` the input.
        background: `[F, T]`, what stands where the input does not.
        score_fn: `[n, F, T]` spectrograms to `[n]` scores. Asked 2 M (n_placements + 1) times.
        n_placements: places that the marked bins are moved to, spread evenly over time and over
            frequency from a drawn start; the same for every mask.
        batch_size: inputs made at once; changes memory, never the result.
        mix: how the background goes into the input; as it is by default.
        seed: of the places.

    Returns:
        One dictionary a mask, in their order, higher is better, chance is 0, in [-1, 1] for
        probabilities: `deletion_at_area`, the mean score without the moved bins less that without
        the marked ones; `insertion_at_area`, the score of nothing but the marked bins less the mean
        of nothing but the moved ones. 0 for a mask that marks nothing, or all.

    Raises:
        ValueError: when shapes disagree, a mask leaves [0, 1], a number is below 1, or `score_fn`
            does not give one finite score per input.

    Example:
        >>> mask = torch.tensor([[0.0, 0.9, 0.0, 0.0]])
        >>> heard = lambda inputs: inputs[:, 0, 1]  # listens to the second frame alone
        >>> asked = (mask[None], torch.ones(1, 4), torch.zeros(1, 4), heard)
        >>> scores_at_area(*asked, n_placements=4)
        [{'deletion_at_area': 0.75, 'insertion_at_area': 0.75}]
    """
    check_masks(masks, values, background, batch_size)
    if n_placements < 1:
        raise ValueError(f"n_placements must be at least 1, got {n_placements}")
    marked = marked_bins(masks.detach()).to(values.device)
    offsets = [(0, 0), *_placements(values.shape[0], values.shape[1], n_placements, seed)]
    at_once = fit_batch(batch_size, values.shape, values.device)
    rows = [(mask, offset, kept) for mask in marked for offset in offsets for kept in (False, True)]
    scores: list[float] = []
    for start in range(0, len(rows), at_once):
        kept = torch.stack([_keep(*row) for row in rows[start : start + at_once]])
        scores += ask(score_fn, mix(background, values, kept.to(values))).tolist()
    found = torch.tensor(scores, dtype=torch.float64).view(len(masks), len(offsets), 2)
    own, elsewhere = found[:, 0], found[:, 1:].mean(dim=1)
    without, alone = elsewhere[:, 0] - own[:, 0], own[:, 1] - elsewhere[:, 1]
    return [
        {"deletion_at_area": deletion, "insertion_at_area": insertion}
        for deletion, insertion in zip(without.tolist(), alone.tolist(), strict=True)
    ]


def _placements(n_bins: int, n_frames: int, n: int, seed: int) -> list[tuple[int, int]]:
    """How far the marked bins are moved: every place equally likely, n of them far apart."""
    random = generator(seed, "placements")
    starts = torch.rand(2, 1, generator=random, dtype=torch.float64)
    steps = torch.stack([torch.randperm(n, generator=random), torch.arange(n)])
    shares = (starts + steps) / n
    bins, frames = (shares * torch.tensor([[n_bins], [n_frames]])).long().tolist()
    return list(zip(bins, frames, strict=True))


def _keep(marked: Tensor, offset: tuple[int, int], kept: bool) -> Tensor:
    """What is kept of the input, bool `[F, T]`: the marked bins, moved, or all others."""
    moved = marked.roll(offset, dims=(0, 1))
    return moved if kept else ~moved
