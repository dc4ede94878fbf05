"""DAX as the paper writes it: a mask network and a student, trained together (V1 and V2)."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from daxaudio.containers import Explanation, Neighbourhood, ScoreFn, Spectrogram
from daxaudio.neighbourhood import (
    GridSampler,
    SegmentSampler,
    closeness_weights,
    to_explanation,
)
from daxaudio.networks import MaskNetwork, Student, StudentName, soft_histogram
from daxaudio.polarity import check_polarity
from daxaudio.seeds import derive_seed, generator


@dataclasses.dataclass(frozen=True)
class SparseMatching:
    """Loss of V1, equations (8), (10), (11): weighted error, small masks, alike distributions.

    The L1 norm (11) is taken per mask element and the sum over samples as a mean, as the authors'
    code does, so that the weights do not depend on the size of the input or on Q.

    Args:
        lambda_l1: weight of the mask's size, the paper's lambda_1.
        lambda_kl: weight of the divergence between histograms of a batch, the paper's lambda_2.
    """

    lambda_l1: float = 0.001
    lambda_kl: float = 0.02
    method: str = dataclasses.field(default="dax_v1", init=False)

    def __call__(
        self, student: Student, inputs: Tensor, masks: Tensor, scores: Tensor, weights: Tensor
    ) -> Tensor:
        """Loss of one batch; inputs and masks `[n, F, T]`, scores and weights `[n]`."""
        answers = student(inputs * masks).float()
        error = (weights * (scores - answers) ** 2).mean()  # L_MSE (8)
        size = masks.float().abs().mean()  # L_SP (11)
        truth, guess = soft_histogram(scores), soft_histogram(answers)
        divergence = (truth * (truth / guess).log()).sum()  # L_KL, KL(q_y || q_y~)
        return error + self.lambda_l1 * size + self.lambda_kl * divergence


@dataclasses.dataclass(frozen=True)
class Counterfactual:
    """Loss of V2, equations (8) and (12): the masked input explains, its complement does not.

    Table I of the paper prints a plus before the counterfactual term, the text says that agreement
    on the complement is minimised, and the authors' code subtracts it: so do we. Equation (10)
    writes gamma_i before L_MSE only; the authors' code weights both terms with it: so do we.

    Args:
        weight: of the counterfactual term, the paper's lambda_3.
    """

    weight: float = 0.5
    method: str = dataclasses.field(default="dax_v2", init=False)

    def __call__(
        self, student: Student, inputs: Tensor, masks: Tensor, scores: Tensor, weights: Tensor
    ) -> Tensor:
        """Loss of one batch; inputs and masks `[n, F, T]`, scores and weights `[n]`."""
        answers = student(torch.cat([inputs * masks, inputs * (1 - masks)])).float()
        kept, complement = answers.split(len(inputs))
        error = (weights * (scores - kept) ** 2).mean()  # L_MSE (8)
        agreement = (weights * (scores - complement) ** 2).mean()  # L_CNT (12)
        return error - self.weight * agreement


@dataclasses.dataclass(frozen=True)
class Dax:
    """Distillation aided explanations, V1 or V2 by its loss; the mask is f_M(x), equation (13).

    The networks see inputs relative to what stands where a part is masked off, in units of the
    input's own deviation: what is masked off is 0 (equation 5), and multiplying by a mask of 0
    means the same. Where the paper is silent: Adam, 1e-3; a tenth of the neighbours validates.

    Args:
        loss: `SparseMatching` (V1) or `Counterfactual` (V2).
        sampler: draws the neighbourhood; the paper takes Q = 6000 on quick-shift segments.
        student: "2cnn_1fc" (section III-D), "2fc" or "2cnn_2fc" (Table VI).
        epochs: passes over the training neighbours.
        batch_size: neighbours in one step; part of the method, it changes the result.
        learning_rate: of Adam.
        pool: side of the square blocks that inputs are averaged to before f_M sees them; 1 is the
            paper's full resolution, 2 costs a quarter.
        at_most: train on the first so many neighbours only; None takes all.
        polarity: "as_trained", or "checked" against the black box (18 more queries, see
            `polarity`): an inverted mask is turned over.
        validation_share: share of neighbours that are held out.
        precision: "fp32", or "bf16" by autocast, about twice as fast on recent processors.
        seed: seed of initial weights, split and order.

    Raises:
        ValueError: when a number is out of range or a name unknown.
    """

    loss: SparseMatching | Counterfactual = dataclasses.field(default_factory=Counterfactual)
    sampler: SegmentSampler | GridSampler = dataclasses.field(
        default_factory=lambda: SegmentSampler(n_samples=6000)
    )
    student: StudentName = "2cnn_1fc"
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    pool: int = 1
    at_most: int | None = None
    polarity: Literal["as_trained", "checked"] = "as_trained"
    validation_share: float = 0.1
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.pool) < 1:
            raise ValueError(
                f"epochs, batch_size and pool must be at least 1, got {self.epochs}, "
                f"{self.batch_size}, {self.pool}"
            )
        if self.at_most is not None and self.at_most < 2:
            raise ValueError(f"at_most must be at least 2 neighbours, got {self.at_most}")
        if self.polarity not in ("as_trained", "checked"):
            raise ValueError(f"polarity must be 'as_trained' or 'checked', got {self.polarity!r}")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision must be 'fp32' or 'bf16', got {self.precision!r}")
        if not 0 < self.validation_share < 1:
            raise ValueError(
                f"validation_share must lie between 0 and 1, got {self.validation_share}"
            )

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Ask the black box, train both networks, and turn the mask over where that is asked."""
        neighbourhood = self.sampler(spectrogram, score_fn)
        explanation = self.fit(neighbourhood)
        if self.polarity == "as_trained":
            return explanation
        return _turn_upright(explanation, neighbourhood, score_fn)

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Train f_M and f_S on a neighbourhood and give f_M(x), as trained.

        Args:
            neighbourhood: at least two perturbed inputs.

        Returns:
            The explanation; its history holds `train_loss`, `validation_loss`, `masks` of x and
            `mask_epochs`, one entry an epoch.
        """
        began = time.perf_counter()
        examples = _Examples.of(neighbourhood, self)
        device = neighbourhood.spectrogram.values.device
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, "networks"))
            masker = _placed(MaskNetwork(), device)
            student = _placed(Student(examples.shape, self.student), device)
        history = self._train(masker, student, examples)
        mask = torch.tensor(history["masks"][-1], dtype=torch.float32)
        explanation = to_explanation(neighbourhood, mask, self.loss.method, self, began)
        return dataclasses.replace(explanation, mask=mask, history=history, seed=self.seed)

    def _train(self, masker: MaskNetwork, student: Student, examples: _Examples) -> dict[str, Any]:
        parameters = [*masker.parameters(), *student.parameters()]
        optimiser = torch.optim.Adam(parameters, lr=self.learning_rate)
        history: dict[str, Any] = {
            "train_loss": [],
            "validation_loss": [],
            "masks": [],
            "mask_epochs": [],
        }
        show = bool(getattr(self.sampler, "progress", False))
        for epoch in tqdm(range(self.epochs), desc="training", disable=not show, leave=False):
            random = generator(self.seed, "order", epoch)
            order = examples.training[torch.randperm(len(examples.training), generator=random)]
            losses = []
            for chosen in order.split(self.batch_size):
                inputs, scores, weights = examples.batch(chosen)
                with self._autocast(inputs):
                    loss = self.loss(student, inputs, masker(inputs), scores, weights)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                losses.append(float(loss.detach()) * len(chosen))
            history["train_loss"].append(sum(losses) / len(order))
            history["validation_loss"].append(self._validate(masker, student, examples))
            history["masks"].append(examples.mask_of_input(masker).numpy())
            history["mask_epochs"].append(epoch + 1)
        return history

    def _autocast(self, inputs: Tensor) -> torch.autocast:
        return torch.autocast(inputs.device.type, torch.bfloat16, self.precision == "bf16")

    @torch.no_grad()
    def _validate(self, masker: MaskNetwork, student: Student, examples: _Examples) -> float:
        losses = []
        for chosen in examples.validation.split(self.batch_size):
            inputs, scores, weights = examples.batch(chosen)
            with self._autocast(inputs):
                loss = self.loss(student, inputs, masker(inputs), scores, weights)
            losses.append(float(loss) * len(chosen))
        return sum(losses) / len(examples.validation)


@dataclasses.dataclass(frozen=True, eq=False)
class _Examples:
    """Neighbours as the networks see them: 0 where masked off, averaged to blocks, in two parts."""

    neighbourhood: Neighbourhood
    pool: int
    weights: Tensor
    training: Tensor
    validation: Tensor

    @classmethod
    def of(cls, neighbourhood: Neighbourhood, dax: Dax) -> _Examples:
        n_samples = min(neighbourhood.n_samples, dax.at_most or neighbourhood.n_samples)
        n_validation = max(1, round(dax.validation_share * n_samples))
        if n_samples - n_validation < 1:
            raise ValueError(f"DAX needs at least 2 neighbours, got {n_samples}")
        order = torch.randperm(n_samples, generator=generator(dax.seed, "split"))
        weights = closeness_weights(neighbourhood, n_samples)
        return cls(neighbourhood, dax.pool, weights, order[n_validation:], order[:n_validation])

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self._scale(self.neighbourhood.spectrogram.values[None]).shape[1:]
        return rows, columns

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        inputs = self._scale(self.neighbourhood.inputs(chosen))
        scores, weights = self.neighbourhood.scores[chosen], self.weights[chosen]
        return inputs, scores.to(inputs), weights.to(inputs)

    @torch.no_grad()
    def mask_of_input(self, masker: MaskNetwork) -> Tensor:
        """f_M(x) at the input's own size, on the CPU."""
        values = self.neighbourhood.spectrogram.values
        mask = masker(self._scale(values[None])).float()[:, None]
        if self.pool > 1:
            mask = F.interpolate(mask, scale_factor=self.pool, mode="nearest")
            room = [size - have for size, have in zip(values.shape, mask.shape[2:], strict=True)]
            mask = F.pad(mask, (0, max(0, room[1]), 0, max(0, room[0])), mode="replicate")
        return mask[0, 0, : values.shape[0], : values.shape[1]].cpu()

    def _scale(self, inputs: Tensor) -> Tensor:
        """What is masked off becomes 0, equation (5), as does what the mask multiplies by 0."""
        background = self.neighbourhood.background
        unit = (self.neighbourhood.spectrogram.values - background).square().mean().sqrt()
        scaled = (inputs - background) / unit.clamp(min=1e-6)
        if self.pool == 1:
            return scaled
        return F.avg_pool2d(scaled, self.pool, ceil_mode=True)


Network = TypeVar("Network", MaskNetwork, Student)


def _placed(network: Network, device: torch.device) -> Network:
    """On the device, in the memory layout in which small convolutions run twice as fast."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _turn_upright(
    explanation: Explanation, neighbourhood: Neighbourhood, score_fn: ScoreFn
) -> Explanation:
    began = time.perf_counter()
    values = neighbourhood.spectrogram.values
    mask = explanation.mask.to(values.device)
    found = check_polarity(mask, values, neighbourhood.background, score_fn)
    upright, history = explanation.mask, dict(explanation.history)
    if not found.upright:
        upright = 1 - explanation.mask
        history["masks"] = [1 - mask for mask in history["masks"]]
    return dataclasses.replace(
        explanation,
        mask=upright,
        attribution=upright,
        history=history,
        n_queries=explanation.n_queries + found.n_queries,
        seconds={**explanation.seconds, "polarity": time.perf_counter() - began},
        settings={**explanation.settings, "polarity_found": dataclasses.asdict(found)},
    )
