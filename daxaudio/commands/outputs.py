"""Where a command writes: looked at before any work is done, and never over what it reads."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from daxaudio.runs.files import describe_error, real_path, whole_file

PICTURE_ENDINGS = (".png", ".pdf", ".svg")

_PROBE = b"0" * (1 << 18)
"""Written and removed again: a full disk is found before any work is done."""


def inputs_of(arguments: argparse.Namespace, *names: str) -> dict[str, str | None]:
    """What options of a command name that it reads, as `prepare_folder` takes it.

    Example:
        >>> inputs_of(argparse.Namespace(model="m", events=None), "model", "events")
        {'--model': 'm', '--events': None}
    """
    return {f"--{name}": getattr(arguments, name) for name in names}


def prepare_folder(
    out: str | os.PathLike[str],
    inputs: Mapping[str, str | os.PathLike[str] | None],
    files: Iterable[str] = (),
) -> Path:
    """Make the folder of `--out`, and see that it can be written and that nothing read is lost.

    Args:
        out: the folder.
        inputs: files and folders that the command reads, by the argument that names them; None
            where it is not given.
        files: names of files that the command writes into the folder.

    Returns:
        The folder.

    Raises:
        ValueError: when it is an input itself, would lose one, is a file, or cannot be written.

    Example:
        >>> prepare_folder("data", {"the data folder": "data/"})
        Traceback (most recent call last):
        ValueError: --out data is the data folder itself; choose another folder
    """
    out = Path(out)
    for name, path in inputs.items():
        if path is None:
            continue
        if real_path(out) == real_path(path):
            raise ValueError(f"--out {out} is {name} itself; choose another folder")
        for file in files:
            check_other(out / file, {name: path})
    if out.is_symlink() and not out.exists():
        raise ValueError(f"--out {out} is a link that leads nowhere; name a folder")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; name a folder")
    _probe(out)
    return out


def prepare_picture(
    out: str | os.PathLike[str], inputs: Mapping[str, str | os.PathLike[str] | None]
) -> None:
    """See that `--out` names a picture that can be written, and that nothing read is lost.

    Args:
        out: the file.
        inputs: as in `prepare_folder`.

    Raises:
        ValueError: when it is a folder or an input, ends otherwise than a picture, or cannot be
            written.

    Example:
        >>> prepare_picture("a.wav", {})
        Traceback (most recent call last):
        ValueError: --out a.wav: pictures end in .png, .pdf or .svg
    """
    out = Path(out)
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder; name a file in it, such as {out / 'a.png'}")
    if out.suffix.lower() not in PICTURE_ENDINGS:
        raise ValueError(f"--out {out}: pictures end in .png, .pdf or .svg")
    check_other(out, inputs)
    _probe(out.parent)


def _probe(folder: Path) -> None:
    """Write into a folder, and clear it away."""
    probe = folder / f".{os.getpid()}-write-test"
    try:
        with whole_file(probe) as temporary:
            temporary.write_bytes(_PROBE)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or describe_error(error)
        raise ValueError(f"--out {folder} cannot be written ({reason}); choose another") from error


def check_other(file: Path, inputs: Mapping[str, str | os.PathLike[str] | None]) -> None:
    """Refuse to write over a file that is read.

    Args:
        file: to be written.
        inputs: as in `prepare_folder`.

    Raises:
        ValueError: when it is one of them.

    Example:
        >>> check_other(Path("x/../a.tsv"), {"--events": "a.tsv"})
        Traceback (most recent call last):
        ValueError: --out would overwrite a.tsv (--events), which is read; choose another
    """
    for name, path in inputs.items():
        if path is not None and real_path(file) == real_path(path):
            raise ValueError(
                f"--out would overwrite {path} ({name}), which is read; choose another"
            )
