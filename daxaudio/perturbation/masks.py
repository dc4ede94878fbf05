"""Ways to keep parts of a spectrogram, in compact form.

Two kinds, turned into masks a batch at a time: `SegmentMasks` keeps or drops whole segments (LIME,
KernelSHAP, DAX V1 and V2), `GridMasks` keeps the cells of a coarse grid, smoothed and shifted
(RISE); `JoinedGrids` holds grids of several resolutions (DAX V4).
"""

from __future__ import annotations

import dataclasses
import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from daxaudio.perturbation.neighbourhood import Rows

_DRAWN = 2**22
"""Uniform numbers in memory at once while parts are drawn; changes no draw."""


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentMasks:
    """Whole segments kept or masked off, equation (5) of the paper.

    Args:
        segments: int64 `[F, T]`, labels 0 to K - 1.
        kept: bool `[N, K]`.

    Raises:
        ValueError: when a label has no column in `kept`, or a column no label.

    Example:
        >>> segments = torch.tensor([[0, 0, 1]])
        >>> SegmentMasks(segments, torch.tensor([[True, False]])).masks(slice(0, 1))
        tensor([[[1., 1., 0.]]])
    """

    segments: Tensor
    kept: Tensor

    def __post_init__(self) -> None:
        low, high = int(self.segments.min()), int(self.segments.max())
        if low < 0 or high >= self.kept.shape[1]:
            raise ValueError(
                f"segments go from label {low} up to label {high}, but kept has "
                f"{self.kept.shape[1]} columns"
            )
        # a part that is nowhere would get its share of the score all the same
        unused = int((self.segments.flatten().bincount(minlength=self.kept.shape[1]) == 0).sum())
        if unused:
            raise ValueError(
                f"{unused} of {self.kept.shape[1]} columns of kept have no segment: number the "
                "segments by daxaudio.perturbation.segments.renumber"
            )

    def __len__(self) -> int:
        return len(self.kept)

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 of n samples, 1 where the sample keeps the input."""
        kept = self.kept[rows].float()
        return kept.index_select(1, self.segments.flatten()).unflatten(1, self.segments.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class GridMasks:
    """Smooth grids shifted at random, as RISE draws them.

    A grid of kept cells is stretched bilinearly to one cell more than the input in each direction
    and cut out at the shift. Source: Petsiuk et al. 2018, section 3.2; here on cells that need not
    be square, by two small matrix products per sample.

    Args:
        shape: (F, T) of the masks.
        cells: (rows, columns) of the grid.
        kept: bool `[N, rows * columns]`.
        shifts: int64 `[N, 2]`, in bins and frames, below one cell.
    """

    shape: tuple[int, int]
    cells: tuple[int, int]
    kept: Tensor
    shifts: Tensor

    def __len__(self) -> int:
        return len(self.kept)

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 in [0, 1] of n samples, 1 where the sample keeps the input."""
        grid = self.kept[rows].float().unflatten(1, self.cells)
        down, along = (self._stretch(axis)[self.shifts[rows, axis]] for axis in (0, 1))
        masks = down.transpose(1, 2) @ grid @ along
        return masks.clamp_(0, 1)

    def _stretch(self, axis: int) -> Tensor:
        """`[shifts, cells, size]`: how much each cell weighs at each bin, for every shift."""
        n_cells, size = self.cells[axis], self.shape[axis]
        identity = torch.eye(n_cells, device=self.kept.device)[None]
        length = (n_cells + 1) * cell_size(size, n_cells)
        weights = F.interpolate(identity, size=length, mode="linear", align_corners=False)[0]
        return weights.unfold(1, size, 1).transpose(0, 1)


