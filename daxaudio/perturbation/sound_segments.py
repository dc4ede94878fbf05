"""Segments along what sounds do: what lasts and what strikes, and where a sound changes.

Conventions are those of `segments`.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.perturbation.segments import (
    Grid,
    check_at_least,
    equal_bands,
    renumber,
    scale_levels,
)


@dataclasses.dataclass(frozen=True)
class HarmonicPercussive:
    """The cells of a grid, each cut into what lasts (tones) and what strikes (clicks, bursts).

    Source: median filtering (FitzGerald 2010), `librosa.decompose.hpss`: a bin lasts where the
    median along time is at least that along frequency. There a bin is part of both, by shares;
    segments must not overlap, so each bin goes to the larger share, and where both are equal it
    counts as lasting. A cell with one kind of bins only is one segment.

    Args:
        n_frequency_bands: rows of the grid, at most F.
        n_time_bands: columns of the grid, at most T.
        kernel_size: bins and frames that the medians are over, odd.

    Raises:
        ValueError: when a number is out of range.

    Example:
        >>> values = torch.full((20, 40), -80.0)
        >>> values[5, :], values[:, 30] = 0.0, 0.0
        >>> cross = Spectrogram(values, torch.arange(20.0), torch.arange(40.0))
        >>> segments = HarmonicPercussive(1, 2, kernel_size=9)(cross)
        >>> segments[5, :2].tolist(), segments[5, 38:].tolist(), segments[15, 29:32].tolist()
        ([0, 0], [1, 1], [1, 2, 1])
    """

    n_frequency_bands: int = 4
    n_time_bands: int = 12
    kernel_size: int = 31

    def __post_init__(self) -> None:
        check_at_least("n_frequency_bands", self.n_frequency_bands, 1)
        check_at_least("n_time_bands", self.n_time_bands, 1)
        check_at_least("kernel_size", self.kernel_size, 3)
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, got {self.kernel_size}")

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when it is flat, or has fewer bins or frames than the grid rows or columns.
        """
        from librosa.decompose import hpss  # slow to come

        levels, values = scale_levels(spectrogram), spectrogram.values.detach().double().cpu()
        if spectrogram.unit == "dB":
            # magnitudes, of which the loudest is 1; other units have none, but an order like theirs
            levels = (10 ** ((values - values.max()) / 20)).numpy()
        lasts, strikes = hpss(levels, kernel_size=self.kernel_size, mask=True)
        rows = equal_bands(len(levels), self.n_frequency_bands, "n_frequency_bands")
        columns = equal_bands(levels.shape[1], self.n_time_bands, "n_time_bands")
        cells = rows[:, None] * self.n_time_bands + columns[None, :]
        strikes_more = torch.from_numpy(strikes > lasts)
        return renumber(2 * cells + strikes_more, spectrogram, "raise n_time_bands")


@dataclasses.dataclass(frozen=True)
class Agglomerative:
    """Bands in time that begin where the sound changes, cut into equal bands of frequency.

    Source: `librosa.segment.agglomerative`: neighbouring frames whose levels differ least are
    joined (Ward's linkage) until so many stretches are left.

    Args:
        n_frequency_bands: rows, at most F.
        n_time_bands: stretches of time, at most T.

    Raises:
        ValueError: when a number is below 1 or both are 1.

    Example:
        >>> values = torch.tensor([[0.0, 0.1, 9.0, 9.1, 9.0, 0.1]])
        >>> picture = Spectrogram(values, torch.ones(1), torch.arange(6.0))
        >>> Agglomerative(n_frequency_bands=1, n_time_bands=3)(picture)
        tensor([[0, 0, 1, 1, 1, 2]])
    """

    n_frequency_bands: int = 4
    n_time_bands: int = 12

    def __post_init__(self) -> None:
        Grid(self.n_frequency_bands, self.n_time_bands)  # refuses the same numbers

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when it is flat, or has fewer bins or frames than rows or stretches.
        """
        from librosa.segment import agglomerative  # slow to come

        levels = scale_levels(spectrogram)
        n_bins, n_frames = levels.shape
        rows = equal_bands(n_bins, self.n_frequency_bands, "n_frequency_bands")
        equal_bands(n_frames, self.n_time_bands, "n_time_bands")  # refuses what is too short
        starts = torch.zeros(n_frames, dtype=torch.int64)
        if self.n_time_bands > 1:
            starts[agglomerative(levels, self.n_time_bands)[1:]] = 1
        columns = starts.cumsum(dim=0)
        labels = rows[:, None] * self.n_time_bands + columns[None, :]
        return renumber(labels, spectrogram, "raise n_time_bands or n_frequency_bands")
