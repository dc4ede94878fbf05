"""What was perturbed, and what the black box said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from daxaudio.containers import Recording, Spectrogram
from daxaudio.perturbation.fills import Fill, mix_of

Rows = slice | Tensor
"""Which samples of a neighbourhood: a slice, or an int64 tensor of indices `[n]`."""


class Perturbation(Protocol):
    """N ways to keep parts of a spectrogram, held in compact form (see `neighbourhood`)."""

    @property
    def kept(self) -> Tensor:
        """`[N, K]` bool: which of K parts each sample keeps."""

    def __len__(self) -> int:
        """N, the number of samples."""

    def masks(self, rows: Rows) -> Tensor:
        """`[n, F, T]` in [0, 1] of n samples, 1 where the sample keeps the input."""


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbourhood:
    """What was perturbed and what the black box said of it.

    Perturbed spectrograms are made on demand by `inputs`, a batch at a time, so that memory does
    not grow with N.

    Args:
        spectrogram: the input that is explained.
        perturbation: N ways to keep parts of it.
        background: `[F, T]`, what stands where a part is masked off.
        scores: `[N]`, the black box's score of each perturbed input.
        original_score: its score of the input as it is.
        background_score: its score of the background alone, everything masked off.
        seconds: time that it took, segmenting, drawing and making the inputs included.
        settings: how it was drawn.
        seed: seed of the draws.
        fill: how the background goes into what is masked off.
        target: the class whose score it is ("" when only a score function was known).

    Raises:
        ValueError: when the numbers of samples or the shapes disagree.
    """

    spectrogram: Spectrogram
    perturbation: Perturbation
    background: Tensor
    scores: Tensor
    _: dataclasses.KW_ONLY
    original_score: float
    background_score: float
    seconds: float = 0.0
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0
    fill: Fill = "global_mean"
    target: str = ""

    def __post_init__(self) -> None:
        if self.background.shape != self.spectrogram.values.shape:
            raise ValueError(
                f"background is {tuple(self.background.shape)}, the spectrogram is "
                f"{tuple(self.spectrogram.values.shape)}"
            )
        if self.scores.shape != (len(self.perturbation),):
            raise ValueError(
                f"{len(self.perturbation)} perturbations need as many scores, got shape "
                f"{tuple(self.scores.shape)}"
            )
        if not torch.isfinite(self.scores).all():
            raise ValueError("the black box answered NaN or infinite scores")

    @property
    def n_samples(self) -> int:
        """N, the number of perturbed inputs."""
        return len(self.scores)

    @property
    def n_queries(self) -> int:
        """Black-box evaluations that it cost: perturbed inputs, the input and the background."""
        return self.n_samples + 2

    def inputs(self, rows: Rows) -> Tensor:
        """Perturbed spectrograms `[n, F, T]` of n samples: a slice, or an index tensor `[n]`."""
        return self.masked(self.perturbation.masks(rows))

    def masked(self, masks: Tensor) -> Tensor:
        """Inputs `[n, F, T]` of which masks `[n, F, T]` in [0, 1] keep a part."""
        return mix_of(self.fill)(self.background, self.spectrogram.values, masks)


def check_spectrogram(given: object) -> None:
    """Refuse anything else where a spectrogram is explained.

    Raises:
        TypeError: says what to do.

    Example:
        >>> check_spectrogram("a.wav")
        Traceback (most recent call last):
        TypeError: a Spectrogram is explained, got a str: make one, Spectrogram(values, ...)
    """
    if isinstance(given, Spectrogram):
        return
    advice = "make one, Spectrogram(values, ...)"
    if isinstance(given, Recording):
        advice = "make one of it by the model's front end, front_end.spectrogram(recording)"
    raise TypeError(f"a Spectrogram is explained, got a {type(given).__name__}: {advice}")
