"""Which axes of a layer's output are channels, frequency and time.

A module may hold its maps as `[N, C, f, t]` or `[N, C, t, f]`, with channels last, as a sequence
over time, or as tokens on a grid of patches. What flows through the module tells which: the layers
are watched while they run, and the shapes that they are given are held against the spectrogram's.
What cannot be told is refused, as the map of a wrong axis looks like any other.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Channels = Literal["first", "last"]
"""Where a layer keeps its channels: before or after the places."""

Reshape = Callable[[Tensor], Tensor]
"""A layer's output for one input to maps `[1, C, f, t]`, by moving values alone."""

_FIRST = (
    *(nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.GroupNorm),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d),
)
_LAST = (nn.Linear, nn.RNNBase)

_CLASS_TOKENS = (0, 1, 2)
"""Tokens that may stand before those of the places: none, a class, a class and a distilled one."""

_NEAR = 1.25
"""A picture that was padded or cut before the first layer is still known by its size."""


@dataclasses.dataclass(frozen=True)
class _Map:
    """Places of a layer: `height` rows of `width`, and whether rows are frequencies."""

    height: int
    width: int
    upright: bool

    @property
    def size(self) -> tuple[int, int]:
        """Of frequency and time."""
        return (self.height, self.width) if self.upright else (self.width, self.height)


