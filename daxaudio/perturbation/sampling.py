"""Perturb an input lazily and ask the black box once; many explainers can share the answers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from daxaudio.containers import ScoreFn, Spectrogram
from daxaudio.perturbation.fills import Fill
from daxaudio.perturbation.masks import (
    GridMasks,
    JoinedGrids,
    SegmentMasks,
    cell_size,
    draw_coalitions,
    draw_kept,
)
from daxaudio.perturbation.neighbourhood import Neighbourhood, check_spectrogram
from daxaudio.perturbation.query import answer, unasked_by
from daxaudio.perturbation.segments import QuickShift, Segmenter, renumber
from daxaudio.runs.batches import BatchSize, check_batch_size, fit_batch
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import generator

_BYTES = 512
"""Memory that a sample takes beside what it keeps: scores, shifts, its share of all halvings."""


def closeness_weights(
    neighbourhood: Neighbourhood, at_most: int | None = None, batch_size: BatchSize = "auto"
) -> Tensor:
    """The paper's gamma_i, proportional to 1 / ||x - x_i||, scaled to mean 1.

    Args:
        neighbourhood: perturbed inputs of one spectrogram.
        at_most: only the first so many samples; None for all.
        batch_size: inputs made at once.

    Returns:
        `[N]` on the CPU. A sample that equals the input gets the weight of the closest other one.
    """
    distances = distances_to_input(neighbourhood, at_most, batch_size)
    moved = distances[distances > 0]
    if len(moved) == 0:
        return torch.ones(len(distances))
    weights = 1 / distances.clamp(min=float(moved.min()))
    return weights / weights.mean()


def distances_to_input(
    neighbourhood: Neighbourhood, at_most: int | None = None, batch_size: BatchSize = "auto"
) -> Tensor:
    """Euclidean distance of each perturbed spectrogram to the input, `[N]` on the CPU.

    Args:
        neighbourhood: perturbed inputs of one spectrogram.
        at_most: only the first so many samples; None for all.
        batch_size: inputs made at once.
    """
    values = neighbourhood.spectrogram.values
    n_rows = len(range(neighbourhood.n_samples)[:at_most])
    at_once = fit_batch(batch_size, values.shape, values.device)
    batches = [slice(first, min(first + at_once, n_rows)) for first in range(0, n_rows, at_once)]
    return torch.cat(
        [(neighbourhood.inputs(rows) - values).flatten(1).norm(dim=1) for rows in batches]
    ).cpu()


@dataclasses.dataclass(frozen=True)
class SegmentSampler:
    """Draw a neighbourhood by keeping and dropping segments.

    Args:
        n_samples: Q, the number of perturbed inputs.
        segmenter: spectrogram to segments; labels of any whole numbers.
        keep: probability that a segment is kept ("bernoulli" only).
        sampling: "bernoulli" keeps each segment on its own; "shapley" draws subsets as the Shapley
            kernel weighs them.
        fill: what stands where a segment is masked off.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the draws.

    Raises:
        ValueError: when a number is out of its range, or (when called) that many samples need more
            memory than there is.
    """

    n_samples: int = 1000
    segmenter: Segmenter = dataclasses.field(default_factory=QuickShift)
    keep: float = 0.5
    sampling: Literal["bernoulli", "shapley"] = "bernoulli"
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_drawing(self.n_samples, self.keep, self.batch_size)
        if self.sampling not in ("bernoulli", "shapley"):
            raise ValueError(f"sampling must be 'bernoulli' or 'shapley', got {self.sampling!r}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Segment, draw, and ask the black box; Q + 2 queries."""
        return answer(self.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Segment and draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        segments = renumber(self.segmenter(spectrogram), spectrogram)
        n_parts = int(segments.max()) + 1
        # a regression holds a few numbers in float64 for each part
        check_fits("perturbed inputs", self.n_samples, 40 * n_parts + _BYTES, "n_samples")
        random = generator(self.seed, "segments", spectrogram.recording_id)
        if self.sampling == "shapley":
            kept = draw_coalitions(self.n_samples, n_parts, random)
        else:
            kept = draw_kept(self.n_samples, n_parts, self.keep, random)
        masks = SegmentMasks(segments, kept.to(segments.device))
        return unasked_by(
            self, spectrogram, masks, segments=segments, began=began, n_segments=n_parts
        )


@dataclasses.dataclass(frozen=True)
class GridSampler:
    """Draw a neighbourhood of smooth grids shifted at random.

    Args:
        n_samples: Q, the number of perturbed inputs.
        cells: (rows, columns) of the grid, over frequency and time.
        keep: probability that a cell is kept.
        fill: what stands where the mask is 0.
        antithetic: draw in mirrored pairs.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the draws.

    Raises:
        ValueError: when a number is out of its range, or (when called) that many samples need more
            memory than there is.
    """

    n_samples: int = 1000
    cells: tuple[int, int] = (4, 12)
    keep: float = 0.5
    fill: Fill = "global_mean"
    antithetic: bool = False
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_drawing(self.n_samples, self.keep, self.batch_size)
        if min(self.cells) < 1:
            raise ValueError(f"cells must be at least 1 in each direction, got {self.cells}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; Q + 2 queries."""
        return answer(self.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        shape = spectrogram.values.shape
        if shape[0] < self.cells[0] or shape[1] < self.cells[1]:
            raise ValueError(
                f"a grid of {self.cells} cells is finer than the spectrogram {tuple(shape)}"
            )
        _check_grid_fits(self.n_samples, [self.cells])
        random = generator(self.seed, "grid", spectrogram.recording_id)
        masks = draw_grid(
            spectrogram,
            self.cells,
            n_samples=self.n_samples,
            keep=self.keep,
            random=random,
            antithetic=self.antithetic,
        )
        return unasked_by(self, spectrogram, masks, began=began)


@dataclasses.dataclass(frozen=True)
class MultiGridSampler:
    """Draw a neighbourhood of smooth grids of several resolutions.

    Coarse grids tell when and roughly where with few samples; fine ones draw the borders. Each
    resolution gets an equal share of the samples. A grid that is finer than the spectrogram is
    reduced to one cell a bin.

    Args:
        n_samples: Q, the number of perturbed inputs of all grids together.
        grids: (rows, columns) of each grid, over frequency and time.
        keep: probability that a cell is kept.
        fill: what stands where the mask is 0.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the draws.

    Raises:
        ValueError: when a number is out of its range, or there are fewer samples than grids.
    """

    n_samples: int = 1000
    grids: tuple[tuple[int, int], ...] = ((2, 6), (4, 12), (8, 24))
    keep: float = 0.5
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_drawing(self.n_samples, self.keep, self.batch_size)
        pairs = all(len(cells) == 2 and min(cells) >= 1 for cells in self.grids)
        if not self.grids or not pairs:
            raise ValueError(f"grids need one or more (rows, columns) of at least 1: {self.grids}")
        if self.n_samples < len(self.grids):
            raise ValueError(
                f"{len(self.grids)} grids need at least as many samples, got {self.n_samples}"
            )

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; Q + 2 queries."""
        return answer(self.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        bins, frames = spectrogram.values.shape
        _check_grid_fits(self.n_samples, self.grids)
        parts = []
        for index, (rows, columns) in enumerate(self.grids):
            share = len(range(index, self.n_samples, len(self.grids)))
            cells = (min(rows, bins), min(columns, frames))
            random = generator(self.seed, "grids", index, spectrogram.recording_id)
            parts.append(
                draw_grid(spectrogram, cells, n_samples=share, keep=self.keep, random=random)
            )
        masks = JoinedGrids(tuple(parts))
        return unasked_by(self, spectrogram, masks, began=began)


def draw_grid(
    spectrogram: Spectrogram,
    cells: tuple[int, int],
    *,
    n_samples: int,
    keep: float,
    random: torch.Generator,
    antithetic: bool = False,
) -> GridMasks:
    """Draw which cells of a grid are kept, and by how much each grid is shifted.

    Args:
        spectrogram: of the size of the masks, on the device where they will be.
        cells: (rows, columns), no more than bins and frames.
        n_samples: how many grids.
        keep: probability that a cell is kept.
        random: source of the draws.
        antithetic: draw in mirrored pairs.

    Returns:
        `n_samples` smooth, shifted grids.
    """
    shape, device = spectrogram.values.shape, spectrogram.values.device
    kept = draw_kept(n_samples, cells[0] * cells[1], keep, random, antithetic=antithetic)
    limits = [cell_size(size, n) for size, n in zip(shape, cells, strict=True)]
    shifts = torch.stack([torch.randint(n, (n_samples,), generator=random) for n in limits], dim=1)
    return GridMasks((shape[0], shape[1]), cells, kept.to(device), shifts.to(device))


def _check_grid_fits(n_samples: int, grids: Sequence[tuple[int, int]]) -> None:
    n_cells = max(rows * columns for rows, columns in grids)
    check_fits("perturbed inputs", n_samples, n_cells + _BYTES, "n_samples")


def check_drawing(n_samples: int, keep: float, batch_size: BatchSize) -> None:
    """Raise ValueError when a setting that all samplers share is out of its range."""
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples}")
    if not 0 < keep < 1:
        raise ValueError(f"keep must lie between 0 and 1, got {keep}")
    check_batch_size(batch_size)
