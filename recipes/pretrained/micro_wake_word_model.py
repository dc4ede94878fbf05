"""microWakeWord's "alexa" as a function, `micro_wake_word_model:hear_word`: a front end, a network.

40 levels every 10 ms by the package's own front end, a streaming TFLite file that takes three of
them at a time, and the mean of its last five probabilities, as the package has it. The environment
variable `DAXAUDIO_PRETRAINED` names the folder in which the packages pymicro-wakeword and
pymicro-features were unpacked; the code of the second one is run.
"""

import functools
import os
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SAMPLE_RATE, WORD = 16000, "alexa"
STEP, AT_ONCE, JOINED = 160, 3, 5  # samples of a frame, frames of a step, steps of a probability
FOLDER = Path(os.environ.get("DAXAUDIO_PRETRAINED", "."))


def hear_word(waveforms):
    """Probability `[N, L, 1]` of the word every 30 ms, of waveforms `[N, S]` at 16 kHz."""
    return np.stack([_hear(levels_of(waveform)) for waveform in np.asarray(waveforms)])


hear_word.classes, hear_word.sample_rate = [WORD], SAMPLE_RATE
hear_word.output, hear_word.frames = "multi_label", "max"


def levels_of(waveform):
    """Levels `[T, 40]` of a waveform `[S]`, which is rounded to 16 bits."""
    sys.path.append(str(FOLDER))
    try:
        from pymicro_features import MicroFrontend
    finally:
        sys.path.remove(str(FOLDER))
    front_end, found, place = MicroFrontend(), [], 0
    samples = (waveform * 32768).round().clip(-32768, 32767).astype("<i2")
    while place + STEP <= len(samples):
        heard = front_end.process_samples(samples[place : place + STEP].tobytes())
        place += heard.samples_read
        if heard.features:
            found.append(heard.features)
    return np.array(found)


def _hear(levels):
    """Probabilities `[L, 1]` of levels `[T, 40]`."""
    interpreter = _network()
    (entry,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    (scale, zero), (out_scale, out_zero) = entry["quantization"], answer["quantization"]
    whole = (levels / scale + zero).round().astype(entry["dtype"])
    found = []
    for place in range(0, len(whole) - AT_ONCE + 1, AT_ONCE):
        interpreter.set_tensor(entry["index"], whole[None, place : place + AT_ONCE])
        interpreter.invoke()
        found.append(interpreter.get_tensor(answer["index"]).item())
    probabilities = (np.array(found, np.float32) - out_zero) * out_scale
    return np.convolve(probabilities, np.full(JOINED, 1 / JOINED), mode="valid")[:, None]


def _network():
    """A network that has heard nothing; resetting one leaves something of what it heard."""
    interpreter = Interpreter(
        model_content=_content(),
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )  # XNNPACK rounds otherwise than the package
    interpreter.allocate_tensors()
    return interpreter


@functools.cache
def _content():
    return (FOLDER / "pymicro_wakeword" / "models" / f"{WORD}.tflite").read_bytes()
