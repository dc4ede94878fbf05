"""Audio classifiers of transformers, from a folder on disk, with their own feature extractor.

Nothing in the folder is unpickled, none of its code is run, and nothing is fetched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from daxaudio.models.foreign.answers import asked, last_line, numbers_in
from daxaudio.models.foreign.runner import Opening
from daxaudio.models.precision import usable_device
from daxaudio.runs.extras import need
from daxaudio.runs.files import read_text
from daxaudio.runs.provenance import digest_of_files

CONFIG_FILE = "config.json"
_EXTRACTOR_FILES = ("preprocessor_config.json", "processor_config.json")
_CLASSIFIERS = ("ForAudioClassification", "ForSequenceClassification")
_PICKLED = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_ACTIVATIONS = {"multi_label": "sigmoid", "regression": "none"}
"""Of what its numbers, which are always logits, are made into; softmax of all else."""


@dataclasses.dataclass(frozen=True, eq=False)
class HuggingFace:
    """A classifier of transformers and the feature extractor that stands beside it.

    Args:
        folder: where both were read from.
        network: features to logits, in eval mode.
        extract: sounds to features, with everything but the sounds filled in.
        described: what the configurations say.
        longest: samples beyond which the extractor would cut a sound; None where it never does.
    """

    folder: Path
    network: torch.nn.Module
    extract: Callable[..., Mapping[str, Tensor]]
    described: Mapping[str, Any]
    longest: int | None

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits `[N, K]` of waveforms `[N, S]`.

        Raises:
            ValueError: when they are longer than what the classifier hears at once, or it fails.
        """
        if self.longest is not None and inputs.shape[-1] > self.longest:
            raise ValueError(
                f"{self.folder}: hears {self.longest} samples at once, and would not hear the rest "
                f"of {inputs.shape[-1]}; leave `seconds` out of model.yaml, or give fewer"
            )
        with torch.inference_mode():
            answer = asked(self._run, inputs, source=str(self.folder))
            return numbers_in(answer, None, str(self.folder))

    def _run(self, inputs: Tensor) -> Any:
        features = self.extract(list(inputs.float().cpu().numpy()))
        device = next(self.network.parameters()).device
        return self.network(**{name: values.to(device) for name, values in features.items()})

    def digest(self) -> str:
        """Hash of the weights and of both configurations."""
        return digest_of_files([*_configurations(self.folder), *_weights(self.folder)])


def open_hugging_face(folder: str | os.PathLike[str], opening: Opening) -> HuggingFace:
    """Open a folder that `save_pretrained` of transformers wrote.

    Sample rate, classes and what the logits mean are read off it (`problem_type`, as transformers'
    pipeline does: logits of classes that exclude each other unless it is told otherwise; a single
    output is a regression). Sounds that are shorter than what the extractor makes of them are
    padded as it pads them.

    Args:
        folder: holds `config.json`, `preprocessor_config.json` and weights as safetensors.
        opening: `output` that is told decides what is made of the logits.

    Raises:
        ValueError: when transformers is not installed, a file is missing or no such file, the
            weights are pickled, a part of the network has none, or it is no classifier of audio.
    """
    folder = Path(folder)
    transformers = need("transformers", "transformers", str(folder))
    device = usable_device(opening.device)
    _check_files(folder)
    with _quiet_and_offline(transformers):
        extractor = _read(transformers.AutoFeatureExtractor, folder)
        kind = transformers.AutoModelForAudioClassification
        network, loading = _read(kind, folder, use_safetensors=True, output_loading_info=True)
    _check_weights(folder, loading)
    settings: dict[str, Any] = {"sampling_rate": extractor.sampling_rate, "return_tensors": "pt"}
    # where features can be made on the device, they are
    if "device" in inspect.signature(type(extractor).__call__).parameters:
        settings["device"] = str(device)
    longest = _longest(extractor)
    return HuggingFace(
        folder=folder,
        network=network.float().eval().to(device),
        extract=lambda sounds: extractor(sounds, **settings),
        described=_described(network.config, extractor.sampling_rate, longest, opening.told),
        longest=longest,
    )


