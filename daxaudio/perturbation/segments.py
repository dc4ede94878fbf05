"""Cut a spectrogram into segments, the parts that a perturbation keeps or masks off.

Conventions: a segmenter is called with a spectrogram and gives int64 labels `[F, T]` on the
spectrogram's device; every bin has a label and the labels are 0 to K - 1, all of them used (those
of your own may be any whole numbers: `renumber` is called on all). The same spectrogram always
gives the same labels. Lengths on the picture are counted in bins, along
frequency and time alike.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import torch
from numpy.typing import NDArray
from skimage.filters import gaussian
from skimage.segmentation import quickshift, slic
from torch import Tensor

from daxaudio.containers import Spectrogram
from daxaudio.perturbation.quick_shift import quick_shift


class Segmenter(Protocol):
    """What every way of cutting is."""

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment labels `[F, T]`."""


@dataclasses.dataclass(frozen=True)
class QuickShift:
    """Segments of similar level and irregular outline, by quick shift.

    Source: quick shift of Vedaldi and Soatto (2008) in scikit-image, as in the DAX paper, which
    gives no parameters. We differ from its use on colour images in `ratio`: levels are scaled to
    0..1 instead of Lab's 0..100, so that 40 here is 0.4 there. scikit-image advises at most 1,
    which is for Lab: at 1 on our scale the level counts for next to nothing against the position.

    The defaults were chosen on 10 noise-padded ESC-10 clips (64 mel bands, 430 to 590 frames):
    57 to 76 segments, whose means explain 59 to 96 % of the variance of the levels (82 % in the
    mean; a 4 x 12 grid 62 %, `ratio` 1 or less 64 %), in 0.1 s a clip on one core.

    Args:
        kernel_size: width of the density estimate in bins, at least 1; larger means fewer segments
            and more time.
        max_dist: longest link between two bins of one segment, in bins; larger means fewer
            segments.
        ratio: distance in bins that the whole range of levels counts for.
        sigma: deviation in bins of a Gaussian that smooths the picture first; 0 for none.

    Raises:
        ValueError: when a value is out of range.

    Example:
        >>> values = torch.zeros(32, 100)
        >>> values[10:20, 40:60] = 60.0
        >>> tone = Spectrogram(values, torch.arange(32) * 100.0, torch.arange(100) / 50)
        >>> segments = QuickShift()(tone)
        >>> bool(torch.isin(segments[12:18, 42:58], segments[:, :35]).any())
        False
    """

    kernel_size: float = 3.0
    max_dist: float = 10.0
    ratio: float = 40.0
    sigma: float = 1.0

    def __post_init__(self) -> None:
        check_at_least("kernel_size", self.kernel_size, 1)
        check_positive("max_dist", self.max_dist)
        check_positive("ratio", self.ratio)
        check_at_least("sigma", self.sigma, 0)

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when the spectrogram is flat or comes out as fewer than two segments.
        """
        levels, device = scale_levels(spectrogram), spectrogram.values.device
        if device.type == "cpu":
            labels = torch.from_numpy(
                quickshift(
                    levels[..., None],
                    kernel_size=self.kernel_size,
                    max_dist=self.max_dist,
                    ratio=self.ratio,
                    sigma=self.sigma,
                    convert2lab=False,
                    # quick shift breaks ties between equally dense bins at random
                    rng=0,
                    channel_axis=-1,
                )
            )
        else:
            smooth = self.ratio * gaussian(levels, self.sigma, mode="reflect")
            labels = quick_shift(
                torch.from_numpy(smooth).to(device), self.kernel_size, self.max_dist
            )
        return renumber(
            labels,
            spectrogram,
            f"lower kernel_size (now {self.kernel_size:g}) or max_dist (now {self.max_dist:g})",
        )


@dataclasses.dataclass(frozen=True)
class Slic:
    """Compact segments of similar level and size, by SLIC.

    Source: simple linear iterative clustering in scikit-image, on levels scaled to 0..1.
    The defaults gave 54 to 69 segments on the clips of `QuickShift`, which explain 59 to 97 % of
    the variance (82 % in the mean), in 0.02 s.

    Args:
        n_segments: about how many segments; the number that comes out differs a little.
        compactness: weight of position against level, above 0; large values give a regular grid,
            small ones follow the levels.
        sigma: deviation in bins of a Gaussian that smooths the picture first; 0 for none.

    Raises:
        ValueError: when a value is out of range.

    Example:
        >>> values = torch.arange(32.0)[:, None].expand(32, 100)
        >>> ramp = Spectrogram(values, torch.arange(32) * 100.0, torch.arange(100) / 50)
        >>> int(Slic(n_segments=12)(ramp).max()) + 1 > 6
        True
    """

    n_segments: int = 60
    compactness: float = 0.1
    sigma: float = 1.0

    def __post_init__(self) -> None:
        check_at_least("n_segments", self.n_segments, 2)
        check_positive("compactness", self.compactness)
        check_at_least("sigma", self.sigma, 0)

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when the spectrogram is flat or comes out as fewer than two segments.
        """
        labels = slic(
            scale_levels(spectrogram),
            n_segments=self.n_segments,
            compactness=self.compactness,
            sigma=self.sigma,
            channel_axis=None,
            start_label=0,
        )
        advice = (
            f"raise n_segments (now {self.n_segments}) or compactness (now {self.compactness:g})"
        )
        return renumber(torch.from_numpy(labels), spectrogram, advice)


