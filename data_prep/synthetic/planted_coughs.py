r"""Cough recordings whose evidence is known: real phase timings, made sounds, one planted phase.

The timings come from a folder of TextGrids, one interval tier of phases. The sounds are made for
them: coughs, inhalations, compressions, throat clearings, a room. Into one phase of the positive
recordings evidence is planted (see `cough_evidence` for kinds and the unit of the strength).
Nothing else knows the class: participants come in twos that share a timing, in a random order of
which one is positive (at a share of one half), and draw voice, room, level, age and quality by
their own ids. A confounder is a hum under the whole of every positive recording, over all phases,
as loud as the noise of the room.

    daxaudio prepare planted_coughs --textgrids DIR --out DIR --annotations DIR \
        --n 120 --phase inhale --evidence resonance

Writes the layout of Coswara (see `cough_files`), `planted.csv` with the truth, `evidence.csv` with
what of it speaks for the positive class in time and frequency (recordings are named as
`daxaudio prepare coswara` names them),
`planted.json` with the settings (another corpus in the same folder is refused),
`bad_files.txt` (path, tab, reason), and a TextGrid for each participant to `--annotations`.

Two that share a timing should stand in one fold: a classifier that remembers timings would
otherwise take the twin for the other class.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from daxaudio.containers import Events
from daxaudio.data.evidence import EVIDENCE_FILE, write_evidence
from daxaudio.runs.files import read_text, typed_path, whole_file, write_text

from .cough_evidence import EVIDENCE
from .cough_files import (
    NEGATIVE,
    POSITIVE,
    SOUND,
    Truth,
    read_phases,
    write_audio,
    write_metadata,
    write_phases,
    write_quality,
    write_truth,
)
from .cough_recordings import (
    CONFOUNDERS,
    PHASES,
    Plant,
    evidence_of,
    make_recording,
    seconds_of,
)
from .cough_sounds import draw_speaker, draws_for

SETTINGS_FILE = "planted.json"
"""What the corpus was made with."""

POSITIVE_LABEL = "p"
"""The positive class, as `daxaudio prepare coswara` names it."""

LABELS = ("original", "clean")
"""How the labels of the TextGrids that are written are spelt."""

_ENOUGH = 0.2  # seconds of the planted phase that a timing must have
_DATES = ("2020-04-24", "2020-05-25", "2020-08-03", "2021-05-07", "2021-09-30", "2022-02-24")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclasses.dataclass(frozen=True)
class Participant:
    """One of the corpus.

    Args:
        participant: the id, 28 letters and digits as in Coswara.
        textgrid: name of the timing, without its ending.
        positive: the class.
    """

    participant: str
    textgrid: str
    positive: bool


def choose_participants(
    textgrids: Sequence[str], n: int, positive_share: float, seed: int
) -> list[Participant]:
    """Deal timings and classes to participants; the first ones are the same for any `n`.

    Two in a row share a timing; at a share of one half one of them is positive, by a coin.
    Timings are taken in a random order, and again from the first when there are too few.

    Args:
        textgrids: names of the timings, at least one.
        n: participants, at least 2.
        positive_share: share of the positive class, above 0 and below 1; `n` times this are
            positive, to the nearest.
        seed: seed of the corpus.

    Returns:
        The participants.

    Raises:
        ValueError: when a number is out of range or one class would be empty.

    Example:
        >>> [p.positive for p in choose_participants(["A", "B"], 4, 0.5, seed=0)].count(True)
        2
    """
    if n < 2 or not 0 < positive_share < 1:
        raise ValueError(
            "n must be at least 2 and positive_share above 0 and below 1, got "
            f"{n} and {positive_share}"
        )
    order = draws_for(seed, "timings").permutation(sorted(textgrids))
    classes = [bool(_upto(k + 1, positive_share) - _upto(k, positive_share)) for k in range(n)]
    for first in range(0, n - 1, 2):
        if draws_for(seed, "coin", first).random() < 0.5:
            classes[first : first + 2] = reversed(classes[first : first + 2])
    if len(set(classes)) < 2:
        raise ValueError(f"positive_share of {positive_share} leaves a class empty with n {n}")
    return [
        Participant(_make_id(seed, k), str(order[k // 2 % len(order)]), positive)
        for k, positive in enumerate(classes)
    ]


def _upto(k: int, share: float) -> int:
    return math.floor(k * share + 0.5)


def _make_id(seed: int, k: int) -> str:
    return "".join(draws_for(seed, "id", k).choice(list(_LETTERS), 28))


def find_timings(folder: Path, phase: str, bad: dict[Path, str]) -> dict[str, Events]:
    """Read the TextGrids of a folder that can be used.

    Args:
        folder: holds `*.TextGrid`.
        phase: the phase to plant into, one of `PHASES`.
        bad: gets the path of each file that cannot be read, with the reason.

    Returns:
        By name, the timings that have a cough and, in all, 0.2 s of the phase.

    Raises:
        ValueError: when the folder is missing or holds no TextGrids.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; give the folder of the TextGrids")
    paths = sorted(folder.glob("*.TextGrid"))
    if not paths:
        raise ValueError(f"{folder}: holds no *.TextGrid; give the folder of the TextGrids")
    timings = {}
    for path in paths:
        try:
            events = read_phases(path)
        except (ValueError, OSError) as error:
            bad[path] = " ".join(str(error).split())
            continue
        if seconds_of(events, "cough") and (
            phase == "none" or seconds_of(events, phase) >= _ENOUGH
        ):
            timings[path.stem] = events
    return timings


