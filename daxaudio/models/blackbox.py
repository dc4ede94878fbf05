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

from daxaudio.features.front_end import FrontEnd
from daxaudio.features.frontends import make_front_end
from daxaudio.models.blstm import WindowBlstm
from daxaudio.models.compiled import CompiledModule
from daxaudio.models.model import Model
from daxaudio.models.module_score import ModuleScore, logits_of, out_of_memory
from daxaudio.models.passes import PassSize
from daxaudio.models.precision import (
    ChannelsLast,
    Precision,
    PrecisionChoice,
    choose_precision,
    run_or_fall_back,
    usable_device,
)
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.weights import check_finite
from daxaudio.runs.batches import BatchSize
from daxaudio.runs.config import check_keys, keys_of, read_yaml
from daxaudio.runs.files import read_text, whole_file, write_text

WEIGHTS_FILE = "model.safetensors"
FACTS_FILE = "model.yaml"

MODEL_KINDS: Mapping[str, Callable[..., nn.Module]] = {
    "resnet": SpectrogramResNet,
    "blstm": WindowBlstm,
}
"""The classifiers that training makes, by the name that stands in `model.yaml`."""


@dataclasses.dataclass(eq=False)
class BlackBox(Model):
    """Scores spectrograms with a torch module, in batches, without gradients.

    Args:
        module: `[N, F, T]` spectrograms to logits `[N, C]`, or to a mapping or an object
            that has them as `logits`. It is put into eval mode and moved to the device.
        front_end: makes the spectrograms that the module takes.
        class_names: C names, in the order of the logits.
        device: where the module runs.
        precision: "fp32", "bf16" by autocast, or "auto": bf16 where the device has it in hardware
            (see `choose_precision`). Scores are float32 either way.
        batch_size: most inputs at once, or "auto": by their shape on a processor (see `fit_batch`),
            and on an accelerator as many as make it fastest, found while it is asked (see
            `PassSize`). Scores depend on it by rounding alone; on a processor a run gives the same
            bits again. Halved, and kept so, when memory runs out.
        channels_last: memory layout of the convolutions; "auto" takes the faster one.
        training: facts of the training, stored beside the weights.
        compile: compile the module, which takes a minute and then asks faster (see
            `CompiledModule`): for long runs on recordings of one length.

    Attributes:
        n_queries: inputs scored so far.
        passes: the batch size as it stands.
        source: folder that it was read from, "" where it was made otherwise.
        choice: the precision and the layout that were chosen, and why.

    Raises:
        ValueError: when there are fewer than two class names, names repeat or are no texts, there
            are not as many as logits (seen at the first answer, where the module does not tell),
            weights are NaN or infinite, the device cannot be used, or a setting is unknown.

    Example:
        >>> from daxaudio.features.mel import LogMel
        >>> network = SpectrogramResNet(2, depth=10, width=4)
        >>> black_box = BlackBox(network, LogMel(8000, n_fft=256, n_mels=16), ["cat", "dog"])
        >>> black_box.score_fn("dog")(torch.zeros(3, 16, 20)).shape, black_box.n_queries
        (torch.Size([3]), 3)
    """

    module: nn.Module
    front_end: FrontEnd
    class_names: Sequence[str]
    _: dataclasses.KW_ONLY
    device: torch.device | str = "cpu"
    precision: Precision = "auto"
    batch_size: BatchSize = "auto"
    channels_last: ChannelsLast = "auto"
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    compile: bool = False
    n_queries: int = dataclasses.field(default=0, init=False)
    source: str = dataclasses.field(default="", init=False)
    choice: PrecisionChoice = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        check_class_names(self.class_names)
        settings = getattr(self.module, "settings", None)
        if isinstance(settings, Mapping) and "n_classes" in settings:
            check_classes(settings["n_classes"], self.class_names)
        check_finite(self.module.state_dict(), "the module")
        device = usable_device(self.device)
        self.passes = PassSize(self.batch_size, device, fixed=self.compile)
        self.choice = choose_precision(self.precision, device, self.channels_last)
        self.module = self.choice.lay_out(self.module.eval().to(self.device))
        compiled = CompiledModule(self.module, self.passes.of) if self.compile else None
        self._run: Callable[[Tensor], Tensor] = compiled or self.module

    def outputs(self, spectrograms: Tensor) -> Tensor:
        """Softmax of every class.

        Args:
            spectrograms: `[N, F, T]`.

        Returns:
            float32 `[N, C]` on the black box's device, rows sum to 1.

        Raises:
            RuntimeError: when not even one input fits into memory.
        """
        self.n_queries += len(spectrograms)
        rows, start = list[Tensor](), 0
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
            answer = run_or_fall_back(self._run, inputs, "a layer of this model")
        logits = logits_of(answer, len(inputs))
        check_classes(logits.shape[1], self.class_names)
        return logits.float().softmax(dim=-1)

    def score_fn(self, target: str, ask: Callable[[Tensor], Tensor] | None = None) -> ModuleScore:
        """The score of one class, as explainers take it.

        Args:
            target: one of the class names.
            ask: `[N, F, T]` to `[N, C]`, asked in place of `outputs`; an `AskOnce`, say.

        Returns:
            A function of `[N, F, T]` spectrograms that gives `[N]` probabilities; gradient methods
            look through it at the module.

        Raises:
            ValueError: when the class is unknown.
        """
        index = self.class_index(target)
        size = self.passes.backward
        ask = ask or self.outputs
        return ModuleScore(self.module, index, ask, batch_size=size, target=target)

    def digest(self) -> str:
        """Hash, 16 hexadecimal digits, of the weights and of what else the scores depend on."""
        facts = [self.front_end.settings, list(self.class_names), self.choice.precision]
        state = hashlib.sha256(repr(facts).encode())
        for name, value in sorted(self.module.state_dict().items()):
            state.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return state.hexdigest()[:16]

    def describe(self) -> str:
        """How it runs, in a line."""
        return f"precision: {self.choice}"

    def facts(self) -> dict[str, Any]:
        """Precision and memory layout."""
        return {"precision": self.choice.as_dict()}


