r"""The development set of DiCOVA-2 in: a Kaldi-style data folder of coughs and their phases out.

Known is the layout of the release: `metadata.csv` (columns SUB_ID, COVID_STATUS and Gender, divided
by blanks), `AUDIO/cough/<id>.flac`, and `LISTS/train_<fold>.csv` and `LISTS/val_<fold>.csv`, one id
a line.

    daxaudio prepare dicova --corpus DIR --annotations DIR --out DIR

Writes `wav.scp`, `text` (p and n as in the metadata), `utt2spk`, `spk2utt`, `utt2dur`, `events.tsv`
(phases), the lists of `cough_data`, and the official folds: `lists/train_<fold>` and
`lists/val_<fold>` without the files that are bad, and, where no id is in two validation lists,
`folds` (utterance, fold in which it is validated).

Source: the second DiCOVA challenge, N. K. Sharma et al., arXiv 2110.01177.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from daxaudio.data.formats import load_label_map
from daxaudio.runs.files import read_text, typed_path, write_text

from .cough_data import CLASSES, DEFAULT_MAP, BadFile, CoughFile, write_cough_folder

SOUND = "cough"
_COLUMNS = ("SUB_ID", "COVID_STATUS")
_LIST = re.compile(r"(?P<part>train|val)_(?P<fold>\w+)\.csv")

Lists = Mapping[str, Mapping[str, Sequence[str]]]
"""Ids by fold and part (`train` or `val`)."""


def read_metadata(path: Path) -> dict[str, str]:
    r"""The COVID status of each subject.

    Args:
        path: `metadata.csv`, columns divided by blanks or tabs.

    Returns:
        By id, in the order of the file; small letters.

    Raises:
        ValueError: when the file is missing, lacks a column or a row is too short, or an id is
            there twice. The message names the file and the line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "metadata.csv"
        >>> _ = path.write_text("SUB_ID COVID_STATUS Gender\nAATXXRQE n m\n")
        >>> read_metadata(path)
        {'AATXXRQE': 'n'}
    """
    rows = [(number, line.split()) for number, line in enumerate(_read_lines(path), start=1)]
    rows = [(number, fields) for number, fields in rows if fields]
    header = [name.upper() for name in rows[0][1]] if rows else []
    if missing := [name for name in _COLUMNS if name not in header]:
        raise ValueError(f"{path}: lacks the columns {', '.join(missing)}; got {' '.join(header)}")
    places = [header.index(name) for name in _COLUMNS]
    statuses: dict[str, str] = {}
    for number, fields in rows[1:]:
        if len(fields) <= max(places):
            raise ValueError(f"{path}:{number}: expected {' '.join(header)}, got {fields}")
        name, status = (fields[place] for place in places)
        if name in statuses:
            raise ValueError(f"{path}:{number}: {name!r} is there twice; remove one row")
        statuses[name] = status.lower()
    return statuses


def read_lists(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The official folds.

    Args:
        folder: holds `train_<fold>.csv` and `val_<fold>.csv`, one id a line.

    Returns:
        Ids by fold and part.

    Raises:
        ValueError: when the folder or a list of a pair is missing, or an id is in both lists of a
            fold.
    """
    lists: dict[str, dict[str, list[str]]] = {}
    for path in sorted(folder.glob("*.csv")):
        if found := _LIST.fullmatch(path.name):
            ids = [line.strip() for line in _read_lines(path) if line.strip()]
            lists.setdefault(found["fold"], {})[found["part"]] = ids
    if not lists:
        raise ValueError(f"{folder}: holds no train_<fold>.csv and val_<fold>.csv")
    for fold, parts in lists.items():
        if len(parts) < 2:
            raise ValueError(f"{folder}: fold {fold} has no train_{fold}.csv or no val_{fold}.csv")
        if both := sorted(set(parts["train"]) & set(parts["val"])):
            raise ValueError(f"{folder}: {both[0]!r} is in both lists of fold {fold}")
    return lists


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give the folder that the corpus is in")
    return read_text(path).splitlines()