def describe(participant: Participant, seed: int) -> tuple[dict[str, str], int]:
    """What the corpus says of a participant; only the status and the test know the class.

    Args:
        participant: who.
        seed: seed of the corpus.

    Returns:
        The filled columns of `combined_data.csv`, and the quality: 2, or 1 for one in ten.
    """
    draws = draws_for(seed, participant.participant, "person")
    status = draws.choice(POSITIVE if participant.positive else NEGATIVE, p=[0.6, 0.25, 0.15])
    row = {
        "id": participant.participant,
        "a": str(draws.integers(18, 76)),
        "covid_status": str(status),
        "record_date": str(draws.choice(_DATES)),
        "ep": "y",
        "g": draw_speaker(draws_for(seed, participant.participant, "speaker")).gender,
        "rU": str(draws.choice(["y", "n"])),
        "cough": str(draws.choice(["True", ""])),
        "test_status": "p" if participant.positive else "n",
    }
    return row, int(draws.choice([2, 1], p=[0.9, 0.1]))


def make_corpus(
    textgrids: Path,
    out: Path,
    annotations: Path,
    *,
    plant: Plant,
    n: int = 120,
    positive_share: float = 0.5,
    seed: int = 0,
    labels: str = "original",
) -> str:
    """Write the corpus; the same arguments give the same bytes.

    Args:
        textgrids: folder of the TextGrids that timings are taken from.
        out: folder for the recordings and tables, made where missing.
        annotations: folder for a TextGrid of each participant, made where missing.
        plant: what the positive recordings hold.
        n: recordings, at least 2.
        positive_share: share of the positive class, above 0 and below 1.
        seed: seed of the corpus.
        labels: "original" copies each TextGrid as it is, misspelt labels and all; "clean" writes
            one spelling.

    Returns:
        One line that counts what was written.

    Raises:
        ValueError: when an argument is out of range, no TextGrid can be used, or `out` holds a
            corpus of other settings (only `n` may differ).
    """
    if labels not in LABELS:
        raise ValueError(f"labels must be one of {', '.join(LABELS)}, got {labels!r}")
    if annotations.resolve() == textgrids.resolve():
        raise ValueError(f"{annotations}: is the folder of the timings; write to another one")
    _check_settings(out / SETTINGS_FILE, plant, positive_share, seed, labels)
    bad: dict[Path, str] = {}
    timings = find_timings(textgrids, plant.phase, bad)
    write_text("".join(f"{path}\t{bad[path]}\n" for path in sorted(bad)), out / "bad_files.txt")
    if not timings:
        raise ValueError(
            f"{textgrids}: no TextGrid has a cough and {_ENOUGH} s of {plant.phase}; "
            f"{len(bad)} could not be read, see {out / 'bad_files.txt'}"
        )
    people = choose_participants(list(timings), n, positive_share, seed)
    rows, truth, quality = [], [], {}
    for person in tqdm(people, desc="make coughs", unit="recording", disable=None):
        row, quality[person.participant] = describe(person, seed)
        events = timings[person.textgrid]
        rows.append(row)
        truth.append(_write_recording(out, row, person, events, plant, seed))
        target = annotations / f"{person.participant}.TextGrid"
        if labels == "clean":
            write_phases(events, target)
        else:
            with whole_file(target) as temporary:
                shutil.copyfile(textgrids / f"{person.textgrid}.TextGrid", temporary)
    write_metadata(rows, out / "combined_data.csv")
    write_quality(quality, out / "annotations" / f"{SOUND}_labels.csv")
    write_truth(truth, out / "planted.csv")
    evidence = {
        f"{row.participant}_{SOUND}": evidence_of(
            row, timings[row.textgrid][-1].end, POSITIVE_LABEL, seed
        )
        for row in truth
    }
    write_evidence(evidence, out / EVIDENCE_FILE)
    n_positive = sum(person.positive for person in people)
    return (
        f"{n_positive} positive and {n - n_positive} negative recordings in {out}, timings of "
        f"{len({person.textgrid for person in people})} of {len(timings)} usable TextGrid(s); "
        f"{len(bad)} bad file(s)" + (f", listed in {out / 'bad_files.txt'}" if bad else "")
    )


