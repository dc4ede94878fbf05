"""Does the mask foretell by how much the score falls, whatever is taken away?

Conventions: parts of the input become the background, many times; a drop is the score of the input
less that of what is left. What is taken away is drawn once for a recording and is the same for
every mask, so any number of masks costs the same queries.

| measure | what is taken away | what is compared | best, chance |
|---|---|---|---|
| `faithfulness_correlation` | a quarter of the bins, blobs | drop, sum of the mask there | 1, 0 |
| `infidelity` | the same | the same, as squared error | 0, as a flat mask |
| `band_faithfulness` | one band of the frequencies | drop, mean of the mask there | 1, 0 |
| `window_faithfulness` | one window of the time | drop, mean of the mask there | 1, 0 |

A mask that tells nothing apart has chance, not NaN: who says nothing is not left out. A black box
whose score does not change, whatever is taken away, says nothing of any mask: NaN for all.

Blobs, because single bins taken away at random hold the same share of any mask, and leave nearly
everything to be heard. They lie on no grid, so no method's own segments or cells suit them better.
Few bands and windows, because of many each takes away so little that their ranks are chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import scipy
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.containers import ScoreFn
from daxaudio.metrics.deletion import check_masks
from daxaudio.metrics.events import Numbers, to_array
from daxaudio.runs.asking import Mix, ask
from daxaudio.runs.batches import BatchSize, fit_batch
from daxaudio.runs.seeds import generator

ROUNDING = 1e-6
"""A score that changes by less than this has not changed."""

SHARE = 0.25
"""Share of the bins that is taken away in blobs."""

_BLOBS = (8, 24)
"""Independent values of the random field, over frequency and over time, whose top is taken away."""


def faithfulness_correlation(sums: Numbers, drops: Numbers) -> float:
    """Pearson's correlation of the mask in what was taken away with what the score lost by it.

    Source: Bhatt et al. 2020. Differs in what is taken away: blobs of a fixed number of bins, see
    above, not single inputs; and in that a flat mask has 0.

    Args:
        sums: `[N]`, of the mask over what was taken away, in any unit.
        drops: `[N]`, of the score.

    Returns:
        From 1 over 0, chance, to -1; 0 when the sums are all the same, NaN when the drops are, but
        for 1e-6.

    Raises:
        ValueError: when they are not equally long or a value is not finite.

    Example:
        >>> faithfulness_correlation([1, 2, 3], [0.2, 0.4, 0.6])
        1.0
    """
    said, lost = _pair(sums, drops)
    if np.ptp(lost) <= ROUNDING:
        return float("nan")
    if _is_flat(said):
        return 0.0
    return float(np.clip(np.corrcoef(said, lost)[0, 1], -1, 1))


def infidelity(sums: Numbers, drops: Numbers) -> float:
    """Share of the squared drops that the mask, scaled as well as can be, does not foretell.

    sum (b s - d)^2 / sum d^2 over the drops d and the sums s, with the b of at least 0 that makes
    it least.

    Source: Yeh et al. 2019, with their optimal scaling, as in captum's `infidelity` with
    `normalize`; the perturbation is the set of what is taken away, times what was there. Differs in
    that it is divided by the mean squared drop, so that masks, classes and recordings of all units
    compare, and in that b is never below 0: a mask that says the opposite foretells nothing.

    Args:
        sums: `[N]`, of the mask over what was taken away, in any unit.
        drops: `[N]`, of the score.

    Returns:
        From 0, all is foretold, to 1; lower is better. A flat mask has the variance of the drops
        over their mean square, a mask of zeros 1. NaN when no drop is beyond 1e-6.

    Raises:
        ValueError: when they are not equally long or a value is not finite.

    Example:
        >>> infidelity([1, 2, 2], [0.25, 0.5, 0.5]), infidelity([1, 0], [0.2, 0.2])
        (0.0, 0.5)
    """
    said, lost = _pair(sums, drops)
    if np.abs(lost).max() <= ROUNDING:
        return float("nan")
    if not np.any(said):
        return 1.0
    common = max(0.0, float(said @ lost))
    return max(0.0, 1 - common**2 / float((said @ said) * (lost @ lost)))


def part_faithfulness(means: Numbers, drops: Numbers) -> float:
    """Spearman's rank correlation of the mask's mean in each part with what the score lost by it.

    Source: after the removal of bands in studies of anomalous sounds; a part at a time, so that it
    says whether the mask is right about frequency, or about time, by itself.

    Args:
        means: `[K]`, of the mask in each part.
        drops: `[K]`, of the score when the part is taken away; rounded to 1e-6.

    Returns:
        From 1 over 0, chance, to -1; tied parts share a rank. 0 when the means are all the same,
        NaN when the drops are, or with fewer than three parts.

    Raises:
        ValueError: when they are not equally long or a value is not finite.

    Example:
        >>> part_faithfulness([0.1, 0.9, 0.2], [0.0, 0.5, 0.1])
        1.0
    """
    said, lost = _pair(means, drops)
    if len(lost) < 3 or np.ptp(lost) <= ROUNDING:
        return float("nan")
    if _is_flat(said):
        return 0.0
    found = scipy.stats.spearmanr(said.round(9), lost.round(6)).statistic
    return float(np.clip(found, -1, 1))


def correlation_measures(
    masks: Tensor,
    values: Tensor,
    background: Tensor,
    score_fn: ScoreFn,
    *,
    n_subsets: int = 128,
    n_parts: int = 8,
    batch_size: BatchSize = "auto",
    mix: Mix = torch.lerp,
    seed: int = 0,
) -> list[dict[str, float]]:
    """All four measures of M masks of one recording, asked together.

    Args:
        masks: `[M, F, T]` in [0, 1], one a method; 1 is most salient.
        values: `[F, T]` the input.
        background: `[F, T]`, what stands where the input does not.
        score_fn: `[n, F, T]` spectrograms to `[n]` scores. Asked n_subsets + 2 n_parts + 1 times,
            however many masks there are.
        n_subsets: times that a quarter of the bins is taken away; at least 2.
        n_parts: bands, and windows, of as equally many bins and frames as can be; at most as many
            as there are bins or frames.
        batch_size: inputs made at once; changes memory, never the result.
        mix: how the background goes into the input; as it is by default.
        seed: of what is taken away.

    Returns:
        One dictionary a mask, in their order: `faithfulness_correlation`, `infidelity`,
        `band_faithfulness`, `window_faithfulness`.

    Raises:
        ValueError: when shapes disagree, a mask leaves [0, 1], a number is too small, or `score_fn`
            does not give one finite score per input.

    Example:
        >>> mask = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
        >>> heard = lambda inputs: inputs[:, 0, 1]  # listens to the second frame alone
        >>> asked = (mask[None], torch.ones(1, 4), torch.zeros(1, 4), heard)
        >>> found, = correlation_measures(*asked)
        >>> [round(value, 3) for value in found.values()]  # one band has no order
        [1.0, 0.0, nan, 1.0]
    """
    check_masks(masks, values, background, batch_size)
    for name, value, least in (("n_subsets", n_subsets, 2), ("n_parts", n_parts, 1)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    blobs = _draw_blobs(values.shape, n_subsets, seed)
    bands = _cut(values.shape, 0, n_parts)
    windows = _cut(values.shape, 1, n_parts)
    at_once = fit_batch(batch_size, values.shape, values.device)
    levels = masks.detach().cpu().flatten(1).double()
    score = ask(score_fn, values[None]).double()
    rows: list[tuple[Tensor, Tensor, Tensor]] = []  # of each batch
    for taken in _in_batches(itertools.chain(blobs, bands, windows), at_once):
        inputs = mix(background, values, (~taken).to(values))
        flat = taken.flatten(1).double()
        rows.append((score - ask(score_fn, inputs).double(), levels @ flat.T, flat.sum(dim=1)))
    drops, sums, sizes = (torch.cat(parts, dim=-1) for parts in zip(*rows, strict=True))
    ends = [n_subsets, n_subsets + min(n_parts, values.shape[0])]
    by_blob, by_band, by_window = np.split(drops.numpy(), ends)
    found = []
    for one in sums:
        in_blobs = one[:n_subsets]
        _, in_bands, in_windows = np.split((one / sizes).numpy(), ends)
        found.append(
            {
                "faithfulness_correlation": faithfulness_correlation(in_blobs, by_blob),
                "infidelity": infidelity(in_blobs, by_blob),
                "band_faithfulness": part_faithfulness(in_bands, by_band),
                "window_faithfulness": part_faithfulness(in_windows, by_window),
            }
        )
    return found


def _pair(first: Numbers, second: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pair = to_array(first, "of the mask"), to_array(second, "drops")
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape:
        raise ValueError(
            "what the mask says and the drops must be two lists of one length, got shapes "
            f"{pair[0].shape} and {pair[1].shape}"
        )
    return pair[0].astype(np.float64), pair[1].astype(np.float64)


def _is_flat(values: NDArray[np.float64]) -> bool:
    """Whether they differ by no more than the rounding of their sums."""
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _draw_blobs(shape: Sequence[int], n: int, seed: int) -> Iterator[Tensor]:
    """What is taken away, bool `[F, T]`: the top of a smooth random field, moved around."""
    n_bins, n_frames = shape
    n_taken = max(1, round(SHARE * n_bins * n_frames))
    for place in range(n):
        random = generator(seed, "blobs", place)
        coarse = torch.randn(min(_BLOBS[0], n_bins), min(_BLOBS[1], n_frames), generator=random)
        field = F.interpolate(coarse[None, None], size=(n_bins, n_frames), mode="bilinear")[0, 0]
        taken = torch.zeros(n_bins * n_frames, dtype=torch.bool)
        taken[field.flatten().topk(n_taken).indices] = True
        # moved, as the field is wilder at its own values than between them: all are as likely
        offsets = [int(torch.randint(size, (), generator=random)) for size in (n_bins, n_frames)]
        yield taken.view(n_bins, n_frames).roll(offsets, dims=(0, 1))


def _cut(shape: Sequence[int], axis: int, n_parts: int) -> Iterator[Tensor]:
    """Parts of one axis, as equal as can be, each bool `[F, T]`."""
    size = shape[axis]
    n = min(n_parts, size)
    part_of = torch.arange(size) * n // size
    along = part_of[:, None] if axis == 0 else part_of[None]
    for part in range(n):
        yield (along == part).expand(*shape)


def _in_batches(sets: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    while batch := list(itertools.islice(sets, size)):
        yield torch.stack(batch)
