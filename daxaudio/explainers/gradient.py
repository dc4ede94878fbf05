"""Gradients of the score by the input: plain, smoothed, integrated, and times the input."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import torch

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import Sign, check_choices, explain_by_gradients
from daxaudio.models.module_score import Of, module_score
from daxaudio.perturbation.fills import Fill, make_background
from daxaudio.perturbation.neighbourhood import check_spectrogram
from daxaudio.runs.memory import check_fits
from daxaudio.runs.seeds import generator

_COMPLETE = 0.05
"""Part of the score's difference that integrated gradients may miss without a warning."""

_ROUNDING = 1e-5
"""Part of the scores themselves that is put down to float32."""

_MOST_STEPS = 10_000
"""The points of the rule are the eigenvalues of a matrix as large as its steps."""


@dataclasses.dataclass(frozen=True)
class Gradient:
    """How fast the score changes with each pixel.

    Source: Simonyan et al. 2014, who differentiate the class's score before the softmax, as is the
    default here: a probability near 1 hardly changes with anything, and changes with the other
    classes too. The mask shows the absolute value, as theirs.

    Args:
        of: the class's logit or its probability.
        sign: "absolute", or "positive" for a mask of positive values only.

    Raises:
        ValueError: when a word is unknown.

    Example:
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> _ = module[1].weight.data[0].copy_(torch.tensor([0.0, 1.0, 0.0, -2.0]))
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> Gradient()(picture, score).mask
        tensor([[0.0000, 0.5000],
                [0.0000, 1.0000]])
    """

    of: Of = "logit"
    sign: Sign = "absolute"

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """One forward and backward pass, and 1 query; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        found = score.gradients(spectrogram.values[None], self.of)[0]
        return explain_by_gradients(
            spectrogram,
            score,
            "gradient",
            self,
            attribution=found,
            began=began,
            n_gradients=1,
            sign=self.sign,
        )


@dataclasses.dataclass(frozen=True)
class SmoothGrad:
    """The mean gradient at noisy copies of the input.

    Source: Smilkov et al. 2017. As in their formula signed gradients are averaged, and the absolute
    value is taken of the mean, for the mask only.

    Args:
        n_samples: noisy copies.
        noise_level: standard deviation of the noise as a part of the spectrogram's range, its
            largest less its smallest value.
        of: the class's logit or its probability.
        sign: "absolute", or "positive" for a mask of positive values only.
        seed: seed of the noise; each recording has its own.

    Raises:
        ValueError: when a number is out of its range or a word is unknown.

    Example:
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> found = SmoothGrad(n_samples=8)(picture, score).attribution
        >>> torch.allclose(found.flatten(), module[1].weight[0])
        True
    """

    n_samples: int = 50
    noise_level: float = 0.15
    of: Of = "logit"
    sign: Sign = "absolute"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)
        if self.n_samples < 1:
            raise ValueError(f"n_samples must be at least 1, got {self.n_samples}")
        check_fits("noisy copies", self.n_samples, 32, "n_samples")
        if not 0 <= self.noise_level < float("inf"):
            raise ValueError(f"noise_level must be at least 0, got {self.noise_level}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """`n_samples` passes and 1 query; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        values = spectrogram.values
        deviation = self.noise_level * (values.max() - values.min())
        random = generator(self.seed, "smooth_grad", spectrogram.recording_id)
        # One draw a copy, so that the numbers do not depend on how many are made at once.
        noisy = (
            values + deviation * torch.randn(values.shape, generator=random).to(values)
            for _ in range(self.n_samples)
        )
        weights = torch.full((self.n_samples,), 1 / self.n_samples, dtype=torch.float64)
        found = score.mean_gradient(noisy, weights, self.of)
        return explain_by_gradients(
            spectrogram,
            score,
            "smooth_grad",
            self,
            attribution=found,
            began=began,
            n_gradients=self.n_samples,
            sign=self.sign,
        )


