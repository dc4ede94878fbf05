"""Perturb the cells of a grid by points that cover all combinations evenly (Sobol's sequence).

Points are scrambled by the seed, by a random linear map of their digits and a shift (Matousek 1998,
as scipy has it): each one is uniform, so that means are unbiased, and together they leave no large
gap.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import torch
from torch import Tensor

from daxaudio.containers import ScoreFn, Spectrogram
from daxaudio.perturbation.fills import Fill
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, Rows, check_spectrogram
from daxaudio.perturbation.query import answer, unasked_by
from daxaudio.perturbation.segments import Grid
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import derive_seed

_MOST_COORDINATES = 21201
"""Dimensions for which scipy has direction numbers (Joe and Kuo 2008)."""


@dataclasses.dataclass(frozen=True)
class QuasiRandomSampler:
    """Keep or mask off the cells of a grid, each half of the time, in even combinations.

    Args:
        n_samples: Q, the number of perturbed inputs.
        cells: (rows, columns) of the grid, over frequency and time; borders are sharp.
        fill: what stands where a cell is masked off.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the scrambling.

    Raises:
        ValueError: when a number is out of its range, or (when called) the grid is finer than the
            spectrogram.

    Example:
        >>> picture = Spectrogram(torch.zeros(2, 4), torch.arange(2.0), torch.arange(4.0))
        >>> drawn = QuasiRandomSampler(64, cells=(1, 2)).draw(picture)
        >>> drawn.perturbation.kept.sum(dim=0).tolist()
        [32, 32]
    """

    n_samples: int = 1000
    cells: tuple[int, int] = (4, 12)
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.n_samples, self.cells, _MOST_COORDINATES)
        check_batch_size(self.batch_size)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; Q + 2 queries."""
        return answer(self.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        segments, n_cells = _cut(spectrogram, self.cells)
        check_fits("perturbed inputs", self.n_samples, 32 * n_cells + 512, "n_samples")
        seed = derive_seed(self.seed, "cells", spectrogram.recording_id)
        kept = sobol_points(self.n_samples, n_cells, seed) >= 0.5
        masks = SegmentMasks(segments, kept.to(segments.device))
        return unasked_by(self, spectrogram, masks, segments=segments, began=began)


@dataclasses.dataclass(frozen=True, eq=False)
class ReplicatedCells:
    """N points, and of each of K cells the same points with another value of this cell alone.

    A value is how much of a cell is kept. The first N samples are the points themselves, then
    follow those with another value of the first cell, and so on: N (K + 1) samples.

    Args:
        segments: int64 `[F, T]`, the cell of each bin, 0 to K - 1.
        points: `[N, K]` in [0, 1].
        others: `[N, K]`, the other values.

    Example:
        >>> cells = torch.tensor([[0, 1]])
        >>> masks = ReplicatedCells(cells, torch.tensor([[0.25, 0.5]]), torch.tensor([[1.0, 0.0]]))
        >>> masks.masks(slice(None))[:, 0]
        tensor([[0.2500, 0.5000],
                [1.0000, 0.5000],
                [0.2500, 0.0000]])
    """

    segments: Tensor
    points: Tensor
    others: Tensor

    def __len__(self) -> int:
        n_points, n_cells = self.points.shape
        return n_points * (n_cells + 1)

    @property
    def kept(self) -> Tensor:
        """`[N (K + 1), K]` bool: which cells are kept by half at least."""
        return self.values(slice(None)) >= 0.5

    def values(self, rows: Rows) -> Tensor:
        """`[n, K]`: how much of each cell samples keep."""
        chosen = torch.arange(len(self), device=self.points.device)[rows]
        place, cell = chosen % len(self.points), chosen // len(self.points) - 1
        replaced = torch.arange(self.points.shape[1], device=chosen.device) == cell[:, None]
        return torch.where(replaced, self.others[place], self.points[place])

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 in [0, 1] of n samples, 1 where the sample keeps the input."""
        values = self.values(rows)
        return values.index_select(1, self.segments.flatten()).unflatten(1, self.segments.shape)


@dataclasses.dataclass(frozen=True)
class ReplicatedSampler:
    """Keep any part of each cell of a grid, and change one cell at a time.

    As many points as K + 1 queries each allow: with 1000 queries and 12 cells 76, which are 988.

    Args:
        n_samples: Q, the most perturbed inputs.
        cells: (rows, columns) of the grid, over frequency and time; borders are sharp.
        fill: what stands where a cell is masked off.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the scrambling.

    Raises:
        ValueError: when a number is out of its range, or (when called) the grid is finer than the
            spectrogram, or has more cells than the queries allow.
    """

    n_samples: int = 1000
    cells: tuple[int, int] = (2, 6)
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.n_samples, self.cells, _MOST_COORDINATES // 2)
        check_batch_size(self.batch_size)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; at most Q + 2 queries."""
        return answer(self.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        segments, n_cells = _cut(spectrogram, self.cells)
        n_points = self.n_samples // (n_cells + 1)
        if n_points < 1:
            raise ValueError(
                f"{n_cells} cells, each changed by itself, need at least {n_cells + 1} queries, "
                f"got n_samples={self.n_samples}: allow more or take fewer cells"
            )
        check_fits("points", n_points, 32 * n_cells + 512 * (n_cells + 1), "n_samples")
        seed = derive_seed(self.seed, "replicated cells", spectrogram.recording_id)
        both = sobol_points(n_points, 2 * n_cells, seed).float().to(segments.device)
        masks = ReplicatedCells(segments, *both.split(n_cells, dim=1))
        return unasked_by(self, spectrogram, masks, segments=segments, began=began)


def sobol_points(n_points: int, n_coordinates: int, seed: int) -> Tensor:
    """The first points of a scrambled Sobol sequence.

    Args:
        n_points: N; the sequence is most even where it is a power of two.
        n_coordinates: of each point, at most 21201.
        seed: of the scrambling.

    Returns:
        float64 `[N, n_coordinates]` in [0, 1).

    Example:
        >>> points = sobol_points(8, 2, seed=0)
        >>> [int((points[:, 0] * 8).floor().unique().numel()), tuple(points.shape)]
        [8, (8, 2)]
    """
    from scipy.stats import qmc  # slow to come

    sequence = qmc.Sobol(n_coordinates, scramble=True, rng=np.random.default_rng(seed))
    return torch.from_numpy(sequence.random_base2((n_points - 1).bit_length())[:n_points])


def _cut(spectrogram: Spectrogram, cells: tuple[int, int]) -> tuple[Tensor, int]:
    """The cell of each bin, int64 `[F, T]`, and how many cells there are."""
    shape = tuple(spectrogram.values.shape)
    if shape[0] < cells[0] or shape[1] < cells[1]:
        raise ValueError(f"a grid of {cells} cells is finer than the spectrogram {shape}")
    return Grid(*cells)(spectrogram), cells[0] * cells[1]


def _check(n_samples: int, cells: tuple[int, int], most: int) -> None:
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    if min(cells) < 1 or not 2 <= cells[0] * cells[1] <= most:
        raise ValueError(f"cells need (rows, columns), 2 to {most} cells in all, got {cells}")