@dataclasses.dataclass(frozen=True)
class Grid:
    """Rectangles of equal size, up to one bin, whatever the spectrogram shows.

    Args:
        n_frequency_bands: rows of the grid, at most F.
        n_time_bands: columns of the grid, at most T.

    Raises:
        ValueError: when a number is below 1 or both are 1.

    Example:
        >>> picture = Spectrogram(torch.zeros(2, 4), torch.arange(2.0), torch.arange(4.0))
        >>> Grid(n_frequency_bands=2, n_time_bands=2)(picture)
        tensor([[0, 0, 1, 1],
                [2, 2, 3, 3]])
    """

    n_frequency_bands: int = 4
    n_time_bands: int = 12

    def __post_init__(self) -> None:
        check_at_least("n_frequency_bands", self.n_frequency_bands, 1)
        check_at_least("n_time_bands", self.n_time_bands, 1)
        if self.n_frequency_bands * self.n_time_bands < 2:
            raise ValueError(
                "a grid needs at least two cells, got n_frequency_bands=1 and n_time_bands=1; "
                "raise one of them"
            )

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when it has fewer bins or frames than the grid has rows or columns.
        """
        n_bins, n_frames = spectrogram.values.shape
        rows = equal_bands(n_bins, self.n_frequency_bands, "n_frequency_bands")
        columns = equal_bands(n_frames, self.n_time_bands, "n_time_bands")
        labels = rows[:, None] * self.n_time_bands + columns[None, :]
        return labels.to(spectrogram.values.device)


@dataclasses.dataclass(frozen=True)
class TimeBands:
    """Bands of equal duration, up to one frame, over all frequencies.

    Args:
        n_bands: how many bands, at least 2.
        duration: instead of `n_bands`, about how long each is, in seconds; rounded so that all
            bands of a spectrogram are equally long.

    Raises:
        ValueError: when not exactly one of the two is given, or it is out of range.

    Example:
        >>> picture = Spectrogram(torch.zeros(1, 6), torch.arange(1.0), torch.arange(6) * 0.5)
        >>> TimeBands(duration=1.0)(picture)
        tensor([[0, 0, 1, 1, 2, 2]])
    """

    n_bands: int | None = None
    duration: float | None = None

    def __post_init__(self) -> None:
        if (self.n_bands is None) == (self.duration is None):
            raise ValueError(
                "time bands need either n_bands or duration in seconds, got "
                f"n_bands={self.n_bands}, duration={self.duration}"
            )
        if self.n_bands is not None:
            check_at_least("n_bands", self.n_bands, 2)
        if self.duration is not None:
            check_positive("duration", self.duration)

    def __call__(self, spectrogram: Spectrogram) -> Tensor:
        """Segment one spectrogram.

        Raises:
            ValueError: when it is too short for two bands, or for the bands that were asked for.
        """
        n_bins, n_frames = spectrogram.values.shape
        bands = equal_bands(n_frames, self._count(spectrogram), "n_bands")
        return bands.to(spectrogram.values.device).expand(n_bins, n_frames).clone()

    def _count(self, spectrogram: Spectrogram) -> int:
        if self.duration is None:
            assert self.n_bands is not None
            return self.n_bands
        n_frames = len(spectrogram.times)
        total = spectrogram.hop * n_frames
        n_bands = min(round(total / self.duration), n_frames)
        if n_bands < 2:
            raise ValueError(
                f"{_name(spectrogram)} of {total:.2f} s holds fewer than two bands of "
                f"{self.duration:g} s; lower duration to at most {total / 2:.2f} s"
            )
        return n_bands


def renumber(labels: Tensor, spectrogram: Spectrogram, advice: str = "cut it finer") -> Tensor:
    """Labels of any segmenter as 0 to K - 1, in their order; what is so already stays as it is.

    Args:
        labels: whole numbers `[F, T]`, with gaps and below 0 as they may be; arrays are taken.
        spectrogram: that was cut.
        advice: what to do where it came out as one segment.

    Returns:
        int64 `[F, T]` on the spectrogram's device.

    Raises:
        ValueError: when there are fewer than two segments, or the shape is not the spectrogram's.
        TypeError: when labels are no whole numbers.

    Example:
        >>> picture = Spectrogram(torch.zeros(1, 3), torch.arange(1.0), torch.arange(3.0))
        >>> renumber(torch.tensor([[100, 7, 100]]), picture)
        tensor([[1, 0, 1]])
    """
    labels = torch.as_tensor(labels)
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"segment labels must be whole numbers, got {labels.dtype}")
    if labels.shape != spectrogram.values.shape:
        raise ValueError(
            f"segment labels are {tuple(labels.shape)}, the spectrogram is "
            f"{tuple(spectrogram.values.shape)}"
        )
    used, consecutive = labels.unique(return_inverse=True)
    if len(used) < 2:
        raise ValueError(
            f"{_name(spectrogram)}, {' x '.join(map(str, labels.shape))} bins, came out as one "
            f"segment and at least two are needed; {advice}, or use Grid or TimeBands"
        )
    return consecutive.to(spectrogram.values.device)


def segment_means(values: Tensor, segments: Tensor) -> Tensor:
    """Each bin replaced by the mean of its segment.

    Args:
        values: `[F, T]`.
        segments: int64 `[F, T]`, labels 0 to K - 1.

    Returns:
        `[F, T]` in the type and on the device of `values`.

    Raises:
        ValueError: when the shapes differ.

    Example:
        >>> segment_means(torch.tensor([[1.0, 3.0, 7.0]]), torch.tensor([[0, 0, 1]]))
        tensor([[2., 2., 7.]])
    """
    if values.shape != segments.shape:
        raise ValueError(
            f"values are {tuple(values.shape)} and segments {tuple(segments.shape)}, they must "
            "have one shape"
        )
    labels = segments.to(values.device).flatten()
    totals = torch.zeros(int(labels.max()) + 1, dtype=torch.float64, device=values.device)
    totals = totals.index_add(0, labels, values.flatten().double())
    means = totals / labels.bincount().clamp(min=1)
    return means.to(values.dtype)[labels].view_as(values)


def scale_levels(spectrogram: Spectrogram) -> NDArray:
    """`[F, T]` float64 in 0..1, from the quietest bin to the loudest.

    Raises:
        ValueError: when all are equal, so that nothing is to be found.
    """
    values = spectrogram.values.detach().cpu().double()
    low, high = values.min(), values.max()
    if low == high:
        raise ValueError(
            f"{_name(spectrogram)} is flat (every bin is {float(low):g}), no outline is found in "
            "it and it would be one segment; check the audio, or use Grid or TimeBands"
        )
    scaled: NDArray = ((values - low) / (high - low)).numpy()
    return scaled


def equal_bands(length: int, n_bands: int, name: str) -> Tensor:
    """`[length]` the number of the band of each bin or frame, all equally long up to one.

    Raises:
        ValueError: when there are more bands than bins or frames; says so of the argument `name`.
    """
    if n_bands > length:
        unit = "frequency bins" if name == "n_frequency_bands" else "frames"
        raise ValueError(
            f"{name} is {n_bands} but the spectrogram has only {length} {unit}; "
            f"lower {name} to at most {length}"
        )
    return torch.arange(length) * n_bands // length


def _name(spectrogram: Spectrogram) -> str:
    return (
        f"spectrogram {spectrogram.recording_id!r}" if spectrogram.recording_id else "spectrogram"
    )


def check_at_least(name: str, value: float, smallest: float) -> None:
    """Refuse what is below the smallest, or not finite."""
    if not smallest <= value < math.inf:
        raise ValueError(f"{name} must be at least {smallest:g}, got {value}")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not above 0 and finite."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0, got {value}")
