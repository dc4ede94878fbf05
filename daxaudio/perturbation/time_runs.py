"""Perturb runs of short segments of time, as benchmarks of time-localised explanations do."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from daxaudio.containers import ScoreFn, Spectrogram
from daxaudio.perturbation.fills import Fill, fill_of_sound
from daxaudio.perturbation.masks import SegmentMasks
from daxaudio.perturbation.neighbourhood import Neighbourhood, check_spectrogram
from daxaudio.perturbation.query import answer, unasked_by
from daxaudio.perturbation.segments import TimeBands
from daxaudio.perturbation.sound_fills import ScoresSounds
from daxaudio.runs.batches import BatchSize, check_batch_size
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import generator


@dataclasses.dataclass(frozen=True)
class RunSampler:
    """Mask off runs of short segments, over all frequencies, until a share of the time is gone.

    Every length of run goes with every share, in turns, so that each pair has as many samples.

    Source: Bolanos et al. 2025, `random_generator.py` and `base_generator.py` of their code: 100
    ms, runs of 1, 3 or 5, and 20, 30 or 40 % masked off. It differs in that each segment is masked
    off equally often (theirs more often towards the end): a run that reaches the end goes on at the
    beginning, and the last one is cut short where a share needs it; and in that segments of one
    recording are equally long (their last one takes the rest).

    A classifier of waveforms hears the segments cut out of the samples: instead of a fill of the
    spectrogram it gets the one of the sound that is nearest to it, silence for "floor".

    Args:
        n_samples: Q, the number of perturbed inputs.
        duration: of a segment in seconds, about.
        runs: how many segments in a row are masked off.
        shares: of the segments that are masked off in all, in (0, 1).
        fill: what stands where a segment is masked off.
        batch_size: inputs made at once (see `fit_batch`); never changes the result.
        seed: seed of the draws.

    Raises:
        ValueError: when a number is out of its range, or (when called) that many samples need more
            memory than there is.

    Example:
        >>> picture = Spectrogram(torch.zeros(1, 10), torch.ones(1), 0.1 * torch.arange(10))
        >>> drawn = RunSampler(2, runs=(3,), shares=(0.3,)).draw(picture)
        >>> (~drawn.perturbation.kept).sum(dim=1).tolist()
        [3, 3]
    """

    n_samples: int = 1000
    duration: float = 0.1
    runs: tuple[int, ...] = (1, 3, 5)
    shares: tuple[float, ...] = (0.2, 0.3, 0.4)
    fill: Fill = "global_mean"
    batch_size: BatchSize = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {self.n_samples}")
        TimeBands(duration=self.duration)  # refuses the same durations
        if not self.runs or min(self.runs) < 1:
            raise ValueError(f"runs need one or more lengths of at least 1, got {self.runs}")
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise ValueError(f"shares need one or more numbers in (0, 1), got {self.shares}")
        check_batch_size(self.batch_size)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Neighbourhood:
        """Draw and ask the black box; Q + 2 queries."""
        sampler = self
        if isinstance(score_fn, ScoresSounds):
            sampler = dataclasses.replace(self, fill=fill_of_sound(self.fill))
        return answer(sampler.draw(spectrogram), score_fn, self.batch_size)

    def draw(self, spectrogram: Spectrogram) -> Neighbourhood:
        """Cut and draw; the black box is not asked yet, and all scores are 0."""
        check_spectrogram(spectrogram)
        began = time.perf_counter()
        segments = TimeBands(duration=self.duration)(spectrogram)
        n_parts = int(segments.max()) + 1
        check_fits("perturbed inputs", self.n_samples, 40 * n_parts + 512, "n_samples")
        random = generator(self.seed, "runs", spectrogram.recording_id)
        pairs = itertools.cycle(itertools.product(self.shares, self.runs))
        kept = torch.ones(self.n_samples, n_parts, dtype=torch.bool)
        for row, (share, run) in zip(kept, pairs, strict=False):
            n_masked = min(n_parts, math.ceil(round(share * n_parts, 9)))
            order = torch.randperm(n_parts, generator=random).tolist()
            row[_masked_off(order, n_masked, run)] = False
        return unasked_by(
            self,
            spectrogram,
            SegmentMasks(segments, kept.to(segments.device)),
            segments=segments,
            began=began,
            n_segments=n_parts,
        )


def _masked_off(order: Sequence[int], n_masked: int, run: int) -> Tensor:
    """Which segments, `[n_masked]` int64: runs that begin in this order, the last one cut short."""
    masked: set[int] = set()
    for start in order:
        for place in range(start, start + run):
            if len(masked) < n_masked:
                masked.add(place % len(order))
    return torch.tensor(sorted(masked))
