"""DAX as its authors run it, which differs from the paper (V1 and V2 are the paper's)."""

from __future__ import annotations

import dataclasses
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import segments_of, to_explanation
from daxaudio.explainers.dax.distillation import (
    Batch,
    Examples,
    check_training,
    descend,
    held_out_r2,
    place,
)
from daxaudio.explainers.dax.joint import Counterfactual
from daxaudio.explainers.dax.networks import BlockMaskNetwork, NormalisedStudent
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import SegmentSampler
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.real_numbers import scale_to_mask
from daxaudio.runs.seeds import derive_seed

_BLOCK = 8
"""Side of the blocks that a mask is constant in."""

_BORDER = 7 / 128
"""Share of a picture at each border in which a mask is set to 0."""

_AVERAGED = 6
"""Masks that the explanation is the mean of: before the training, and after its first epochs."""

_KERNEL_WIDTH = 0.25
_MOMENTUM = 0.9


def _mean_filled() -> SegmentSampler:
    return SegmentSampler(n_samples=3000, fill="segment_mean")


@dataclasses.dataclass(frozen=True)
class DaxAsAuthors:
    """Distillation aided explanations by the settings of the authors' public code.

    Segments that are masked off become their mean. The networks see square pictures, from 0 for the
    quietest bin to 255; the mask is constant in blocks of 8 x 8 (largest value of each),
    scaled by the smallest and largest value of a batch in the place of a sigmoid; the student is
    fully connected, with batch normalisation and dropout. Neighbours weigh
    `sqrt(exp(-d^2 / 0.25^2))`, d the cosine distance of what is kept to all of it. The loss is the
    error less 1.0 times that on the complement (the paper: 0.5). Stochastic gradient descent with
    Nesterov momentum 0.9 takes batches of 16. The explanation is the mean of the input's mask
    before the training and after each of the first five epochs, smoothed between blocks, each with
    7 of 128 pixels at the borders set to 0.

    Source: github.com/iiscleap/DAX, `lime/student_ntw_learn.py`, for images. It differs in that a
    spectrogram has one channel and no colours to vary (their code turns about half of each batch
    into another colour space); in that the input itself is no neighbour to learn from, and only
    gives the masks their scale, with the first 15; in that held-out neighbours are drawn, and the
    order of batches is drawn anew each epoch (theirs are the last tenth, and one order); and in the
    segments, which are the sampler's.

    Args:
        sampler: draws the neighbourhood; theirs has 3000 neighbours.
        epochs: passes over the training neighbours.
        batch_size: neighbours in one step; part of the method, it changes the result.
        learning_rate: of the descent.
        side: of the pictures that the networks see, a multiple of 8.
        counterfactual: weight of the complement's term in the loss.
        at_most: train on the first so many neighbours only; None takes all.
        seed: seed of initial weights, dropout, split and order.

    Raises:
        ValueError: when a number is out of range.
    """

    sampler: SegmentSampler = dataclasses.field(default_factory=_mean_filled)
    epochs: int = 9
    batch_size: int = 16
    learning_rate: float = 1e-3
    side: int = 128
    counterfactual: float = 1.0
    at_most: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_training(
            epochs=self.epochs,
            batch_size=self.batch_size,
            pool=1,
            at_most=self.at_most,
            validation_share=0.1,
            learning_rate=self.learning_rate,
            precision="fp32",
        )
        if self.batch_size < 2:
            raise ValueError("batch_size must be at least 2, as batches are normalised, got 1")
        if self.side < _BLOCK or self.side % _BLOCK:
            raise ValueError(f"side must be a multiple of {_BLOCK}, got {self.side}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Ask the black box and train both networks; Q + 2 queries."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Train both networks on a neighbourhood and average the input's masks.

        Args:
            neighbourhood: at least three perturbed inputs, of segments.

        Returns:
            The explanation; its history holds `train_loss` and `validation_loss`, one entry an
            epoch, `masks` of the input and `mask_epochs` (0 before the training), and its findings
            `student_r2`, the share of the held-out scores' variance that the student explains.

        Raises:
            TypeError: when the neighbourhood has no segments.
            ValueError: when there are fewer perturbed inputs.
        """
        began = time.perf_counter()
        examples = self._examples(neighbourhood)
        device = neighbourhood.spectrogram.values.device
        with torch.random.fork_rng():  # dropout draws from the global state
            torch.manual_seed(derive_seed(self.seed, "networks"))
            masker = place(BlockMaskNetwork(block=_BLOCK), device)
            student = place(NormalisedStudent((self.side, self.side)), device)
            masks, losses = self._train(masker, student, examples)
            student.eval()
            r2 = held_out_r2(lambda inputs: student(inputs * masker(inputs)), examples)
        shape = neighbourhood.spectrogram.values.shape
        grown = F.interpolate(masks[:, None], size=tuple(shape), mode="bilinear")[:, 0].cpu()
        found = scale_to_mask(grown.mean(dim=0))
        explanation = to_explanation(neighbourhood, found, "dax_authors", self, began=began)
        history = {
            **losses,
            "masks": list(grown.clamp(0, 1).numpy()),
            "mask_epochs": list(range(len(grown))),
        }
        return dataclasses.replace(
            explanation, history=history, findings={"student_r2": r2}, seed=self.seed
        )

    def _examples(self, neighbourhood: Neighbourhood) -> Examples:
        perturbation = segments_of(neighbourhood, self, "SegmentSampler")
        distance = 1 - perturbation.kept.cpu().float().mean(dim=1).sqrt()
        weights = torch.exp(-((distance / _KERNEL_WIDTH) ** 2) / 2)
        examples = Examples.split(
            neighbourhood,
            at_most=self.at_most,
            seed=self.seed,
            weights=weights,
            view=lambda inputs: _as_pictures(inputs, neighbourhood.spectrogram.values, self.side),
        )
        n_training = len(examples.training)
        if n_training % self.batch_size == 1:  # one alone cannot be normalised
            n_training -= 1
        if n_training < 2:
            raise ValueError(
                f"DaxAsAuthors needs at least 3 neighbours, got {neighbourhood.n_samples}"
            )
        return dataclasses.replace(examples, training=examples.training[:n_training])

    def _train(
        self, masker: BlockMaskNetwork, student: NormalisedStudent, examples: Examples
    ) -> tuple[Tensor, dict[str, list[float]]]:
        """Masks of the input `[n, side, side]`, and the losses of each epoch."""
        loss = Counterfactual(self.counterfactual)
        scaled_with = self._scaled_with(examples)

        def loss_of(batch: Batch) -> Tensor:
            inputs, scores, weights = batch
            student.train(torch.is_grad_enabled())
            return loss(student, inputs, masker(inputs), scores, weights=weights)

        epochs = descend(
            loss_of,
            [*masker.parameters(), *student.parameters()],
            examples,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            momentum=_MOMENTUM,
            precision="fp32",
            seed=self.seed,
        )
        masks, losses = [_mask_of_first(masker, scaled_with)], []
        for epoch in progress_bar(epochs, "training", total=self.epochs, leave=False):
            losses.append(epoch)
            if len(masks) < min(_AVERAGED, self.epochs):
                masks.append(_mask_of_first(masker, scaled_with))
        train, validation = zip(*losses, strict=True)
        return torch.stack(masks), {
            "train_loss": list(train),
            "validation_loss": list(validation),
        }

    def _scaled_with(self, examples: Examples) -> Tensor:
        """The input and the neighbours that its masks are scaled with."""
        neighbourhood = examples.neighbourhood
        first = neighbourhood.inputs(slice(0, self.batch_size - 1))
        return examples.scale(torch.cat([neighbourhood.spectrogram.values[None], first]))


def _as_pictures(inputs: Tensor, values: Tensor, side: int) -> Tensor:
    """Spectrograms `[n, F, T]` as `[n, side, side]`, from 0 for the quietest bin to 255."""
    low, high = values.min(), values.max()
    scaled = 255 * (inputs - low) / (high - low).clamp(min=1e-6)
    pictures = F.interpolate(scaled[:, None], size=(side, side), mode="bilinear", antialias=True)
    return pictures[:, 0]


@torch.no_grad()
def _mask_of_first(masker: BlockMaskNetwork, inputs: Tensor) -> Tensor:
    """Mask `[side, side]` of the first of several inputs: smooth between blocks, 0 at borders."""
    blocks = F.max_pool2d(masker(inputs)[:1, None], _BLOCK)
    mask = scale_to_mask(F.interpolate(blocks, scale_factor=_BLOCK, mode="bilinear")[0, 0])
    border = round(_BORDER * len(mask))
    inside = slice(border, len(mask) - border)
    found = torch.zeros_like(mask)
    found[inside, inside] = mask[inside, inside]
    return found
