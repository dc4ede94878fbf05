"""openWakeWord's "alexa" as a function, `wake_word_model:hear_word`: three TFLite files in a row.

Levels of 32 bands, an embedding of 76 frames of them every 80 ms, and the probability of the word
from 16 embeddings each. The environment variable `DAXAUDIO_PRETRAINED` names the folder in which
the package pyopen-wakeword was unpacked.
"""

import functools
import os
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

SAMPLE_RATE, WORD = 16000, "alexa"
LEAD = 28000  # samples of silence in front: the first window of 16 embeddings takes 2 s
FRAMES, FRAME_STEP, EMBEDDINGS = 76, 8, 16


def hear_word(waveforms):
    """Probability `[N, L, 1]` of the word every 80 ms, of waveforms `[N, S]` at 16 kHz."""
    return np.stack([_hear(waveform) for waveform in np.asarray(waveforms, np.float32)])


hear_word.classes, hear_word.sample_rate = [WORD], SAMPLE_RATE
hear_word.output, hear_word.frames = "multi_label", "max"


def _hear(waveform):
    levels, embedding, word = _networks()
    samples = np.concatenate([np.zeros(LEAD, np.float32), waveform * 32768])
    bands = levels(samples[None]).reshape(-1, 32) / 10 + 2
    starts = range(0, len(bands) - FRAMES + 1, FRAME_STEP)
    embedded = embedding(np.stack([bands[k : k + FRAMES] for k in starts])[..., None])
    embedded = embedded.reshape(len(starts), -1)
    windows = range(len(embedded) - EMBEDDINGS + 1)
    return np.concatenate([word(embedded[None, k : k + EMBEDDINGS]) for k in windows])


@functools.cache
def _networks():
    folder = Path(os.environ["DAXAUDIO_PRETRAINED"]) / "pyopen_wakeword" / "models"
    return [
        _load(folder / f"{name}.tflite") for name in ("melspectrogram", "embedding_model", WORD)
    ]


def _load(path):
    """A TFLite file as a function of one array, of any shape that it can be resized to."""
    interpreter = Interpreter(str(path), num_threads=1)
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = None

    def ask(values):
        nonlocal shape
        if values.shape != shape:
            interpreter.resize_tensor_input(entry["index"], values.shape)
            interpreter.allocate_tensors()
            shape = values.shape
        interpreter.set_tensor(entry["index"], np.ascontiguousarray(values, np.float32))
        interpreter.invoke()
        return interpreter.get_tensor(answer["index"])

    return ask
