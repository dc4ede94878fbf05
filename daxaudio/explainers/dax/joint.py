"""DAX as the paper writes it: a mask network and a student, trained together (V1 and V2)."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Literal

import torch
from torch import Tensor

from daxaudio.containers import Explanation, ScoreFn, Spectrogram
from daxaudio.explainers.attribution import to_explanation
from daxaudio.explainers.dax.distillation import (
    Batch,
    Examples,
    check_training,
    descend,
    held_out_r2,
    place,
)
from daxaudio.explainers.dax.networks import (
    MaskNetwork,
    NormalisedStudent,
    Student,
    StudentName,
    soft_histogram,
)
from daxaudio.explainers.dax.polarity import compare_ends
from daxaudio.models.precision import Precision, choose_precision
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.query import ask_masked
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.seeds import derive_seed


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
        self, student: Student, inputs: Tensor, masks: Tensor, scores: Tensor, *, weights: Tensor
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
        self,
        student: Student | NormalisedStudent,
        inputs: Tensor,
        masks: Tensor,
        scores: Tensor,
        *,
        weights: Tensor,
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
        precision: "fp32", "bf16" by autocast, or "auto": bf16 where the device has it in hardware.
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
    precision: Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_training(
            epochs=self.epochs,
            batch_size=self.batch_size,
            pool=self.pool,
            at_most=self.at_most,
            validation_share=self.validation_share,
            learning_rate=self.learning_rate,
            precision=self.precision,
        )
        if self.polarity not in ("as_trained", "checked"):
            raise ValueError(f"polarity must be 'as_trained' or 'checked', got {self.polarity!r}")

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
            `mask_epochs`, one entry an epoch; its findings are `student_r2`, the share of the
            held-out scores' variance that the student explains from masked inputs, and
            `precision`, in which the networks were trained. Where the polarity was checked, they
            hold `upright`, `score_of_high` and `score_of_low`, too (see `Polarity`).
        """
        began = time.perf_counter()
        examples = Examples.split(
            neighbourhood,
            pool=self.pool,
            at_most=self.at_most,
            validation_share=self.validation_share,
            seed=self.seed,
        )
        device = neighbourhood.spectrogram.values.device
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, "networks"))
            masker = place(MaskNetwork(), device)
            student = place(Student(examples.shape, self.student), device)
        history = self._train(masker, student, examples)
        r2 = held_out_r2(lambda inputs: student(inputs * masker(inputs)), examples)
        mask = torch.tensor(history["masks"][-1], dtype=torch.float32)
        explanation = to_explanation(neighbourhood, mask, self.loss.method, self, began=began)
        choice = choose_precision(self.precision, device)
        findings = {"student_r2": r2, "precision": choice.as_dict()}
        return dataclasses.replace(
            explanation, mask=mask, history=history, findings=findings, seed=self.seed
        )

    def _train(self, masker: MaskNetwork, student: Student, examples: Examples) -> dict[str, Any]:
        def loss_of(batch: Batch) -> Tensor:
            inputs, scores, weights = batch
            return self.loss(student, inputs, masker(inputs), scores, weights=weights)

        epochs = descend(
            loss_of,
            [*masker.parameters(), *student.parameters()],
            examples,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            precision=self.precision,
            seed=self.seed,
        )
        history: dict[str, Any] = {
            "train_loss": [],
            "validation_loss": [],
            "masks": [],
            "mask_epochs": list(range(1, self.epochs + 1)),
        }
        shown = progress_bar(epochs, "training", total=self.epochs, leave=False)
        for train_loss, validation_loss in shown:
            history["train_loss"].append(train_loss)
            history["validation_loss"].append(validation_loss)
            history["masks"].append(_mask_of_input(masker, examples).numpy())
        return history


@torch.no_grad()
def _mask_of_input(masker: MaskNetwork, examples: Examples) -> Tensor:
    """f_M(x) at the input's own size, on the CPU."""
    inputs = examples.scale(examples.neighbourhood.spectrogram.values[None])
    return examples.enlarge(masker(inputs).float())[0].cpu()


def _turn_upright(
    explanation: Explanation, neighbourhood: Neighbourhood, score_fn: ScoreFn
) -> Explanation:
    began = time.perf_counter()
    mask = explanation.mask.to(neighbourhood.spectrogram.values.device)
    found = compare_ends(mask, lambda masks: ask_masked(neighbourhood, masks, score_fn))
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
        findings={
            **explanation.findings,
            "upright": found.upright,
            "score_of_high": found.score_of_high,
            "score_of_low": found.score_of_low,
        },
    )
