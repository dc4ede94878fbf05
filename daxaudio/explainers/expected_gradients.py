"""Expected gradients: integrated gradients, averaged over backgrounds."""

from __future__ import annotations

import dataclasses
import time

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import Sign, check_choices, explain_by_gradients
from daxaudio.models.module_score import ModuleScore, Of, module_score
from daxaudio.perturbation.fills import FILLS, Fill, check_fill, make_background
from daxaudio.perturbation.neighbourhood import check_spectrogram
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import derive_seed, generator


@dataclasses.dataclass(frozen=True)
class ExpectedGradients:
    """The mean over backgrounds of what lies above one, times the gradient on the way to it.

    Each sample draws a background and a place on the straight way from it to the input. In the mean
    the attributions sum up to what the input scores above the backgrounds.

    Source: Erion et al. 2021 (GradientSHAP in captum). It differs in the backgrounds: theirs are
    other examples of the training set, which an explanation of one recording does not have. Here
    they are made of the recording itself: noise with the mean and deviation of each band, drawn
    anew for each sample, in turns with its mean level. It differs, too, in that the places are
    stratified, one in each of as many equal parts of the way as there are samples, which lowers the
    variance and keeps the mean.

    Args:
        n_samples: backgrounds, each with one place on the way.
        fills: what the backgrounds are, in turns; "segment_mean" and those of the sound cannot be.
        of: the class's logit or its probability.
        sign: "absolute", or "positive" for a mask of what speaks for the class only.
        seed: seed of backgrounds and places.

    Raises:
        ValueError: when a number is out of its range or a word is unknown.

    Example:
        >>> from torch import nn
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> _ = module[1].weight.data[0].copy_(torch.tensor([1.0, 1.0, 1.0, 3.0]))
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> ExpectedGradients(fills=("floor",))(picture, score).attribution
        tensor([[1., 0.],
                [0., 3.]])
    """

    n_samples: int = 50
    fills: tuple[Fill, ...] = ("noise", "global_mean")
    of: Of = "logit"
    sign: Sign = "absolute"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)
        if self.n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {self.n_samples}")
        check_fits("samples", self.n_samples, 32, "n_samples")
        known = tuple(
            name for name, row in FILLS.items() if not row.in_sound and name != "segment_mean"
        )
        if not self.fills:
            raise ValueError(f"fills need one or more of {', '.join(known)}")
        for fill in self.fills:
            check_fill(fill, known)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """`n_samples` passes and 1 query; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        return explain_by_gradients(
            spectrogram,
            score,
            "expected_gradients",
            self,
            attribution=self._mean(spectrogram, score),
            began=began,
            n_gradients=self.n_samples,
            sign=self.sign,
        )

    def _mean(self, spectrogram: Spectrogram, score: ModuleScore) -> Tensor:
        """Float32 `[F, T]` on the CPU."""
        values = spectrogram.values
        places = self._places(spectrogram.recording_id).to(values)
        total = torch.zeros(values.shape, dtype=torch.float64)
        for samples in torch.arange(self.n_samples).split(score.batch_size):
            backgrounds = torch.stack([self._background(spectrogram, int(i)) for i in samples])
            inputs = torch.lerp(backgrounds, values, places[samples, None, None])
            away = (values - backgrounds).cpu().double()
            total += (away * score.gradients(inputs, self.of).double()).sum(dim=0)
        return (total / self.n_samples).float()

    def _background(self, spectrogram: Spectrogram, index: int) -> Tensor:
        fill = self.fills[index % len(self.fills)]
        return make_background(spectrogram, fill, seed=derive_seed(self.seed, "background", index))

    def _places(self, recording_id: str) -> Tensor:
        """`[n_samples]` in [0, 1): one in each part of the way, in random order."""
        random = generator(self.seed, "places", recording_id)
        parts = torch.randperm(self.n_samples, generator=random)
        return (parts + torch.rand(self.n_samples, generator=random)) / self.n_samples
