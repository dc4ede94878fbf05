"""What must be known of somebody else's classifier to ask it: the entries of a `model.yaml`."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from daxaudio.runs.config import build
from daxaudio.runs.names import name_some

Input = Literal["waveform", "spectrogram"]
Output = Literal["logits", "probabilities", "multi_label", "regression"]
Activation = Literal["auto", "none", "softmax", "sigmoid"]
Frames = Literal["mean", "max", "noisy_or", "top_k"]
Padding = Literal["zeros", "repeat", "own"]

INPUT_LAYOUTS: Mapping[Input, tuple[str, ...]] = {
    "waveform": ("N S", "N 1 S", "N C S", "S", "N S 1", "N S C"),
    "spectrogram": ("N F T", "N T F", "N 1 F T", "N 1 T F", "N F T 1", "N T F 1"),
}
"""Letters of shapes: N inputs of a batch, S samples, C channels, F bins, T frames, 1 as it is."""

OUTPUT_LAYOUTS = ("N K", "N L K", "N K L", "N L", "N", "K", "L K")
"""K classes, L frames in time; without N a batch holds one input."""


@dataclasses.dataclass(frozen=True)
class Description:
    """How a classifier is asked and what its answers mean.

    Args:
        classes: names of what it scores, in the order of its outputs.
        sample_rate: samples per second that it takes.
        input: what it takes; the front end of a "spectrogram" stands in `front_end`.
        output: what its numbers are: "logits" of classes that exclude each other, of which the
            softmax is taken; "probabilities" of such; "multi_label", a probability in [0, 1] of
            each class on its own; "regression", any number.
        activation: applied to its numbers; "auto" is softmax for logits, none for the others.
        front_end: settings of a front end (see `make_front_end`): that of a model of spectrograms;
            for one of waveforms what is shown and perturbed, a log-mel where it is not named.
        channels: of the waveforms that it takes; 1 is the average of all.
        layout: order of its input's dimensions, one of `INPUT_LAYOUTS`; "auto" is the first.
        scale: what it takes is multiplied by it: samples in [-1, 1] by 32768 for models of 16-bit
            numbers, dB by 0.1151 for natural logarithms of magnitudes.
        seconds: length of the windows that it takes; None where it takes any length.
        overlap: share in [0, 1) of a window that the next one hears again.
        padding: how recordings shorter than a window, and the last window, are filled up: by zeros,
            which are the lowest value of a spectrogram, or by a repeat; "own" leaves a shorter
            recording as it is, to a model that pads it itself.
        output_layout: order of its output's dimensions, one of `OUTPUT_LAYOUTS`; "auto" goes by
            their number and by the classes.
        frames: how the scores of frames and windows become one of the recording.
        top_k: frames of "top_k", the mean of the largest.
        frame_hop: seconds from one frame to the next; None spreads them over the input.
        batch_size: most inputs of one call; None where any number goes.
        input_name: of a file with several inputs, the one that takes the audio.
        output_name: of a file with several outputs, the one that is read.
        inputs: constants for its other inputs, by name.
        state: outputs of a streaming model, by the inputs that take them at the next chunk; they
            begin as zeros for every query.
        state_shapes: shapes of states that cannot be read off, by input; -1 stands for N.
        chunk: samples of a streaming model's chunk; None where it takes all at once.
        context: samples of the chunk before that are put in front of each chunk; zeros at first.
        reset: method of a scripted model that forgets its state, called before every batch.
        threads: of a runtime that has its own; None takes as many as torch.
        service: how a service behind HTTP is asked (see `ServiceSettings`).

    Raises:
        ValueError: names the entry that does not fit and what would.

    Example:
        >>> Description(["speech"], 16000, output="multi_label", frames="max").activation
        'none'
    """

    classes: Sequence[str]
    sample_rate: int
    _: dataclasses.KW_ONLY
    input: Input = "waveform"
    output: Output = "logits"
    activation: Activation = "auto"
    front_end: Mapping[str, Any] | None = None
    channels: int = 1
    layout: str = "auto"
    scale: float = 1.0
    seconds: float | None = None
    overlap: float = 0.0
    padding: Padding = "zeros"
    output_layout: str = "auto"
    frames: Frames = "mean"
    top_k: int = 3
    frame_hop: float | None = None
    batch_size: int | None = None
    input_name: str | None = None
    output_name: str | None = None
    inputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    state: Mapping[str, str] = dataclasses.field(default_factory=dict)
    state_shapes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    chunk: int | None = None
    context: int = 0
    reset: str | None = None
    threads: int | None = None
    service: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        names = tuple(self.classes) if not isinstance(self.classes, str) else ()
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"classes must be one or more names, got {self.classes!r}")
        twice = [name for name, count in collections.Counter(names).items() if count > 1]
        if twice:
            raise ValueError(
                f"classes must have different names, but there are two {name_some(twice)}"
            )
        object.__setattr__(self, "classes", names)
        for name, allowed in (
            ("input", get_args(Input)),
            ("output", get_args(Output)),
            ("activation", get_args(Activation)),
            ("frames", get_args(Frames)),
            ("padding", get_args(Padding)),
            ("layout", ("auto", *INPUT_LAYOUTS.get(self.input, ()))),
            ("output_layout", ("auto", *OUTPUT_LAYOUTS)),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}"
                )
        if self.activation == "auto":
            chosen = "softmax" if self.output == "logits" else "none"
            object.__setattr__(self, "activation", chosen)
        if self.layout == "auto":
            object.__setattr__(self, "layout", INPUT_LAYOUTS[self.input][0])
        numbers = self.output == "regression" or (
            self.output == "logits" and self.activation == "none"
        )
        if self.frames == "noisy_or" and numbers:
            raise ValueError("frames: noisy_or joins probabilities; these numbers are none")
        if self.activation == "softmax" and len(names) == 1:
            raise ValueError(
                "the softmax of a single class is always 1; write `output: multi_label` with "
                "`activation: sigmoid` for a logit, `output: multi_label` for a probability, or "
                "`output: regression` for any number"
            )
        check_numbers(dataclasses.asdict(self))
        if self.input == "spectrogram" and self.front_end is None:
            raise ValueError("a model of spectrograms needs its front_end, such as kind: log_mel")


ENTRIES = tuple(field.name for field in dataclasses.fields(Description))
"""Names of what a `model.yaml` may hold."""


_LEAST: Mapping[str, int] = {
    **dict.fromkeys(("sample_rate", "channels", "top_k", "batch_size", "chunk", "threads"), 1),
    "context": 0,
}
"""Smallest values of entries that are whole numbers."""

_MOST: Mapping[str, int] = {"channels": 1024, "threads": 1024}
"""Largest values."""


def check_numbers(entries: Mapping[str, Any]) -> None:
    """See that the numbers of a `model.yaml` lie where they mean something.

    Args:
        entries: some of those of `Description`, of their types.

    Raises:
        ValueError: names the entry, and what it must be.

    Example:
        >>> check_numbers({"sample_rate": 16000, "seconds": -1.0})
        Traceback (most recent call last):
        ValueError: seconds must be above 0, got -1.0
    """
    given = {name: value for name, value in entries.items() if value is not None}
    for name, least in _LEAST.items():
        if given.get(name, least) < least:
            raise ValueError(f"{name} must be at least {least}, got {given[name]}")
    for name, most in _MOST.items():
        if given.get(name, most) > most:
            raise ValueError(f"{name} must be at most {most}, got {given[name]}")
    for name in ("seconds", "frame_hop"):
        if not given.get(name, 1) > 0:
            raise ValueError(f"{name} must be above 0, got {given[name]}")
    if given.get("scale") == 0:
        raise ValueError("scale must not be 0, which leaves silence alone")
    if not 0 <= given.get("overlap", 0) < 1:
        raise ValueError(f"overlap must be in [0, 1), got {given['overlap']}")
    if "seconds" in given and given["seconds"] * given.get("sample_rate", math.inf) < 1:
        raise ValueError(f"seconds must last a sample, got {given['seconds']}")


class MissingEntriesError(ValueError):
    """Something must be known of a model that it does not say.

    Args:
        source: of the model.
        lines: of a `model.yaml`, that are missing, with an example and maybe a comment.
    """

    def __init__(self, source: str, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        entries = [line.partition("  #")[0] for line in self.lines]
        names = " and ".join(entry.partition(":")[0] for entry in entries)
        lines_of_file = "".join(f"{entry}\\n" for entry in entries)
        super().__init__(
            f"{source}: it does not say its {names}; write model.yaml beside it, or a file for "
            f"--model_config, such as by: printf '{lines_of_file}' > model.yaml "
            "(daxaudio model inspect says more)"
        )


def describe(
    read_off: Mapping[str, Any],
    told: Mapping[str, Any],
    source: str,
    *,
    missing: Sequence[str] = (),
    n_classes: int | None = None,
) -> Description:
    """What is known of a model: what it says of itself, and what somebody says of it.

    Args:
        read_off: entries that its file, folder or service holds.
        told: entries of a `model.yaml`, which count before these.
        source: of the model, for errors.
        missing: lines for a `model.yaml` that its file is known to lack.
        n_classes: numbers of its answer, where that is known.

    Raises:
        MissingEntriesError: says all that are missing.
        ValueError: when an entry is unknown or does not fit.
    """
    entries = {**read_off, **told}
    each = (
        "names of its numbers" if n_classes is None else f"a name for each of {n_classes} numbers"
    )
    needed = {
        "classes": f"classes: [dog, cat]  # {each}, or a file that has them",
        "sample_rate": "sample_rate: 16000  # that it was trained on",
    }
    lines = [line for name, line in needed.items() if entries.get(name) is None] + [*missing]
    if lines:
        raise MissingEntriesError(source, lines)
    return build(Description, "model", entries)
