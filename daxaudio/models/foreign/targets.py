"""What a classifier is asked about: a class, at a time where it answers frame by frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from torch import Tensor

from daxaudio.containers import Recording
from daxaudio.runs.targets import FALLS, split_target


@dataclasses.dataclass(frozen=True)
class Target:
    """One score of a classifier, and whether what raises it or what lowers it is looked for.

    Args:
        name: the class, or the number of a regression.
        between: start and end in seconds of the frames that count; None for the whole recording.
        falls: look for what makes the score fall.

    Example:
        >>> read_target("speech@2.1-2.9", ["speech"]).between
        (2.1, 2.9)
        >>> str(read_target("quality:falls", ["quality"]))
        'quality:falls'
    """

    name: str
    between: tuple[float, float] | None = None
    falls: bool = False

    def __str__(self) -> str:
        """As `read_target` reads it."""
        between = f"@{self.between[0]:g}-{self.between[1]:g}" if self.between else ""
        return f"{self.name}{between}{FALLS if self.falls else ''}"


def read_target(text: str, class_names: Sequence[str]) -> Target:
    """Read `CLASS`, `CLASS@START-END` in seconds, either with `:falls` behind it.

    Args:
        text: what is asked for; the name of a class always means that class.
        class_names: those of the model.

    Raises:
        ValueError: when the class is unknown, or the times are in the wrong order.
    """
    if text in class_names:
        return Target(text)
    rest, between, falls = split_target(text)
    if text.removesuffix(FALLS) in class_names:
        rest, between = text.removesuffix(FALLS), None
    if between and between[0] >= between[1]:
        raise ValueError(f"target {text!r}: it ends before it starts; write CLASS@START-END")
    if rest not in class_names:
        raise ValueError(
            f"class {rest!r} is unknown to this model; it knows {_some(class_names)}"
            "; a target is CLASS, CLASS@START-END in seconds, or either with :falls behind it"
        )
    return Target(rest, between, falls)


def _some(names: Sequence[str], most: int = 30) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def frames_between(centres: Tensor, between: tuple[float, float], target: str) -> Tensor:
    """Which frames `[L]` lie between two times, by their centres in seconds; at least the nearest.

    Raises:
        ValueError: when the recording ends before, or there is a single frame.

    Example:
        >>> import torch
        >>> frames_between(torch.tensor([0.1, 0.3, 0.5]), (0.25, 0.4), "a@0.25-0.4")
        tensor([False,  True, False])
    """
    start, end = between
    step = float(centres.diff().max()) if len(centres) > 1 else 2 * float(centres[0])
    if start > float(centres[-1]) + step / 2:
        raise ValueError(
            f"target {target!r}: begins at {start:g} s, but the last frame of the model lies at "
            f"{float(centres[-1]):.3f} s"
        )
    if len(centres) == 1:
        raise ValueError(
            f"target {target!r} has times, but the model answers once for the whole recording; "
            f"leave out @{target.rpartition('@')[2].removesuffix(FALLS)}"
        )
    inside = (centres >= start) & (centres < end)
    if not bool(inside.any()):
        inside[(centres - (start + end) / 2).abs().argmin()] = True
    return inside


@dataclasses.dataclass(frozen=True, eq=False)
class TargetScore:
    """The score of one target, asked of a model.

    Args:
        target: its name, as `read_target` reads it.
        pick: answers `[N, L, K]`, and what was asked about, to scores `[N]` of the target.
        ask: spectrograms `[N, F, T]` to answers `[N, L, K]`.
        masks_sound: as of the model.
        pick_rival: answers `[N, L, K]` to the best scores `[N]` of another class; None where
            classes do not exclude each other, or the target is more than a class.
    """

    target: str
    pick: Callable[[Tensor, Tensor], Tensor]
    ask: Callable[[Tensor], Tensor]
    masks_sound: bool
    pick_rival: Callable[[Tensor], Tensor] | None = None

    def __call__(self, spectrograms: Tensor) -> Tensor:
        """Scores `[N]` of spectrograms `[N, F, T]`."""
        return self.pick(self.ask(spectrograms), spectrograms)

    @property
    def has_rivals(self) -> bool:
        """Whether there are classes that exclude that of the target; see `rivals`."""
        return self.pick_rival is not None

    def rivals(self, spectrograms: Tensor) -> Tensor:
        """The best score `[N]` of another class; where the target has rivals."""
        return self._rival_among(self.ask(spectrograms))

    def _rival_among(self, outputs: Tensor) -> Tensor:
        if self.pick_rival is None:
            raise ValueError(f"target {self.target!r} has no class that excludes it")
        return self.pick_rival(outputs)


@dataclasses.dataclass(frozen=True, eq=False)
class SoundScore(TargetScore):
    """The score of one target, asked of a model of waveforms about one recording.

    Args:
        sound: the recording as the model hears it.
        hear: waveforms `[N, C, S]` to answers `[N, L, K]`.
    """

    _: dataclasses.KW_ONLY
    sound: Recording
    hear: Callable[[Tensor], Tensor]

    def of_sounds(self, waveforms: Tensor) -> Tensor:
        """Scores `[N]` of waveforms `[N, C, S]` like that of `sound`."""
        return self.pick(self.hear(waveforms), waveforms)

    def rivals_of_sounds(self, waveforms: Tensor) -> Tensor:
        """The best score `[N]` of another class, as `rivals`, of waveforms `[N, C, S]`."""
        return self._rival_among(self.hear(waveforms))
