"""The paper's Base1 and Base2: a student is distilled, then RISE or LIME explains the student."""

from __future__ import annotations

import dataclasses
import time
from typing import Protocol

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
from daxaudio.explainers.dax.networks import Student, StudentName
from daxaudio.models.precision import Precision, choose_precision
from daxaudio.perturbation.neighbourhood import Neighbourhood
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler
from daxaudio.runs.progress import show_progress
from daxaudio.runs.seeds import derive_seed


class SamplingExplainer(Protocol):
    """An explainer that asks through a sampler, such as `Rise` or `Lime`."""

    @property
    def sampler(self) -> GridSampler | SegmentSampler:
        """Draws what is asked."""

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`."""


@dataclasses.dataclass(frozen=True)
class ExplainStudent:
    """Distil a student from a neighbourhood, and explain it in the black box's place.

    The student learns the scores of the perturbed inputs by the weighted error of equations (7)
    and (8), without a mask. Then a sampling explainer asks the student, as often as one likes: the
    only black-box queries are the neighbourhood's. With `Rise` this is Base1 of the paper's Table
    V, with `Lime` Base2. The paper gives neither the student's training nor how often it is asked:
    here it trains as in `Dax`, and is asked as often as the black box was.

    The inner explainer should fill as the sampler does; it draws with the neighbourhood's seed, so
    that both mean the same by masked off.

    Args:
        explainer: what explains the student.
        method: name of the method, as in tables: "base1" or "base2".
        sampler: draws the neighbourhood that the black box is asked about.
        student: "2cnn_1fc" (section III-D), "2fc" or "2cnn_2fc" (Table VI).
        epochs: passes over the training neighbours.
        batch_size: neighbours in one step; part of the method, it changes the result.
        learning_rate: of Adam.
        pool: side of the square blocks that inputs are averaged to before the student sees them.
        at_most: train on the first so many neighbours only; None takes all.
        validation_share: share of neighbours that are held out.
        precision: of the training: "fp32", "bf16" by autocast, or "auto": bf16 where the device
            has it in hardware.
        inner_queries: how often the student is asked; None for as often as the black box.
        seed: seed of initial weights, split and order.

    Raises:
        ValueError: when a number is out of range or a name unknown.

    Example:
        >>> from daxaudio.explainers.rise import Rise
        >>> picture = Spectrogram(torch.eye(12), torch.arange(12.0), torch.arange(12.0))
        >>> base1 = ExplainStudent(Rise(GridSampler()), sampler=GridSampler(60), inner_queries=9)
        >>> base1(picture, lambda inputs: inputs[:, 0, 0]).n_queries
        62
    """

    explainer: SamplingExplainer
    method: str = "base1"
    sampler: SegmentSampler | GridSampler = dataclasses.field(default_factory=SegmentSampler)
    student: StudentName = "2cnn_1fc"
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    pool: int = 1
    at_most: int | None = None
    validation_share: float = 0.1
    precision: Precision = "auto"
    inner_queries: int | None = None
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
        if self.inner_queries is not None and self.inner_queries < 1:
            raise ValueError(f"inner_queries must be at least 1, got {self.inner_queries}")

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Ask the black box, distil, and explain the student."""
        return self.fit(self.sampler(spectrogram, score_fn))

    def fit(self, neighbourhood: Neighbourhood) -> Explanation:
        """Distil a student from a neighbourhood and explain it.

        Args:
            neighbourhood: at least two perturbed inputs.

        Returns:
            The explanation; its history holds `train_loss` and `validation_loss`, its settings
            `explainer`, the inner one's, and its findings `student_r2`, the share of the held-out
            scores' variance that the student explains, and `precision`, in which it was trained.
        """
        began = time.perf_counter()
        examples = Examples.split(
            neighbourhood,
            pool=self.pool,
            at_most=self.at_most,
            validation_share=self.validation_share,
            seed=self.seed,
        )
        student, history = self._distil(examples)
        with show_progress(False):  # asking the student takes no time
            inner = self._inner(neighbourhood)(
                neighbourhood.spectrogram, lambda inputs: student(examples.scale(inputs))
            )
        assert inner.attribution is not None  # sampling explainers give one
        explanation = to_explanation(
            neighbourhood, inner.attribution, self.method, self, began=began
        )
        device = neighbourhood.spectrogram.values.device
        return dataclasses.replace(
            explanation,
            history=history,
            settings={**explanation.settings, "explainer": inner.settings},
            findings={
                "student_r2": held_out_r2(student, examples),
                "precision": choose_precision(self.precision, device).as_dict(),
            },
            seed=self.seed,
        )

    def _distil(self, examples: Examples) -> tuple[Student, dict[str, list[float]]]:
        device = examples.neighbourhood.spectrogram.values.device
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, "networks"))
            student = place(Student(examples.shape, self.student), device)

        def loss_of(batch: Batch) -> Tensor:
            inputs, scores, weights = batch
            return (weights * (scores - student(inputs).float()) ** 2).mean()  # (7), gamma of (10)

        losses = descend(
            loss_of,
            student.parameters(),
            examples,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            precision=self.precision,
            seed=self.seed,
        )
        train, validation = zip(*losses, strict=True)
        history = {"train_loss": list(train), "validation_loss": list(validation)}
        return student.requires_grad_(False).eval(), history

    def _inner(self, neighbourhood: Neighbourhood) -> SamplingExplainer:
        sampler = dataclasses.replace(
            self.explainer.sampler,
            n_samples=self.inner_queries or neighbourhood.n_samples,
            seed=neighbourhood.seed,
        )
        return dataclasses.replace(self.explainer, sampler=sampler)  # type: ignore[type-var]
