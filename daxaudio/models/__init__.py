"""Classifiers that we train, and what may be asked of any: scores, gradients, layers."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.models.augmentation import Augmentation as Augmentation
    from daxaudio.models.blackbox import (
        BlackBox as BlackBox,
        load_black_box as load_black_box,
        save_black_box as save_black_box,
    )
    from daxaudio.models.resnet import SpectrogramResNet as SpectrogramResNet
    from daxaudio.models.training import Trainer as Trainer, TrainingSettings as TrainingSettings

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
