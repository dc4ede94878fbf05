"""What the model says of one recording as it is, in parts, and with what was taken from others.

The unit is one recording. Its donors are drawn by its name: so many of each class, of other
participants, the same ones for every kind of change. Donors of its own class are the control: what
a change does to the score merely because the sound was edited, it does with both. Asked is only for
scores, so any model will do.

Everything is one JSON file, `answers/RECORDING_ID/answers.json`, whole or absent.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from daxaudio.audit.asking import scores_of
from daxaudio.audit.changes import CHANGES
from daxaudio.audit.sound_parts import SoundParts, quiet_noise, split
from daxaudio.containers import Events, Recording
from daxaudio.data.kaldi import DataFolder
from daxaudio.data.resampling import resample
from daxaudio.engines.units import EndsRun
from daxaudio.experiments.predict import read_for
from daxaudio.metrics.phase_events import BACKGROUND
from daxaudio.models.model import Model
from daxaudio.runs.files import read_text, write_text
from daxaudio.runs.provenance import digest
from daxaudio.runs.seeds import generator

JOB, FILE = "answers", "answers.json"

AS_IS = "as is"
ALONE = ("events on silence", "events on quiet noise", "background alone")
"""Kinds of changes that need no donor."""

OWN, OTHER = "own", "other"
"""Of donors: of the recording's own class, or of the other one."""

COLUMNS = ("recording_id", "kind", "donor", "donor_class", "score")

_SCHEMA = 3
_CORRECTED = ("events", "label", "donors")  # facts that differ when a corpus was corrected
_DRAWS = 8  # of each donor that is wanted; one who has no background is drawn past
_ASKED_SAMPLES = 2**24  # of changed recordings that are held at once, 64 MiB
_KEPT_SAMPLES = 2**25  # of donors that are kept in memory, 128 MiB


