"""The things that flow through the package, and nothing that computes them.

Conventions: seconds, Hz, and audio samples in float32 in about [-1, 1]. Letters in shapes: S audio
samples, T frames, F frequency bins, C channels, N perturbations, K segments. Constructors check
shapes and ranges; nothing later checks again.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor

from daxaudio.runs.real_numbers import as_float32, as_real
from daxaudio.runs.tolerances import TIME_TOLERANCE

ScoreFn = Callable[[Tensor], Tensor]
"""A black box as the explainers see it: spectrograms `[N, F, T]` in, one score each `[N]` out."""


def target_of(score_fn: ScoreFn) -> str:
    """The class that a score function scores, where it says so in `target`; else "".

    `BlackBox.score_fn(target)` says so; a bare function may be given the attribute.

    Example:
        >>> target_of(lambda inputs: inputs[:, 0, 0])
        ''
    """
    return str(getattr(score_fn, "target", ""))


@dataclasses.dataclass(frozen=True, order=True)
class Event:
    """A stretch of time with a label.

    Args:
        start: seconds, at least 0; becomes 0 where it is below by `TIME_TOLERANCE` at most.
        end: seconds, at least `start`; becomes `start` where it is below by so little.
        label: what happens in it.

    Raises:
        ValueError: when the times are not finite, negative, or in the wrong order.

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


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """Audio in memory.

    Args:
        waveform: float32 `[C, S]`, at least one channel and one sample, all finite.
        sample_rate: samples per second.
        recording_id: name used in tables, seeds and file names.

    Raises:
        ValueError: when the waveform has another shape or type, or holds NaN or infinity.

    Example:
        >>> Recording(torch.zeros(1, 8000), 16000, "a").duration
        0.5
    """

    waveform: Tensor
    sample_rate: int
    recording_id: str = ""

    def __post_init__(self) -> None:
        name = f"recording {self.recording_id!r}: " if self.recording_id else ""
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
            object.__setattr__(self, name, _as_axis(getattr(self, name), name))
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
        findings: numbers that the method found beside its mask, such as how well its student
            explains the scores; empty for methods that find none.
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

    Raises:
        ValueError: when the mask's shape is not the spectrogram's or it leaves [0, 1], when the
            attribution or the standard error has another shape or is not finite, when the latter is
            negative, or when a warning is empty.
        TypeError: when the warnings are no tuple of texts.
    """

    mask: Tensor
    spectrogram: Spectrogram
    method: str
    target: str = ""
    _: dataclasses.KW_ONLY
    score: float = float("nan")
    n_queries: int = 0
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    findings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0
    attribution: Tensor | None = None
    history: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    standard_error: Tensor | None = None
    warnings: tuple[str, ...] = ()
    n_gradients: int = 0

    def __post_init__(self) -> None:
        for name in ("mask", "attribution", "standard_error"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_float32(getattr(self, name), name))
        if self.mask.shape != self.spectrogram.values.shape:
            raise ValueError(
                f"mask is {tuple(self.mask.shape)}, the spectrogram is "
                f"{tuple(self.spectrogram.values.shape)}"
            )
        if not bool(((self.mask >= 0) & (self.mask <= 1)).all()):
            raise ValueError(f"mask of {self.method!r} leaves [0, 1] or holds NaN")
        if self.attribution is not None:
            self._check_beside_mask("attribution", self.attribution, -math.inf)
        if self.standard_error is not None:
            self._check_beside_mask("standard_error", self.standard_error, 0.0)
        if not isinstance(self.warnings, tuple) or not all(
            isinstance(warning, str) for warning in self.warnings
        ):
            raise TypeError(
                f"warnings of {self.method!r} must be a tuple of texts, got {self.warnings!r}"
            )
        if not all(warning.strip() for warning in self.warnings):
            raise ValueError(f"a warning of {self.method!r} is empty; say what is wrong")

    def _check_beside_mask(self, name: str, values: Tensor, lowest: float) -> None:
        if values.shape != self.mask.shape:
            raise ValueError(
                f"{name} is {tuple(values.shape)}, the mask is {tuple(self.mask.shape)}"
            )
        if not bool(((values >= lowest) & values.isfinite()).all()):
            fault = "is negative somewhere or holds" if lowest == 0 else "holds"
            raise ValueError(f"{name} of {self.method!r} {fault} NaN or infinity")

    @property
    def profile(self) -> Tensor:
        """`[T]` time profile: the mean of the mask over frequency."""
        return self.mask.mean(dim=0)


class Explainer(Protocol):
    """What every method is: called with an input and a black box, it gives an explanation."""

    def __call__(self, spectrogram: Spectrogram, score_fn: ScoreFn) -> Explanation:
        """Explain `score_fn(spectrogram)`."""


def _as_axis(given: Any, name: str) -> Tensor:
    axis = as_real(given, name)
    if axis.ndim != 1 or not bool(torch.isfinite(axis).all()):
        raise ValueError(f"{name} of a spectrogram must be one list of finite numbers")
    return axis


def scale_to_mask(attribution: Tensor) -> Tensor:
    """Scale signed attributions to [0, 1] by their smallest and largest value.

    The order of the values is kept, so rankings and thresholds in units of mean and standard
    deviation give the same frames before and after.

    Args:
        attribution: any shape, finite.

    Returns:
        The same shape in [0, 1]; all zeros when every value is the same (nothing stands out).

    Raises:
        ValueError: when a value is NaN or infinite.

    Example:
        >>> scale_to_mask(torch.tensor([-1.0, 0.0, 3.0]))
        tensor([0.0000, 0.2500, 1.0000])
    """
    if not torch.isfinite(attribution).all():
        raise ValueError("attribution holds NaN or infinite values")
    low, high = attribution.min(), attribution.max()
    if high <= low:
        return torch.zeros_like(attribution)
    return ((attribution - low) / (high - low)).clamp(0, 1)


def check_spectrogram(given: object) -> None:
    """Refuse anything else where a spectrogram is explained.

    Raises:
        TypeError: says what to do.

    Example:
        >>> check_spectrogram("a.wav")
        Traceback (most recent call last):
        TypeError: a Spectrogram is explained, got a str: make one, Spectrogram(values, ...)
    """
    if isinstance(given, Spectrogram):
        return
    advice = "make one, Spectrogram(values, ...)"
    if isinstance(given, Recording):
        advice = "make one of it by the model's front end, front_end.spectrogram(recording)"
    raise TypeError(f"a Spectrogram is explained, got a {type(given).__name__}: {advice}")
