"""YAMNet with weights of 8 bits as a function, `yamnet_model:tag`: patches of a log-mel, then ONNX.

The file takes one patch at a time, 96 frames of 64 bands. The environment variable
`DAXAUDIO_PRETRAINED` names the folder in which the package sead was unpacked, and within it the
archive that holds the model.
"""

import functools
import os
from pathlib import Path

import numpy as np
import torch
import torchaudio

from daxaudio.models.foreign.labels import read_classes
from daxaudio.models.foreign.onnx import open_onnx
from daxaudio.models.foreign.runner import Opening

SAMPLE_RATE, HOP, FRAMES, FRAME_STEP = 16000, 160, 96, 48
FOLDER = Path(os.environ.get("DAXAUDIO_PRETRAINED", ".")) / "sead" / "data"
MODEL = "job_jpev7z175_optimized_onnx/model.onnx"


def tag(waveforms):
    """Probabilities `[N, L, 521]` of AudioSet's classes by patch, of waveforms `[N, S]`."""
    patches = make_patches(torch.as_tensor(waveforms).float())
    graph = _graph()
    (heard,), (said,) = graph.inputs, graph.outputs  # of whole numbers
    logits = [
        said.decode(graph.run({heard.name: heard.encode(patch[None, None])})[said.name])
        for patch in patches.flatten(0, 1).numpy()
    ]
    return torch.from_numpy(np.concatenate(logits)).sigmoid().view(*patches.shape[:2], -1)


def make_patches(waveforms):
    """Patches `[N, L, 96, 64]`, one every 0.48 s, of waveforms `[N, S]` at 16 kHz.

    As sead cuts them: a recording shorter than one patch is filled up by zeros, and what is left
    over behind the last whole one is not heard.
    """
    frames = (_mel()(waveforms) + 1e-6).log().transpose(1, 2)
    missing = max(0, FRAMES - frames.shape[1])
    padded = torch.nn.functional.pad(frames, (0, 0, 0, missing))
    return padded.unfold(1, FRAMES, FRAME_STEP).transpose(2, 3)


@functools.cache
def _mel():
    return torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE,
        n_fft=512,
        win_length=400,
        hop_length=HOP,
        f_min=125.0,
        f_max=7500.0,
        n_mels=64,
        power=1.0,
        center=False,
    )


@functools.cache
def _graph():
    return open_onnx(FOLDER / MODEL, Opening({"threads": 1})).graph


tag.classes = read_classes(FOLDER / "yamnet_class_map.csv")
tag.sample_rate, tag.output = SAMPLE_RATE, "multi_label"