def _check_settings(
    path: Path, plant: Plant, positive_share: float, seed: int, labels: str
) -> None:
    """Store the settings; refuse where others are stored: ids and timings would be the same."""
    asked = {
        **dataclasses.asdict(plant),
        "positive_share": positive_share,
        "seed": seed,
        "labels": labels,
    }
    if path.is_file():
        stored = json.loads(read_text(path))
        other = [f"{name} {value}" for name, value in stored.items() if asked.get(name) != value]
        if other:
            raise ValueError(
                f"{path.parent} holds a corpus made with {', '.join(other)}; remove it, and what "
                "was made from it, or choose another folder"
            )
    write_text(json.dumps(asked, indent=2) + "\n", path)


def _write_recording(
    out: Path,
    row: Mapping[str, str],
    person: Participant,
    events: Events,
    plant: Plant,
    seed: int,
) -> Truth:
    """Write the audio of one participant; its row of `planted.csv`."""
    samples, intervals = make_recording(
        person.participant, events, plant if person.positive else None, seed
    )
    folder = out / row["record_date"].replace("-", "") / person.participant
    write_audio(samples, folder / f"{SOUND}.wav")
    planted = person.positive and plant.active
    return Truth(
        participant=person.participant,
        status=row["covid_status"],
        textgrid=person.textgrid,
        phase=plant.phase if planted else "none",
        evidence=plant.evidence if planted else "none",
        strength=plant.strength if planted else 0.0,
        confounder=plant.confounder if person.positive else "none",
        intervals=intervals,
    )


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare planted_coughs`."""
    add = parser.add_argument
    add("--textgrids", type=typed_path, required=True, help="folder that timings are taken from")
    add("--out", type=typed_path, required=True, help="folder to write to")
    add("--annotations", type=typed_path, required=True, help="folder to write the TextGrids to")
    add("--n", type=int, default=120, help="recordings; default 120")
    add("--phase", default="cough", help=f"{', '.join(PHASES)}; default cough")
    add("--evidence", default="resonance", help=f"{', '.join(EVIDENCE)}; default resonance")
    add("--strength", type=float, default=1.0, help="factor on the phase's level; default 1")
    add("--confounder", default="none", help=f"{', '.join(CONFOUNDERS)}; default none")
    add("--positive_share", type=float, default=0.5, help="default 0.5")
    add("--seed", type=int, default=0, help="default 0")
    add("--labels", default="original", help=f"{', '.join(LABELS)}; default original")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    plant = Plant(arguments.phase, arguments.evidence, arguments.strength, arguments.confounder)
    return make_corpus(
        arguments.textgrids,
        arguments.out,
        arguments.annotations,
        n=arguments.n,
        plant=plant,
        positive_share=arguments.positive_share,
        seed=arguments.seed,
        labels=arguments.labels,
    )