@dataclasses.dataclass(frozen=True)
class IntegratedGradients:
    """Shares of each pixel in what the input scores above the background.

    The gradient's mean on the straight path from the background to the input, times their
    difference. The integral is taken by the Gauss-Legendre rule. The attributions sum up to the
    difference of the two scores (completeness); by how much they miss it is the finding
    `completeness_error`, in units of the score, and above 5 % of the difference is a warning.

    Source: Sundararajan et al. 2017. It differs from the usual black background (0): here the
    background is what the other methods put where the input is masked off, as 0 dB is arbitrary.

    Args:
        n_steps: points on the path.
        fill: the background; "segment_mean" cannot be, as there are no segments.
        of: the class's logit or its probability.
        sign: "absolute", or "positive" for a mask of what speaks for the class only. Absolute
            values found the events of padded ESC-10 clips a little better (docs/search.md).
        seed: seed of the fill "noise"; nothing else is drawn.

    Raises:
        ValueError: when a number is out of its range or a word is unknown.

    Example:
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> _ = module[1].weight.data[0].copy_(torch.tensor([1.0, 1.0, 1.0, 3.0]))
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> IntegratedGradients(fill="floor")(picture, score).attribution
        tensor([[1., 0.],
                [0., 3.]])
    """

    n_steps: int = 50
    fill: Fill = "global_mean"
    of: Of = "logit"
    sign: Sign = "absolute"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)
        if not 1 <= self.n_steps <= _MOST_STEPS:
            raise ValueError(
                f"n_steps must be at least 1 and at most {_MOST_STEPS}, got {self.n_steps}"
            )

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """`n_steps` passes and 3 queries; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        values = spectrogram.values
        background = make_background(spectrogram, self.fill, seed=self.seed)
        places, weights = np.polynomial.legendre.leggauss(self.n_steps)  # on [-1, 1]
        path = (torch.lerp(background, values, (1 + float(place)) / 2) for place in places)
        mean = score.mean_gradient(path, torch.from_numpy(weights / 2), self.of)
        found = (values - background).cpu().float() * mean
        ends = score.values(torch.stack([background, values]), self.of).double()
        gain, size = float(ends[1] - ends[0]), float(ends.abs().sum())
        error = abs(float(found.double().sum()) - gain)
        return explain_by_gradients(
            spectrogram,
            score,
            "integrated_gradients",
            self,
            attribution=found,
            began=began,
            n_gradients=self.n_steps,
            sign=self.sign,
            n_values=2,
            findings={"completeness_error": error},
            warnings=self._warnings(error, gain, size),
        )

    def _warnings(self, error: float, gain: float, size: float) -> list[str]:
        if error <= _COMPLETE * abs(gain) + _ROUNDING * size:
            return []
        return [
            f"the attributions miss the score's difference of {gain:.3g} from the background by "
            f"{error:.2g} with {self.n_steps} steps: take more steps"
        ]


@dataclasses.dataclass(frozen=True)
class InputXGradient:
    """The gradient times what the input has above the background.

    Source: Shrikumar et al. 2016, who multiply by the input itself, which is the same with the
    background 0. In dB 0 is arbitrary: moved by a constant, the same sound would get another
    explanation; so it is the difference from the background that counts here.

    Args:
        fill: the background; "segment_mean" cannot be, as there are no segments.
        of: the class's logit or its probability.
        sign: "absolute", or "positive" for a mask of what speaks for the class only. Absolute
            values found the events of padded ESC-10 clips a little better (docs/search.md).
        seed: seed of the fill "noise"; nothing else is drawn.

    Raises:
        ValueError: when a word is unknown.

    Example:
        >>> from torch import nn
        >>> from daxaudio.models.module_score import ModuleScore
        >>> module = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> _ = module[1].weight.data[0].copy_(torch.tensor([1.0, 1.0, 1.0, 3.0]))
        >>> score = ModuleScore(module, 0, lambda inputs: module(inputs).softmax(-1))
        >>> picture = Spectrogram(torch.eye(2), torch.arange(2.0), torch.arange(2.0))
        >>> InputXGradient()(picture, score).attribution
        tensor([[ 0.5000, -0.5000],
                [-0.5000,  1.5000]])
    """

    fill: Fill = "global_mean"
    of: Of = "logit"
    sign: Sign = "absolute"
    seed: int = 0

    def __post_init__(self) -> None:
        check_choices(self.of, self.sign)

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """One forward and backward pass, and 1 query; TypeError without a module to look into."""
        check_spectrogram(spectrogram)
        score, began = module_score(score_fn), time.perf_counter()
        values = spectrogram.values
        background = make_background(spectrogram, self.fill, seed=self.seed)
        gradient = score.gradients(values[None], self.of)[0]
        found = (values - background).cpu().float() * gradient
        return explain_by_gradients(
            spectrogram,
            score,
            "input_x_gradient",
            self,
            attribution=found,
            began=began,
            n_gradients=1,
            sign=self.sign,
        )
