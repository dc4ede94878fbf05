r"""Corpora to try audits on: made coughs, one confounder of known strength or none, what is known.

    daxaudio prepare confounded_coughs --out DIR --confounder hum --strength 1 --phase none
    daxaudio prepare confounded_coughs --out DIR --confounder none --phase cough

The first is a corpus in which nothing but a hum tells the classes apart; the second an honest one,
whose evidence is in the coughs. In both, participants differ in hum, level, bandwidth and site
(`cough_nuisances` says how these are dealt and what the strength is, `cough_channels` what they do
to the sound). Any phase and any confounder go together, so that a classifier may have the choice.

Participants come in twos that share their timings, one of them positive, by a coin. Timings are
drawn (1.5 to 3.5 s), or those of a folder of TextGrids (real ones: 3 to 11 s). Every fourth has a
second recording: the same voice, room and device, other coughs. Sex and age say nothing of the
class. Symptoms do a little, as in life: 60 % of the positives have some, 40 % of the negatives.
They are in the table and not in the sound.

    train/, test/       data folders of different participants: wav.scp, text (p or n), utt2spk, ...
                        events.tsv (phases that sound) and evidence.csv (time and frequency)
    audio/              16 bit
    participants.csv    participant,age,sex,site,device,symptoms
    planted.csv         the truth: participant,set,label,hum,level,bandwidth,site,recordings
    planted.json        the settings; another corpus in the same folder is refused
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.events import write_events
from daxaudio.data.evidence import EVIDENCE_FILE, Evidence, write_evidence
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.runs.files import read_text, typed_path, write_text
from daxaudio.runs.seeds import derive_seed
from daxaudio.runs.tables import write_csv

from .cough_channels import DEVICES, SITES, record
from .cough_evidence import EVIDENCE, bands_of
from .cough_files import fold_label
from .cough_nuisances import DEALINGS, KINDS, Confounding, Nuisances, deal, deal_nuisances
from .cough_recordings import PHASES, Plant, make_recording, trait_of
from .cough_sounds import BACKGROUND, draw_speaker, draws_for
from .made_timings import draw_timing
from .planted_coughs import SETTINGS_FILE, choose_participants, find_timings

POSITIVE, NEGATIVE = "p", "n"
"""The classes."""

PARTICIPANTS_FILE, TRUTH_FILE = "participants.csv", "planted.csv"
SETS = ("train", "test")
_AGAIN = 0.25  # share of participants with a second recording
_SYMPTOMS = {True: 0.6, False: 0.4}  # share of those who have any, by class
_RATES = (16000, 48000)  # Hz; below, the codec would cut nothing


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What a corpus is made with.

    Args:
        plant: the evidence of the positive class, without a confounder.
        confounding: which nuisance goes with the class.
        n_train: participants to train on, at least 2.
        n_test: participants to audit, at least 2.
        sample_rate: of the files, 16000 to 48000 Hz.
        seed: of every draw.

    Raises:
        ValueError: when a number is out of range.
    """

    plant: Plant
    confounding: Confounding
    n_train: int = 40
    n_test: int = 40
    sample_rate: int = 16000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.plant.confounder != "none":
            raise ValueError("the confounder belongs to confounding, not to the plant")
        for name in ("n_train", "n_test"):
            if getattr(self, name) < 2 or getattr(self, name) % 2:
                raise ValueError(
                    f"{name} must be an even number of participants, at least 2, as they come in "
                    f"twos of both classes; got {getattr(self, name)}"
                )
        if not _RATES[0] <= self.sample_rate <= _RATES[1]:
            raise ValueError(
                f"sample_rate must lie between {_RATES[0]} and {_RATES[1]} Hz, as the codec keeps "
                f"4 kHz; got {self.sample_rate}"
            )


@dataclasses.dataclass(frozen=True)
class Person:
    """One participant of a corpus.

    Args:
        participant: the id.
        of_set: one of `SETS`.
        positive: the class.
        timing: name of the timing, shared with the other of the two.
        nuisances: what is between mouth and file.
        device: one of `DEVICES`.
        takes: recordings, 1 or 2.
    """

    participant: str
    of_set: str
    positive: bool
    timing: str
    nuisances: Nuisances
    device: str
    takes: int

    @property
    def label(self) -> str:
        """The class by its name."""
        return POSITIVE if self.positive else NEGATIVE


