"""A classifier behind HTTP: several requests at once, answers in the order of the inputs."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import torch
from torch import Tensor

from daxaudio.models.foreign.answer_cache import AnswerCache
from daxaudio.models.foreign.connection import Connection, ServiceSettings
from daxaudio.models.foreign.protocol import (
    ID_HEADER,
    NPZ,
    WAV,
    Said,
    pack_npz,
    pack_wav,
    read_said,
    read_scores,
)
from daxaudio.models.foreign.runner import Opening
from daxaudio.runs.config import build

_RUN, _NUMBERS = secrets.token_hex(6), itertools.count()
"""Together ids of inputs that no other run has, either."""


@dataclasses.dataclass(eq=False)
class HttpRunner:
    """Asks a service (see `docs/service.md`).

    Args:
        connection: to its address.
        said: what it says of itself.
        scale: that waveforms were multiplied by, and a WAV is not.
        layout: of the inputs.
        answers: what is known already; None asks always.

    Attributes:
        described: what the service says of its model; a call here may fill several requests.
    """

    connection: Connection
    said: Said
    scale: float = 1.0
    layout: str = "auto"
    answers: AnswerCache | None = None
    described: Mapping[str, Any] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        n_inputs = self.request_size * self.connection.settings.at_once
        self.described = {**self.said.entries, "batch_size": n_inputs}

    @property
    def request_size(self) -> int:
        """Most inputs of a request."""
        if NPZ not in self.said.accepts:
            return 1
        size = self.connection.settings.request_size
        return min(size, self.said.entries.get("batch_size") or size)

    def remembering(self, answers: AnswerCache) -> HttpRunner:
        """One that asks nothing twice: each answer is kept as soon as it comes."""
        return dataclasses.replace(self, answers=answers)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers `[n, K]` or `[n, L, K]`.

        Raises:
            ValueError: names the address, when an answer is wrong, or none comes for longer than
                its patience.
        """
        parts = inputs.split(self.request_size)
        stopped = threading.Event()
        ask = functools.partial(self._ask, stopped)
        with ThreadPoolExecutor(self.connection.settings.at_once) as threads:
            asked = [threads.submit(ask, part) for part in parts]
            try:
                done, _ = wait(asked, return_when=FIRST_EXCEPTION)
                failed = next((one for one in asked if one in done and one.exception()), None)
                if failed:
                    failed.result()
                return torch.cat([one.result() for one in asked])
            finally:  # what was sent is waited for and kept; the rest is not sent
                stopped.set()
                for one in asked:
                    one.cancel()

    def _ask(self, stopped: threading.Event, inputs: Tensor) -> Tensor:
        request = functools.partial(self._request, stopped)
        if self.answers is None:
            return request(inputs)
        return self.answers.complete(self.digest(), inputs, request)

    def _request(self, stopped: threading.Event, inputs: Tensor) -> Tensor:
        ids = [f"{_RUN}-{next(_NUMBERS)}" for _ in inputs]
        if NPZ in self.said.accepts:
            body, headers = pack_npz(inputs, ids), {"Content-Type": NPZ}
        else:
            one = inputs[0] if inputs.ndim == 3 else inputs
            waveform = (one.T if self.layout in ("N S 1", "N S C") else one) / self.scale
            body = pack_wav(waveform, int(self.described["sample_rate"]))
            headers = {"Content-Type": WAV, ID_HEADER: ids[0]}
        read: Callable[[bytes], Tensor] = functools.partial(
            read_scores, ids=ids, digest=self.said.digest
        )
        return self.connection.post(body, headers, read, stopped)

    def digest(self) -> str:
        """Hash of what the service says of itself."""
        text = json.dumps([self.said.digest, self.said.entries], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def open_http(source: str | os.PathLike[str], opening: Opening) -> HttpRunner:
    """Open a service by its address.

    Args:
        source: `http://HOST[:PORT][/PATH]`, or https.
        opening: `service` of what was told holds `ServiceSettings`.

    Raises:
        ValueError: when it cannot be reached, or does not speak the protocol; names the address.
    """
    settings = build(ServiceSettings, "service", opening.told.get("service") or {})
    connection = Connection(str(source), settings)
    said = connection.get(read_said)
    _check_entries(str(source), said)
    known = {"scale": 1.0, "layout": "auto", **said.entries, **opening.told}
    return HttpRunner(connection, said, float(known["scale"]), known["layout"])


def _check_entries(source: str, said: Said) -> None:
    """What is used before the entries become a `Description`, which checks the others."""
    classes, size = said.entries.get("classes"), said.entries.get("batch_size")
    if classes is not None and not isinstance(classes, list):
        raise ValueError(f"{source}: classes must be a list of names, got {classes!r}")
    if size is not None and (type(size) is not int or size < 1):
        raise ValueError(f"{source}: batch_size must be a whole number from 1 on, got {size!r}")
    if NPZ in said.accepts:
        return
    rate = said.entries.get("sample_rate")
    if type(rate) is not int or said.entries.get("input", "waveform") != "waveform":
        raise ValueError(
            f"{source}: accepts only {WAV}, so its model must take waveforms of one sample_rate"
        )
