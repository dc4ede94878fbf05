"""What training on a neighbourhood needs: examples as the networks see them, and the descent."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daxaudio.explainers.dax.descent import Descent, recorder, tuned_convolutions
from daxaudio.models.precision import Precision, check_precision, choose_precision
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import closeness_weights
from daxaudio.runs.seeds import generator

Batch = tuple[Tensor, Tensor, Tensor]
"""Inputs `[n, f, t]`, the black box's scores `[n]`, and the weights gamma_i `[n]`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Neighbours as the networks see them: 0 where masked off, averaged to blocks, in two parts.

    Inputs are taken relative to what stands where a part is masked off, in units of the
    spectrogram's own deviation: what is masked off is 0 (equation 5), and multiplying by a mask of
    0 means the same.

    Args:
        neighbourhood: perturbed inputs of one spectrogram and their scores.
        pool: side of the square blocks that inputs are averaged to; 1 keeps every bin.
        weights: the paper's gamma_i `[N]`, mean 1.
        training: int64, the neighbours to learn from.
        validation: int64, those that are held out.
        view: spectrograms `[n, F, T]` as the networks see them, in place of all that.
    """

    neighbourhood: Neighbourhood
    pool: int
    weights: Tensor
    training: Tensor
    validation: Tensor
    view: Callable[[Tensor], Tensor] | None = None

    @classmethod
    def split(
        cls,
        neighbourhood: Neighbourhood,
        *,
        pool: int = 1,
        at_most: int | None = None,
        validation_share: float = 0.1,
        seed: int = 0,
        weights: Tensor | None = None,
        view: Callable[[Tensor], Tensor] | None = None,
    ) -> Examples:
        """Deal the first `at_most` neighbours out at random to training and validation.

        Args:
            neighbourhood: at least two perturbed inputs.
            pool: side of the blocks.
            at_most: None takes all.
            validation_share: share that is held out, at least one neighbour.
            seed: seed of the deal.
            weights: `[N]` of all neighbours; None for the paper's gamma_i.
            view: as of the class.

        Raises:
            ValueError: when there are fewer than two neighbours.
        """
        n_samples = min(neighbourhood.n_samples, at_most or neighbourhood.n_samples)
        n_validation = max(1, round(validation_share * n_samples))
        if n_samples - n_validation < 1:
            raise ValueError(f"training needs at least 2 neighbours, got {n_samples}")
        order = torch.randperm(n_samples, generator=generator(seed, "split"))
        if weights is None:
            weights = closeness_weights(neighbourhood, n_samples)
        deal = order[n_validation:], order[:n_validation]
        return cls(neighbourhood, pool, weights, *deal, view)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an input as the networks see it."""
        rows, columns = self.scale(self.neighbourhood.spectrogram.values[None]).shape[1:]
        return rows, columns

    @property
    def device(self) -> torch.device:
        """Where the networks see them."""
        return self.neighbourhood.spectrogram.values.device

    def batch(self, chosen: Tensor) -> Batch:
        """Inputs, scores and weights of the chosen neighbours; all on the spectrogram's device."""
        scores, weights = self._answers
        return self.scale(self.neighbourhood.inputs(chosen)), scores[chosen], weights[chosen]

    @functools.cached_property
    def _answers(self) -> tuple[Tensor, Tensor]:
        values = self.neighbourhood.spectrogram.values
        return self.neighbourhood.scores.to(values), self.weights.to(values)

    @functools.cached_property
    def _unit(self) -> Tensor:
        away = self.neighbourhood.spectrogram.values - self.neighbourhood.background
        return away.square().mean().sqrt().clamp(min=1e-6)

    def scale(self, inputs: Tensor) -> Tensor:
        """Spectrograms `[n, F, T]` to inputs of the networks `[n, f, t]`."""
        if self.view is not None:
            return self.view(inputs)
        scaled = (inputs - self.neighbourhood.background) / self._unit
        if self.pool == 1:
            return scaled
        return F.avg_pool2d(scaled, self.pool, ceil_mode=True)

    def enlarge(self, masks: Tensor) -> Tensor:
        """Masks `[n, f, t]` of pooled inputs to `[n, F, T]`, each block one value."""
        if self.pool == 1:
            return masks
        height, width = self.neighbourhood.spectrogram.values.shape
        grown = F.interpolate(masks[:, None], scale_factor=self.pool, mode="nearest")
        room = (max(0, height - grown.shape[2]), max(0, width - grown.shape[3]))
        return F.pad(grown, (0, room[1], 0, room[0]), mode="replicate")[:, 0, :height, :width]


