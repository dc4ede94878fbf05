"""Networks that torch runs, of which only their arguments are known: asked whole or in chunks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from daxaudio.models.foreign.answers import asked, numbers_in, parts_of
from daxaudio.models.foreign.chunks import in_chunks
from daxaudio.runs.provenance import digest_of_files

Kind = Literal["tensor", "int", "float", "bool", "str"]

_RATES = ("sr", "fs", "rate", "sample_rate", "sampling_rate")
"""What an argument is called that takes the sample rate."""

_MADE = {"int": int, "float": float, "bool": bool, "str": str}


@dataclasses.dataclass(frozen=True)
class Argument:
    """One argument of a network.

    Args:
        name: as the network calls it.
        kind: of value that it takes.
        optional: it may be left out.
    """

    name: str
    kind: Kind = "tensor"
    optional: bool = False


class Network:
    """Asks a network.

    Args:
        call: takes arguments by name; answers with a tensor, or with several by position or name.
        arguments: all that it takes.
        known: entries of a `model.yaml`, read off and told.
        device: where it runs.
        source: the file, for errors.
        forget: called before every batch; a network with a state inside begins anew by it.

    Attributes:
        described: entries that could be read off, among them those of `known`.

    Raises:
        ValueError: when what was told does not fit its arguments, or an entry is missing.

    Example:
        >>> loudness = Network(
        ...     lambda arguments: arguments["x"].abs().mean(dim=1),
        ...     [Argument("x")],
        ...     {"chunk": 2},
        ...     device=torch.device("cpu"),
        ...     source="x.pt",
        ... )
        >>> loudness(torch.tensor([[1.0, 1.0, 0.0, -4.0]]))
        tensor([[[1.],
                 [2.]]])
    """

    def __init__(
        self,
        call: Callable[[Mapping[str, Any]], Any],
        arguments: Sequence[Argument],
        known: Mapping[str, Any],
        *,
        device: torch.device,
        source: str,
        forget: Callable[[], Any] | None = None,
    ) -> None:
        self._call, self.source, self._device, self._forget = call, source, device, forget
        self._arguments = {argument.name: argument for argument in arguments}
        self._known = dict(known)
        self._states: Mapping[str, str] = known.get("state") or {}
        self._chunk, self._context = known.get("chunk"), int(known.get("context") or 0)
        self._audio = self._find_audio()
        self._constants = self._read_constants()
        if self._states and not self._chunk:
            raise ValueError(
                f"{source}: a network with a state hears a recording in chunks; write their "
                "samples into model.yaml, such as chunk: 512"
            )
        if self._chunk and known.get("input", "waveform") != "waveform":
            raise ValueError(f"{source}: chunk goes with networks of waveforms")
        self.described: Mapping[str, Any] = {**known, **self._of_chunks()}

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, as they are; those of chunks as `[N, L, K]`.

        Raises:
            ValueError: when it fails; says on what, and why.
            TypeError: when it answers with something else than numbers.
        """
        with torch.inference_mode(), self._threads():
            if self._forget:
                self._forget()
            inputs = inputs.to(self._device)
            try:
                return self._in_chunks(inputs) if self._chunk else self._ask(inputs, {})[0]
            except ValueError as error:
                if inputs.ndim == 1 or len(inputs) == 1:
                    raise
                raise ValueError(
                    f"{error}; if it takes one input at a time, write batch_size: 1 into model.yaml"
                ) from error

    def digest(self) -> str:
        """Hash of its file."""
        return digest_of_files([self.source])

    def _in_chunks(self, inputs: Tensor) -> Tensor:
        state = self._no_state(1 if inputs.ndim == 1 else len(inputs))

        def ask(part: Tensor) -> Tensor:
            nonlocal state
            answer, state = self._ask(part, state)
            return answer

        letters = str(self._known.get("layout") or "").split()
        axis = letters.index("S") if "S" in letters else inputs.ndim - 1
        chunk = int(self._chunk or 0)
        return in_chunks(inputs, ask, axis=axis, chunk=chunk, context=self._context)

    def _ask(self, inputs: Tensor, state: Mapping[str, Any]) -> tuple[Tensor, Mapping[str, Any]]:
        """Numbers of one batch, and the state behind it."""
        given = {self._audio: inputs, **self._constants, **state}
        answer = asked(lambda _: self._call(given), inputs, source=self.source)
        numbers = numbers_in(answer, self._known.get("output_name"), self.source)
        if not self._states:
            return numbers, {}
        parts = parts_of(answer) or {}
        lacking = [giving for giving in self._states.values() if giving not in parts]
        if lacking:
            raise ValueError(
                f"{self.source}: state: {lacking[0]!r} is none of its outputs "
                f"({', '.join(parts) or 'it has one'})"
            )
        return numbers, {taking: parts[giving] for taking, giving in self._states.items()}

    def _no_state(self, n: int) -> Mapping[str, Any]:
        """What a network that has heard nothing remembers."""
        shapes = self._known.get("state_shapes") or {}
        found: dict[str, Any] = {}
        for name in self._states:
            if name in shapes:
                sizes = [n if size == -1 else int(size) for size in shapes[name]]
                found[name] = torch.zeros(sizes, device=self._device)
        return found

    def _find_audio(self) -> str:
        told = self._known.get("input_name")
        others = {*(self._known.get("inputs") or {}), *self._states}
        tensors = [
            argument.name
            for argument in self._arguments.values()
            if argument.kind == "tensor" and argument.name not in others
        ]
        if told is None and tensors:
            return tensors[0]
        if told not in tensors:
            raise ValueError(
                f"{self.source}: input_name must be one of {', '.join(tensors) or 'no'} inputs, "
                f"got {told!r}"
            )
        return str(told)

    def _read_constants(self) -> dict[str, Any]:
        """What the other arguments take, always."""
        told = dict(self._known.get("inputs") or {})
        for name in [*told, *self._states]:
            if name not in self._arguments:
                raise ValueError(
                    f"{self.source}: has no input {name!r}; it takes {', '.join(self._arguments)}"
                )
        rate = self._known.get("sample_rate")
        missing = []
        for argument in self._arguments.values():
            if argument.name in {*told, *self._states, self._audio}:
                continue
            if rate and argument.kind in ("int", "float") and argument.name in _RATES:
                told[argument.name] = rate
            elif not argument.optional:
                missing.append(argument.name)
        lacking = [name for name in self._states if self._has_no_beginning(name)]
        if lacking:
            raise ValueError(
                f"{self.source}: the shape of the state {lacking[0]} cannot be read off; write it "
                f"into model.yaml, with -1 for N, such as state_shapes: {{{lacking[0]}: [2, -1, "
                "128]}"
            )
        if missing:
            values = ", ".join(f"{name}: 16000" for name in missing)
            raise ValueError(
                f"{self.source}: it takes {' and '.join(missing)}, too; write the values into "
                f"model.yaml, such as inputs: {{{values}}}"
            )
        return {name: self._made(self._arguments[name], value) for name, value in told.items()}

    def _has_no_beginning(self, name: str) -> bool:
        shapes = self._known.get("state_shapes") or {}
        return name not in shapes and not self._arguments[name].optional

    def _made(self, argument: Argument, value: Any) -> Any:
        """A constant as an argument takes it."""
        try:
            if argument.kind == "tensor":
                return torch.as_tensor(value, device=self._device)
            return _MADE[argument.kind](value)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(
                f"{self.source}: inputs: {argument.name} takes a {argument.kind}, got {value!r}"
            ) from None

    def _of_chunks(self) -> dict[str, Any]:
        if not self._chunk:
            return {}
        rate = self._known.get("sample_rate")
        hop = {"frame_hop": self._chunk / rate} if rate else {}
        return {"output_layout": "N L K", **hop, **_given(self._known, "frame_hop")}

    @contextlib.contextmanager
    def _threads(self) -> Iterator[None]:
        """As many threads as were told; chunks are too short to be shared among several."""
        wanted = self._known.get("threads") or (1 if self._chunk else None)
        before = torch.get_num_threads()
        if wanted is None or wanted == before:
            yield
            return
        torch.set_num_threads(wanted)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def _given(entries: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {name: entries[name]} if entries.get(name) is not None else {}
