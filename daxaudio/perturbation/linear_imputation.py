"""Noisy linear imputation: what is taken away becomes what its neighbours have on average.

Conventions: masks are 0 where a bin is taken away and 1 where it is kept. Too slow for the
thousands of queries of an explanation: it is for measures.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import scipy.sparse
import torch
from scipy.sparse.linalg import splu
from torch import Tensor

from daxaudio.runs.seeds import generator

_NEAR, _DIAGONAL = 1 / 6, 1 / 12
"""Weights of the four bins beside one and of the four at its corners (Rong et al. 2022)."""


@dataclasses.dataclass(frozen=True)
class LinearImputation:
    """Puts the weighted mean of its eight neighbours in the place of each removed bin, and noise.

    The neighbours of a removed bin may be removed too: all removed bins are found at once, by a
    sparse linear system. So a gap is filled smoothly from its borders, whatever its form, and the
    black box sees no outline of it.

    Source: Rong et al. 2022 (ROAD), noisy linear imputation. Differs in that the noise is a part of
    the input's own standard deviation (theirs is 0.01 of images that are normalised to about 1), is
    drawn from a seed, and is one draw for all masks of an input, so that batches change nothing.
    Unlike the fill "inpaint" it is linear between the borders and has noise; that one is much
    faster.

    Args:
        noise: standard deviation of what is added to removed bins, in those of the input.
        seed: of the noise.

    Raises:
        ValueError: when the noise is below 0.

    Example:
        >>> values, kept = torch.tensor([[3.0, 9.0, 5.0]]), torch.tensor([[[1.0, 0.0, 1.0]]])
        >>> LinearImputation(noise=0.0)(torch.zeros(1, 3), values, kept)
        tensor([[[3., 4., 5.]]])
    """

    noise: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.noise >= 0:
            raise ValueError(f"noise must be at least 0, got {self.noise}")

    def __call__(self, background: Tensor, values: Tensor, masks: Tensor) -> Tensor:
        """Inputs whose removed bins are imputed: a way to mix, as `perturbation_curves` takes it.

        Args:
            background: `[F, T]`, stands where nothing is kept at all.
            values: `[F, T]`, the input.
            masks: `[n, F, T]`, 0 where a bin is removed, else 1.

        Returns:
            `[n, F, T]`, the input where a mask is 1.

        Raises:
            ValueError: when a mask holds another value than 0 and 1.
        """
        kept = masks > 0.5
        if not torch.equal(kept.to(masks), masks):
            raise ValueError("masks of a linear imputation must be 0 or 1: a bin is kept or not")
        random = torch.randn(values.shape, generator=generator(self.seed, "imputation"))
        noise = self.noise * values.std(correction=0) * random.to(values)
        drawn = torch.stack([_impute(background, values, one) for one in kept])
        return torch.where(kept, values, drawn + noise * kept.flatten(1).any(dim=1)[:, None, None])


def _impute(background: Tensor, values: Tensor, kept: Tensor) -> Tensor:
    """One input `[F, T]` without noise."""
    if not bool(kept.any()):
        return background
    if bool(kept.all()):
        return values
    weights = _neighbours(*values.shape)
    known = values.double().flatten().cpu().numpy()
    stays = kept.flatten().cpu().numpy()
    rows = weights[~stays]
    # its own weight, at the borders of the input too, is the sum of those of its neighbours
    system = scipy.sparse.diags_array(rows.sum(axis=1)) - rows[:, ~stays]
    solver = splu(
        system.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,  # it is symmetric and positive definite: nothing is to be pivoted
        options={"SymmetricMode": True},
    )
    filled = known.copy()
    filled[~stays] = solver.solve(rows[:, stays] @ known[stays])
    return torch.from_numpy(filled).view(values.shape).to(values)


@functools.lru_cache(maxsize=2)
def _neighbours(n_bins: int, n_frames: int) -> scipy.sparse.csr_array:
    """Weights of the neighbours of each bin, `[F T, F T]`, bins numbered row by row."""
    index = np.arange(n_bins * n_frames).reshape(n_bins, n_frames)
    pairs = [
        (index[:-1], index[1:], _NEAR),
        (index[:, :-1], index[:, 1:], _NEAR),
        (index[:-1, :-1], index[1:, 1:], _DIAGONAL),
        (index[:-1, 1:], index[1:, :-1], _DIAGONAL),
    ]
    first = np.concatenate([one.ravel() for one, _, _ in pairs])
    second = np.concatenate([other.ravel() for _, other, _ in pairs])
    weights = np.concatenate([np.full(one.size, weight) for one, _, weight in pairs])
    half = scipy.sparse.coo_array((weights, (first, second)), shape=(index.size, index.size))
    return scipy.sparse.csr_array(half + half.T)
