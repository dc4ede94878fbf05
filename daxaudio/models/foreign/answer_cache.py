"""Answers of a model on disk, found by the content of the input: nothing is asked twice.

One SQLite file, which several runs may share. An answer is written as soon as it comes, whole or
not at all, with a checksum; one that was damaged is asked anew. What was asked is not stored, only
a hash of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from daxaudio.models.foreign.runner import Runner
from daxaudio.runs.once import warn_once

logger = logging.getLogger(__name__)

ANSWERS_FILE = "answers.sqlite"

FOLDER = "DAXAUDIO_CACHE"
"""Environment variable of the folder where answers are kept where none is named."""

MOST_BYTES = 1 << 30
"""Bytes of answers that are kept: 1 GiB, half a million of 521 classes. The oldest make room."""

_LONGEST_LOCK = 60.0
"""Seconds that another run may write."""


def default_folder() -> Path:
    """Where answers are kept where no folder is named: `$DAXAUDIO_CACHE`, or the user's cache."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "daxaudio"


class AnswerCache:
    """Answers of models.

    Args:
        folder: made where it does not exist, for its owner alone.
        most_bytes: of answers; where there are more, the oldest tenth goes.

    Raises:
        ValueError: when nothing can be written there.

    Example:
        >>> import tempfile
        >>> cache = AnswerCache(tempfile.mkdtemp())
        >>> cache.complete("model", torch.ones(2, 3), lambda inputs: inputs.sum(1, keepdim=True))
        tensor([[3.],
                [3.]])
        >>> cache.complete("model", torch.ones(1, 3), lambda inputs: 1 / 0)
        tensor([[3.]])
    """

    def __init__(self, folder: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> None:
        self.path, self.most_bytes = Path(folder) / ANSWERS_FILE, most_bytes
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._file = self._open()
            except sqlite3.DatabaseError as error:
                if not _is_damaged(error):
                    raise
                self._begin_anew()
        except (OSError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ValueError(
                f"{self.path}: answers cannot be kept here ({why}); name another folder by "
                "--cache, or --cache none"
            ) from error

    def complete(self, digest: str, inputs: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        """Answers to inputs: those that are kept, and the others as they are asked for now.

        Args:
            digest: of the model.
            inputs: float32 `[n, ...]`; one with a single dimension is one input.
            ask: some of the inputs to their answers, in the same order.

        Returns:
            float32 answers, as `ask` gives them.
        """
        alone = inputs.ndim == 1
        keys = [_key(digest, one) for one in (inputs[None] if alone else inputs)]
        known = self._read(keys)
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        rows = sorted(row for key, row in first.items() if key not in known)
        if rows:
            found = ask(inputs if len(rows) == len(keys) else inputs[rows]).detach().float().cpu()
            # an answer to one input alone is kept as it is, with or without a dimension for it
            answers = [found] if len(rows) == 1 else list(found.split(1))
            if len(answers) != len(rows):
                return found  # no answer for each; who asked says what is wrong
            new = {keys[row]: answer for row, answer in zip(rows, answers, strict=True)}
            self._write(new)
            known |= new
        answers = [known[key] for key in keys]
        if len(answers) == 1:
            return answers[0]
        return torch.cat([one.reshape(1, *one.shape[one.shape[:1] == (1,) :]) for one in answers])

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Tensor]:
        """Answers that are kept and whole."""
        query = "SELECT shape, numbers, checksum FROM answers WHERE key = ?"
        found = {}
        try:
            with self._lock:
                rows = {key: self._file.execute(query, (key,)).fetchone() for key in keys}
        except sqlite3.DatabaseError as error:
            self._note(error)
            return {}
        for key, row in rows.items():
            answer = None if row is None else _answer(key, *row)
            if answer is not None:
                found[key] = answer
        return found

    def _write(self, answers: Mapping[bytes, Tensor]) -> None:
        rows = []
        for key, answer in answers.items():
            shape = json.dumps(list(answer.shape))
            numbers = answer.numpy().astype("<f4").tobytes()
            rows.append((key, shape, numbers, _checksum(key, shape, numbers)))
        try:
            with self._lock, self._file:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", rows)
                self._make_room()
        except sqlite3.DatabaseError as error:
            self._note(error)

    def _make_room(self) -> None:
        """Delete the oldest tenth where there is too much."""
        count, free, size = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        if (count - free) * size > self.most_bytes:
            self._file.execute(
                "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers ORDER BY rowid "
                "LIMIT 1 + (SELECT count(*) / 10 FROM answers))"
            )

    def _open(self) -> sqlite3.Connection:
        # without a log beside it, which file systems of networks cannot share
        file = sqlite3.connect(
            self.path, timeout=_LONGEST_LOCK, isolation_level=None, check_same_thread=False
        )
        try:
            file.execute(
                "CREATE TABLE IF NOT EXISTS answers "
                "(key BLOB UNIQUE NOT NULL, shape TEXT, numbers BLOB, checksum BLOB)"
            )
            file.execute("BEGIN IMMEDIATE")  # fails where nothing can be written
            file.execute("COMMIT")
        except BaseException:
            file.close()
            raise
        return file

    def _note(self, error: sqlite3.DatabaseError) -> None:
        """A file that fails in the middle of a run costs answers, and never the run."""
        if _is_damaged(error):
            with self._lock, contextlib.suppress(OSError, sqlite3.Error):
                self._file.close()
                self._begin_anew()
        else:
            warn_once(logger, f"{self.path}: answers cannot be kept ({error}); the run goes on")

    def _begin_anew(self) -> None:
        warn_once(logger, f"{self.path}: is damaged, and is begun anew")
        self.path.unlink(missing_ok=True)
        self._file = self._open()


def _is_damaged(error: sqlite3.Error) -> bool:
    """Whether a file is none of answers; all else, such as a full disk, is of a subclass."""
    return type(error) is sqlite3.DatabaseError


def _key(digest: str, one: Tensor) -> bytes:
    """Hash of a model and one input, every bit of it."""
    numbers = one.detach().float().cpu().contiguous().numpy()
    text = json.dumps([digest, list(numbers.shape)])
    return hashlib.sha256(text.encode() + b"\0" + numbers.tobytes()).digest()


def _checksum(key: bytes, shape: str, numbers: bytes) -> bytes:
    return hashlib.sha256(key + shape.encode() + b"\0" + numbers).digest()


def _answer(key: bytes, shape: Any, numbers: Any, checksum: Any) -> Tensor | None:
    """An answer as it was written; None where it was damaged."""
    whole = isinstance(shape, str) and isinstance(numbers, bytes)
    if not whole or _checksum(key, shape, numbers) != checksum:
        return None
    return torch.from_numpy(np.frombuffer(numbers, "<f4").astype(np.float32)).reshape(
        json.loads(shape)
    )


class RememberingRunner:
    """A runner that is asked about no input twice.

    Args:
        runner: answers what is not known yet.
        answers: what is known.
        told: how it was opened, on which its numbers depend.
    """

    def __init__(
        self, runner: Runner, answers: AnswerCache, told: Mapping[str, Any] | None = None
    ) -> None:
        self.runner, self.answers = runner, answers
        self.described, self._digest = runner.described, runner.digest()
        self._known_by = json.dumps([self._digest, told or {}], sort_keys=True, default=str)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Its numbers, kept or asked for now."""
        return self.answers.complete(self._known_by, inputs, self.runner)

    def digest(self) -> str:
        """That of the runner, as it was when it was opened."""
        return self._digest