def check_training(
    *,
    epochs: int,
    batch_size: int,
    pool: int,
    at_most: int | None,
    validation_share: float,
    learning_rate: float,
    precision: str,
) -> None:
    """Raise ValueError when a setting of `Examples.split` or `descend` is out of its range."""
    if min(epochs, batch_size, pool) < 1:
        raise ValueError(
            f"epochs, batch_size and pool must be at least 1, got {epochs}, {batch_size}, {pool}"
        )
    if at_most is not None and at_most < 2:
        raise ValueError(f"at_most must be at least 2 neighbours, got {at_most}")
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, got {validation_share}")
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be above 0 and finite, got {learning_rate}")
    check_precision(precision)


def descend(
    loss_of: Callable[[Batch], Tensor],
    parameters: Iterable[nn.Parameter],
    examples: Examples,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    momentum: float | None = None,
    precision: Precision = "auto",
    seed: int = 0,
) -> Iterator[tuple[float, float]]:
    """Train on one loss, an epoch at a time.

    Args:
        loss_of: the mean loss of a batch.
        parameters: what is learnt.
        examples: to learn from.
        epochs: passes over the training part.
        batch_size: examples in one step.
        learning_rate: of the descent.
        momentum: None for Adam; else plain gradient descent with so much of Nesterov's momentum.
        precision: "fp32", "bf16" by autocast, or "auto" (see `choose_precision`).
        seed: seed of the order.

    Yields:
        The mean training loss and the validation loss, after each epoch.

    Raises:
        ValueError: when a loss is not finite.
    """
    device = examples.device
    choice = choose_precision(precision, device)

    def loss_on(chosen: Tensor) -> Tensor:
        batch = examples.batch(chosen)
        with choice.autocast(device.type):
            return loss_of(batch)

    descent = Descent(
        loss_on,
        parameters,
        learning_rate=learning_rate,
        batch_size=batch_size,
        device=device,
        momentum=momentum,
        record=recorder(device),
    )
    validation = examples.validation.to(device)
    for epoch in range(epochs):
        random = generator(seed, "order", epoch)
        order = examples.training[torch.randperm(len(examples.training), generator=random)]
        with tuned_convolutions(device):
            for chosen in order.to(device).split(batch_size):
                descent.step(chosen)
        held_out = torch.zeros((), dtype=torch.float64, device=device)
        with torch.no_grad():
            for chosen in validation.split(batch_size):
                held_out += loss_on(chosen).double() * len(chosen)
        losses = descent.mean_loss(), float(held_out) / len(validation)
        if not all(map(math.isfinite, losses)):
            raise ValueError(
                f"the loss is not finite after epoch {epoch + 1}: lower learning_rate (now "
                f"{learning_rate:g})"
            )
        yield losses


@torch.no_grad()
def held_out_r2(
    answer: Callable[[Tensor], Tensor], examples: Examples, batch_size: int = 64
) -> float:
    """Share of the held-out scores' variance that a student explains; 0 where they do not vary.

    Args:
        answer: the student: inputs `[n, f, t]` to scores `[n]`.
        examples: its validation part is asked.
        batch_size: inputs at once.
    """
    parts = []
    for chosen in examples.validation.to(examples.device).split(batch_size):
        inputs, own, _ = examples.batch(chosen)
        parts.append(torch.stack([own, answer(inputs).float()]))
    scores, answers = torch.cat(parts, dim=1)
    variance = float(scores.var(correction=0))
    return 1 - float((answers - scores).square().mean()) / variance if variance > 1e-12 else 0.0


Network = TypeVar("Network", bound=nn.Module)


def place(network: Network, device: torch.device) -> Network:
    """On the device, in the memory layout in which its convolutions are fastest."""
    return choose_precision(device=device).lay_out(network.to(device))
