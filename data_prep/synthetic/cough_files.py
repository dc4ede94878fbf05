"""The files of the planted coughs: TextGrids read and written, and the layout of Coswara.

<YYYYMMDD>/<participant>/cough-heavy.wav    16 bit
combined_data.csv                           who they are; the header of the real file
annotations/cough-heavy_labels.csv          quality by participant; the header of the real file
planted.csv                                 the truth, which the real corpus does not have
"""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io.wavfile

from daxaudio.containers import Event, Events
from daxaudio.data.formats.annotated import AnnotatedRecording, Tier
from daxaudio.data.formats.textgrid import read_textgrid, without_gaps, write_textgrid
from daxaudio.runs.files import read_text, whole_file, write_text

from .cough_sounds import BACKGROUND, SAMPLE_RATE

SOUND = "cough-heavy"
"""The sound of Coswara that the recordings stand for."""

POSITIVE = ("positive_mild", "positive_moderate", "positive_asymp")
"""Values of `covid_status` of the positive class."""

NEGATIVE = ("healthy", "no_resp_illness_exposed", "resp_illness_not_identified")
"""Values of `covid_status` of the negative class."""

_HEADER = (
    "id,a,covid_status,record_date,ep,g,l_c,l_l,l_s,rU,smoker,cold,ht,diabetes,cough,ctDate,"
    "ctScan,ctScore,diarrhoea,fever,loss_of_smell,mp,testType,test_date,test_status,um,vacc,bd,"
    "others_resp,ftg,st,ihd,asthma,others_preexist,cld,pneumonia"
)
_QUALITY_HEADER = "FILENAME, QUALITY\r\n"  # the second name begins with a space
_PHASE_OF_LABEL = {
    "cough": "cough",
    "inhale": "inhale",
    "compress": "compression",
    "compres": "compression",
    "comoress": "compression",
    "commpress": "compression",
    "throatclear": "throat",
    "other": "other",
}
_CLEAN_LABEL = {
    "cough": "cough",
    "inhale": "inhale",
    "compression": "compress",
    "throat": "throatclear",
    "other": "other",
    BACKGROUND: "noise",
}
_TRUTH_COLUMNS = (
    "participant",
    "status",
    "textgrid",
    "phase",
    "evidence",
    "strength",
    "confounder",
    "intervals",
)


@dataclasses.dataclass(frozen=True)
class Truth:
    """What is planted in one recording: a row of `planted.csv`.

    Args:
        participant: the participant's id.
        status: the `covid_status`.
        textgrid: name of the file that the timing was taken from; two participants share one.
        phase: the phase that holds the evidence; "none" where there is none.
        evidence: its kind, or "none".
        strength: its strength, 0 where there is none.
        confounder: what lies under the whole recording, or "none".
        intervals: start and end in seconds of each stretch that holds the evidence.
    """

    participant: str
    status: str
    textgrid: str
    phase: str
    evidence: str
    strength: float
    confounder: str
    intervals: tuple[tuple[float, float], ...]

    @property
    def positive(self) -> bool:
        """Whether the participant is of the positive class."""
        return self.status in POSITIVE


def fold_label(label: str) -> str:
    """The phase that a label stands for; what is no label of a sound is background.

    Args:
        label: as it stands in the TextGrid, misspelt ones included.

    Returns:
        "cough", "inhale", "compression", "throat", "other" or "background".

    Example:
        >>> [fold_label(label) for label in ("cough ", "compres", " noise", "", "4")]
        ['cough', 'compression', 'background', 'background', 'background']
    """
    return _PHASE_OF_LABEL.get(label.strip().lower(), BACKGROUND)


