"""The things that flow through the package, and nothing that computes them.

Conventions: seconds, Hz, and audio samples in float32 in about [-1, 1]. Letters in shapes: S audio
samples, T frames, F frequency bins, C channels, N perturbations, K segments. Constructors check
shapes and ranges; nothing later checks again.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, SupportsFloat, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from daxaudio.runs.kinds import as_listed, check_kind, check_sentences, check_whole
from daxaudio.runs.real_numbers import as_axis, as_float32, as_real, check_beside
from daxaudio.runs.targets import told_by
from daxaudio.runs.tolerances import TIME_TOLERANCE

ScoreFn = Callable[[Tensor], Tensor]
"""A black box as the explainers see it: spectrograms `[N, F, T]` in, one score each `[N]` out."""


@dataclasses.dataclass(frozen=True, order=True, repr=False)
class Event:
    """A stretch of time with a label.

    Args:
        start: seconds, at least 0; becomes 0 where it is below by `TIME_TOLERANCE` at most.
        end: seconds, at least `start`; becomes `start` where it is below by so little.
        label: what happens in it.

    Raises:
        ValueError: when the times are not finite, negative, or in the wrong order.
        TypeError: when the times are no numbers or the label is no text.

    Example:
        >>> Event(1.0, 3.0, "dog").duration
        2.0
        >>> Event(1.0, 3.0).overlap(Event(2.5, 9.0))
        0.5
    """

    start: float
    end: float
    label: str = ""

    def __post_init__(self) -> None:
        for time in (self.start, self.end):
            check_kind(time, SupportsFloat, "start and end of an event must be numbers of seconds")
        check_kind(self.label, str, "label of an event must be a text")
        if -TIME_TOLERANCE <= self.start < 0:
            object.__setattr__(self, "start", 0.0)
        if self.start - TIME_TOLERANCE <= self.end < self.start:
            object.__setattr__(self, "end", self.start)
        if not 0 <= self.start <= self.end < float("inf"):
            raise ValueError(
                f"an event needs 0 <= start <= end in seconds, got start={self.start}, "
                f"end={self.end} (label {self.label!r})"
            )

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    def overlap(self, other: Event) -> float:
        """Seconds that this event shares with another."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def __repr__(self) -> str:
        """As it would be typed."""
        label = f", {self.label!r}" if self.label else ""
        return f"{type(self).__name__}({float(self.start)!r}, {float(self.end)!r}{label})"