class Watch:
    """Sees what the layers of a module are given and give, while one spectrogram runs through it.

    Args:
        picture: `[F, T]`, the spectrogram.
    """

    def __init__(self, picture: Tensor) -> None:
        self.picture = picture.detach().cpu()
        self.upright: bool | None = None
        bins, frames = self.picture.shape
        self.maps = [_Map(bins, frames, upright=True)]
        self.channels: dict[torch.Size, Channels] = {}

    @contextlib.contextmanager
    def over(self, module: nn.Module) -> Iterator[None]:
        """Watch all layers of a module that hold no other ones; nothing stays behind."""
        with contextlib.ExitStack() as hooks:
            for part in module.modules():
                scripted = isinstance(part, torch.jit.ScriptModule)
                if not scripted and not any(True for _ in part.children()):
                    hooks.enter_context(part.register_forward_hook(self._see))
            yield

    def _see(self, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        given = next((one for one in inputs if isinstance(one, Tensor)), None)
        output = output if isinstance(output, Tensor) else output[0] if output else None
        if given is None or not isinstance(output, Tensor):
            return
        channels = _channels_of(layer, output)
        self._turn(given.detach(), channels)
        if channels is None:
            return
        self.channels[output.shape] = channels
        if output.ndim == 4 and self.upright is not None and output.shape[0] == 1:
            self.maps.append(_Map(*_places(output, channels), self.upright))
        elif output.ndim == 3 and channels == "first" and given.ndim == 3:
            over_time = self._runs_over_time(given.shape[2], channels)
            if over_time is not None:
                self.maps.append(_Map(1, output.shape[2], over_time))

    def _turn(self, given: Tensor, channels: Channels | None) -> None:
        """Learn from what a layer is given which way up the picture is now."""
        if given.shape[:1] != (1,) or given.ndim not in (3, 4):
            return
        own = self.picture.shape
        for alone in _alone(given):
            if alone.shape in (own, own[::-1]):
                self._learn(alone.shape, alone)
                return
        if given.ndim == 4 and given.shape[1] == 1:
            self._learn(given.shape[2:], given[0, 0])
        elif given.ndim == 4 and channels is not None:
            self._learn(torch.Size(_places(given, channels)), None)

    def _learn(self, places: torch.Size, values: Tensor | None) -> None:
        found = self._way_up(places, values)
        if found is not None or not self._holds(places, self.upright):
            self.upright = found

    def _way_up(self, shape: torch.Size, values: Tensor | None) -> bool | None:
        """Whether rows are frequencies (else columns are); None where it cannot be told."""
        own = self.picture.shape
        fits = [shape == own, shape == own[::-1]]
        if not any(fits) and self.upright is None:
            fits = [_near(shape, own), _near(shape, own[::-1])]
        if fits != [True, True]:
            return fits[0] if any(fits) else None
        if values is None:
            return self.upright
        alike = [_likeness(values.cpu(), way) for way in (self.picture, self.picture.T)]
        return self.upright if abs(alike[0] - alike[1]) < 1e-4 else alike[0] > alike[1]

    def _holds(self, places: torch.Size, upright: bool | None) -> bool:
        """Whether so many places lie within the picture; more were made by folding it."""
        if upright is None:
            return True
        size = places if upright else places[::-1]
        return all(n <= _NEAR * most for n, most in zip(size, self.picture.shape, strict=True))

    def _runs_over_time(self, length: int, channels: Channels) -> bool | None:
        """Whether a sequence of so many places runs over time (else over frequency)."""
        for seen in reversed(self.maps):
            bins, frames = seen.size
            if bins == frames == length and self.upright is not None:
                return self.upright == (channels == "first")
            if frames == length:
                return True
            if bins == length:
                return False
            if min(bins, frames) == 1 and length <= _NEAR * max(bins, frames):
                return frames > bins  # a sequence went before it: pooled by what is no layer
        # it may be shorter than an axis, and hardly longer
        fits = [length <= _NEAR * most for most in self.maps[-1].size]
        return fits[1] if fits[0] != fits[1] else None

    def reshape_of(self, layer: nn.Module, output: Tensor) -> Reshape | None:
        """How to move the values of a layer's output `[1, ...]` to `[1, C, f, t]`.

        Args:
            layer: that gave it.
            output: of three or four dimensions, the first of size 1.

        Returns:
            The way; None where it cannot be told.
        """
        channels = _channels_of(layer, output) or self.channels.get(output.shape)
        if channels is None:
            return None
        if output.ndim == 4:
            upright = self.upright
            if upright is None and self.picture.shape[0] == self.picture.shape[1]:
                upright = True
            if upright is None or not self._holds(torch.Size(_places(output, channels)), upright):
                return None
            return lambda maps: _upright(_channels_first(maps, channels), upright)
        n_places = output.shape[2 if channels == "first" else 1]
        return self._of_sequence(n_places, channels, isinstance(layer, (*_FIRST, nn.RNNBase)))

    def _of_sequence(self, n_places: int, channels: Channels, plain: bool) -> Reshape | None:
        """The same for a sequence of places: tokens on a grid, or steps of one axis."""
        for seen in reversed(self.maps):
            for extra in (0,) if plain else _CLASS_TOKENS:
                on_grid = min(seen.height, seen.width) > 1
                if on_grid and n_places - extra == seen.height * seen.width:
                    return _from_grid(seen, extra, channels)
            for extra in (0,) if plain else _CLASS_TOKENS:
                if n_places - extra in seen.size:  # the axis that is so long
                    over_time = self._runs_over_time(n_places - extra, channels)
                    return _from_steps(extra, channels, over_time is not False)
        over_time = self._runs_over_time(n_places, channels) if plain else None
        return None if over_time is None else _from_steps(0, channels, over_time)


def _channels_of(layer: nn.Module, output: Tensor) -> Channels | None:
    if isinstance(layer, nn.LayerNorm):
        if len(layer.normalized_shape) > 1:
            return None
        size = layer.normalized_shape[0]  # a subclass may norm channels that come first
        return "last" if output.shape[-1] == size else "first" if output.shape[1] == size else None
    if isinstance(layer, _FIRST):
        return "first"
    return "last" if isinstance(layer, _LAST) else None


def _alone(given: Tensor) -> Iterator[Tensor]:
    """`[h, w]` of an input with one channel, wherever that may be."""
    if given.ndim == 3:
        yield given[0]
    elif given.shape[1] == 1:
        yield given[0, 0]
    elif given.shape[3] == 1:
        yield given[0, :, :, 0]


def _places(output: Tensor, channels: Channels) -> tuple[int, int]:
    places = output.shape[2:] if channels == "first" else output.shape[1:3]
    return places[0], places[1]


def _channels_first(output: Tensor, channels: Channels) -> Tensor:
    return output if channels == "first" else output.movedim(-1, 1)


def _upright(maps: Tensor, upright: bool) -> Tensor:
    return maps if upright else maps.transpose(2, 3)


def _from_grid(seen: _Map, extra: int, channels: Channels) -> Reshape:
    def reshape(output: Tensor) -> Tensor:
        tokens = _channels_first(output, channels)[:, :, extra:]
        return _upright(tokens.unflatten(2, (seen.height, seen.width)), seen.upright)

    return reshape


def _from_steps(extra: int, channels: Channels, over_time: bool) -> Reshape:
    def reshape(output: Tensor) -> Tensor:
        steps = _channels_first(output, channels)[:, :, extra:]
        return _upright(steps[:, :, None], over_time)

    return reshape


def _near(shape: torch.Size, other: torch.Size) -> bool:
    return all(a <= _NEAR * b and b <= _NEAR * a for a, b in zip(shape, other, strict=True))


def _likeness(values: Tensor, picture: Tensor) -> float:
    """Size of the correlation of two pictures, the second one brought to the size of the first."""
    resized = F.interpolate(picture[None, None], size=list(values.shape), mode="nearest")[0, 0]
    centred = [part.double() - part.double().mean() for part in (values, resized)]
    norm = float(centred[0].norm() * centred[1].norm())
    return abs(float((centred[0] * centred[1]).sum())) / norm if norm > 0 else 0.0
