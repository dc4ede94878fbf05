"""A service at one address: asked with patience, trusted with nothing."""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from daxaudio.models.foreign.protocol import JSON, TOKEN, MixedUpError, error_in
from daxaudio.runs.extras import need
from daxaudio.runs.once import warn_once

logger = logging.getLogger(__name__)

Read = TypeVar("Read")

MOST_BYTES = 1 << 26
"""Bytes of a request or an answer: 64 MiB."""

_LONGEST_WAIT = 30.0
"""Seconds between two tries."""

_PATIENCE_AT_FIRST = 5.0
"""Seconds that an address is given at the start, when it may just be wrong."""

_CONNECT = 10.0
"""Seconds that a connection may take."""

_PASSING = (408, 425, 429, 502, 503, 504)
"""Answers of services that are overloaded, or about to come back."""

_FEW_TRIES = 4
"""Tries where waiting seldom helps: a service that fails, an answer that belongs to others."""

_CHUNK = 1 << 16


@dataclasses.dataclass(frozen=True)
class ServiceSettings:
    """How a service is asked; section `service` of a `model.yaml`.

    Args:
        timeout: seconds that an answer may take.
        patience: seconds that a service may be gone or fail before the run ends.
        wait: seconds before the second try; doubled before each that follows, up to 30.
        at_once: requests at a time.
        request_size: most inputs of a request.

    Raises:
        ValueError: names the setting that does not fit.
    """

    timeout: float = 60.0
    patience: float = 300.0
    wait: float = 0.5
    at_once: int = 4
    request_size: int = 8

    def __post_init__(self) -> None:
        for name in ("timeout", "wait"):
            if not getattr(self, name) > 0:
                raise ValueError(f"service: {name} must be above 0 s, got {getattr(self, name)}")
        if self.patience < 0:
            raise ValueError(f"service: patience must be at least 0 s, got {self.patience}")
        for name in ("at_once", "request_size"):
            if not 1 <= getattr(self, name) <= 1024:
                raise ValueError(
                    f"service: {name} must be from 1 to 1024, got {getattr(self, name)}"
                )


class StoppedError(Exception):
    """The run ended while a service was waited for."""


class _PassingError(Exception):
    """A fault that may be gone at the next try."""

    def __init__(self, text: str, wait: float | None = None, tries: float = float("inf")) -> None:
        super().__init__(text)
        self.wait, self.tries = wait, tries