class Events(Sequence[Event]):
    """Events of one recording in order of time, fixed; equal to a list or tuple of the same ones.

    Args:
        events: in any order; they may overlap, touch, or be there twice.

    Raises:
        TypeError: when they are no list, or something else than an `Event` is among them.

    Example:
        >>> events = Events([Event(4, 6, "dog"), Event(1, 3, "dog"), Event(2, 5, "cat")])
        >>> events.of("dog")
        Events([Event(1.0, 3.0, 'dog'), Event(4.0, 6.0, 'dog')])
        >>> events.crop(0, 2.5).labels, events.gaps(0, 9)
        (('cat', 'dog'), Events([Event(0.0, 1.0), Event(6.0, 9.0)]))
        >>> events.at([0.5, 1.0, 6.0]), events.union().duration
        (array([False,  True, False]), 5)
    """

    __slots__ = ("_listed",)

    def __init__(self, events: Iterable[Event] = ()) -> None:
        listed = as_listed(events, "events are a list of Event(start, end, label)")
        for event in listed:
            if not isinstance(event, Event):
                raise TypeError(f"events are made of Event(start, end, label), got {event!r:.60}")
        # not the order of `Event` itself, which knows none between its kinds
        self._listed = tuple(sorted(listed, key=lambda one: (one.start, one.end, one.label)))

    def __len__(self) -> int:
        return len(self._listed)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Events: ...
    def __getitem__(self, index: int | slice) -> Event | Events:
        """One event, or those of a slice."""
        return Events(self._listed[index]) if isinstance(index, slice) else self._listed[index]

    def __eq__(self, other: object) -> bool:
        """Whether another sequence holds the same events in the same order."""
        if not isinstance(other, Events | list | tuple):
            return NotImplemented
        return self._listed == tuple(other)

    def __hash__(self) -> int:
        return hash(self._listed)

    def __repr__(self) -> str:
        return f"Events({list(self._listed)})"

    @property
    def labels(self) -> tuple[str, ...]:
        """Each label once, in the order of the alphabet."""
        return tuple(sorted({event.label for event in self}))

    @property
    def end(self) -> float:
        """When the last one ends, in seconds; 0 without events."""
        return max((event.end for event in self), default=0.0)

    @property
    def borders(self) -> tuple[float, ...]:
        """Each start and end once, in seconds, increasing."""
        return tuple(sorted({time for event in self for time in (event.start, event.end)}))

    @property
    def duration(self) -> float:
        """Sum of their lengths in seconds; what overlaps counts once in that of `union()`."""
        return sum(event.duration for event in self)

    def of(self, *labels: str) -> Events:
        """Those with one of the labels."""
        return Events(event for event in self if event.label in labels)

    def without(self, *labels: str) -> Events:
        """Those with none of the labels."""
        return Events(event for event in self if event.label not in labels)

    def for_class(self, target: str) -> Events:
        """Those of its name where there are some; else all, whose labels are then no classes.

        Of `CLASS@START-END` those of the class that sound in that time, if any do; a direction,
        as in `CLASS:falls`, changes nothing.
        """
        return Events(told_by(self, target))

    def crop(self, start: float, end: float) -> Events:
        """What lies between two times; what has no length stays where it is in [start, end)."""
        return Events(
            dataclasses.replace(event, start=max(event.start, start), end=min(event.end, end))
            for event in self
            if event.start < end and (event.end > start or event.start >= start)
        )

    def union(self, label: str = "") -> Events:
        """The time in at least one event, as events that neither touch nor overlap."""
        found: list[Event] = []
        for event in self:
            if found and event.start <= found[-1].end:
                event = Event(found[-1].start, max(found.pop().end, event.end))
            found.append(Event(event.start, event.end, label))
        return Events(found)

    def gaps(self, start: float, end: float) -> Events:
        """The time between two times in no event."""
        edges = [start]
        for event in self.crop(start, end).union():
            edges += [event.start, event.end]
        pairs = zip(edges[::2], [*edges[1::2], end], strict=True)
        return Events(Event(first, last) for first, last in pairs if first < last)

    def at(self, times: Any) -> NDArray[np.bool_]:
        """Which times `[T]` in seconds lie in [start, end) of an event: `[T]` bool."""
        moments = as_real(times, "times").double().cpu().numpy()
        inside = np.zeros(moments.shape, dtype=np.bool_)
        for event in self:
            inside |= (moments >= event.start) & (moments < event.end)
        return inside


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """Audio in memory.

    Args:
        waveform: float32 `[C, S]`, at least one channel and one sample, all finite.
        sample_rate: samples per second.
        recording_id: name used in tables, seeds and file names.

    Raises:
        ValueError: when the waveform has another shape or type, or holds NaN or infinity.
        TypeError: when it is no tensor, the rate no whole number, or the id no text.

    Example:
        >>> Recording(torch.zeros(1, 8000), 16000, "a").duration
        0.5
    """

    waveform: Tensor
    sample_rate: int
    recording_id: str = ""

    def __post_init__(self) -> None:
        check_kind(self.recording_id, str, "recording_id must be a text")
        name = f"recording {self.recording_id!r}: " if self.recording_id else ""
        check_kind(self.waveform, Tensor, f"{name}waveform must be a tensor [channels, samples]")
        check_whole(self.sample_rate, f"{name}sample_rate")
        if self.waveform.ndim != 2 or min(self.waveform.shape) < 1:
            raise ValueError(
                f"{name}waveform must be [channels, samples] with at least one of each, "
                f"got shape {tuple(self.waveform.shape)}"
            )
        if self.waveform.dtype != torch.float32:
            raise ValueError(f"{name}waveform must be float32, got {self.waveform.dtype}")
        if self.sample_rate < 1:
            raise ValueError(f"{name}sample_rate must be at least 1, got {self.sample_rate}")
        if not torch.isfinite(self.waveform).all():
            raise ValueError(f"{name}waveform holds NaN or infinite samples")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.waveform.shape[-1] / self.sample_rate


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrogram:
    """A time-frequency picture of one recording, on its own axes.

    Args:
        values: `[F, T]`, in `unit`. NumPy arrays and other types of numbers become float32 tensors.
        frequencies: `[F]` centre of each bin in Hz, increasing.
        times: `[T]` centre of each frame in seconds, increasing.
        recording_id: the recording that it shows.
        unit: of the values, as colour bars show it; a larger value is louder in any.

    Raises:
        ValueError: when the axes do not fit the values, or values or axes are not finite.
        TypeError: when they hold no real numbers.
    """

    values: Tensor
    frequencies: Tensor
    times: Tensor
    recording_id: str = ""
    unit: str = "dB"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", as_float32(self.values, "spectrogram values"))
        for name in ("frequencies", "times"):
            object.__setattr__(self, name, as_axis(getattr(self, name), name))
        if self.values.ndim != 2 or min(self.values.shape) < 1:
            raise ValueError(
                f"spectrogram values must be [F, T], got shape {tuple(self.values.shape)}"
            )
        axes = (len(self.frequencies), len(self.times))
        if axes != tuple(self.values.shape):
            raise ValueError(
                f"spectrogram is {tuple(self.values.shape)} but has {axes[0]} frequencies "
                f"and {axes[1]} times"
            )
        if not torch.isfinite(self.values).all():
            raise ValueError(f"spectrogram of {self.recording_id!r} holds NaN or infinite values")

    @property
    def hop(self) -> float:
        """Seconds from one frame to the next, jumps over deleted silence apart; 0 for one frame."""
        if len(self.times) < 2:
            return 0.0
        steps = self.times.double().diff()
        return float(steps[steps <= 1.5 * steps.min()].median())

    def to(self, device: torch.device | str) -> Spectrogram:
        """The same spectrogram with its values on another device."""
        return dataclasses.replace(self, values=self.values.to(device))