def module_behind(model: Model) -> BlackBox:
    """The model, whose module can be looked into.

    Raises:
        ValueError: when it can only be asked.
    """
    if not isinstance(model, BlackBox):
        raise ValueError(
            "the measures of sanity shuffle the weights of a module, and this model can only be "
            "asked: leave sanity out of --metrics"
        )
    return model


def check_class_names(class_names: Sequence[str]) -> None:
    """Raise ValueError unless there are two or more different names, all of them texts.

    Example:
        >>> check_class_names(["cat", "dog"])
        >>> check_class_names([0, 1])
        Traceback (most recent call last):
        ValueError: names of classes must be texts that are not empty, got 0
    """
    for name in class_names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"names of classes must be texts that are not empty, got {name!r}")
    if len(class_names) < 2 or len(set(class_names)) != len(class_names):
        raise ValueError(f"need two or more different class names, got {class_names}")


def check_classes(n_logits: int, class_names: Sequence[str]) -> None:
    """Raise ValueError when there is not one class name for each logit."""
    if n_logits != len(class_names):
        raise ValueError(
            f"the module gives {n_logits} logits, but {len(class_names)} classes are named "
            f"({', '.join(map(str, class_names))}): name one for each logit, in their order"
        )


class _WholeDumper(yaml.SafeDumper):
    """YAML without anchors: what stands in two places is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def save_black_box(black_box: BlackBox, folder: str | os.PathLike[str]) -> None:
    """Write `model.yaml` and, last, `model.safetensors`, each whole or not at all.

    Args:
        black_box: of one of our own modules, `MODEL_KINDS`.
        folder: made where it does not exist.

    Raises:
        ValueError: when `load_black_box` could not make its module again; nothing is written.
    """
    module = black_box.module
    if type(module) not in MODEL_KINDS.values():
        raise ValueError(
            f"a {type(module).__name__} cannot be saved, for it could not be made again: only "
            f"{', '.join(kind.__name__ for kind in MODEL_KINDS.values())} can; keep the weights "
            "of your own module yourself and make the BlackBox anew"
        )
    weights = {name: value.contiguous() for name, value in module.state_dict().items()}
    facts = {
        "model": module.settings,
        "front_end": black_box.front_end.settings,
        "classes": list(black_box.class_names),
        "training": dict(black_box.training),
    }
    text = yaml.dump(facts, Dumper=_WholeDumper, sort_keys=False)
    write_text(text, Path(folder) / FACTS_FILE)
    with whole_file(Path(folder) / WEIGHTS_FILE) as temporary:
        save_file(weights, temporary)


def load_black_box(
    folder: str | os.PathLike[str],
    *,
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
        ValueError: when a file is missing, may not be read, or does not hold what it should.
    """
    folder = Path(folder)
    for name in (WEIGHTS_FILE, FACTS_FILE):
        _check_readable(folder, name)
    path = folder / FACTS_FILE
    facts = read_yaml(read_text(path), path)
    try:
        front_end = make_front_end(_with_vad(facts["front_end"]))
        module = _module_from_settings(facts["model"])
        class_names, training = list(facts["classes"]), dict(facts.get("training", {}))
        check_class_names(class_names)
        check_classes(facts["model"]["n_classes"], class_names)
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: not of a model that daxaudio wrote ({error})") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    _load_weights(module, folder / WEIGHTS_FILE)
    black_box = BlackBox(
        module,
        front_end,
        class_names,
        device=device,
        precision=precision,
        batch_size=batch_size,
        channels_last=channels_last,
        training=training,
        compile=compile,
    )
    black_box.source = str(folder)
    return black_box