class Connection:
    """Asks one host, the one in the address: no redirects, no proxies.

    Args:
        address: `http://HOST[:PORT][/PATH]`, or https.
        settings: how it is asked.

    Raises:
        ValueError: when the address is none, urllib3 is missing, or the token would travel in the
            clear.
    """

    def __init__(self, address: str, settings: ServiceSettings) -> None:
        self.address, self.settings = address, settings
        self._urllib3: Any = need("urllib3", "http", address)
        parts = _parts_of(address)
        self._path = parts.path.rstrip("/")
        self._token = _token_for(address, parts.scheme, parts.hostname or "")
        pool = self._urllib3.connectionpool.connection_from_url
        self._pool = pool(f"{parts.scheme}://{parts.netloc}", maxsize=settings.at_once)

    def get(self, read: Callable[[bytes], Read]) -> Read:
        """What `GET /` answers, as `read` reads it; a wrong address is found out within seconds."""
        patience = min(self.settings.patience, _PATIENCE_AT_FIRST)
        return self._patiently(lambda: read(self._ask("GET", "/")), patience, threading.Event())

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        read: Callable[[bytes], Read],
        stopped: threading.Event,
    ) -> Read:
        """What `POST /scores` answers.

        Args:
            body: of the request.
            headers: of the request, such as its type of content.
            read: makes something of the answer; raises ValueError where it is wrong.
            stopped: ends the waiting when it is set.

        Raises:
            ValueError: names the address, and what is wrong with the answer, or what it failed by
                for longer than its patience.
            StoppedError: when it was ended.
        """
        if len(body) > MOST_BYTES:
            raise ValueError(
                f"{self.address}: a request would have {len(body)} bytes, at most {MOST_BYTES} go; "
                "explain shorter recordings, or write `service: {request_size: 1}` into model.yaml"
            )
        return self._patiently(
            lambda: read(self._ask("POST", "/scores", body, headers)),
            self.settings.patience,
            stopped,
        )

    def _patiently(
        self, once: Callable[[], Read], patience: float, stopped: threading.Event
    ) -> Read:
        """Try again after longer and longer waits, for `patience` seconds from a failure on."""
        began = None
        for n_tries in itertools.count(1):
            if stopped.is_set():
                raise StoppedError
            try:
                return once()
            except ValueError as error:
                if not isinstance(error, MixedUpError):
                    raise ValueError(f"{self.address}: {error}") from error
                failed = _PassingError(str(error), tries=_FEW_TRIES)
            except _PassingError as error:
                failed = error
            now = time.monotonic()
            began = now if began is None else began
            wait = failed.wait
            if wait is not None:
                wait = max(wait, self.settings.wait)  # whoever says 0 is not asked in a frenzy
            else:
                wait = min(_LONGEST_WAIT, self.settings.wait * 2 ** min(n_tries - 1, 30))
            if n_tries >= failed.tries or now - began + wait > patience:
                raise ValueError(
                    f"{self.address}: {failed} (asked {n_tries} times in {now - began:.0f} s)"
                )
            text = f"{self.address}: {failed}; it is asked again for up to {patience:g} s"
            warn_once(logger, text)
            if stopped.wait(wait):
                raise StoppedError
        raise AssertionError

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The content of a good answer."""
        errors, began = self._urllib3.exceptions, time.monotonic()
        timeout = self.settings.timeout
        sent = {"Accept": JSON, "User-Agent": "daxaudio", **(headers or {}), **self._token}
        try:
            response = self._pool.urlopen(
                method,
                self._path + path,
                body=body or None,
                headers=sent,
                retries=False,
                redirect=False,
                timeout=self._urllib3.Timeout(connect=min(_CONNECT, timeout), read=timeout),
                preload_content=False,
                decode_content=False,
            )
            try:
                content = self._content(response, began + timeout)
            except BaseException:
                response.close()
                raise
            finally:
                response.release_conn()
        except errors.SSLError as error:
            raise ValueError(f"its certificate is not accepted ({_words(error)})") from error
        except (errors.HTTPError, OSError) as error:
            raise _PassingError(_what_failed(errors, error, timeout)) from error
        self._check_status(response, content)
        return content

    def _content(self, response: Any, until: float) -> bytes:
        """The body of an answer, neither too large nor too slow."""
        parts, size = list[bytes](), 0
        while part := response.read1(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise ValueError(f"answers with more than {MOST_BYTES} bytes")
            if time.monotonic() > until:
                raise _PassingError(f"takes longer than {self.settings.timeout:g} s to answer")
        return b"".join(parts)

    def _check_status(self, response: Any, content: bytes) -> None:
        status, said = response.status, error_in(content)
        words = f"answers with status {status}" + (f": {said}" if said else "")
        if status in _PASSING:
            raise _PassingError(words, wait=self._retry_after(response))
        if status >= 500:
            raise _PassingError(words, tries=_FEW_TRIES)
        if 300 <= status < 400:
            raise ValueError(f"{words}, a redirect, which is not followed; give the address itself")
        if status in (401, 403):
            raise ValueError(f"{words}; set the environment variable {TOKEN} to the token it wants")
        if status != 200:
            raise ValueError(words)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != JSON:
            raise ValueError(f"answers with {kind or 'no type of content'!r}, not {JSON}")

    def _retry_after(self, response: Any) -> float | None:
        """Seconds that a service asks to wait; None where it does not say."""
        try:
            seconds = self._urllib3.Retry().get_retry_after(response)
            return None if seconds is None else float(seconds)
        except (self._urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
            return None


def _parts_of(address: str) -> Any:
    """Scheme, host, port and path of an address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{address}: is no address ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{address}: is no address such as http://127.0.0.1:8765")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError(
            "an address of a service has no user, password, ? or #; a secret goes into the "
            f"environment variable {TOKEN}"
        )
    return parts


def _token_for(address: str, scheme: str, host: str) -> dict[str, str]:
    """The header with the token, where there is one; nobody on the way may read it."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        return {}
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError(f"{TOKEN}: must be of printable ASCII letters without blanks")
    if scheme == "http" and not is_this_machine(host):
        raise ValueError(
            f"{address}: {TOKEN} would travel unencrypted, where others can read it; use https://, "
            f"or an SSH tunnel to this machine, or unset {TOKEN}"
        )
    return {"Authorization": f"Bearer {token}"}


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, so that nothing goes over a network.

    Example:
        >>> is_this_machine("127.0.0.1"), is_this_machine("::1"), is_this_machine("example.org")
        (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _what_failed(errors: Any, error: Exception, timeout: float) -> str:
    if isinstance(error, errors.NewConnectionError | errors.ConnectTimeoutError):
        return f"cannot be reached ({_words(error)}); is the service running?"
    if isinstance(error, errors.TimeoutError):
        return f"takes longer than {timeout:g} s to answer"
    return f"broke off ({_words(error)})"


def _words(error: BaseException) -> str:
    """What lies at the ground of an error, in a few words."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())
