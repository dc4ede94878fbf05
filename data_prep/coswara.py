"""Coswara in, as it is published: a Kaldi-style data folder of one sound and its phases out.

Known is the layout of the repository: `<YYYYMMDD>/<participant>/<sound>.wav`, also below
`Extracted_data/`, `combined_data.csv` with the column `covid_status`, and
`annotations/<sound>_labels.csv` with the quality of each file (2 excellent, 1 good, 0 bad).

    daxaudio prepare coswara --corpus DIR --annotations DIR --out DIR

Label `p` are the positive_mild, positive_moderate and positive_asymp, label `n` the healthy, the
no_resp_illness_exposed and the resp_illness_not_identified. Those who recovered and those under
validation are left out and counted, any other status is left out and listed. This is the mapping
of the data paper.

Writes `wav.scp`, `text`, `utt2spk`, `spk2utt`, `utt2dur`, `events.tsv` (phases), `folds`
(utterance, fold) and the lists of `cough_data`. Utterances are named
`<participant>_<sound>`.

Source: the repository iiscleap/Coswara-Data and its data paper, arXiv 2305.12741.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from daxaudio.data.folds import assign_folds
from daxaudio.data.formats import load_label_map
from daxaudio.runs.files import read_text, typed_path, write_text

from .cough_data import DEFAULT_MAP, BadFile, CoughFile, count_text, write_cough_folder

LABEL_OF_STATUS = {
    "positive_mild": "p",
    "positive_moderate": "p",
    "positive_asymp": "p",
    "healthy": "n",
    "no_resp_illness_exposed": "n",
    "resp_illness_not_identified": "n",
    "recovered_full": "",
    "under_validation": "",
}
"""Label of each `covid_status`; "" is left out on purpose."""

METADATA = "combined_data.csv"
_DATE = re.compile(r"\d{8}")


def read_statuses(path: Path) -> dict[str, str]:
    r"""The `covid_status` of each participant, blanks at its ends taken off.

    Args:
        path: `combined_data.csv`.

    Returns:
        By participant, in the order of the file. One with several rows that disagree has all of
        them, such as `healthy/positive_mild`, which is no known status.

    Raises:
        ValueError: when the file is missing, is not UTF-8 or lacks a column.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "combined_data.csv"
        >>> _ = path.write_text("id,a,covid_status\nx,28,healthy\n")
        >>> read_statuses(path)
        {'x': 'healthy'}
    """
    found: dict[str, list[str]] = {}
    for row in _read_rows(path, ("id", "covid_status")):
        if row["id"]:
            found.setdefault(row["id"], []).append(row["covid_status"])
    return {name: "/".join(dict.fromkeys(given)) for name, given in found.items()}


def read_quality(path: Path) -> dict[str, str]:
    r"""The quality of each file, as it is written.

    The header of the real files has a blank before its second name, and lines that end as on
    Windows; neither makes a difference.

    Args:
        path: `annotations/<sound>_labels.csv`.

    Returns:
        By file name without ending, `<participant>_<sound>`.

    Raises:
        ValueError: when the file is missing, is not UTF-8 or lacks a column.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cough-heavy_labels.csv"
        >>> _ = path.write_bytes(b"FILENAME, QUALITY\r\nx_cough-heavy,2\r\n")
        >>> read_quality(path)
        {'x_cough-heavy': '2'}
    """
    return {row["FILENAME"]: row["QUALITY"] for row in _read_rows(path, ("FILENAME", "QUALITY"))}


def _read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The named columns of a CSV file; names and fields without blanks at their ends."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give the folder that the corpus is in")
    reader = csv.reader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if missing := [name for name in columns if name not in header]:
            raise ValueError(f"{path}: lacks the columns {', '.join(missing)}")
        places = {name: header.index(name) for name in columns}
        return [
            {name: row[k].strip() if k < len(row) else "" for name, k in places.items()}
            for row in reader
        ]
    except csv.Error as error:
        raise ValueError(f"{path}: is no CSV file ({error})") from error


def find_folders(corpus: Path) -> dict[str, list[Path]]:
    """Folders of the participants: those in folders named by a date.

    Args:
        corpus: the dates lie in it, in `Extracted_data/`, or in both.

    Returns:
        By participant, sorted by path; more than one where a participant was recorded twice.

    Raises:
        ValueError: when there is no such folder, or no folder named by a date.
    """
    if not corpus.is_dir():
        raise ValueError(f"{corpus}: no such folder; give the folder that the corpus is in")
    roots = [root for root in (corpus, corpus / "Extracted_data") if root.is_dir()]
    dates = [path for root in roots for path in root.iterdir() if _DATE.fullmatch(path.name)]
    if not dates:
        raise ValueError(
            f"{corpus}: holds no folders such as 20200413 with recordings; extract the archives"
        )
    found: dict[str, list[Path]] = {}
    for folder in sorted(path for date in dates if date.is_dir() for path in date.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            found.setdefault(folder.name, []).append(folder)
    return found


def choose_files(
    corpus: Path, sound: str, min_quality: int
) -> tuple[list[CoughFile], list[BadFile], dict[str, str]]:
    """What the tables of the corpus say of its recordings; no audio is opened.

    Args:
        corpus: the corpus folder.
        sound: name of the sound.
        min_quality: lowest quality to take, 0 to 2; with 0 quality labels are not looked at.

    Returns:
        The recordings to take, those that are out with the reason, and the status of every
        participant of the table.

    Raises:
        ValueError: when a folder or table is missing or malformed, or `min_quality` out of range.
    """
    if not 0 <= min_quality <= 2:
        raise ValueError(f"min_quality must be 0, 1 or 2, got {min_quality}")
    folders, statuses = find_folders(corpus), read_statuses(corpus / METADATA)
    table = corpus / "annotations" / f"{sound}_labels.csv"
    quality = read_quality(table) if min_quality else None
    files, bad = [], []
    for participant in sorted(folders.keys() | statuses.keys()):
        status = statuses.get(participant)
        own = folders.get(participant, [corpus / "*" / participant])
        path = own[0] / f"{sound}.wav"
        label = LABEL_OF_STATUS.get(status or "")
        bad += [
            BadFile(more / path.name, "second folder", f"{own[0]} is taken") for more in own[1:]
        ]
        if status is None or label is None:
            said = f"no row in {METADATA}" if status is None else repr(status)
            bad.append(BadFile(path, "unknown status", said))
        elif label:
            utterance = f"{participant}_{sound}"
            reason = (
                None if quality is None else _judge_quality(quality.get(utterance), min_quality)
            )
            if reason and path.is_file():
                bad.append(BadFile(path, *reason))
            else:
                files.append(CoughFile(utterance, participant, path, label, str(status)))
    return files, bad, statuses


def _judge_quality(given: str | None, min_quality: int) -> tuple[str, str] | None:
    """Why a file is out by its quality; None when it is not."""
    if given is None or not given.isdecimal():
        return "no quality label", "" if given is None else repr(given)
    return ("low quality", given) if int(given) < min_quality else None


def read_sources(path: Path) -> dict[str, str]:
    """What participants of a made corpus share, from `planted.csv`: the `textgrid` of each.

    Args:
        path: the file; empty result where it is missing or has no such column.
    """
    if not path.is_file():
        return {}
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if not {"participant", "textgrid"} <= set(reader.fieldnames or ()):
        return {}
    return {row["participant"]: row["textgrid"] for row in reader}


def prepare(
    corpus: Path,
    annotations: Path,
    out: Path,
    *,
    sound: str = "cough-heavy",
    min_quality: int = 1,
    label_map: Path = DEFAULT_MAP,
    n_folds: int = 5,
    seed: int = 0,
) -> list[str]:
    """Write the data folder; every audio file is read once.

    Args:
        corpus: the corpus folder.
        annotations: folder of TextGrids or of the JSON files of Coswara-Exp.
        out: folder to write to, made where missing.
        sound: name of the sound.
        min_quality: lowest quality to take, 0 to 2; with 0 quality labels are not looked at.
        label_map: YAML file of the phases and their spellings.
        n_folds: at least 2; classes are spread evenly over them, and a participant is in one. Where
            the corpus has a `planted.csv`, those who share a timing are in one, too.
        seed: of the folds.

    Returns:
        Lines that count what was found and written.

    Raises:
        ValueError: when an argument is out of range, the corpus is not as expected, no usable
            recording of a class is left, or there are too few for so many folds.
    """
    spellings = load_label_map(label_map)
    files, bad, statuses = choose_files(corpus, sound, min_quality)
    prepared = write_cough_folder(
        files, out, bad=bad, annotations=annotations, label_map=spellings, sound=sound
    )
    kept = {file.utterance_id: file for file in prepared.kept}
    sources = read_sources(corpus / "planted.csv")
    labels = {name: file.label for name, file in kept.items()}
    groups = {name: sources.get(f.participant, f.participant) for name, f in kept.items()}
    folds = assign_folds(labels, groups, n_folds, seed)
    write_text("".join(f"{name} {fold}\n" for name, fold in folds.items()), out / "folds")
    return [*_status_lines(statuses, prepared.kept), *prepared.lines, *_fold_lines(folds, labels)]


def _status_lines(statuses: Mapping[str, str], kept: Iterable[CoughFile]) -> list[str]:
    of_kept = Counter(file.status for file in kept)
    lines = [f"{METADATA}: {len(statuses)} participants"]
    for status, count in Counter(statuses.values()).most_common():
        label = LABEL_OF_STATUS.get(status)
        became = "unknown, left out" if label is None else "left out"
        if label:
            became = f"{label}, {of_kept[status]} kept"
        lines.append(f"  {status or '(empty)'} {count} -> {became}")
    return lines


def _fold_lines(folds: Mapping[str, int], labels: Mapping[str, str]) -> list[str]:
    numbers = sorted(set(folds.values()))
    return [
        f"fold {number}: "
        + count_text(Counter(labels[name] for name, fold in folds.items() if fold == number))
        for number in numbers
    ]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare coswara`."""
    add = parser.add_argument
    add("--corpus", type=typed_path, required=True, help="folder of Coswara-Data")
    add(
        "--annotations", type=typed_path, required=True, help="folder of TextGrids, or Annotated_v2"
    )
    add("--out", type=typed_path, required=True, help="folder to write to")
    add("--sound", default="cough-heavy", help="default cough-heavy")
    add("--min_quality", type=int, default=1, help="2 excellent, 1 good, 0 all; default 1")
    add("--map", type=typed_path, default=DEFAULT_MAP, help="label map; default: of cough phases")
    add("--folds", type=int, default=5, help="default 5")
    add("--seed", type=int, default=0, help="of the folds; default 0")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    lines = prepare(
        arguments.corpus,
        arguments.annotations,
        arguments.out,
        sound=arguments.sound,
        min_quality=arguments.min_quality,
        label_map=arguments.map,
        n_folds=arguments.folds,
        seed=arguments.seed,
    )
    return "\n".join(lines)
