"""A trained classifier as a black box: spectrograms in, the score of one class out."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from daxaudio.batches import AUTO_BATCH, BatchSize
from daxaudio.compiled import CompiledModule
from daxaudio.containers import Spectrogram
from daxaudio.files import read_text, whole_file, write_text
from daxaudio.frontends import FrontEnd, front_end_from_settings
from daxaudio.gradients import ModuleScore, out_of_memory
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.passes import PassSize
from daxaudio.precision import (
    ChannelsLast,
    Precision,
    PrecisionChoice,
    choose_precision,
    run_or_fall_back,
    usable_device,
)

WEIGHTS_FILE = "model.safetensors"
FACTS_FILE = "model.yaml"

MODEL_KINDS: Mapping[str, Callable[..., nn.Module]] = {
    "resnet": SpectrogramResNet,
    "blstm": WindowBlstm,
}
"""The classifiers that training makes, by the name that stands in `model.yaml`."""


@dataclasses.dataclass(eq=False)
class BlackBox:
    """Scores spectrograms with a torch module, in batches, without gradients.

    Args:
        module: `[N, F, T]` spectrograms in dB to logits `[N, C]`. It is put into eval mode and
            moved to the device.
        front_end: makes the spectrograms that the module takes.
        class_names: C names, in the order of the logits.
        device: where the module runs.
        precision: "fp32", "bf16" by autocast, or "auto": bf16 where the device has it in hardware
            (see `choose_precision`). Scores are float32 either way.
        batch_size: most inputs at once, or "auto": 64 on a processor, and on an accelerator as many
            as make it fastest, found while it is asked (see `PassSize`). Scores depend on it by
            rounding alone; on a processor a run gives the same bits again. Halved, and kept so,
            when memory runs out.
        channels_last: memory layout of the convolutions; "auto" takes the faster one.
        training: facts of the training, stored beside the weights.
        compile: compile the module, which takes a minute and then asks faster (see
            `CompiledModule`): for long runs on recordings of one length.

    Attributes:
        n_queries: inputs scored so far.
        passes: the batch size as it stands.
        choice: the precision and the layout that were chosen, and why.

    Raises:
        ValueError: when there are fewer than two class names, names repeat, or a setting is
            unknown.
    """

    module: nn.Module
    front_end: FrontEnd
    class_names: Sequence[str]
    device: torch.device | str = "cpu"
    precision: Precision = "auto"
    batch_size: BatchSize = "auto"
    channels_last: ChannelsLast = "auto"
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    compile: bool = False
    n_queries: int = dataclasses.field(default=0, init=False)
    choice: PrecisionChoice = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if len(self.class_names) < 2 or len(set(self.class_names)) != len(self.class_names):
            raise ValueError(f"need two or more different class names, got {self.class_names}")
        device = usable_device(self.device)
        self.passes = PassSize(self.batch_size, device, fixed=self.compile)
        self.choice = choose_precision(self.precision, device, self.channels_last)
        self.module = self.choice.lay_out(self.module.eval().to(self.device))
        compiled = CompiledModule(self.module, self.passes.of) if self.compile else None
        self._run: Callable[[Tensor], Tensor] = compiled or self.module

    def probabilities(self, spectrograms: Tensor) -> Tensor:
        """Softmax of every class.

        Args:
            spectrograms: `[N, F, T]` in dB.

        Returns:
            float32 `[N, C]` on the black box's device, rows sum to 1.

        Raises:
            RuntimeError: when not even one input fits into memory.
        """
        self.n_queries += len(spectrograms)
        rows: list[Tensor] = []
        start = 0
        while start < len(spectrograms):
            part = spectrograms[start : start + self.passes.of(spectrograms.shape[1:])]
            try:
                rows.append(self.passes.run(self._forward, part))
            except RuntimeError as error:
                if not out_of_memory(error) or not self.passes.halve(part):
                    raise
                continue
            start += len(part)
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def _forward(self, spectrograms: Tensor) -> Tensor:
        inputs = spectrograms.to(self.device)
        with torch.inference_mode(), self.choice.autocast(inputs.device.type):
            logits = run_or_fall_back(self._run, inputs, "a layer of this model")
        return logits.float().softmax(dim=-1)

    def score_fn(self, target: str, ask: Callable[[Tensor], Tensor] | None = None) -> ModuleScore:
        """The score of one class, as explainers take it.

        Args:
            target: one of the class names.
            ask: gives the probabilities in place of `probabilities`, for instance an `AskOnce`.

        Returns:
            A function of `[N, F, T]` spectrograms that gives `[N]` probabilities; gradient methods
            look through it at the module.

        Raises:
            ValueError: when the class is unknown.
        """
        index = self.class_index(target)
        # backward passes take more memory than the forward passes that it grew for
        size = min(self.passes.size, AUTO_BATCH) if self.batch_size == "auto" else self.passes.size
        return ModuleScore(self.module, index, ask or self.probabilities, size, target)

    def digest(self) -> str:
        """Short hash of the weights and of what else the scores depend on."""
        facts = [self.front_end.settings, list(self.class_names), self.choice.precision]
        state = hashlib.sha256(repr(facts).encode())
        for name, value in sorted(self.module.state_dict().items()):
            state.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return state.hexdigest()[:16]

    def class_index(self, name: str) -> int:
        """Position of a class; raises ValueError that lists the known ones."""
        if name not in self.class_names:
            raise ValueError(
                f"class {name!r} is unknown to this model; it knows {', '.join(self.class_names)}"
            )
        return list(self.class_names).index(name)

    def predict(self, spectrogram: Spectrogram) -> tuple[str, float]:
        """The most probable class of one spectrogram and its probability (one query)."""
        probabilities = self.probabilities(spectrogram.values[None])[0]
        best = int(probabilities.argmax())
        return self.class_names[best], float(probabilities[best])


class AskOnce:
    """A black box that remembers its answers to every batch, and is asked about none twice.

    A black box answers for every class at once: explained for another class, the same draws cost
    nothing more. Answers are found by the content of the whole batch, so they are those that the
    black box gives, to the last digit. They stay in memory for as long as this object lives.

    Args:
        black_box: gives the answers.
    """

    def __init__(self, black_box: BlackBox) -> None:
        self.black_box = black_box
        self.answers: dict[bytes, Tensor] = {}

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """Probabilities `[N, C]` of `[N, F, T]` spectrograms."""
        content = spectrograms.detach().float().cpu().contiguous().numpy()
        digest = hashlib.sha256(repr(content.shape).encode())
        digest.update(content.data)  # a view: nothing is copied
        key = digest.digest()
        if key not in self.answers:
            self.answers[key] = self.black_box.probabilities(spectrograms)
        return self.answers[key]


def save_black_box(black_box: BlackBox, folder: str | os.PathLike[str]) -> None:
    """Write `model.yaml` and, last, `model.safetensors`, each whole or not at all.

    Args:
        black_box: its module must have `settings` that `load_black_box` knows.
        folder: made where it does not exist.
    """
    weights = {name: value.contiguous() for name, value in black_box.module.state_dict().items()}
    facts = {
        "model": getattr(black_box.module, "settings", {}),
        "front_end": black_box.front_end.settings,
        "classes": list(black_box.class_names),
        "training": dict(black_box.training),
    }
    write_text(Path(folder) / FACTS_FILE, yaml.safe_dump(facts, sort_keys=False))
    with whole_file(Path(folder) / WEIGHTS_FILE) as temporary:
        save_file(weights, temporary)


def load_black_box(
    folder: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    precision: Precision = "auto",
    batch_size: BatchSize = "auto",
    channels_last: ChannelsLast = "auto",
    compile: bool = False,
) -> BlackBox:
    """Read what `save_black_box` wrote; nothing is unpickled.

    Args:
        folder: holds `model.safetensors` and `model.yaml`.
        device: where it shall run.
        precision: "auto", "fp32" or "bf16", as of `BlackBox`.
        batch_size: most inputs at once, or "auto".
        channels_last: memory layout of the convolutions, or "auto".
        compile: compile the module, for long runs.

    Returns:
        The black box.

    Raises:
        ValueError: when a file is missing or does not hold what it should.
    """
    folder = Path(folder)
    for name in (WEIGHTS_FILE, FACTS_FILE):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: no {name} here; give the folder that training wrote")
    try:
        facts = yaml.safe_load(read_text(folder / FACTS_FILE))
        settings = dict(facts["model"])
        kind = settings.pop("kind")
        if kind not in MODEL_KINDS:
            raise ValueError(
                f"{folder / FACTS_FILE}: model kind must be one of {sorted(MODEL_KINDS)}, "
                f"got {kind!r}"
            )
        module = MODEL_KINDS[kind](**settings)
        front_end = front_end_from_settings(facts["front_end"])
        module.load_state_dict(load_file(folder / WEIGHTS_FILE))
        class_names = list(facts["classes"])
    except (yaml.YAMLError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        raise ValueError(f"{folder}: not a model that daxaudio wrote ({error})") from error
    return BlackBox(
        module,
        front_end,
        class_names,
        device,
        precision,
        batch_size,
        channels_last,
        facts.get("training", {}),
        compile,
    )
