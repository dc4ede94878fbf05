"""The sections of a configuration: whose arguments they are, and which the run itself sets."""

from __future__ import annotations

import os
from typing import Any

from daxaudio.data.padding import NoisePadding
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.settings import MethodSettings
from daxaudio.features.frontends import make_front_end
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.blackbox import MODEL_KINDS, load_black_box
from daxaudio.models.training import TrainingSettings
from daxaudio.runs.config import build, fitting, keys_of, load_config

MEASURED_MODEL_KEYS = ("n_classes", "n_bins", "mean", "std")
"""Arguments of classifiers that training takes from the data."""

_BUILT = {
    "augmentation": Augmentation,
    "training": TrainingSettings,
    "explain": MethodSettings,
    "compare": MeasureSettings,
}


def read_sections(path: str | os.PathLike[str] | None) -> dict[str, dict[str, Any]]:
    """Read a configuration and look at every section of it, whether it is used or not.

    Args:
        path: a YAML file; None gives all defaults.

    Returns:
        Every section, empty where the file has none.

    Raises:
        ValueError: when the file cannot be read, or a key or a value in it does not fit; names the
            file, the section and the known keys.
    """
    sections = load_config(path)
    try:
        make_front_end(sections["front_end"])
        for name, constructor in _BUILT.items():
            build(constructor, name, sections[name])
        # the noise of a padding that is not asked for may lie on another machine
        fitting(NoisePadding, "padding", sections["padding"], keys_of(NoisePadding))
        black_box_keys = keys_of(load_black_box, but=("folder",))
        fitting(load_black_box, "black_box", sections["black_box"], black_box_keys)
        _check_model(sections["model"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return sections


def _check_model(section: dict[str, Any]) -> None:
    settings = dict(section)
    kind = settings.pop("kind", "resnet")
    if not isinstance(kind, str) or kind not in MODEL_KINDS:
        raise ValueError(
            f"section 'model': kind must be one of {sorted(MODEL_KINDS)}, got {kind!r}"
        )
    known = keys_of(MODEL_KINDS[kind], but=MEASURED_MODEL_KEYS)
    fitting(MODEL_KINDS[kind], "model", settings, ("kind", *known))