def choose_files(
    corpus: Path, statuses: Mapping[str, str]
) -> tuple[list[CoughFile], list[BadFile]]:
    """The recordings of a known status, and the others; no audio is opened.

    Args:
        corpus: the corpus folder.
        statuses: by id.

    Returns:
        Recordings to take, and those that are out: of a status that is neither p nor n, or in the
        folder but not in the metadata.
    """
    folder = corpus / "AUDIO" / SOUND
    files, bad = [], []
    for name in sorted(statuses):
        path, status = folder / f"{name}.flac", statuses[name]
        if status in CLASSES:
            files.append(CoughFile(name, name, path, status, status))
        else:
            bad.append(BadFile(path, "unknown status", repr(status)))
    for path in sorted(folder.glob("*.flac")):
        if path.stem not in statuses and not path.name.startswith("."):
            bad.append(BadFile(path, "unknown status", "no row in metadata.csv"))
    return files, bad


def prepare(
    corpus: Path, annotations: Path, out: Path, *, label_map: Path = DEFAULT_MAP
) -> list[str]:
    """Write the data folder; every audio file is read once.

    Args:
        corpus: the corpus folder.
        annotations: folder of the TextGrids.
        out: folder to write to, made where missing.
        label_map: YAML file of the phases and their spellings.

    Returns:
        Lines that count what was found and written.

    Raises:
        ValueError: when the corpus is not as expected, or no usable recording of a class is left.
    """
    spellings = load_label_map(label_map)
    statuses = read_metadata(corpus / "metadata.csv")
    lists = read_lists(corpus / "LISTS")
    files, bad = choose_files(corpus, statuses)
    prepared = write_cough_folder(
        files, out, bad=bad, annotations=annotations, label_map=spellings, sound=SOUND
    )
    counts = Counter(file.label for file in prepared.kept)
    lines = [f"metadata.csv: {len(statuses)} subjects"]
    for status, count in Counter(statuses.values()).most_common():
        became = f"{counts[status]} kept" if status in CLASSES else "unknown, left out"
        lines.append(f"  {status} {count} -> {became}")
    labels = {file.utterance_id: file.label for file in prepared.kept}
    return [*lines, *prepared.lines, *_write_folds(out, lists, labels)]


def _write_folds(out: Path, lists: Lists, labels: Mapping[str, str]) -> list[str]:
    """Write the lists of the ids that are kept; counts by fold."""
    lines, validated = [], Counter[str]()
    of_val: dict[str, str] = {}
    for fold in sorted(lists):
        counts = []
        for part in ("train", "val"):
            kept = [name for name in lists[fold][part] if name in labels]
            write_text("".join(f"{name}\n" for name in kept), out / "lists" / f"{part}_{fold}")
            n_positive = sum(labels[name] == "p" for name in kept)
            gone = len(lists[fold][part]) - len(kept)
            counts.append(f"{part} {len(kept)} ({n_positive} p), {gone} left out")
        in_val = set(lists[fold]["val"]) & labels.keys()
        validated.update(in_val)
        of_val.update(dict.fromkeys(in_val, fold))
        lines.append(f"fold {fold}: {'; '.join(counts)}")
    twice = sum(count > 1 for count in validated.values())
    if twice:
        (out / "folds").unlink(missing_ok=True)
        return [*lines, f"in two validation lists: {twice}, so that there is no file folds"]
    write_text("".join(f"{name} {of_val[name]}\n" for name in sorted(of_val)), out / "folds")
    return [*lines, f"in no validation list: {len(labels.keys() - of_val.keys())}"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare dicova`."""
    add = parser.add_argument
    add("--corpus", type=typed_path, required=True, help="folder of the DiCOVA-2 development set")
    add("--annotations", type=typed_path, required=True, help="folder of the TextGrids")
    add("--out", type=typed_path, required=True, help="folder to write to")
    add("--map", type=typed_path, default=DEFAULT_MAP, help="label map; default: of cough phases")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    lines = prepare(arguments.corpus, arguments.annotations, arguments.out, label_map=arguments.map)
    return "\n".join(lines)
