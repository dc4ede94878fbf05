"""A classifier that was trained here as one that takes waveforms: its front end is part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.description import describe
from daxaudio.models.foreign.model import ForeignModel


class TrainedRunner:
    """Waveforms to probabilities, through the front end of a black box.

    Args:
        black_box: takes the spectrograms.
    """

    def __init__(self, black_box: BlackBox) -> None:
        self.black_box, self._digest = black_box, black_box.digest()
        front_end = black_box.front_end
        shown = {name: value for name, value in front_end.settings.items() if name != "vad"}
        self.described: Mapping[str, Any] = {
            "classes": list(black_box.class_names),
            "sample_rate": front_end.sample_rate,
            "output": "probabilities",
            "front_end": shown,
        }

    def __call__(self, inputs: Tensor) -> Tensor:
        """Probabilities `[n, C]` of waveforms `[n, S]`."""
        front_end = self.black_box.front_end
        recordings = [Recording(one[None], front_end.sample_rate) for one in inputs]
        heard = [front_end.spectrogram(one).values for one in recordings]
        if all(one.shape == heard[0].shape for one in heard):
            return self.black_box.probabilities(torch.stack(heard))
        # without silence they are of different lengths
        return torch.cat([self.black_box.probabilities(one[None]) for one in heard])

    def digest(self) -> str:
        """That of the black box."""
        return self._digest


def as_waveform_model(black_box: BlackBox) -> ForeignModel:
    """A black box as a model of waveforms, which is asked about sounds.

    Args:
        black_box: trained here.

    Example:
        >>> from daxaudio.features.mel import LogMel
        >>> from daxaudio.models.resnet import SpectrogramResNet
        >>> network = SpectrogramResNet(2, depth=10, width=4)
        >>> trained = BlackBox(network, LogMel(8000, n_fft=256, n_mels=16), ["cat", "dog"])
        >>> as_waveform_model(trained).masks_sound
        True
    """
    runner = TrainedRunner(black_box)
    description = describe(runner.described, {}, black_box.source or "black box")
    return ForeignModel(runner, description, device=black_box.device, source=black_box.source)
