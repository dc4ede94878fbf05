"""What a network learns from in one epoch: whole recordings, or windows of them.

Every draw has a seed of its own, so that an epoch is the same whether or not the run was stopped
before it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.features.front_end import FrontEnd
from daxaudio.models.augmentation import Augmentation, crop
from daxaudio.models.blstm import WindowBlstm
from daxaudio.runs.seeds import derive_seed, generator


class Examples(Protocol):
    """The examples of one epoch."""

    def __len__(self) -> int:
        """How many there are."""

    def batch(self, chosen: list[int], step: int) -> tuple[Tensor, Tensor]:
        """Inputs `[n, ...]` and soft targets `[n, C]` of some of them."""


def copies_of(labels: Sequence[int], oversample: bool) -> list[tuple[int, int]]:
    """Which recordings an epoch holds: (index, copy), copy 0 being the recording itself.

    Args:
        labels: class of each recording.
        oversample: give each recording of a class that has n recordings, where the largest class
            has m, floor(m / n) - 1 further copies.

    Returns:
        All recordings, then the further copies.

    Example:
        >>> copies_of([0, 0, 0, 0, 0, 1, 1], oversample=True)[7:]
        [(5, 1), (6, 1)]
    """
    found = [(i, 0) for i in range(len(labels))]
    if oversample:
        n_of = Counter(labels)
        largest = max(n_of.values())
        found += [(i, k) for i, c in enumerate(labels) for k in range(1, largest // n_of[c])]
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingSet:
    """Recordings, and how spectrograms are drawn from them.

    Args:
        recordings: all are held in memory.
        labels: index of each one's class.
        n_classes: C.
        front_end: makes the spectrograms.
        augmentation: random changes.
        oversample: further copies of smaller classes (see `copies_of`), each a random stretch of
            80 to 100 % of the frames, drawn anew in each epoch.
        seed: seed of all draws.
    """

    recordings: Sequence[Recording]
    labels: Sequence[int]
    n_classes: int
    _: dataclasses.KW_ONLY
    front_end: FrontEnd
    augmentation: Augmentation
    oversample: bool = False
    seed: int = 0

    @functools.cached_property
    def copies(self) -> list[tuple[int, int]]:
        """(index, copy) of each spectrogram of an epoch."""
        return copies_of(self.labels, self.oversample)

    def spectrogram(self, place: int, epoch: int) -> Tensor:
        """`[F, T]` of one of `copies`, as this epoch sees it."""
        i, copy = self.copies[place]
        names = (epoch, self.recordings[i].recording_id, i, *([copy] if copy else []))
        seed = derive_seed(self.seed, *names)
        values = self.augmentation.spectrogram(self.recordings[i], self.front_end, seed)
        return crop(values, seed) if copy else values

    def targets(self, places: Sequence[int]) -> Tensor:
        """One-hot `[n, C]` of some of `copies`."""
        classes = torch.tensor([self.labels[self.copies[place][0]] for place in places])
        return F.one_hot(classes, self.n_classes).float()

    def draws(self, epoch: int, step: int) -> torch.Generator:
        """Random numbers of one batch."""
        return generator(self.seed, "batch", epoch, step)


@dataclasses.dataclass(frozen=True, eq=False)
class WholeRecordings:
    """Spectrograms `[n, F, T]` of whole recordings, made when they are asked for.

    Args:
        source: where they come from.
        epoch: from 0.
    """

    source: TrainingSet
    epoch: int

    def __len__(self) -> int:
        """Copies of recordings."""
        return len(self.source.copies)

    def batch(self, chosen: list[int], step: int) -> tuple[Tensor, Tensor]:
        """Spectrograms, shorter ones surrounded by their floor, and targets, mixed."""
        draws, augmentation = self.source.draws(self.epoch, step), self.source.augmentation
        examples = [self.source.spectrogram(place, self.epoch) for place in chosen]
        batch = augmentation.collate(examples, draws)
        return augmentation.mix(batch, self.source.targets(chosen), draws)


class Windows:
    """Windows `[n, L, 3 F]` of all recordings of an epoch, each with its recording's label.

    All are made at once and held in memory, 39 kB each at 51 frames of 64 bins: about 80 kB for a
    second of audio at 100 frames per second.

    Args:
        source: where the recordings come from.
        epoch: from 0.
        network: makes features and cuts windows.
    """

    def __init__(self, source: TrainingSet, epoch: int, network: WindowBlstm) -> None:
        self.source, self.epoch = source, epoch
        device = next(network.parameters()).device
        with torch.no_grad():
            found = [
                network.training_windows(source.spectrogram(place, epoch).to(device)).cpu()
                for place in range(len(source.copies))
            ]
        self.windows = torch.cat(found)
        places = [place for place, own in enumerate(found) for _ in own]
        self.targets = source.targets(places)

    def __len__(self) -> int:
        """Windows of all copies."""
        return len(self.windows)

    def batch(self, chosen: list[int], step: int) -> tuple[Tensor, Tensor]:
        """Windows and targets, mixed where the augmentation mixes."""
        draws = self.source.draws(self.epoch, step)
        return self.source.augmentation.mix(self.windows[chosen], self.targets[chosen], draws)
