"""What the names, types and shapes of a graph's inputs and outputs say of the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from daxaudio.features.front_end import FrontEnd
from daxaudio.features.frontends import make_front_end
from daxaudio.models.foreign.description import INPUT_LAYOUTS
from daxaudio.models.foreign.ports import Port, Shape, named

_MOST_CHANNELS = 8
"""A dimension of at most so many, beside that of the samples, holds channels."""

_RATES = ("sr", "fs", "sample_rate", "sampling_rate")
"""What an input is called that takes the sample rate."""


class PortReading:
    """Reads off the ports of a graph what was not told.

    Args:
        inputs: all of the graph.
        outputs: all of the graph.
        told: entries of a `model.yaml`, or of metadata in the file.

    Attributes:
        audio: the input that takes the sound.
        answer: the output that is read.
        entries: of a `model.yaml`, that could be read off.
        missing: lines for a `model.yaml`, without which the model cannot be asked.
        n_classes: numbers of one answer, where the shape says it.

    Raises:
        ValueError: when a name that was told is none of them, or what was told does not fit.

    Example:
        >>> audio = Port("x", np.dtype("float32"), (1, 48000))
        >>> answer = Port("y", np.dtype("float32"), (1, 10))
        >>> PortReading([audio], [answer], {"sample_rate": 16000}).entries
        {'input': 'waveform', 'layout': 'N S', 'batch_size': 1, 'seconds': 3.0}
    """

    def __init__(
        self, inputs: Sequence[Port], outputs: Sequence[Port], told: Mapping[str, Any]
    ) -> None:
        self.inputs, self.outputs, self.told = inputs, outputs, told
        self.state: Mapping[str, str] = told.get("state") or {}
        self.constants: Mapping[str, Any] = told.get("inputs") or {}
        self.entries: dict[str, Any] = {}
        self.missing: list[str] = []
        for name in self.constants:
            named(name, inputs, "inputs")
        for taking, giving in self.state.items():
            named(taking, inputs, "state")
            named(giving, outputs, "state")
        self.audio = self._find_audio()
        states = self._ask_for_others()
        self.answer = self._find_answer(states)
        self.streams = bool(states or told.get("chunk"))
        self._read_shape()
        if self.streams and self.entries["input"] == "waveform":
            self._read_chunks()
        last = self.answer.shape[-1] if len(self.answer.shape) > 1 else 1
        self.n_classes = last if isinstance(last, int) else None

    def _find_answer(self, others: Collection[str]) -> Port:
        """The output that is read; not one of some others."""
        if self.told.get("output_name") is not None:
            return named(self.told["output_name"], self.outputs, "output_name")
        rest = [port for port in self.outputs if port.name not in others]
        n_classes = len(self.told.get("classes") or ())
        fitting = [port for port in rest if n_classes and port.shape[-1:] == (n_classes,)]
        for found in (rest, fitting):
            if len(found) == 1:
                return found[0]
        rest = rest or list(self.outputs)
        self._ask("output_name", rest[0].name, f"that is read, of {_listed(rest)}")
        return rest[0]

    def _find_audio(self) -> Port:
        rest = [port for port in self.inputs if port.name not in {*self.constants, *self.state}]
        if not rest:
            raise ValueError("all its inputs stand in `inputs` or `state`: none takes the sound")
        if self.told.get("input_name") is not None:
            audio = named(self.told["input_name"], self.inputs, "input_name")
        else:
            audio = rest[0]
            if len(rest) > 1:
                self._ask("input_name", audio.name, f"that takes the sound, of {_listed(rest)}")
        return audio

    def _ask_for_others(self) -> Collection[str]:
        """Ask what other inputs take: an output of the step before, or always the same.

        Returns:
            Names of outputs that are states.
        """
        known = {*self.constants, *self.state, self.audio.name}
        others = [port for port in self.inputs if port.name not in known]
        kept = {port.name: giving for port in others if (giving := self._taken_up(port))}
        if kept:
            states = ", ".join(f"{name}: {giving}" for name, giving in kept.items())
            self._ask("state", f"{{{states}}}", "outputs that these take at the next step")
        rate = self.told.get("sample_rate") or 16000
        constants = [
            f"{port.name}: {rate if port.name.lower() in _RATES else 1}"
            for port in others
            if port.name not in kept
        ]
        if constants:
            self._ask("inputs", f"{{{', '.join(constants)}}}", "what these take every time")
        return {*self.state.values(), *kept.values()}

    def _taken_up(self, port: Port) -> str | None:
        """The output that seems to be this input at the next step of a streaming model."""
        alike = [
            one.name
            for one in self.outputs
            if len(one.shape) == len(port.shape) > 1
            and (one.dtype, one.name[:1]) == (port.dtype, port.name[:1])
        ]
        return alike[0] if len(alike) == 1 else None

    def _ask(self, entry: str, example: str, why: str) -> None:
        self.missing.append(f"{entry}: {example}  # {why}")

    def _read_shape(self) -> None:
        audio = self.audio
        if audio.dtype.kind not in "fiu" or not 1 <= len(audio.shape) <= 4:
            raise ValueError(f"input {audio} takes no sound: numbers of 1 to 4 dimensions would")
        kind = self.told.get("input") or ("waveform" if _is_sound(audio.shape) else "spectrogram")
        self.entries["input"] = kind
        layout = self.told.get("layout", "auto")
        if layout == "auto":
            layout = _layout_of_sound(audio.shape) if kind == "waveform" else self._of_picture()
            if not layout:
                return
            self.entries["layout"] = layout
        letters = layout.split()
        if len(letters) != len(audio.shape):
            raise ValueError(
                f"layout {layout!r} has {len(letters)} dimensions, but its input is {audio}"
            )
        self._read_sizes(dict(zip(letters, audio.shape, strict=True)))

    def _read_sizes(self, sizes: Mapping[str, int | str | None]) -> None:
        """Entries that the sizes of the input's dimensions say, by letter."""
        batch = sizes.get("N", 1)
        states = [named(name, self.inputs, "state") for name in self.state]
        if any(port.fixed for port in states):
            batch = 1 if batch is None or isinstance(batch, str) else batch
        if "N" not in self.told.get("output_layout", "N").replace("auto", "N"):
            batch = 1
        if isinstance(batch, int):
            self.entries["batch_size"] = batch
        if isinstance(sizes.get("C"), int):
            self.entries["channels"] = sizes["C"]
        if self.audio.dtype == np.int16 and self.audio.scale is None:
            self.entries["scale"] = 32768.0
        rate, samples = self.told.get("sample_rate"), sizes.get("S")
        if isinstance(samples, int) and rate and not self.streams:
            self.entries["seconds"] = samples / rate
        frames, front_end = sizes.get("T"), self._front_end()
        if isinstance(frames, int) and front_end is not None:
            self.entries["seconds"] = frames * front_end.hop_length / front_end.sample_rate

    def _read_chunks(self) -> None:
        """Entries of a model that hears a recording chunk by chunk."""
        if self.told.get("output_layout", "auto") not in ("auto", "N L K"):
            raise ValueError(
                "output_layout: the answers of a model with chunks are put together as N L K; "
                "leave it out"
            )
        self.entries["output_layout"] = "N L K"
        layout = self.told.get("layout", "auto")
        letters = (self.entries.get("layout", "") if layout == "auto" else layout).split()
        chunk, context = self.told.get("chunk"), self.told.get("context", 0)
        taken = self.audio.shape[letters.index("S")] if "S" in letters else None
        if chunk is None and isinstance(taken, int):
            chunk = self.entries["chunk"] = taken - context
        if chunk is None:
            self._ask("chunk", "512", "samples of one step of a model with state")
        elif chunk < 1 or (isinstance(taken, int) and taken != chunk + context):
            raise ValueError(
                f"chunk: {chunk} samples and context: {context} do not fit the input {self.audio}"
            )
        elif self.told.get("sample_rate") and len(self.answer.shape) < 3:
            self.entries["frame_hop"] = chunk / self.told["sample_rate"]

    def _of_picture(self) -> str:
        """Layout of a spectrogram: the dimension of as many as there are bins is that of bins."""
        front_end = self._front_end()
        shape = self.audio.shape
        if front_end is None:
            kinds = "log_mel, sample_rate: 16000, n_fft: 512, hop_length: 160, n_mels: 64"
            self._ask("front_end", f"{{kind: {kinds}}}", f"that makes its {self.audio}")
            return ""
        fitting = [
            layout
            for layout in INPUT_LAYOUTS["spectrogram"]
            if _fits(layout, shape, len(front_end.frequencies))
        ]
        sized = [one for one in fitting if isinstance(shape[one.split().index("F")], int)]
        for found in (sized, fitting):
            if len(found) == 1:
                return found[0]
        layouts = [one for one in INPUT_LAYOUTS["spectrogram"] if len(one.split()) == len(shape)]
        self._ask("layout", layouts[0], f"or {', '.join(layouts[1:])}, of {self.audio}")
        return ""

    def _front_end(self) -> FrontEnd | None:
        """Of a model of spectrograms, where it was told."""
        told = self.told.get("front_end")
        if told is None or self.entries["input"] == "waveform":
            return None
        rate = {"sample_rate": self.told["sample_rate"]} if self.told.get("sample_rate") else {}
        return make_front_end({**rate, **told})


def _is_sound(shape: Shape) -> bool:
    """Whether an input takes waveforms rather than spectrograms."""
    if len(shape) != 3:
        return len(shape) < 3
    return any(isinstance(size, int) and size <= _MOST_CHANNELS for size in shape[1:])


def _layout_of_sound(shape: Shape) -> str:
    if len(shape) < 3:
        return "S" if len(shape) == 1 else "N S"
    last = shape[2]
    behind = isinstance(last, int) and last <= _MOST_CHANNELS
    channels = last if behind else shape[1]
    letter = "C" if isinstance(channels, int) and channels > 1 else "1"
    return f"N S {letter}" if behind else f"N {letter} S"


def _fits(layout: str, shape: Shape, n_bins: int) -> bool:
    """Whether a shape may be that of spectrograms of so many bins in this layout."""
    letters = layout.split()
    if len(letters) != len(shape):
        return False
    wanted = {"1": 1, "F": n_bins}
    return all(
        not isinstance(size, int) or size == wanted.get(letter, size)
        for letter, size in zip(letters, shape, strict=True)
    )


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports))
