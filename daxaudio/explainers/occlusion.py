"""Occlusion: how much the score drops when a window is hidden."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.perturbation.fills import Fill
from daxaudio.perturbation.neighbourhood import Neighbourhood, Rows, check_spectrogram
from daxaudio.perturbation.query import answer, unasked_by
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.memory import check_fits


@dataclasses.dataclass(frozen=True, eq=False)
class WindowMasks:
    """Each sample hides one rectangle and keeps the rest.

    Args:
        shape: (F, T) of the masks.
        window: (bins, frames) of the rectangle.
        corners: int64 `[N, 2]`, lowest bin and first frame of each rectangle.

    Example:
        >>> WindowMasks((1, 4), (1, 2), torch.tensor([[0, 1]])).masks(slice(0, 1))
        tensor([[[1., 0., 0., 1.]]])
    """

    shape: tuple[int, int]
    window: tuple[int, int]
    corners: Tensor

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def kept(self) -> Tensor:
        """`[N, N]` bool: sample i keeps every window but its own."""
        return ~torch.eye(len(self.corners), dtype=torch.bool, device=self.corners.device)

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 of n samples, 0 in the hidden window and 1 elsewhere."""
        down, along = ((~self.covered(axis, rows)).float() for axis in (0, 1))
        return torch.maximum(down[:, :, None], along[:, None, :])

    def covered(self, axis: int, rows: Rows = slice(None)) -> Tensor:
        """`[n, F]` (axis 0) or `[n, T]` (axis 1) bool, true where the window lies."""
        corners = self.corners[rows, axis, None]
        places = torch.arange(self.shape[axis], device=corners.device)
        return (places >= corners) & (places < corners + self.window[axis])


@dataclasses.dataclass(frozen=True)
class Occlusion:
    """The mean drop of the score over the windows that hide a pixel.

    A window slides over the input; the last one in each direction is moved back to end at the
    edge, so that every pixel is hidden. A window larger than the input is cut to it.

    Source: Zeiler and Fergus 2014. Where the stride ends at the edge it equals captum. It differs
    where the stride does not: there captum cuts the last window off and hides less at the edge
    than elsewhere; here it stays whole. Windows are asked in batches (captum's default is one at a
    time), and what stands in them is a fill (captum's default is 0, which in decibels is a level
    like any other).

    Args:
        window: (bins, frames) hidden at once.
        stride: (bins, frames) from one window to the next, at most the window.
        fill: what stands in the window; "segment_mean" cannot, as there are no segments.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the fill "noise"; nothing else is drawn.

    Raises:
        ValueError: when a number is out of its range.

    Example:
        >>> picture = Spectrogram(torch.eye(4), torch.arange(4.0), torch.arange(4.0))
        >>> occlusion = Occlusion(window=(2, 2), stride=(2, 2), fill="floor")
        >>> occlusion(picture, lambda inputs: inputs[:, 0, 0]).attribution[0]
        tensor([1., 1., 0., 0.])
    """

    window: tuple[int, int] = (32, 32)
    stride: tuple[int, int] = (8, 8)
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.window) < 1:
            raise ValueError(f"window must be at least 1 in each direction, got {self.window}")
        for step, size in zip(self.stride, self.window, strict=True):
            if not 1 <= step <= size:
                raise ValueError(
                    f"stride must be at least 1 and at most the window {self.window}, so that "
                    f"every pixel is hidden; got {self.stride}"
                )
        check_batch_size(self.batch_size)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`; as many queries as windows, and 2."""
        check_spectrogram(spectrogram)
        shape = (spectrogram.values.shape[0], spectrogram.values.shape[1])
        device = spectrogram.values.device
        rows, columns = self._starts(shape)
        n_windows = len(rows) * len(columns)
        check_fits("windows", n_windows, 18 * sum(shape) + 16, "a larger stride makes fewer")
        corners = torch.cartesian_prod(torch.tensor(rows), torch.tensor(columns)).to(device)
        masks = WindowMasks(shape, self._window_in(shape), corners)
        drawn = unasked_by(self, spectrogram, masks)
        return self.fit(answer(drawn, score_fn, self.batch_size))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Explain from answers that are there already.

        Args:
            neighbourhood: one of `WindowMasks`.

        Returns:
            The explanation; its attribution is the mean drop of the score.

        Raises:
            TypeError: when the neighbourhood is of another kind.
        """
        began = time.perf_counter()
        perturbation = neighbourhood.perturbation
        if not isinstance(perturbation, WindowMasks):
            raise TypeError(
                f"Occlusion needs a neighbourhood of WindowMasks, got "
                f"{type(perturbation).__name__}: call the explainer itself"
            )
        rows, columns = (perturbation.covered(axis).cpu().double() for axis in (0, 1))
        drops = neighbourhood.original_score - neighbourhood.scores.double()
        attribution = ((rows.T * drops) @ columns) / (rows.T @ columns)
        return to_explanation(neighbourhood, attribution, "occlusion", self, began=began)

    def within(self, n_queries: int, shape: tuple[int, int]) -> Occlusion:
        """The same explainer with the finest stride that a budget allows.

        Args:
            n_queries: the most windows; the input and the background come on top, as with the
                samplers' Q.
            shape: (F, T) of the spectrogram.

        Returns:
            An explainer whose stride is as small a part of the window as can be.

        Raises:
            ValueError: when even windows side by side are too many.

        Example:
            >>> Occlusion(window=(32, 32)).within(300, (64, 480)).stride
            (8, 8)
        """
        height, width = self._window_in(shape)
        n_rows, n_columns = (
            _n_starts(size - part, np.arange(1, part + 1))
            for size, part in zip(shape, (height, width), strict=True)
        )
        # coarser along one axis is never more windows: the finest that each other stride allows
        along = np.searchsorted(-n_columns, -(min(n_queries, 2**62) // n_rows)) + 1
        affordable = [
            (down, int(step)) for down, step in enumerate(along, start=1) if step <= width
        ]
        if not affordable:
            raise ValueError(
                f"windows of {self.window} on a spectrogram of {shape} need at least "
                f"{n_rows[-1] * n_columns[-1]} queries, got n_queries={n_queries}: allow more or "
                "take a larger window"
            )

        def coarseness(stride: tuple[int, int]) -> tuple[float, float, int]:
            parts = stride[0] / self.window[0], stride[1] / self.window[1]
            return max(parts), sum(parts), stride[1]

        return dataclasses.replace(self, stride=min(affordable, key=coarseness))

    def n_windows(self, shape: tuple[int, int]) -> int:
        """Windows on a spectrogram of shape (F, T)."""
        lasts = [size - part for size, part in zip(shape, self._window_in(shape), strict=True)]
        down, along = (
            int(_n_starts(last, step)) for last, step in zip(lasts, self.stride, strict=True)
        )
        return down * along

    def _window_in(self, shape: tuple[int, int]) -> tuple[int, int]:
        return min(self.window[0], shape[0]), min(self.window[1], shape[1])

    def _starts(self, shape: tuple[int, int]) -> tuple[list[int], list[int]]:
        """First bins and first frames of the windows, the last at the edge."""
        lasts = [size - part for size, part in zip(shape, self._window_in(shape), strict=True)]
        rows, columns = (
            [*range(0, last, step), last] for last, step in zip(lasts, self.stride, strict=True)
        )
        return rows, columns


def _n_starts(last: int, step: Any) -> Any:
    """Windows whose first places go from 0 by each step to the last place, it included."""
    return -(-last // step) + 1
