"""From recordings and spectrograms to what a model takes."""

from __future__ import annotations

from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.data.resampling import resample
from daxaudio.models.foreign.description import Description


def as_heard(recording: Recording, description: Description) -> Tensor:
    """Waveform `[C, S]` of a recording with the channels and at the rate that a model takes.

    Raises:
        ValueError: when it has another number of channels than the model takes, and both several.
    """
    waveform = recording.waveform
    if description.channels == 1:
        waveform = waveform.mean(dim=0, keepdim=True)
    elif len(waveform) == 1:
        waveform = waveform.expand(description.channels, -1)
    elif len(waveform) != description.channels:
        raise ValueError(
            f"{recording.recording_id or 'recording'}: {len(waveform)} channels, but the model "
            f"takes {description.channels}"
        )
    if recording.sample_rate != description.sample_rate:
        waveform = resample(waveform, recording.sample_rate, description.sample_rate)
    return waveform.contiguous()


def laid_out(inputs: Tensor, description: Description) -> Tensor:
    """Inputs `[N, C, S]` or `[N, F, T]` in the order of dimensions that a model takes."""
    layout = description.layout
    inputs = inputs * description.scale if description.scale != 1 else inputs
    if description.input == "waveform":
        if layout == "N S":
            return inputs[:, 0]
        if layout == "S":
            return inputs[0, 0]
        return inputs.transpose(1, 2) if layout in ("N S 1", "N S C") else inputs
    if "T F" in layout:
        inputs = inputs.transpose(1, 2)
    if layout.endswith(" 1"):
        return inputs[..., None]
    return inputs[:, None] if " 1 " in layout else inputs
