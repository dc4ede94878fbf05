"""First distil, then find the mask: the multiplier of equation (6) on a frozen student."""

from __future__ import annotations

import dataclasses
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daxaudio.containers import Explanation, Neighbourhood, ScoreFn, Spectrogram
from daxaudio.neighbourhood import (
    GridSampler,
    SegmentSampler,
    closeness_weights,
    to_explanation,
)
from daxaudio.seeds import derive_seed, generator


@dataclasses.dataclass(frozen=True)
class DistilThenMask:
    """A student is distilled first; then, with the student frozen, the multiplier is sought.

    Joint training leaves the sign of the mask open, because the student adapts to whatever the
    mask leaves. A frozen student cannot adapt: the multiplier M of equation (6) must keep the
    score, its complement must lose it (12), and it shall be small (11) and smooth. Everything
    runs on blocks of `block` x `block` bins, so the fit takes a fraction of the queries' time.

    Args:
        sampler: draws the neighbourhood.
        block: side of the square blocks, in bins and frames.
        hidden: hidden units of the student, a network with one hidden layer on the blocks.
        epochs: passes of the distillation over the neighbours.
        steps: gradient steps on the multiplier.
        learning_rate: of Adam, in both parts.
        lambda_complement: weight of what the complement still scores.
        lambda_size: weight of the multiplier's mean.
        lambda_smooth: weight of the mean difference between neighbouring blocks.
        seed: seed of the student's initial weights and the order.

    Raises:
        ValueError: when a number is out of range.
    """

    sampler: SegmentSampler | GridSampler = dataclasses.field(default_factory=SegmentSampler)
    block: int = 8
    hidden: int = 64
    epochs: int = 20
    steps: int = 200
    learning_rate: float = 5e-3
    lambda_complement: float = 1.0
    lambda_size: float = 0.1
    lambda_smooth: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = {"block": self.block, "hidden": self.hidden, "steps": self.steps}
        for name, value in {**numbers, "epochs": self.epochs}.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Ask the black box, distil, and find the multiplier."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Distil a student from a neighbourhood and find the multiplier on it.

        Args:
            neighbourhood: perturbed inputs of one spectrogram and their scores.

        Returns:
            The explanation; its settings hold `student_r2`, the share of the scores' variance that
            the student explains.
        """
        began = time.perf_counter()
        kept = self._kept_blocks(neighbourhood)
        weights = closeness_weights(neighbourhood).to(kept)
        scores = neighbourhood.scores.to(kept)
        student = self._distil(kept, scores, weights)
        multiplier = self._multiplier(student, kept.shape[1:], neighbourhood.original_score)
        mask = self._enlarge(multiplier, neighbourhood.spectrogram.values.shape)
        explanation = to_explanation(neighbourhood, mask, "distil_then_mask", self, began)
        with torch.no_grad():
            unexplained = (student(kept) - scores).var(correction=0)
        r2 = 1 - float(unexplained / scores.var(correction=0).clamp(min=1e-12))
        settings = {**explanation.settings, "student_r2": r2}
        return dataclasses.replace(explanation, settings=settings, seed=self.seed)

    def _kept_blocks(self, neighbourhood: Neighbourhood) -> Tensor:
        """`[N, f, t]`: which share of each block every neighbour keeps."""
        rows = torch.arange(neighbourhood.n_samples)
        return torch.cat(
            [
                F.avg_pool2d(neighbourhood.perturbation.masks(chosen), self.block, ceil_mode=True)
                for chosen in rows.split(64)
            ]
        )

    def _distil(self, kept: Tensor, scores: Tensor, weights: Tensor) -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, "student"))
            student = _BlockStudent(kept[0].numel(), self.hidden).to(kept)
        optimiser = torch.optim.Adam(student.parameters(), lr=self.learning_rate, weight_decay=1e-4)
        for epoch in range(self.epochs):
            random = generator(self.seed, "order", epoch)
            for chosen in torch.randperm(len(kept), generator=random).split(64):
                error = (student(kept[chosen]) - scores[chosen]) ** 2  # (7)
                loss = (weights[chosen] * error).mean()
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
        return student.requires_grad_(False).eval()

    def _multiplier(self, student: nn.Module, shape: torch.Size, score: float) -> Tensor:
        device = next(student.parameters()).device
        logits = torch.zeros(tuple(shape), device=device, requires_grad=True)
        optimiser = torch.optim.Adam([logits], lr=20 * self.learning_rate)
        for _ in range(self.steps):
            mask = _smooth(torch.sigmoid(logits))
            preserved, destroyed = student(torch.stack([mask, 1 - mask]))
            loss = (score - preserved) ** 2 + self.lambda_complement * destroyed**2  # (6), (12)
            loss = loss + self.lambda_size * mask.mean()  # (11)
            loss = loss + self.lambda_smooth * _roughness(mask)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        return _smooth(torch.sigmoid(logits)).detach()

    def _enlarge(self, blocks: Tensor, shape: torch.Size) -> Tensor:
        size = [self.block * n for n in blocks.shape]
        mask = F.interpolate(blocks[None, None], size=size, mode="bilinear", align_corners=False)
        return mask[0, 0, : shape[0], : shape[1]]


class _BlockStudent(nn.Module):
    def __init__(self, n_blocks: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(n_blocks, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Sigmoid()
        )

    def forward(self, kept: Tensor) -> Tensor:
        return self.layers(kept).squeeze(1)


def _smooth(mask: Tensor) -> Tensor:
    """3 x 3 mean over blocks, edges counted by what lies inside."""
    return F.avg_pool2d(mask[None, None], 3, stride=1, padding=1, count_include_pad=False)[0, 0]


def _roughness(mask: Tensor) -> Tensor:
    """Mean absolute difference between neighbouring blocks."""
    pairs = [mask.diff(dim=axis).abs() for axis in (0, 1) if mask.shape[axis] > 1]
    return sum((pair.mean() for pair in pairs), mask.new_zeros(()))
