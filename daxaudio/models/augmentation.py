"""What training does to a recording before the network sees it: padding, shifting, masking, mixing.

Every draw comes from a seed of its own (run, epoch, recording), so that a resumed run sees what an
uninterrupted one would have seen.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.data.padding import NoisePadding
from daxaudio.features.front_end import FrontEnd
from daxaudio.runs.seeds import derive_seed, generator


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of training examples.

    Args:
        padding_probability: how often a recording is noise-padded, with the same padding as the
            localisation test. Without it a classifier falls apart on padded recordings.
        noises: kinds of noise to pad with, as `NoisePadding` takes them; "other_classes" stands
            for the training data folder itself, of which recordings of other classes are taken.
        snr_db: signal-to-noise ratio of the padding in dB.
        frequency_mask: widest band hidden, in bins (SpecAugment, Park et al. 2019); 0 for none.
        time_mask: longest stretch hidden, in frames; 0 for none.
        mixup_alpha: Beta parameter of mixing pairs (Zhang et al. 2018), 0.01 to 4; 0 for none.
        time_shift: place shorter examples of a batch at a random time (else at its start). With
            padding the examples of a batch differ in length, and the padding itself is of random
            length at either end.

    Raises:
        ValueError: when a number is out of range.
    """

    padding_probability: float = 0.6
    noises: tuple[str, ...] = ("white", "pink")
    snr_db: float = 10.0
    frequency_mask: int = 8
    time_mask: int = 32
    mixup_alpha: float = 0.2
    time_shift: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.padding_probability <= 1:
            raise ValueError(
                f"padding_probability must lie in [0, 1], got {self.padding_probability}"
            )
        if self.padding_probability > 0 and not self.noises:
            raise ValueError("noise padding needs at least one kind of noise in `noises`")
        if min(self.frequency_mask, self.time_mask) < 0:
            raise ValueError("frequency_mask and time_mask must be at least 0")
        if self.mixup_alpha != 0 and not 0.01 <= self.mixup_alpha <= 4:
            raise ValueError(
                f"mixup_alpha must be 0, or lie from 0.01 to 4, got {self.mixup_alpha}"
            )

    def among(self, data: str) -> Augmentation:
        """The same, with "other_classes" replaced by the path of the training data folder."""
        noises = tuple(data if noise == "other_classes" else noise for noise in self.noises)
        return dataclasses.replace(self, noises=noises)

    def spectrogram(self, recording: Recording, front_end: FrontEnd, seed: int) -> Tensor:
        """One training example `[F, T]`, with stretches hidden at its own mean."""
        random = generator(seed, "augmentation")
        if float(torch.rand(1, generator=random)) < self.padding_probability:
            noise = self.noises[int(torch.randint(len(self.noises), (1,), generator=random))]
            padding = NoisePadding(snr_db=self.snr_db, noise=noise)
            recording = padding(recording, derive_seed(seed, "padding")).recording
        values = front_end.spectrogram(recording).values
        return self._hide(values, random)

    def _hide(self, values: Tensor, random: torch.Generator) -> Tensor:
        values, mean = values.clone(), values.mean()
        for axis, widest in enumerate((self.frequency_mask, self.time_mask)):
            size = values.shape[axis]
            width = int(torch.randint(min(widest, size - 1) + 1, (1,), generator=random))
            start = int(torch.randint(size - width + 1, (1,), generator=random))
            values.narrow(axis, start, width).fill_(mean)
        return values

    def collate(self, examples: list[Tensor], random: torch.Generator) -> Tensor:
        """Examples `[F, T_i]` to one batch `[N, F, T]`, shorter ones surrounded by their floor."""
        length = max(example.shape[1] for example in examples)
        batch = []
        for example in examples:
            room = length - example.shape[1]
            left = int(torch.randint(room + 1, (1,), generator=random)) if self.time_shift else 0
            floor = float(example.min())
            batch.append(torch.nn.functional.pad(example, (left, room - left), value=floor))
        return torch.stack(batch)

    def mix(self, batch: Tensor, targets: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Mix each example with another one: batch `[N, F, T]` and soft targets `[N, C]`."""
        if self.mixup_alpha == 0:
            return batch, targets
        share = _beta(self.mixup_alpha, random)
        partner = torch.randperm(len(batch), generator=random)
        return (
            torch.lerp(batch[partner], batch, share),
            torch.lerp(targets[partner], targets, share),
        )


def crop(values: Tensor, seed: int, shortest: float = 0.8) -> Tensor:
    """A random stretch of a spectrogram, as further copies of a recording are.

    Args:
        values: `[F, T]`.
        seed: seed of its length and place.
        shortest: least share of the frames.

    Returns:
        `[F, t]`, t at least `shortest` T (rounded up) and at most T.

    Example:
        >>> 8 <= crop(torch.zeros(4, 10), seed=0).shape[1] <= 10
        True
    """
    random, n_frames = generator(seed, "crop"), values.shape[1]
    least = math.ceil(shortest * n_frames)
    length = int(torch.randint(least, n_frames + 1, (1,), generator=random))
    start = int(torch.randint(n_frames - length + 1, (1,), generator=random))
    return values[:, start : start + length]


def _beta(alpha: float, random: torch.Generator) -> float:
    """One draw from Beta(alpha, alpha), by Johnk's method, which needs uniform numbers only.

    NumPy's own would draw from another stream: every network trained with a seed would change.
    Above alpha 4, and close to 0, the loop would run for minutes; `Augmentation` refuses both.
    """
    while True:
        x, y = (torch.rand(2, generator=random, dtype=torch.float64) ** (1 / alpha)).tolist()
        if 0 < x + y <= 1:
            return float(x / (x + y))