def _with_vad(front_end: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a front end; older files have those of the silence remover among them."""
    own = {name: value for name, value in front_end.items() if not name.startswith("vad_")}
    vad = {name[4:]: value for name, value in front_end.items() if name not in own}
    return {**own, "vad": {"kind": "energy", **vad}} if vad else own


def _check_readable(folder: Path, name: str) -> None:
    try:
        if not (folder / name).is_file():  # a pipe would be waited for
            raise ValueError(f"{folder}: no {name} here; give the folder that training wrote")
        open(folder / name, "rb").close()
    except PermissionError as error:
        raise ValueError(
            f"{folder / name}: permission denied; ask its owner to let you read it"
        ) from error


def _module_from_settings(settings: Mapping[str, Any]) -> nn.Module:
    """The module that settings describe, without weights.

    It takes no memory before weights are seen to fit: settings in a file may be of any size.
    """
    arguments = dict(settings)
    kind = arguments.pop("kind", None)
    if not isinstance(kind, str) or kind not in MODEL_KINDS:
        raise ValueError(f"model kind must be one of {sorted(MODEL_KINDS)}, got {kind!r}")
    # a constructor that takes any keyword looks at them itself
    check_keys("model", arguments, keys_of(MODEL_KINDS[kind]) or tuple(arguments))
    with torch.device("meta"):
        return MODEL_KINDS[kind](**arguments)


def _load_weights(module: nn.Module, path: Path) -> None:
    described = module.state_dict()
    try:
        weights = {
            name: values.to(described[name].dtype) if name in described else values
            for name, values in load_file(path).items()
        }
    except SafetensorError as error:
        raise ValueError(f"{path}: not of a model that daxaudio wrote ({error})") from error
    expected, found = (
        {name: tuple(values.shape) for name, values in of.items()} for of in (described, weights)
    )
    wrong = [n for n in {**expected, **found} if expected.get(n) != found.get(n)]
    if wrong:
        first = wrong[0]
        raise ValueError(
            f"{path}: not of the model that {FACTS_FILE} beside it describes: {len(wrong)} weights "
            f"differ (first {first!r}: {expected.get(first, 'none')} described, "
            f"{found.get(first, 'none')} there); copy both files again"
        )
    module.load_state_dict(weights, assign=True)
    check_finite(weights, str(path))