def read_phases(path: Path) -> Events:
    """The first tier of intervals of a TextGrid, without gaps.

    Args:
        path: the file.

    Returns:
        Its intervals, at least one, in order, labels as they stand there, "" where there is none.

    Raises:
        ValueError: when the file is no TextGrid, its first tier of intervals is empty or cannot be
            read whole, or intervals overlap; says what to mend.
    """
    (recording,) = read_textgrid(path, path.stem)
    tier = next((tier for tier in recording.tiers if not tier.points), None)
    if tier is None or not tier.events:
        raise ValueError("holds no intervals in its first tier; annotate it or leave it out")
    odd = [problem.text for problem in recording.problems if problem.kind != "no text"]
    if odd:
        raise ValueError(f"{odd[0]}; mend it, and save it again from Praat")
    return without_gaps(str(path), tier, recording.duration or tier.events[-1].end)


def write_phases(events: Events, path: Path) -> None:
    """Write a TextGrid of three tiers as the real ones, with one spelling of labels.

    Args:
        events: without gaps from 0 to the end; labels may be misspelt.
        path: the file to write.
    """
    end, phases = events[-1].end, [fold_label(event.label) for event in events]
    counts = [str(phases.count(phase)) for phase in ("cough", "inhale")]
    clean = [
        Event(e.start, e.end, _CLEAN_LABEL[phase]) for e, phase in zip(events, phases, strict=True)
    ]
    tiers = (
        Tier("type", tuple(clean)),
        Tier("numberofcough", (Event(0.0, end, counts[0]),)),
        Tier("numberofinhale", (Event(0.0, end, counts[1]),)),
    )
    write_textgrid(AnnotatedRecording(path.stem, tiers, end), path)


def write_audio(samples: np.ndarray, path: Path) -> None:
    """Write samples `[S]` within -1 and 1 as 16-bit WAV."""
    with whole_file(path) as temporary:
        whole = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        scipy.io.wavfile.write(temporary, SAMPLE_RATE, whole)


def write_metadata(people: Sequence[dict[str, str]], path: Path) -> None:
    """Write `combined_data.csv`; what a participant does not say stays empty."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, _HEADER.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(people)
    write_text(table.getvalue(), path)


def write_quality(quality: dict[str, int], path: Path) -> None:
    """Write the quality labels by participant, with lines that end as in the real file."""
    rows = (f"{participant}_{SOUND},{label}\r\n" for participant, label in quality.items())
    with whole_file(path) as temporary:
        temporary.write_bytes((_QUALITY_HEADER + "".join(rows)).encode())


def write_truth(rows: Sequence[Truth], path: Path) -> None:
    """Write `planted.csv`; intervals stand as `start-end` in seconds, divided by semicolons."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_TRUTH_COLUMNS)
    for row in rows:
        # a microsecond is less than a tenth of a sample
        intervals = ";".join(f"{start:.6f}-{end:.6f}" for start, end in row.intervals)
        fields = [getattr(row, name) for name in _TRUTH_COLUMNS[:-1]]
        writer.writerow([*fields, intervals])
    write_text(table.getvalue(), path)


def read_truth(path: str | os.PathLike[str]) -> list[Truth]:
    """Read `planted.csv`.

    Args:
        path: the file.

    Returns:
        Its rows.

    Raises:
        ValueError: when the file is missing, has other columns, or a row has no numbers where
            they should be.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "planted.csv"
        >>> row = Truth("p", "positive_mild", "A", "cough", "hum", 1.0, "none", ((0.5, 0.75),))
        >>> write_truth([row], path)
        >>> read_truth(path) == [row]
        True
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file; make it with daxaudio prepare planted_coughs")
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    if tuple(reader.fieldnames or ()) != _TRUTH_COLUMNS:
        raise ValueError(
            f"{path}: expected columns {','.join(_TRUTH_COLUMNS)}, got {reader.fieldnames}; "
            "make it again"
        )
    try:
        return [_truth_of_row(row) for row in reader]
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}; make it again") from error


def _truth_of_row(row: dict[str, str]) -> Truth:
    pairs = [part.split("-") for part in row["intervals"].split(";") if part]
    return Truth(
        participant=row["participant"],
        status=row["status"],
        textgrid=row["textgrid"],
        phase=row["phase"],
        evidence=row["evidence"],
        strength=float(row["strength"]),
        confounder=row["confounder"],
        intervals=tuple((float(start), float(end)) for start, end in pairs),
    )
