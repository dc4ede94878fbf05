"""Train a classifier on recordings: one loop for every model, seeded, resumable."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daxaudio.containers import Recording
from daxaudio.features.front_end import FrontEnd
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.examples import Examples, TrainingSet, WholeRecordings, Windows
from daxaudio.models.precision import (
    Precision,
    PrecisionChoice,
    check_precision,
    choose_precision,
    usable_device,
)
from daxaudio.models.weights import check_finite
from daxaudio.runs.files import whole_file
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.seeds import derive_seed, generator

CHECKPOINT_FILE = "checkpoint.pt"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How long and how fast a classifier learns.

    The defaults are for residual networks on recordings. The cough baseline of the second DiCOVA
    challenge trains its BLSTM with epochs=10, batch_size=128, learning_rate=1e-4,
    weight_decay=1e-5, label_smoothing=0, optimiser="amsgrad", schedule="constant",
    oversample=True. It also lowers the rate when the loss on a validation set stalls, and starts
    anew when the loss is NaN: here the rate stays, and a loss that is not finite is an error.

    Args:
        epochs: passes over the training recordings.
        batch_size: examples in one step: recordings, or windows of a model that learns from these.
        learning_rate: peak of the schedule.
        weight_decay: of the optimiser.
        label_smoothing: share of the target spread over all classes.
        precision: "fp32", "bf16" by autocast, or "auto": bf16 where the device has it in hardware.
        optimiser: "adamw" (Loshchilov and Hutter 2019), or "amsgrad": Adam that keeps the largest
            second moment (Reddi et al. 2018), with weight decay added to the gradient.
        schedule: "cosine", linear warm-up over a tenth and then half a cosine, or "constant".
        oversample: show recordings of smaller classes several times in an epoch (see
            `examples.copies_of`).

    Raises:
        ValueError: when a number is out of range or a name is unknown.
    """

    epochs: int = 40
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    precision: Precision = "auto"
    optimiser: str = "adamw"
    schedule: str = "cosine"
    oversample: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size) < 1:
            raise ValueError(
                f"epochs and batch_size must be at least 1, got {self.epochs} and {self.batch_size}"
            )
        if not 0 < self.learning_rate < math.inf or self.weight_decay < 0:
            raise ValueError(
                f"learning_rate must be above 0 and weight_decay at least 0, got "
                f"{self.learning_rate} and {self.weight_decay}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label_smoothing must lie in [0, 1), got {self.label_smoothing}")
        check_precision(self.precision)
        if self.optimiser not in ("adamw", "amsgrad"):
            raise ValueError(f"optimiser must be 'adamw' or 'amsgrad', got {self.optimiser!r}")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"schedule must be 'cosine' or 'constant', got {self.schedule!r}")

    def optimiser_of(self, module: nn.Module) -> torch.optim.Optimizer:
        """A new optimiser of the parameters of a module."""
        facts: dict[str, Any] = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimiser == "amsgrad":
            return torch.optim.Adam(module.parameters(), amsgrad=True, **facts)
        return torch.optim.AdamW(module.parameters(), **facts)

    def rate_at(self, progress: float) -> float:
        """Learning rate when a share `progress` of all steps is done."""
        if self.schedule == "constant":
            return self.learning_rate
        warm_up = 0.1
        if progress < warm_up:
            return self.learning_rate * max(progress, 1e-3) / warm_up
        return (
            self.learning_rate
            * 0.5
            * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
        )


def measure_normalisation(
    recordings: Sequence[Recording],
    front_end: FrontEnd,
    augmentation: Augmentation,
    *,
    seed: int = 0,
    at_most: int = 64,
) -> tuple[float, float]:
    """Mean and deviation over augmented training spectrograms.

    Args:
        recordings: the training recordings; `at_most` of them are drawn.
        front_end: makes the spectrograms.
        augmentation: as in training.
        seed: seed of the draws.
        at_most: how many recordings to look at.

    Returns:
        Mean and standard deviation over all bins and frames.
    """
    chosen = torch.randperm(len(recordings), generator=generator(seed, "normalisation"))[:at_most]
    values = torch.cat(
        [
            augmentation.spectrogram(
                recordings[i], front_end, derive_seed(seed, "normalisation", i)
            ).flatten()
            for i in chosen.tolist()
        ]
    )
    return float(values.mean()), float(values.std())