@dataclasses.dataclass(frozen=True, eq=False)
class JoinedGrids:
    """Samples of several grids, one grid's after the other's.

    Args:
        parts: the grids, all of one shape.

    Raises:
        ValueError: when there is no part, or the shapes differ.
    """

    parts: tuple[GridMasks, ...]

    def __post_init__(self) -> None:
        if len({part.shape for part in self.parts}) != 1:
            raise ValueError("joined grids need one or more parts of one shape")

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def kept(self) -> Tensor:
        """Bool `[N, K]`, K the most cells that a part has; a part leaves the rest False."""
        widest = max(part.kept.shape[1] for part in self.parts)
        padded = [F.pad(part.kept, (0, widest - part.kept.shape[1])) for part in self.parts]
        return torch.cat(padded)

    @property
    def bounds(self) -> list[int]:
        """Where each part begins, and N at the end."""
        return [0, *itertools.accumulate(len(part) for part in self.parts)]

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 in [0, 1] of n samples, 1 where the sample keeps the input."""
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self._stretch_of(*rows.indices(len(self))[:2])
        if not isinstance(rows, slice) and rows.device.type != "cpu":
            return self._of_each(rows)
        rows = torch.arange(len(self))[rows]
        masks = self.parts[0].kept.new_empty((len(rows), *self.parts[0].shape), dtype=torch.float32)
        for part, (start, end) in zip(self.parts, itertools.pairwise(self.bounds), strict=True):
            inside = ((rows >= start) & (rows < end)).to(masks.device)
            if inside.any():
                masks[inside] = part.masks(rows.to(masks.device)[inside] - start)
        return masks

    def _of_each(self, rows: Tensor) -> Tensor:
        """Masks of samples that only the device knows, which is not waited for."""
        masks = self.parts[0].masks(rows.clamp(max=self.bounds[1] - 1))
        for part, start in zip(self.parts[1:], self.bounds[1:], strict=False):
            own = part.masks((rows - start).clamp(0, len(part) - 1))
            masks = torch.where((rows >= start)[:, None, None], own, masks)
        return masks

    def _stretch_of(self, first: int, last: int) -> Tensor:
        """Masks of neighbouring samples, which the device makes without being waited for."""
        pieces = [
            part.masks(slice(max(first, start) - start, min(last, end) - start))
            for part, (start, end) in zip(self.parts, itertools.pairwise(self.bounds), strict=True)
            if max(first, start) < min(last, end)
        ]
        if len(pieces) == 1:
            return pieces[0]
        return torch.cat(pieces or [self.parts[0].masks(slice(0, 0))])


def cell_size(size: int, n_cells: int) -> int:
    """Bins in one cell so that `n_cells` cover `size` bins."""
    return -(-size // n_cells)


def draw_kept(
    n_samples: int, n_parts: int, keep: float, random: torch.Generator, *, antithetic: bool = False
) -> Tensor:
    """Keep each part with probability `keep`, each on its own.

    Args:
        n_samples: N.
        n_parts: K.
        keep: probability in (0, 1).
        random: source of the draws.
        antithetic: draw in pairs whose uniform numbers u and 1 - u mirror each other, which lowers
            the variance of linear estimates.

    Returns:
        bool `[N, K]`.
    """
    kept = torch.empty(n_samples, n_parts, dtype=torch.bool)
    for rows in kept.split(_rows_at_once(n_parts)):
        uniform = torch.rand(rows.shape, generator=random)
        if antithetic:
            uniform[1::2] = 1 - uniform[0::2][: len(uniform[1::2])]
        torch.lt(uniform, keep, out=rows)
    return kept


def draw_coalitions(n_samples: int, n_parts: int, random: torch.Generator) -> Tensor:
    """Draw subsets as the Shapley kernel weighs them, each followed by its complement.

    Sizes s = 1 to K - 1 are drawn with probability proportional to 1 / (s (K - s)), the kernel's
    total weight of that size, then members uniformly. Source: Lundberg and Lee 2017, theorem 2;
    pairing as in Covert and Lee 2021.

    Args:
        n_samples: N.
        n_parts: K, at least 2.
        random: source of the draws.

    Returns:
        bool `[N, K]`.

    Example:
        >>> kept = draw_coalitions(6, 4, torch.Generator().manual_seed(0))
        >>> bool((kept[0] ^ kept[1]).all())
        True
    """
    sizes = torch.arange(1, n_parts, dtype=torch.float64)
    n_pairs = (n_samples + 1) // 2
    weights = 1 / (sizes * (n_parts - sizes))
    drawn = torch.multinomial(weights, n_pairs, replacement=True, generator=random) + 1
    kept = torch.empty(n_pairs, 2, n_parts, dtype=torch.bool)
    at_once = _rows_at_once(n_parts)
    for pairs, size in zip(kept.split(at_once), drawn.split(at_once), strict=True):
        uniform = torch.rand(len(pairs), n_parts, generator=random)
        ranks = uniform.argsort(dim=1).argsort(dim=1)
        pairs[:, 0] = ranks < size[:, None]
        pairs[:, 1] = ~pairs[:, 0]
    return kept.flatten(0, 1)[:n_samples]


def _rows_at_once(n_parts: int) -> int:
    """Samples whose uniform numbers are in memory at once; even, so that no pair is torn."""
    return 2 * max(1, _DRAWN // (2 * n_parts))
