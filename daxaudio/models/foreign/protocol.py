"""What a client and a service say to each other (see `docs/service.md`): requests and answers.

`GET /` describes the model. `POST /scores` takes inputs, each with an id of its own, and answers
with the scores of each id: answers that were mixed up on the way are put right or found out.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

PROTOCOL = 1
"""Version; a service of another one is refused."""

NPZ, WAV, JSON = "application/x-npz", "audio/wav", "application/json"
"""Types of content: many inputs, one waveform, and whatever is answered."""

TOKEN = "DAXAUDIO_TOKEN"
"""Environment variable of the secret that a service wants to see, on both sides."""

ID_HEADER = "X-Input-Id"
"""Id of the one input of a WAV, which has no room for it."""

SERVED = (
    *("classes", "sample_rate", "input", "output", "activation", "front_end", "channels"),
    *("layout", "scale", "seconds", "overlap", "padding", "frames", "top_k", "frame_hop"),
    "batch_size",
)
"""Entries of a `model.yaml` that a service may say of its model; others are its own affair."""

_MOST_WORDS = 200
"""Letters of a service's own error that are shown."""

_NOT_NPZ = (
    ValueError,
    KeyError,
    EOFError,
    MemoryError,
    OSError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def pack_npz(inputs: Tensor, ids: Sequence[str]) -> bytes:
    """Body of a request: inputs float32 `[n, ...]`, and an id for each."""
    body = io.BytesIO()
    np.savez(body, inputs=inputs.detach().cpu().float().numpy(), ids=np.array(ids))
    return body.getvalue()


def unpack_npz(body: bytes, most_bytes: int) -> tuple[Tensor, list[str]]:
    """Inputs float32 `[n, ...]` and their ids; nothing is unpickled.

    Args:
        body: of a request.
        most_bytes: that it may take once it is unpacked.

    Raises:
        ValueError: when it is no such body, or larger.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most_bytes:
            raise ValueError(f"{size} bytes once unpacked, at most {most_bytes} are taken")
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            inputs, ids = arrays["inputs"], arrays["ids"]
    except _NOT_NPZ as error:
        raise ValueError(
            f"the body must be an npz file with inputs and ids ({in_one_line(str(error))})"
        ) from error
    if inputs.dtype != np.float32 or inputs.ndim < 1 or not len(inputs):
        raise ValueError(f"inputs must be float32 [n, ...], got {inputs.dtype} {inputs.shape}")
    if ids.dtype.kind != "U" or ids.shape != inputs.shape[:1]:
        raise ValueError(
            f"ids must be {len(inputs)} texts, one for each input, got {ids.dtype} {ids.shape}"
        )
    return torch.from_numpy(np.ascontiguousarray(inputs)), ids.tolist()


def pack_wav(waveform: Tensor, sample_rate: int) -> bytes:
    """One waveform `[C, S]` in [-1, 1] as a WAV file of 32-bit floating numbers."""
    body = io.BytesIO()
    frames = waveform.detach().cpu().float().numpy().T
    soundfile.write(body, frames, sample_rate, format="WAV", subtype="FLOAT")
    return body.getvalue()


def unpack_wav(body: bytes, sample_rate: int, channels: int, most_bytes: int) -> Tensor:
    """The waveform float32 `[C, S]` of a WAV file.

    Args:
        body: of a request.
        sample_rate: that it must have.
        channels: that it must have.
        most_bytes: that it may take as float32.

    Raises:
        ValueError: when it is no WAV file, larger, or of another rate or other channels.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            kind, rate, size = file.format, file.samplerate, 4 * file.frames * file.channels
            # other formats can hold a thousand times their size
            if kind not in ("WAV", "WAVEX", "RF64") or size > most_bytes:
                raise ValueError(
                    f"the body must be a WAV file of at most {most_bytes} bytes once unpacked, got "
                    f"{kind} of {size}"
                )
            frames = file.read(dtype="float32", always_2d=True)
    except (RuntimeError, TypeError) as error:  # soundfile's own error is a RuntimeError
        raise ValueError(
            f"the body must be a WAV file ({in_one_line(str(error)) or 'no sound'})"
        ) from error
    if rate != sample_rate or frames.shape[1] != channels:
        raise ValueError(
            f"the model takes {channels} channels at {sample_rate} Hz, the WAV file has "
            f"{frames.shape[1]} at {rate} Hz"
        )
    return torch.from_numpy(np.ascontiguousarray(frames.T))


@dataclasses.dataclass(frozen=True)
class Said:
    """What a service says of itself.

    Args:
        digest: of what its numbers depend on; another one where they may differ.
        entries: of a `model.yaml`.
        accepts: types of content that it takes.
    """

    digest: str
    entries: Mapping[str, Any]
    accepts: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The answer to `GET /`."""
        said = {"digest": self.digest, "accepts": list(self.accepts), "model": dict(self.entries)}
        return {"protocol": PROTOCOL, **said}


def read_said(content: bytes) -> Said:
    """What a service answers to `GET /`.

    Raises:
        ValueError: when it is something else.

    Example:
        >>> read_said(b'{"protocol": 1, "digest": "a", "model": {"classes": ["dog"]}}').accepts
        ['application/x-npz']
    """
    answer = _read_json(content)
    if answer.get("protocol") != PROTOCOL:
        raise ValueError(
            f"speaks protocol {answer.get('protocol')!r} of daxaudio, not {PROTOCOL}: is it "
            "another kind of service?"
        )
    digest, entries = answer.get("digest"), answer.get("model")
    if not isinstance(digest, str) or not digest:
        raise ValueError("does not say its digest, a text that differs where its scores may")
    if not isinstance(entries, dict):
        raise ValueError("does not describe its model, such as {'classes': ['dog', 'cat'], ...}")
    unknown = [name for name in entries if name not in SERVED]
    if unknown:
        raise ValueError(f"says {unknown[0]!r} of its model; known: {', '.join(SERVED)}")
    accepts = answer.get("accepts", [NPZ])
    if not isinstance(accepts, list) or not {NPZ, WAV} & set(map(str, accepts)):
        raise ValueError(f"accepts neither {NPZ} nor {WAV}")
    return Said(digest, entries, accepts)


def answer_of(scores: Tensor, ids: Sequence[str], digest: str) -> dict[str, Any]:
    """The answer to `POST /scores`.

    Args:
        scores: `[n, K]`, or `[n, L, K]` frame by frame.
        ids: of the inputs.
        digest: as `GET /` says it.

    Raises:
        ValueError: when a score is NaN or infinite, for which JSON has no word.
    """
    if not bool(scores.isfinite().all()):
        raise ValueError("the model answers with NaN or infinite scores for these inputs")
    return {"digest": digest, "ids": list(ids), "scores": scores.tolist()}


class MixedUpError(ValueError):
    """An answer that belongs to another request; asked again, the right one may come."""


class OtherModelError(ValueError):
    """An answer by another model than the one that was opened."""


def read_scores(content: bytes, ids: Sequence[str], digest: str) -> Tensor:
    """Scores float32 `[n, ...]` in the order of the inputs, whatever the order of the answer.

    Args:
        content: answer to a request.
        ids: of the inputs, in their order.
        digest: that the service said when it was opened.

    Raises:
        MixedUpError: when it answers another request.
        OtherModelError: when another model answers.
        ValueError: when scores are missing, too many, no numbers, or not finite.
    """
    answer = _read_json(content)
    given, scores = answer.get("ids"), answer.get("scores")
    if not isinstance(given, list) or not isinstance(scores, list):
        raise ValueError("answers without its lists of ids and scores")
    if answer.get("digest") != digest:
        raise OtherModelError(
            "another model answers than when it was opened (its digest changed): start again"
        )
    place = {name: row for row, name in enumerate(map(str, given))}
    if not set(place) <= set(ids):  # those of another request, of any size
        raise MixedUpError("answers with ids that were not asked for: answers are mixed up")
    if len(scores) != len(given) or len(given) != len(ids):
        raise ValueError(
            f"answers with {len(scores)} scores and {len(given)} ids for {len(ids)} inputs"
        )
    if set(place) != set(ids):
        raise MixedUpError("answers with the same id several times: answers are mixed up")
    return _numbers([scores[place[name]] for name in ids])


def _numbers(scores: Sequence[Any]) -> Tensor:
    """Lists of numbers as float32 `[n, ...]`."""
    try:
        numbers: NDArray[Any] = np.array(scores)
    except ValueError as error:
        raise ValueError("answers with a different number of scores for some inputs") from error
    if numbers.dtype.kind not in "iuf":
        raise ValueError("answers with scores that are missing or no numbers")
    with np.errstate(over="ignore"):
        found = torch.from_numpy(numbers.astype(np.float32))
    if not bool(found.isfinite().all()):
        raise ValueError("answers with NaN or infinite scores")
    if found.ndim not in (2, 3) or not found.numel():
        raise ValueError(f"answers with scores of shape {list(found.shape)}, not [n, K], [n, L, K]")
    return found


def _read_json(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("answers with something that is no JSON") from error
    if not isinstance(answer, dict):
        raise ValueError("answers with JSON that is no object")
    return answer


def error_in(content: bytes) -> str:
    """What a service says of an error, in one short line that is safe to print; "" if nothing."""
    try:
        said = _read_json(content).get("error", "")
    except ValueError:
        return ""
    return in_one_line(str(said))[:_MOST_WORDS]


def in_one_line(text: str) -> str:
    r"""A text of strangers in one line, without what could steer a terminal.

    Example:
        >>> in_one_line("a\n\x1b[31mb")
        'a [31mb'
    """
    return " ".join(re.sub(r"[^\x20-\x7e\xa0-\uffff]", " ", text).split())