@dataclasses.dataclass
class Trainer:
    """Trains one module; call `run`.

    Args:
        module: `[N, F, T]` spectrograms to logits `[N, C]`; trained in place. A
            `WindowBlstm` learns from its windows, each with the label of its recording.
        front_end: makes the spectrograms.
        settings: length and speed.
        augmentation: random changes of the examples.
        seed: seed of order, changes and dropout.
        device: where to train.

    Raises:
        ValueError: when the device cannot be used.
    """

    module: nn.Module
    front_end: FrontEnd
    settings: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    _: dataclasses.KW_ONLY
    seed: int = 0
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        usable_device(self.device)

    @property
    def choice(self) -> PrecisionChoice:
        """In which precision and layout the module is trained, and why."""
        return choose_precision(self.settings.precision, self.device)

    def run(
        self,
        recordings: Sequence[Recording],
        labels: Sequence[int],
        folder: str | os.PathLike[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Train to the end, going on from a checkpoint in `folder` where there is one.

        Args:
            recordings: training recordings; all are held in memory.
            labels: index of each one's class.
            folder: where a checkpoint is written after each epoch, and read from at the start.
                It is removed by the caller once the trained model is stored.

        Returns:
            One row an epoch: `epoch`, `loss`, `accuracy` (on augmented examples, which are windows
            for a `WindowBlstm`; of the larger share where two are mixed), `learning_rate`,
            `seconds`.

        Raises:
            ValueError: when there are no recordings, labels are missing, or the loss, a weight or
                a score is not finite (the learning rate is too high).
        """
        if not recordings or len(recordings) != len(labels):
            raise ValueError(f"got {len(recordings)} recordings and {len(labels)} labels")
        self.choice.lay_out(self.module.to(self.device))
        optimiser = self.settings.optimiser_of(self.module)
        source = TrainingSet(
            recordings,
            labels,
            self._model_settings["n_classes"],
            front_end=self.front_end,
            augmentation=self.augmentation,
            oversample=self.settings.oversample,
            seed=self.seed,
        )
        run = self._identity(recordings, labels)
        rows = self._resume(folder, optimiser, run)
        epochs = range(len(rows), self.settings.epochs)
        bar = progress_bar(epochs, "training", unit="epoch")
        for epoch in bar:
            rows.append(self._epoch(epoch, source, optimiser))
            self._check_answers(recordings[0])
            bar.set_postfix(loss=f"{rows[-1]['loss']:.3f}", accuracy=f"{rows[-1]['accuracy']:.2f}")
            if folder is not None:
                self._checkpoint(folder, optimiser, rows, run)
        self.module.eval()
        return rows

    def _epoch(
        self, epoch: int, source: TrainingSet, optimiser: torch.optim.Optimizer
    ) -> dict[str, Any]:
        began = time.perf_counter()
        self.module.train()
        examples = self._examples(source, epoch)
        order = torch.randperm(len(examples), generator=generator(self.seed, "order", epoch))
        batches = order.split(self.settings.batch_size)
        if len(batches) > 1 and len(batches[-1]) == 1:  # batch norm needs two
            batches = batches[:-1]
        losses, hits = [], 0
        for step, chosen in enumerate(batches):
            rate = self.settings.rate_at((epoch + step / len(batches)) / self.settings.epochs)
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch, targets = (
                part.to(self.device) for part in examples.batch(chosen.tolist(), step)
            )
            with torch.random.fork_rng():
                torch.manual_seed(derive_seed(self.seed, "dropout", epoch, step))
                loss, logits = self._step(batch, targets, optimiser)
            losses.append(loss * len(chosen))
            hits += int((logits.argmax(1) == targets.argmax(1)).sum())
        n_seen = sum(map(len, batches))
        return {
            "epoch": epoch + 1,
            "loss": sum(losses) / n_seen,
            "accuracy": hits / n_seen,
            "learning_rate": rate,
            "seconds": time.perf_counter() - began,
        }

    def _check_answers(self, recording: Recording) -> None:
        """What is stored can score: its weights are numbers, and so are its answers."""
        try:
            check_finite(self.module.state_dict(), "the model in training")
        except ValueError as error:
            raise ValueError(f"{error}; lower learning_rate") from error
        values = self.front_end.spectrogram(recording).values[None]
        with torch.no_grad():
            logits = self.module.eval()(values.to(self.device))
        if not bool(logits.isfinite().all()):
            raise ValueError("the model in training gives NaN as scores; lower learning_rate")

    def _examples(self, source: TrainingSet, epoch: int) -> Examples:
        if isinstance(self.module, WindowBlstm):
            return Windows(source, epoch, self.module)
        return WholeRecordings(source, epoch)

    def _logits(self, batch: Tensor) -> Tensor:
        if isinstance(self.module, WindowBlstm):
            return self.module.of_windows(batch)
        return cast(Tensor, self.module(batch))

    def _step(
        self, batch: Tensor, targets: Tensor, optimiser: torch.optim.Optimizer
    ) -> tuple[float, Tensor]:
        with self.choice.autocast(batch.device.type):
            logits = self._logits(batch)
        loss = F.cross_entropy(
            logits.float(), targets, label_smoothing=self.settings.label_smoothing
        )
        if not torch.isfinite(loss):
            raise ValueError("the training loss is not finite; lower learning_rate")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 5.0)
        optimiser.step()
        return float(loss.detach()), logits.detach()

    def _checkpoint(
        self,
        folder: str | os.PathLike[str],
        optimiser: torch.optim.Optimizer,
        rows: list[dict[str, Any]],
        run: dict[str, Any],
    ) -> None:
        state = {
            "module": self.module.state_dict(),
            "optimiser": optimiser.state_dict(),
            "rows": rows,
            "run": run,
        }
        with whole_file(Path(folder) / CHECKPOINT_FILE) as temporary:
            torch.save(state, temporary)

    def _resume(
        self,
        folder: str | os.PathLike[str] | None,
        optimiser: torch.optim.Optimizer,
        run: dict[str, Any],
    ) -> list[dict[str, Any]]:
        if folder is None or not (Path(folder) / CHECKPOINT_FILE).is_file():
            return []
        path = Path(folder) / CHECKPOINT_FILE
        state = _read_checkpoint(path, self.device)
        if state["run"] != run:
            raise ValueError(
                f"{path} is of a run with other settings or recordings; remove it, or train into "
                f"another folder"
            )
        self.module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        return list(state["rows"])

    @property
    def _model_settings(self) -> dict[str, Any]:
        return dict(cast(dict[str, Any], self.module.settings))

    def _identity(self, recordings: Sequence[Recording], labels: Sequence[int]) -> dict[str, Any]:
        """What must agree for a checkpoint to be gone on from."""
        names = [recording.recording_id for recording in recordings]
        examples = repr(list(zip(names, labels, strict=True))).encode()
        facts = {
            "model": self._model_settings,
            "front_end": dict(self.front_end.settings),
            # what "auto" means here: a run goes on in the precision that it was begun in
            "training": {**dataclasses.asdict(self.settings), "precision": self.choice.precision},
            "augmentation": dataclasses.asdict(self.augmentation),
            "seed": self.seed,
            "examples": hashlib.sha256(examples).hexdigest(),
        }
        return dict(json.loads(json.dumps(facts)))  # as a checkpoint gives it back


def _read_checkpoint(path: Path, device: torch.device | str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            state = torch.load(file, map_location=device, weights_only=True)
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path}: not a checkpoint of training; remove it") from error
    if not isinstance(state, dict) or {"run", "module", "optimiser", "rows"} - state.keys():
        raise ValueError(f"{path}: not a checkpoint of training; remove it")
    return state