@dataclasses.dataclass(frozen=True, eq=False)
class Answering:
    """Asks about recordings; what is stored is kept.

    Args:
        model: any; its scores must lie in [0, 1].
        data: the recordings and their labels.
        positive: one of the model's classes.
        participants: of each recording.
        events: known ones, by recording.
        background: labels of events that are background.
        n_donors: of each class, for each recording; 0 asks for no change that needs one.
        seed: of the draws.
        planted: changes a recording, of which it is told the name, before anything else is done.
        ask: gives the scores of every class of recordings.
    """

    model: Model
    data: DataFolder
    positive: str
    _: dataclasses.KW_ONLY
    participants: Mapping[str, str]
    events: Mapping[str, Events] = dataclasses.field(default_factory=dict)
    background: Sequence[str] = BACKGROUND
    n_donors: int = 3
    seed: int = 0
    planted: Callable[[str, Recording], Recording] = lambda name, recording: recording
    ask: Callable[[Model, Sequence[Recording]], torch.Tensor] = scores_of
    kept: dict[str, SoundParts] = dataclasses.field(default_factory=dict, init=False, repr=False)
    digests: dict[str, str] = dataclasses.field(default_factory=dict, init=False, repr=False)

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """Of the run; answers of another one differ."""
        return {
            "schema": _SCHEMA,
            "model_digest": self.model.digest(),
            "positive": self.positive,
            "n_donors": self.n_donors,
            "seed": self.seed,
        }

    @functools.cached_property
    def _by_class(self) -> dict[bool, list[str]]:
        found: dict[bool, list[str]] = {True: [], False: []}
        for name in self.data.ids:
            found[self.data.text[name] == self.positive].append(name)
        return found

    def draws(self, name: str, positive: bool) -> list[str]:
        """Recordings of a class that may give to one, in the order in which they are taken."""
        pool = self._by_class[positive]
        wanted = min(len(pool), self.n_donors * _DRAWS)
        if not wanted:
            return []
        draws = generator(self.seed, name, "donors", positive)
        places = torch.randint(len(pool), (4 * wanted,), generator=draws).tolist()
        found = dict.fromkeys(pool[place] for place in places)
        own = self.participants[name]
        return [other for other in found if self.participants[other] != own][:wanted]

    def answer(self, name: str, out: str | os.PathLike[str]) -> dict[str, Any]:
        """Ask about one recording, unless that is stored; what is stored then.

        Raises:
            ValueError: when the recording cannot be read or heard, or `out` holds answers of
                another model or run.
        """
        path, facts = Path(out) / JOB / name / FILE, self.facts_of(name)
        if stored := self._stored(path, facts):
            return stored
        document = {"recording_id": name, "facts": facts, **self.rows(name)}
        write_text(json.dumps(document, indent=1) + "\n", path)
        return document

    def facts_of(self, name: str) -> dict[str, Any]:
        """All that answers about one recording rest on; raises as `read_for`."""
        self.parts_of(name)  # raises where it cannot be read
        return {
            **self.facts,
            "input": self.input_of(name),
            "events": self._marked(name),
            "label": self.data.text[name],
            "donors": self._digest_of_donors(name),
        }

    def _marked(self, name: str) -> list[list[Any]]:
        return [[event.start, event.end, event.label] for event in self.events.get(name, ())]

    def _digest_of_donors(self, name: str) -> str:
        """Of who may give to a recording, and of what is known to be background there."""
        own = self.data.text[name] == self.positive
        sides = [
            [[other, self._marked(other)] for other in self.draws(name, side)]
            for side in (own, not own)
        ]
        return hashlib.sha256(json.dumps(sides).encode()).hexdigest()[:16]

    def input_of(self, name: str) -> str:
        """Short hash of what is heard of a recording; "" where it cannot be read."""
        if name not in self.digests:
            try:
                kept = self.kept.get(name)
                recording = self._read(name) if kept is None else kept.recording
                self.digests[name] = digest(recording.waveform)
            except (ValueError, OSError):
                self.digests[name] = ""
        return self.digests[name]

    def are_as_heard(self, heard: Mapping[str, str]) -> bool:
        """Whether donors sound as they did, or still cannot be read."""
        return all(self.input_of(name) == known for name, known in heard.items())

    def _read(self, name: str) -> Recording:
        return self.planted(name, read_for(self.model, self.data, name))

    def parts_of(self, name: str) -> SoundParts:
        """Events and background of one recording; raises as `read_for`."""
        if name not in self.kept:
            found = split(self._read(name), self.events.get(name, ()), self.background)
            self.kept[name] = found
            while len(self.kept) > 1 and _samples(self.kept.values()) > _KEPT_SAMPLES:
                del self.kept[next(iter(self.kept))]
        return self.kept[name]

    def _stored(self, path: Path, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        if not path.is_file():
            return None
        try:
            found = read_answers(path)
        except ValueError:
            return None  # cut short by somebody: made again
        for key, value in facts.items():
            if key in _CORRECTED:
                continue
            if found["facts"].get(key) != value:
                raise EndsRun(
                    f"{path}: answers of another run ({key.replace('_', ' ')}); remove the folder "
                    "or write to another one"
                )
        fresh = found["facts"] == facts and self.are_as_heard(found["heard"])
        return found if fresh else None

    def rows(self, name: str) -> dict[str, Any]:
        """All that is asked about one recording, asked now; raises as `answer`.

        Returns:
            `duration`, `annotated`, `predicted`, `rows` of kind, donor, donor's class and score,
            `problems` by kind, and `heard`, the hash of what was heard of each donor that was
            tried, "" where it could not be read.
        """
        parts = self.parts_of(name)
        positive = self.data.text[name] == self.positive
        asked: list[tuple[str, str, str]] = [(AS_IS, "", "")]
        sounds, problems = [parts.recording], dict[str, str]()
        answered, heard = list[torch.Tensor](), dict[str, str]()
        changed = itertools.chain(
            _alone(parts, self.seed), self._changed(name, parts, positive, heard)
        )
        for key, sound in changed:
            if sound is None:
                problems.setdefault(key[0], "too little background")
            else:
                asked.append(key)
                sounds.append(dataclasses.replace(parts.recording, waveform=sound))
            if len(sounds) * parts.recording.waveform.numel() >= _ASKED_SAMPLES:
                answered.append(self.ask(self.model, sounds))
                sounds = []
        for kind in CHANGES:
            for side in (OWN, OTHER):
                if self.n_donors and not any(key[0] == kind and key[2] == side for key in asked):
                    problems.setdefault(kind, f"no donor of the {side} class")
        if sounds:
            answered.append(self.ask(self.model, sounds))
        scores = torch.cat(answered)
        if not bool(scores[0].isfinite().all()):
            self.model.front_end.spectrogram(parts.recording)  # says why
            raise ValueError(f"{name}: cannot be heard by the model")
        index = self.model.class_index(self.positive)
        rows = []
        for key, score in zip(asked, scores[:, index].tolist(), strict=True):
            if score != score:
                problems.setdefault(key[0], "nothing is left that the model could hear")
            else:
                rows.append([*key, round(score, 6)])
        best = int(scores[0].argmax())
        return {
            "duration": round(parts.recording.duration, 6),
            "annotated": parts.annotated,
            "predicted": predicted_class(self.model, best, float(scores[0, index]), self.positive),
            "rows": rows,
            "problems": problems,
            "heard": heard,
        }

    def _changed(
        self, name: str, parts: SoundParts, positive: bool, heard: dict[str, str]
    ) -> Iterator[tuple[tuple[str, str, str], torch.Tensor | None]]:
        for side, wanted in ((OWN, positive), (OTHER, not positive)):
            for donor in self._donors(name, wanted, parts.rate, heard):
                for kind, change in CHANGES.items():
                    yield (kind, donor.recording.recording_id, side), change(parts, donor)

    def _donors(
        self, name: str, positive: bool, rate: int, heard: dict[str, str]
    ) -> list[SoundParts]:
        found: list[SoundParts] = []
        for other in self.draws(name, positive):
            if len(found) == self.n_donors:
                break
            try:
                donor = self.parts_of(other)
            except (ValueError, OSError):
                heard[other] = ""  # it is listed where it is asked about itself
                continue
            heard[other] = self.input_of(other)
            if donor.background is None:
                continue
            found.append(donor if donor.rate == rate else _at_rate(donor, rate, self.background))
        return found


def predicted_class(model: Model, best: int, score: float, positive: str) -> str:
    """The class with the highest score; of a model of one class, whether that is at least 0.5."""
    if len(model.class_names) > 1:
        return str(model.class_names[best])
    return positive if score >= 0.5 else f"not {positive}"


def read_answers(path: str | os.PathLike[str]) -> dict[str, Any]:
    """One stored file of answers.

    Raises:
        ValueError: when it is none; names the file.
    """
    try:
        found = json.loads(read_text(Path(path)))
        known = all(key in found for key in ("recording_id", "facts", "rows", "problems"))
        if not known or found["facts"]["schema"] != _SCHEMA:
            raise ValueError("no answers of this version")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not answers that daxaudio wrote ({error}); remove it") from error
    return dict(found)


def table_of_answers(answers: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """All rows of many files, with the columns `COLUMNS`."""
    rows = [(one["recording_id"], *row) for one in answers for row in one["rows"]]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def table_of_predictions(
    answers: Sequence[Mapping[str, Any]],
    participants: Mapping[str, str],
    problems: Mapping[str, str],
) -> pd.DataFrame:
    """One row a recording: what the model says of it as it is.

    Args:
        answers: of the recordings that could be asked about.
        participants: of each recording.
        problems: why the others could not, by id.

    Returns:
        `recording_id`, `participant`, `label`, `predicted` ("" where it could not be asked about),
        `score` of the positive class (NaN there), `correct` (0 or 1), `duration` in seconds,
        `input` (hash of the samples as they were read), `problem`; sorted by id.
    """
    rows = []
    for one in answers:
        name, label = one["recording_id"], one["facts"]["label"]
        positive, predicted = one["facts"]["positive"], one["predicted"]
        # a negative may have another name in the labels than in the model
        correct = int((predicted == positive) == (label == positive))
        score = next(row[3] for row in one["rows"] if row[0] == AS_IS)
        who = participants[name]
        heard = (one["duration"], one["facts"]["input"], "")
        rows.append((name, who, label, predicted, score, correct, *heard))
    for name, problem in problems.items():
        rows.append((name, participants[name], "", "", float("nan"), 0, float("nan"), "", problem))
    columns = ["recording_id", "participant", "label", "predicted", "score", "correct"]
    table = pd.DataFrame(rows, columns=[*columns, "duration", "input", "problem"])
    return table.sort_values("recording_id", ignore_index=True)


def _alone(
    parts: SoundParts, seed: int
) -> Iterator[tuple[tuple[str, str, str], torch.Tensor | None]]:
    waveform, inside = parts.recording.waveform, parts.inside
    noise = quiet_noise(parts, seed)
    yield (ALONE[0], "", ""), waveform * inside
    yield (ALONE[1], "", ""), waveform * inside + noise * (1 - inside)
    yield (ALONE[2], "", ""), parts.looped(waveform.shape[-1])


def _at_rate(parts: SoundParts, rate: int, background: Sequence[str]) -> SoundParts:
    recording = parts.recording
    waveform = resample(recording.waveform, recording.sample_rate, rate)
    moved = Recording(waveform, rate, recording.recording_id)
    whole = Events(parts.free).gaps(0.0, recording.duration)
    return split(moved, whole, background)


def _samples(kept: object) -> int:
    return sum(parts.recording.waveform.numel() for parts in kept)  # type: ignore[attr-defined]
