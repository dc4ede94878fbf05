"""Which way up is a mask? A test on the black box itself.

A mask that was trained together with its student may come out inverted: the student reads the
score off whatever the mask leaves, so nothing ties its sign to the class. The test keeps the frames
where the mask's time profile is highest, then as many where it is lowest, at several sizes, fills
the rest with the background, and takes the polarity that keeps more of the score.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from daxaudio.containers import ScoreFn
from daxaudio.runs.asking import Mix, ask

SHARES = tuple(tenth / 10 for tenth in range(1, 10))


@dataclasses.dataclass(frozen=True)
class Polarity:
    """What the test found.

    Args:
        upright: True when the high frames keep at least as much of the score as the low ones.
        score_of_high: mean score with only the highest frames kept.
        score_of_low: mean score with only the lowest frames kept.
        n_queries: what the test cost.
    """

    upright: bool
    score_of_high: float
    score_of_low: float
    n_queries: int


def check_polarity(
    mask: Tensor,
    values: Tensor,
    background: Tensor,
    score_fn: ScoreFn,
    *,
    mix: Mix = torch.lerp,
) -> Polarity:
    """Ask the black box which end of a mask carries the evidence; 18 queries.

    Args:
        mask: `[F, T]` in [0, 1].
        values: `[F, T]`, the input that was explained.
        background: `[F, T]`, what stands where frames are masked off.
        score_fn: the black box.
        mix: how the background goes into the input; as it is by default.

    Returns:
        The finding; a tie counts as upright.

    Raises:
        ValueError: when the black box does not give one finite score per input.

    Example:
        >>> values = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]])
        >>> mask = 1 - values
        >>> check_polarity(mask, values, 0 * values, lambda x: x.amax((1, 2))).upright
        False
    """
    return compare_ends(
        mask.to(values.device), lambda masks: ask(score_fn, mix(background, values, masks))
    )


def compare_ends(mask: Tensor, ask_masked: Callable[[Tensor], Tensor]) -> Polarity:
    """The same test where the input is masked by whoever asks.

    Args:
        mask: `[F, T]` in [0, 1].
        ask_masked: masks `[n, F, T]`, 1 where the input is kept, to scores `[n]`.
    """
    order = mask.mean(dim=0).argsort(descending=True, stable=True)
    n_frames = len(order)
    kept = torch.zeros(2, len(SHARES), n_frames, device=mask.device)
    for row, share in enumerate(SHARES):
        size = max(1, round(share * n_frames))
        kept[0, row, order[:size]] = 1
        kept[1, row, order[n_frames - size :]] = 1
    scores = ask_masked(kept.flatten(0, 1)[:, None, :].expand(-1, *mask.shape))
    high, low = scores.unflatten(0, (2, len(SHARES))).mean(dim=1).tolist()
    return Polarity(high >= low, high, low, len(scores))
