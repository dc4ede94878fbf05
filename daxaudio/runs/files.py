"""Write files whole or not at all; read text."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

_FULL = 1 << 16
"""Fewer free bytes than these are the reason why a file could not be written."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends well.

    A run that is killed inside the block leaves `path` as it was. Folders above `path` are made.
    The temporary name ends like `path`, so that writers that look at the suffix are content. Who
    may read it is as the umask says, whatever the writer does.

    Args:
        path: the file to write.

    Yields:
        The path to write to.

    Raises:
        OSError: when it cannot be written; names `path`. So is a full disk, whatever the writer
            says of it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with whole_file(folder / "a.txt") as temporary:
        ...     _ = temporary.write_text("done")
        >>> (folder / "a.txt").read_text()
        'done'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        mode = _mode_of_new_files(temporary)
        yield temporary
        os.chmod(temporary, mode)  # some writers let nobody but the owner read
        os.replace(temporary, path)
    except OSError as error:
        # without a number it has words of its own, which a file's name would hide
        named = None if error.filename is None else str(error.filename)
        if error.errno is not None and named in (None, str(temporary)):
            error.filename = str(path)
        raise
    except Exception as error:
        if shutil.disk_usage(path.parent).free < _FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise
    finally:
        with contextlib.suppress(OSError):  # what was wrong is said already
            temporary.unlink(missing_ok=True)


def _mode_of_new_files(path: Path) -> int:
    """Permissions of a file that is made at this path; asking for the umask would change it."""
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    path.unlink()
    return mode


def real_path(path: str | os.PathLike[str]) -> Path:
    """Where a path leads to, all links followed; one that leads in a circle stays as it is.

    Args:
        path: need not be there.
    """
    return Path(os.path.realpath(path))


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a UTF-8 text file whole or not at all.

    Args:
        text: what it shall hold.
        path: the file to write; folders above it are made.
    """
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def describe_error(error: Exception) -> str:
    """What an error says, in one line; an error of a file system without its number.

    Args:
        error: any.

    Example:
        >>> describe_error(PermissionError(13, "Permission denied", "a.wav"))
        'a.wav: Permission denied'
    """
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = ": ".join(str(part) for part in (error.filename, error.strerror) if part is not None)
    return " ".join(text.split())


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; line ends stay as they are.

    Args:
        path: a file that is there.

    Raises:
        ValueError: when it is not UTF-8; names the file.
        OSError: when it cannot be read.
    """
    return decode_text(path, Path(path).read_bytes())


def decode_text(path: str | os.PathLike[str], content: bytes) -> str:
    """The text that the bytes of a file are, as `read_text` gives it.

    Args:
        path: the file, for the error.
        content: what it holds.

    Raises:
        ValueError: when it is not UTF-8; names the file.

    Example:
        >>> decode_text("a.txt", "é".encode("latin-1"))
        Traceback (most recent call last):
        ValueError: a.txt: is not UTF-8 text (unexpected end of data at byte 0); save it as UTF-8
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


def typed_path(word: str) -> Path:
    """A path that somebody typed; an empty word is not the working folder.

    Raises:
        argparse.ArgumentTypeError: when it is empty.

    Example:
        >>> typed_path("corpus").name
        'corpus'
    """
    if not word.strip():
        raise argparse.ArgumentTypeError("is empty; name a file or a folder")
    return Path(word)