def choose_people(corpus: Corpus, timings: Sequence[str] = ()) -> list[Person]:
    """Deal classes, timings, nuisances, devices and second recordings.

    All of it is dealt to each set on its own, so that each is balanced.

    Args:
        corpus: what it is made with.
        timings: names of timings to take; when there are none, each two have one of their own.

    Returns:
        The participants, those to train on first.
    """
    people: list[Person] = []
    seed = corpus.seed
    for of_set, n in zip(SETS, (corpus.n_train, corpus.n_test), strict=True):
        names = timings or [f"{of_set} {k}" for k in range(n // 2)]
        chosen = choose_participants(names, n, 0.5, derive_seed(seed, of_set))
        classes = [each.positive for each in chosen]
        nuisances = deal_nuisances(classes, corpus.confounding, seed, of_set)
        other, again = [False] * n, [False] * n
        for of_class in (True, False):
            places = [k for k, positive in enumerate(classes) if positive == of_class]
            devices = deal(len(places), 0.5, seed, of_set, "device", of_class)
            seconds = deal(len(places), _AGAIN, seed, of_set, "again", of_class)
            for place, device, second in zip(places, devices, seconds, strict=True):
                other[place], again[place] = bool(device), bool(second)
        people += [
            Person(
                participant=f"s{len(people) + k + 1:04d}",
                of_set=of_set,
                positive=each.positive,
                timing=each.textgrid,
                nuisances=nuisances[k],
                device=DEVICES[other[k]],
                takes=2 if again[k] else 1,
            )
            for k, each in enumerate(chosen)
        ]
    return people


def tell(person: Person, seed: int) -> dict[str, object]:
    """What is known of a participant, a row of `participants.csv`."""
    draws = draws_for(seed, person.participant, "person")
    site = SITES[person.nuisances.site]
    has_symptoms = draws.random() < _SYMPTOMS[person.positive]
    some = str(draws.choice(["cough", "fever", "cough and fever"]))
    return {
        "participant": person.participant,
        "age": int(draws.integers(18, 76)),
        "sex": draw_speaker(draws_for(seed, person.participant, "speaker")).gender,
        "site": site,
        "device": f"{site} {person.device}",
        "symptoms": some if has_symptoms else "no symptoms",
    }


def make_corpus(corpus: Corpus, out: Path, textgrids: Path | None = None) -> str:
    """Write a corpus; the same arguments, and the same libsndfile, give the same bytes.

    Args:
        corpus: what it is made with.
        out: folder to write to, made where missing.
        textgrids: folder of TextGrids whose timings are taken; None draws timings.

    Returns:
        One line that counts what was written.

    Raises:
        ValueError: when no TextGrid can be used, or `out` holds a corpus of other settings.
    """
    _check_settings(corpus, textgrids, out / SETTINGS_FILE)
    bad: dict[Path, str] = {}
    timings = find_timings(textgrids, corpus.plant.phase, bad) if textgrids else {}
    if textgrids and not timings:
        raise ValueError(f"{textgrids}: no TextGrid has a cough and enough of the planted phase")
    people = choose_people(corpus, sorted(timings))
    for of_set in SETS:
        chosen = [person for person in people if person.of_set == of_set]
        _write_set(chosen, corpus, timings, out / of_set, out / "audio")
    write_csv(
        pd.DataFrame([tell(person, corpus.seed) for person in people]), out / PARTICIPANTS_FILE
    )
    write_csv(pd.DataFrame([_truth_of(person) for person in people]), out / TRUTH_FILE)
    n_recordings = sum(person.takes for person in people)
    lines = [
        f"{n_recordings} recordings of {corpus.n_train} participants to train on and "
        f"{corpus.n_test} to audit in {out}"
    ]
    lines += [f"{path}: left out: {why}" for path, why in sorted(bad.items())]
    return "\n".join(lines)


def _check_settings(corpus: Corpus, textgrids: Path | None, path: Path) -> None:
    """Store the settings; refuse where others are stored."""
    asked = {
        "plant": dataclasses.asdict(corpus.plant),
        "confounding": dataclasses.asdict(corpus.confounding),
        **{name: getattr(corpus, name) for name in ("n_train", "n_test", "sample_rate", "seed")},
        "timings": str(textgrids) if textgrids else "drawn",
    }
    if path.is_file() and json.loads(read_text(path)) != asked:
        raise ValueError(
            f"{path.parent} holds a corpus of other settings, see {path.name}; remove it, and what "
            "was made from it, or choose another folder"
        )
    write_text(json.dumps(asked, indent=2) + "\n", path)


def _truth_of(person: Person) -> dict[str, object]:
    nuisances = person.nuisances
    return {
        "participant": person.participant,
        "set": person.of_set,
        "label": person.label,
        "hum": int(nuisances.hum),
        "level": "loud" if nuisances.level else "soft",
        "bandwidth": "narrow" if nuisances.bandwidth else "full",
        "site": SITES[nuisances.site],
        "recordings": person.takes,
    }


def _timing_of(person: Person, take: int, timings: dict[str, Events], seed: int) -> Events:
    """Drawn by its name and the take, or one of a folder: of a second take the next one."""
    if not timings:
        return draw_timing(draws_for(seed, "timing", person.timing, take))
    names = sorted(timings)
    return timings[names[(names.index(person.timing) + take - 1) % len(names)]]


def _write_set(
    people: Sequence[Person], corpus: Corpus, timings: dict[str, Events], out: Path, audio: Path
) -> None:
    """Write the recordings of one set, and its data folder with events and evidence."""
    paths: dict[str, str] = {}
    labels, speakers, durations = {}, {}, {}
    events, evidence = {}, {}
    for person in tqdm(people, desc=f"make {out.name}", unit="participant", disable=None):
        for take in range(1, person.takes + 1):
            name = f"{person.participant}_{take}"
            timing = _timing_of(person, take, timings, corpus.seed)
            recording, parts = make_take(person, take, timing, corpus)
            path = audio / f"{name}.wav"
            write_recording(recording, path, any_player=True)
            paths[name], labels[name] = str(path.resolve()), person.label
            speakers[name], durations[name] = person.participant, recording.duration
            events[path.name], evidence[name] = sounding(timing), parts
    write_data_folder(DataFolder(paths, labels, speakers, durations), out)
    write_events(events, out / "events.tsv")
    write_evidence(evidence, out / EVIDENCE_FILE)


def make_take(
    person: Person, take: int, timing: Events, corpus: Corpus
) -> tuple[Recording, list[Evidence]]:
    """Make one recording of a participant.

    Args:
        person: who.
        take: which recording, from 1.
        timing: its phases.
        corpus: what it is made with.

    Returns:
        The recording, one channel, and where evidence is planted in it.
    """
    name, seed = person.participant, corpus.seed
    plant = corpus.plant if person.positive else None
    samples, intervals = make_recording(name, timing, plant, seed, take=take)
    trait = trait_of(name, seed)
    heard = record(
        samples,
        name,
        person.nuisances,
        person.device,
        trait=trait,
        sample_rate=corpus.sample_rate,
        seed=seed,
        take=take,
    )
    waveform = torch.from_numpy(heard).float()[None]
    evidence = [
        Evidence(start, end, f_min, f_max, person.label)
        for start, end in intervals
        for f_min, f_max in bands_of(corpus.plant.evidence, trait)
    ]
    return Recording(waveform, corpus.sample_rate, f"{name}_{take}"), evidence


def sounding(timing: Events) -> Events:
    """The phases that sound, by their names; what is left is background."""
    named = ((event, fold_label(event.label)) for event in timing)
    return Events(Event(e.start, e.end, phase) for e, phase in named if phase != BACKGROUND)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare confounded_coughs`."""
    add = parser.add_argument
    add("--out", type=typed_path, required=True, help="folder to write to")
    add("--textgrids", type=typed_path, help="folder that timings are taken from; else drawn")
    add("--confounder", default="none", help=f"none, {', '.join(KINDS)}; default none")
    add("--strength", type=float, default=1.0, help="of it: difference of shares; default 1")
    add("--dealing", default="evenly", help=f"{', '.join(DEALINGS)}; default evenly")
    add("--phase", default="cough", help=f"of the evidence: {', '.join(PHASES)}; default cough")
    add("--evidence", default="resonance", help=f"{', '.join(EVIDENCE)}; default resonance")
    add("--evidence_strength", type=float, default=1.0, help="factor on its level; default 1")
    add("--n_train", type=int, default=40, help="participants; default 40")
    add("--n_test", type=int, default=40, help="participants; default 40")
    add("--sample_rate", type=int, default=16000, help="Hz; default 16000")
    add("--seed", type=int, default=0, help="default 0")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the corpus; what was done, a line each.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    corpus = Corpus(
        Plant(arguments.phase, arguments.evidence, arguments.evidence_strength),
        Confounding(arguments.confounder, arguments.strength, arguments.dealing),
        n_train=arguments.n_train,
        n_test=arguments.n_test,
        sample_rate=arguments.sample_rate,
        seed=arguments.seed,
    )
    return make_corpus(corpus, arguments.out, arguments.textgrids)
