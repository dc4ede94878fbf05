"""ESC-10 corpus folder in, Kaldi-style data folders of training and test folds out.

Two layouts are known: that of ESC-10 (`001 - Dog bark/1-100032-A.ogg`, the names are
fold-clip-take) and that of ESC-50 (`audio/*.wav` and `meta/esc50.csv`, of which the rows with
`esc10` True are taken). Any part of the folds will do.

    daxaudio prepare esc10 --corpus DIR --out DIR --train_folds "1 2 3" --test_folds "4"

Source: K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from daxaudio.data.audio import AUDIO_SUFFIXES, read_recording
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.runs.files import read_text, typed_path, write_text

_CLASS_FOLDER = re.compile(r"\d+ - (?P<name>.+)")
_CLIP_NAME = re.compile(r"(?P<fold>\d+)-(?P<source>\d+)-[A-Z](-\d+)?")
_ESC50_COLUMNS = {"filename", "fold", "category", "esc10"}


@dataclasses.dataclass(frozen=True)
class Clip:
    """One file of the corpus.

    Args:
        path: the audio file.
        label: its class, one lower-case word.
        fold: the fold that the corpus puts it in.
        speaker: fold and number of the Freesound recording that it was cut from; clips of one
            recording share it.
    """

    path: Path
    label: str
    fold: int
    speaker: str

    @property
    def utterance_id(self) -> str:
        """The file name without its ending."""
        return self.path.stem


def find_clips(corpus: Path) -> list[Clip]:
    """List the clips of a corpus in either layout, sorted by utterance id; no file is opened.

    Args:
        corpus: folder with `meta/esc50.csv`, or with class folders such as `001 - Dog bark`.

    Returns:
        At least one clip.

    Raises:
        ValueError: when the folder is missing, has neither layout or no clips, when the CSV file
            lacks a column, or when two files have the same utterance id.

    Example:
        >>> import tempfile
        >>> corpus = Path(tempfile.mkdtemp())
        >>> (corpus / "001 - Dog bark").mkdir()
        >>> (corpus / "001 - Dog bark" / "1-100032-A.ogg").touch()
        >>> [(clip.utterance_id, clip.label, clip.speaker) for clip in find_clips(corpus)]
        [('1-100032-A', 'dog_bark', '1-100032')]
    """
    if not corpus.is_dir():
        raise ValueError(f"{corpus}: no such folder; give the folder that the corpus is in")
    table = corpus / "meta" / "esc50.csv"
    clips = _clips_of_esc50(table) if table.is_file() else _clips_of_esc10(corpus)
    if not clips:
        raise ValueError(
            f"{corpus}: holds no ESC-10 clips; expected meta/esc50.csv and audio/, or class "
            "folders such as '001 - Dog bark' with files such as 1-100032-A.ogg"
        )
    clips.sort(key=lambda clip: clip.utterance_id)
    for clip, following in itertools.pairwise(clips):
        if clip.utterance_id == following.utterance_id:
            raise ValueError(
                f"{clip.path} and {following.path} have the same name; remove one of them"
            )
    return clips


def _clips_of_esc10(corpus: Path) -> list[Clip]:
    clips = []
    for folder in corpus.iterdir():
        of_class = _CLASS_FOLDER.fullmatch(folder.name)
        if not of_class or not folder.is_dir():
            continue
        label = "_".join(of_class["name"].lower().split())
        for path in folder.iterdir():
            name = _CLIP_NAME.fullmatch(path.stem)
            if name and path.suffix.lower() in AUDIO_SUFFIXES:
                clips.append(Clip(path, label, int(name["fold"]), _speaker(name)))
    return clips


def _clips_of_esc50(table: Path) -> list[Clip]:
    reader = csv.DictReader(io.StringIO(read_text(table), newline=""))
    if missing := _ESC50_COLUMNS - set(reader.fieldnames or ()):
        raise ValueError(f"{table}: lacks the columns {', '.join(sorted(missing))}")
    return [_clip_of_row(row, table) for row in reader if (row["esc10"] or "").lower() == "true"]


def _clip_of_row(row: dict[str, str], table: Path) -> Clip:
    path = table.parent.parent / "audio" / row["filename"]
    name = _CLIP_NAME.fullmatch(path.stem)
    if not name or not row["fold"].isdigit() or not row["category"]:
        raise ValueError(
            f"{table}: expected rows such as 1-100032-A-0.wav, fold 1, category dog; got "
            f"{row['filename']!r}, fold {row['fold']!r}, category {row['category']!r}"
        )
    label = "_".join(row["category"].lower().split())
    return Clip(path, label, int(row["fold"]), _speaker(name))


def _speaker(name: re.Match[str]) -> str:
    return f"{name['fold']}-{name['source']}"


def choose_folds(clips: Iterable[Clip], folds: Sequence[int]) -> list[Clip]:
    """Take the clips of some folds.

    Args:
        clips: clips of any folds.
        folds: numbers of the folds to take.

    Returns:
        The clips in the order given.

    Raises:
        ValueError: when a fold has no clip; the message lists the folds that have.

    Example:
        >>> clip = Clip(Path("1-100032-A.ogg"), "dog_bark", 1, "1-100032")
        >>> choose_folds([clip], [5])
        Traceback (most recent call last):
        ValueError: no clip in fold 5; the corpus has fold(s) 1
    """
    clips = list(clips)
    found = sorted({clip.fold for clip in clips})
    if missing := sorted(set(folds) - set(found)):
        raise ValueError(
            f"no clip in fold {' '.join(map(str, missing))}; the corpus has fold(s) "
            f"{' '.join(map(str, found))}"
        )
    return [clip for clip in clips if clip.fold in folds]


def prepare(corpus: Path, out: Path, train_folds: list[int], test_folds: list[int]) -> str:
    """Write `out/train`, `out/test` and `out/bad_files.txt` (path, tab, reason).

    Every file is read once. One that cannot be used is listed and left out.

    Args:
        corpus: the corpus folder.
        out: folder to write to, made where missing.
        train_folds: folds of the training data.
        test_folds: folds of the test data, none of them a training fold.

    Returns:
        One line that counts what was written.

    Raises:
        ValueError: when the corpus is not as expected, when the folds overlap or do not exist,
            or when no readable file is left for one of the two.
    """
    if shared := sorted(set(train_folds) & set(test_folds)):
        raise ValueError(
            f"fold {' '.join(map(str, shared))} is in train_folds and in test_folds; "
            "test on folds that were not trained on"
        )
    clips = find_clips(corpus)
    parts = {
        "train": choose_folds(clips, train_folds),
        "test": choose_folds(clips, test_folds),
    }
    bad: dict[Path, str] = {}
    data = {name: _read_part(name, part, bad) for name, part in parts.items()}
    write_text("".join(f"{path}\t{bad[path]}\n" for path in sorted(bad)), out / "bad_files.txt")
    for name, part in data.items():
        if not part.text:
            raise ValueError(f"no readable file is left for {name}; see {out / 'bad_files.txt'}")
    for name, part in data.items():
        write_data_folder(part, out / name)
    return (
        f"{len(data['train'].text)} train and {len(data['test'].text)} test recordings of "
        f"{len(set(data['train'].text.values()))} classes in {out}; {len(bad)} bad file(s)"
        + (f", listed in {out / 'bad_files.txt'}" if bad else "")
    )


def _read_part(name: str, clips: list[Clip], bad: dict[Path, str]) -> DataFolder:
    """What a data folder holds of these clips; adds to `bad` those that cannot be read."""
    durations: dict[str, float] = {}
    good: list[Clip] = []
    for clip in tqdm(clips, desc=f"read {name}", unit="file", disable=None):
        try:
            durations[clip.utterance_id] = read_recording(clip.path).duration
            good.append(clip)
        except ValueError as error:
            bad[clip.path] = " ".join(str(error).removeprefix(f"{clip.path}: ").split())
    return DataFolder(
        wav_scp={clip.utterance_id: str(clip.path.resolve()) for clip in good},
        text={clip.utterance_id: clip.label for clip in good},
        utt2spk={clip.utterance_id: clip.speaker for clip in good},
        utt2dur=durations,
    )


def fold_numbers(text: str) -> list[int]:
    """The folds that a text such as "1 2 3" or "1,2" names; raises ValueError where it names none.

    Example:
        >>> fold_numbers("1, 3")
        [1, 3]
    """
    numbers = text.replace(",", " ").split()
    if not numbers or not all(number.isdigit() for number in numbers):
        raise ValueError(f'expected fold numbers such as "1 2 3", got {text!r}')
    return [int(number) for number in numbers]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare esc10`."""
    parser.add_argument("--corpus", type=typed_path, required=True, help="ESC-10 or ESC-50 folder")
    parser.add_argument("--out", type=typed_path, required=True, help="folder to write to")
    parser.add_argument("--train_folds", default="1 2 3", help='default "1 2 3"')
    parser.add_argument("--test_folds", default="4", help='default "4"')


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    train_folds, test_folds = (
        fold_numbers(arguments.train_folds),
        fold_numbers(arguments.test_folds),
    )
    return prepare(arguments.corpus, arguments.out, train_folds, test_folds)
