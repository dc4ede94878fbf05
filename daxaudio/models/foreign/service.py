"""Gives any classifier to others by HTTP (see `docs/service.md`)."""

from __future__ import annotations

import contextlib
import dataclasses
import hmac
import json
import logging
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import Tensor

from daxaudio.models.blackbox import BlackBox
from daxaudio.models.foreign.connection import MOST_BYTES, is_this_machine
from daxaudio.models.foreign.inputs import laid_out
from daxaudio.models.foreign.model import ForeignModel
from daxaudio.models.foreign.protocol import (
    ID_HEADER,
    JSON,
    NPZ,
    SERVED,
    WAV,
    Said,
    answer_of,
    in_one_line,
    unpack_npz,
    unpack_wav,
)
from daxaudio.models.foreign.scores import in_frames
from daxaudio.models.foreign.trained import as_waveform_model
from daxaudio.models.model import Model

logger = logging.getLogger(__name__)

_MOST_INPUTS = 64
"""Inputs of a request."""

_SILENCE = 60.0
"""Seconds that a client may be silent in the middle of a request."""


class RequestError(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        text: one line.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Service:
    """What is served: the numbers of a model as they are, of waveforms or spectrograms.

    Args:
        model: ours is served as a model of waveforms, with its front end.
    """

    def __init__(self, model: Model) -> None:
        if isinstance(model, BlackBox):
            model = as_waveform_model(model)
        if not isinstance(model, ForeignModel):
            raise TypeError(f"cannot serve a {type(model).__name__}")
        self.model, self.description = model, model.description
        self._lock = threading.Lock()  # runtimes need not be safe for several threads
        entries = {
            name: value
            for name, value in dataclasses.asdict(self.description).items()
            if name in SERVED and value is not None
        }
        entries["classes"] = list(self.description.classes)
        letters = self.description.layout.split()
        entries["layout"] = self.description.layout if "N" in letters else "N S"
        entries["batch_size"] = _MOST_INPUTS
        accepts = [NPZ, WAV] if self.description.input == "waveform" else [NPZ]
        self.said = Said(model.digest(), entries, accepts)

    def numbers(self, inputs: Tensor) -> Tensor:
        """The model's numbers `[n, K]`, or `[n, L, K]` frame by frame, of inputs `[n, ...]`.

        Raises:
            ValueError: when the inputs are not what it takes.
        """
        layout = self.said.entries["layout"]
        if inputs.ndim != len(layout.split()):
            raise ValueError(f"inputs must be laid out as {layout}, got {list(inputs.shape)}")
        if len(inputs) > _MOST_INPUTS:
            raise ValueError(f"{len(inputs)} inputs, at most {_MOST_INPUTS} are taken at once")
        size = self.description.batch_size or _MOST_INPUTS
        with self._lock, torch.no_grad():
            found = torch.cat([self._run(part) for part in inputs.split(size)])
        return found[:, 0] if found.shape[1] == 1 else found

    def _run(self, inputs: Tensor) -> Tensor:
        n_inputs = len(inputs)
        if self.description.layout == "S":
            inputs = inputs[0]
        return in_frames(self.model.runner(inputs), n_inputs, self.description).cpu()

    def read(self, kind: str, body: bytes, name: str) -> tuple[Tensor, list[str]]:
        """Inputs and ids of a request.

        Args:
            kind: its type of content.
            body: its content.
            name: id of the input of a WAV.
        """
        if kind not in self.said.accepts:
            takes = " or ".join(self.said.accepts)
            raise RequestError(415, f"the type of content must be {takes}, got {kind or 'none'!r}")
        if kind == NPZ:
            return unpack_npz(body, MOST_BYTES)
        told = self.description
        waveform = unpack_wav(body, told.sample_rate, told.channels, MOST_BYTES)[None]
        inputs = laid_out(waveform, told)
        return (inputs[None] if told.layout == "S" else inputs), [name]


class Server(ThreadingHTTPServer):
    """Answers requests, each in a thread of its own.

    Args:
        model: what is served.
        host: address of this machine to listen at.
        port: a free one where it is 0.
        token: that requests must bear; "" lets everybody ask.

    Attributes:
        address: what to give as `--model`.

    Raises:
        ValueError: when it cannot listen there.
    """

    daemon_threads = True

    def __init__(self, model: Model, host: str, port: int, *, token: str = "") -> None:
        self.service, self.token = Service(model), token.encode()
        self.local = is_this_machine(host)
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ValueError(
                f"{host}:{port}: cannot listen there ({why}); choose another --port or --host"
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; all else is a line."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError | TimeoutError):
            logger.warning("%s", in_one_line(repr(error)))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _SILENCE
    server: Server

    def do_GET(self) -> None:
        """Describe the model."""
        self._reply(lambda: self._only("/", self.server.service.said.as_json))

    def do_POST(self) -> None:
        """Score inputs."""
        self._reply(lambda: self._only("/scores", self._scores))

    def _only(self, path: str, answer: Any) -> dict[str, Any]:
        self._check_asker()
        if self.path != path:
            raise RequestError(404, "only GET / and POST /scores are answered")
        found: dict[str, Any] = answer()
        return found

    def _check_asker(self) -> None:
        """Refuse those without the token, and pages of the web that found a name for this one."""
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if self.server.local and not is_this_machine(host):
            raise RequestError(403, "served to this machine only")
        if self.server.token:
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, b"Bearer " + self.server.token):
                raise RequestError(401, "the token is missing or wrong")

    def _scores(self) -> dict[str, Any]:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        service = self.server.service
        inputs, ids = service.read(kind, self._body(), self.headers.get(ID_HEADER, "1"))
        return answer_of(service.numbers(inputs), ids, service.said.digest)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise RequestError(411, "a request needs its Content-Length")
        if len(length) > 12 or int(length) > MOST_BYTES:
            raise RequestError(413, f"a request has at most {MOST_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the client went away")
        self._read = True
        return body

    def _reply(self, answer: Any) -> None:
        """Answer, or say in one line why not."""
        self._read = self.command == "GET"
        try:
            status, said = 200, answer()
        except RequestError as error:
            status, said = error.status, {"error": str(error)}
        except ValueError as error:
            status, said = 422, {"error": in_one_line(str(error))}
        except (ConnectionError, TimeoutError):  # the client's own affair
            raise
        except Exception as error:
            logger.warning("the model failed: %s", in_one_line(repr(error)))
            status, said = 500, {"error": f"the model failed: {in_one_line(repr(error))}"}
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(content)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if not self._read:  # what was not read would be taken for the next request
            self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""
