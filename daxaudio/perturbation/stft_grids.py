"""Perturb the sound itself by smooth grids on the axes of its short-time Fourier transform.

Other samplers draw on the axes of the display, such as mel bands; here cells are equally many hertz
high, and what is heard is the inverse transform of the masked one.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time

import torch
from torch import Tensor

from daxaudio.containers import Recording, ScoreFn, Spectrogram
from daxaudio.perturbation.fills import make_background
from daxaudio.perturbation.masks import GridMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, Rows, check_spectrogram
from daxaudio.perturbation.query import answer, unasked
from daxaudio.perturbation.sampling import check_drawing, draw_grid
from daxaudio.perturbation.sound_fills import ScoresSounds
from daxaudio.runs.asking import target_of
from daxaudio.runs.batches import BatchSize, fit_batch
from daxaudio.runs.memory import check_fits
from daxaudio.runs.provenance import describe
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True)
class StftGridSampler:
    """Draw smooth grids, shifted at random, and multiply the recording's transform by them.

    A Hann window and a quarter of it from frame to frame. What is masked off is silent.

    Args:
        n_samples: Q, the number of perturbed inputs.
        cells: (rows, columns) of the grid, over frequency, up to half the sample rate, and time;
            one column masks frequencies alone.
        keep: probability that a cell is kept.
        window: of the transform, in seconds; the power of two of samples that is nearest.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the draws.

    Raises:
        ValueError: when a number is out of its range; when called, when the classifier hears no
            sound, or the grid is finer than the transform.
    """

    n_samples: int = 1000
    cells: tuple[int, int] = (4, 12)
    keep: float = 0.5
    window: float = 0.064
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_drawing(self.n_samples, self.keep, self.batch_size)
        if min(self.cells) < 1:
            raise ValueError(f"cells must be at least 1 in each direction, got {self.cells}")
        if not 0 < self.window < math.inf:
            raise ValueError(f"window must be above 0 s and finite, got {self.window}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; Q + 2 queries."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        if not isinstance(score_fn, ScoresSounds):
            raise ValueError(
                "grids on the short-time Fourier transform mask the sound itself, and this "
                "classifier is asked about spectrograms; take grids on these, as rise does"
            )
        sounds = _Sounds(score_fn, self.window)
        grids = self._draw(sounds.picture, spectrogram.recording_id)
        drawn = unasked(
            sounds.picture,
            grids,
            torch.zeros_like(sounds.picture.values),
            fill="floor",
            settings=describe(self),
            seed=self.seed,
            began=began,
        )
        size = fit_batch(self.batch_size, sounds.sound.waveform.shape)
        answered = answer(drawn, sounds, size)
        return dataclasses.replace(
            answered,
            spectrogram=spectrogram,
            perturbation=GridsOnDisplay.read(grids, sounds.picture, spectrogram),
            background=make_background(spectrogram, "floor"),
            target=target_of(score_fn),
        )

    def _draw(self, picture: Spectrogram, recording_id: str) -> GridMasks:
        shape, cells = tuple(picture.values.shape), self.cells
        if shape[0] < cells[0] or shape[1] < cells[1]:
            raise ValueError(
                f"a grid of {cells} cells is finer than the transform of the sound {shape}"
            )
        check_fits("perturbed inputs", self.n_samples, cells[0] * cells[1] + 512, "n_samples")
        random = generator(self.seed, "transform", recording_id)
        return draw_grid(picture, cells, n_samples=self.n_samples, keep=self.keep, random=random)


@dataclasses.dataclass(frozen=True, eq=False)
class GridsOnDisplay:
    """Grids on the axes of a transform, read between its bins and frames at those of a display.

    Args:
        grids: on the axes of the transform.
        bins: float32 `[F]`, where the display's bins lie among those of the transform.
        frames: float32 `[T]`, the same of its frames.

    Example:
        >>> kept, shifts = torch.tensor([[True, False]]), torch.zeros(1, 2).long()
        >>> grid = GridMasks((2, 3), (2, 1), kept, shifts)
        >>> read = GridsOnDisplay(grid, torch.tensor([0.0, 0.5]), torch.tensor([0.0, 2.0]))
        >>> whole, found = grid.masks(slice(None))[0], read.masks(slice(None))[0]
        >>> bool(found[0, 0] == whole[0, 0]), bool(found[1, 1] == whole[:, 2].mean())
        (True, True)
    """

    grids: GridMasks
    bins: Tensor
    frames: Tensor

    @classmethod
    def read(cls, grids: GridMasks, transform: Spectrogram, display: Spectrogram) -> GridsOnDisplay:
        """Grids on the axes of one, read at those of the other; beyond its ends the last ones."""
        places = [
            _places(there, here).to(grids.kept.device)
            for there, here in (
                (transform.frequencies, display.frequencies),
                (transform.times, display.times),
            )
        ]
        return cls(grids, *places)

    def __len__(self) -> int:
        return len(self.grids)

    @property
    def kept(self) -> Tensor:
        """Bool `[N, K]`: which cells each sample keeps."""
        return self.grids.kept

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` float32 in [0, 1] of n samples, 1 where the sample keeps the input."""
        return _between(_between(self.grids.masks(rows), self.bins, 1), self.frames, 2)


def _places(there: Tensor, here: Tensor) -> Tensor:
    """Where values lie among equally spaced ones, from 0 to the last of them."""
    step = float(there[1] - there[0]) if len(there) > 1 else 1.0
    return ((here.double().cpu() - float(there[0])) / step).clamp(0, len(there) - 1).float()


def _between(masks: Tensor, places: Tensor, axis: int) -> Tensor:
    low = places.floor().long()
    high = (low + 1).clamp(max=masks.shape[axis] - 1)
    share = (places - low).view(-1, *[1] * (2 - axis))
    return torch.lerp(masks.index_select(axis, low), masks.index_select(axis, high), share)


class _Sounds:
    """Scores `[n]` of the recording, its transform multiplied by masks `[n, B, M]`.

    Attributes:
        sound: as the classifier hears it.
        picture: ones on the axes of the transform.
    """

    def __init__(self, score_fn: ScoresSounds, seconds: float) -> None:
        self.sound: Recording = score_fn.sound
        self._score_fn = score_fn
        self._n_fft = max(8, 2 ** round(math.log2(seconds * self.sound.sample_rate)))
        n_bins, n_frames = self._transform.shape[-2:]
        rate, hop = self.sound.sample_rate, self._n_fft // 4
        self.picture = Spectrogram(
            torch.ones(n_bins, n_frames, device=self.sound.waveform.device),
            torch.arange(n_bins, dtype=torch.float64) * rate / self._n_fft,
            torch.arange(n_frames, dtype=torch.float64) * hop / rate,
            self.sound.recording_id,
        )

    def __call__(self, masks: Tensor) -> Tensor:
        return self._score_fn.of_sounds(torch.stack([self._masked(mask) for mask in masks]))

    def _masked(self, mask: Tensor) -> Tensor:
        """`[C, S]`, the inverse of the transform times a mask `[B, M]`."""
        length = self.sound.waveform.shape[-1]
        return torch.istft(self._transform * mask, self._n_fft, window=self._window, length=length)

    @functools.cached_property
    def _window(self) -> Tensor:
        return torch.hann_window(self._n_fft, device=self.sound.waveform.device)

    @functools.cached_property
    def _transform(self) -> Tensor:
        """Complex `[C, B, M]`; frames are centred, and beyond the ends there is silence."""
        return torch.stft(
            self.sound.waveform.float(),
            self._n_fft,
            window=self._window,
            pad_mode="constant",
            return_complex=True,
        )