def _described(
    config: Any, sample_rate: int, longest: int | None, told: Mapping[str, Any]
) -> dict[str, Any]:
    multi_label = config.problem_type == "multi_label_classification"
    regression = config.problem_type == "regression" or (
        config.problem_type is None and config.num_labels == 1
    )
    own = "multi_label" if multi_label else "regression" if regression else "logits"
    output = told.get("output", own)
    described = {
        "sample_rate": int(sample_rate),
        "classes": [str(config.id2label[index]) for index in sorted(config.id2label)],
        "input": "waveform",
        "output": output,
        "activation": _ACTIVATIONS.get(output, "softmax"),
        "output_layout": "N K",
    }
    if longest is not None:
        described |= {"seconds": longest / sample_rate, "padding": "own"}
    return described


def _longest(extractor: Any) -> int | None:
    """Samples beyond which an extractor cuts a sound off; None where it takes any length."""
    if hasattr(extractor, "n_samples"):  # Whisper and what is like it
        return int(extractor.n_samples)
    if type(extractor).__name__ == "ASTFeatureExtractor":
        # frames of 25 ms, 10 ms apart, that lie within the sound
        window, hop = (int(extractor.sampling_rate * 0.001 * ms) for ms in (25, 10))
        return window + (int(extractor.max_length) - 1) * hop
    return None


def _configurations(folder: Path) -> list[Path]:
    names = (CONFIG_FILE, *_EXTRACTOR_FILES)
    return [folder / name for name in names if (folder / name).is_file()]


def _weights(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.safetensors.index.json"))


def _check_files(folder: Path) -> None:
    """Raise ValueError when a file is missing or says that this is something else."""
    config = _json(folder / CONFIG_FILE)
    if len(_configurations(folder)) == 1:
        raise ValueError(
            f"{folder}: has no {_EXTRACTOR_FILES[0]}, which says how sounds become features; save "
            "the feature extractor into the folder, too"
        )
    kinds = config.get("architectures") or []
    if not all(str(kind).endswith(_CLASSIFIERS) for kind in kinds):
        raise ValueError(
            f"{folder}: holds a {kinds[0]}, which is no audio classifier; give a folder of a "
            f"...{' or ...'.join(_CLASSIFIERS)}"
        )
    if not _weights(folder):
        pickled = sorted(path.name for one in _PICKLED for path in folder.glob(one))
        found = f"its weights are in {pickled[0]}, a pickle that could run code" if pickled else ""
        raise ValueError(
            f"{folder}: {found or 'has no weights'}; give model.safetensors, which save_pretrained "
            "of transformers writes"
        )


def _json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; a folder of transformers has one")
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON that can be read: {last_line(error)}") from None
    if not isinstance(found, Mapping):
        raise ValueError(f"{path}: must hold keys and values, got {found!r}")
    return found


def _read(kind: Any, folder: Path, **settings: Any) -> Any:
    """What `from_pretrained` makes of a folder, without code and without a network."""
    try:
        return kind.from_pretrained(
            str(folder.resolve()), trust_remote_code=False, local_files_only=True, **settings
        )
    except Exception as error:
        if "trust_remote_code" in str(error):
            why = "it brings code of its own, which is never run; use an architecture that "
            raise ValueError(f"{folder}: {why}transformers knows, or a function") from None
        what = kind.__name__.removeprefix("AutoModelFor").removeprefix("Auto")
        why = " ".join(str(error).split())[:300]
        raise ValueError(f"{folder}: transformers makes no {what} of it: {why}") from error


def _check_weights(folder: Path, loading: Mapping[str, Any]) -> None:
    """Raise ValueError when parts of the network would be drawn at random."""
    wrong = sorted(map(str, [*loading["missing_keys"], *loading["mismatched_keys"]]))
    if wrong:
        raise ValueError(
            f"{folder}: has no weights for {wrong[0]}"
            f"{f' and {len(wrong) - 1} others' if len(wrong) > 1 else ''}; it was not trained as "
            "an audio classifier, or a file is missing"
        )


@contextlib.contextmanager
def _quiet_and_offline(transformers: Any) -> Iterator[None]:
    """Nothing is fetched or printed inside; all settings are as they were afterwards."""
    logging = transformers.utils.logging
    constants: Any = need("huggingface_hub.constants", "transformers", "transformers")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    variable, constant = os.environ.get("HF_HUB_OFFLINE"), constants.HF_HUB_OFFLINE
    try:
        os.environ["HF_HUB_OFFLINE"], constants.HF_HUB_OFFLINE = "1", True
        logging.set_verbosity(logging.CRITICAL)
        logging.disable_progress_bar()
        yield
    finally:
        constants.HF_HUB_OFFLINE = constant
        os.environ.pop("HF_HUB_OFFLINE")
        if variable is not None:
            os.environ["HF_HUB_OFFLINE"] = variable
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