@dataclasses.dataclass(frozen=True, eq=False)
class Explanation:
    """Where the black box listened.

    Args:
        mask: `[F, T]` in [0, 1]; 1 is most salient. Has the axes of `spectrogram`.
        spectrogram: the input that was explained.
        method: name of the method, as in tables.
        target: the class that was explained ("" when only a score function was known).
        score: the black box's score of the unperturbed input.
        n_queries: black-box evaluations that the explanation cost.
        seconds: time in seconds by phase: at least `query` and `fit`.
        settings: what the method was set to.
        findings: numbers that the method found beside its mask; empty for methods that find none.
        seed: seed of its random draws.
        attribution: `[F, T]` signed values before they were scaled to the mask, in the method's
            own unit; the mask itself for methods that give a mask.
        history: what happened while it was fitted, by name, one entry an epoch.
        standard_error: `[F, T]` standard error of the mask, at least 0, from methods that know how
            sure they are of it; None from the others.
        warnings: why this explanation should not be trusted, one plain sentence a reason with the
            number in it; empty when there is none.
        n_gradients: forward and backward passes through the module, one an input; 0 for methods
            that need query access only.
        verdict: what is to be thought of it, in a sentence, where it was judged.
        again: makes its explainer anew, with the same draws for 0, with others for 1, 2, ...; None
            where that is not known, as of one read from a file.
        recording: the audio that was explained, where it is known; it is not stored.

    Raises:
        ValueError: when the mask's shape is not the spectrogram's or it leaves [0, 1], when the
            attribution or the standard error has another shape or is not finite, when the latter is
            negative, or a warning is empty; TypeError when warnings are no tuple of texts.
    """

    mask: Tensor = dataclasses.field(repr=False)
    spectrogram: Spectrogram = dataclasses.field(repr=False)
    method: str
    target: str = ""
    _: dataclasses.KW_ONLY
    score: float = float("nan")
    n_queries: int = 0
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    findings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0
    attribution: Tensor | None = dataclasses.field(default=None, repr=False)
    history: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    standard_error: Tensor | None = dataclasses.field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    n_gradients: int = 0
    verdict: str = ""
    again: Callable[[int], Explainer] | None = dataclasses.field(default=None, repr=False)
    recording: Recording | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("mask", "attribution", "standard_error"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_float32(getattr(self, name), name))
        shape, expected = tuple(self.mask.shape), tuple(self.spectrogram.values.shape)
        if shape != expected:
            raise ValueError(f"mask is {shape}, the spectrogram is {expected}")
        if not bool(((self.mask >= 0) & (self.mask <= 1)).all()):
            raise ValueError(f"mask of {self.method!r} leaves [0, 1] or holds NaN")
        for name, lowest in (("attribution", -math.inf), ("standard_error", 0.0)):
            if getattr(self, name) is not None:
                check_beside(getattr(self, name), self.mask, name, of=self.method, lowest=lowest)
        check_sentences(self.warnings, f"of {self.method!r}")

    @property
    def profile(self) -> Tensor:
        """`[T]` time profile: the mean of the mask over frequency."""
        return self.mask.mean(dim=0)

    def events(self, threshold: float | None = None) -> Events:
        """Stretches with the profile above a threshold; None for `metrics.marking_threshold`."""
        metrics = importlib.import_module("daxaudio.metrics")
        threshold = metrics.marking_threshold(self.profile) if threshold is None else threshold
        return metrics.marked_outside(self.profile, self.spectrogram.times, (), threshold=threshold)

    def plot(self, path: Any = None, **options: Any) -> Any:
        """Draw it, into a file where a path is given; see `daxaudio.plot.plot_explanation`."""
        options = {"verdict": self.verdict, **options}
        return importlib.import_module("daxaudio.plot").plot_explanation(self, path, **options)

    def listen(self, recording: Recording | None = None, **options: Any) -> Any:
        """What was marked, and the rest, to be heard; see `daxaudio.features.listen`."""
        return importlib.import_module("daxaudio.features").listen(self, recording, **options)

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        return str(importlib.import_module("daxaudio.plot").explanation_html(self))


class Explainer(Protocol):
    """What every method is: called with an input and a black box, it gives an explanation."""

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`."""
