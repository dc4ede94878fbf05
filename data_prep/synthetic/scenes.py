r"""Scenes in which one sound is looked for, at a known time, for models that others have trained.

    speech   a sentence by espeak-ng
    word     a word by espeak-ng between two sentences; the word is looked for
    clip     the loudest stretch of a clip of ESC-10; the event is where it is loud (within 20 dB of
             its loudest moment)
    notes    C4, A4 and E4 in a random order, equally loud; one of them is looked for, and known in
             frequency too

All stand in pink noise, speech and clips with as many distractors as are asked for: made sounds
(clicks, chirps, noise, warbles), or stretches of clips of the classes that `--beside` names, which
are 6 dB louder than what is looked for. The other sentences and notes are as loud as it is.
`--louder_db` sets how much louder all else is, so that the loud parts are not the answer.

    daxaudio prepare scenes --kind speech --out DIR --n 6 --distractors 2
    daxaudio prepare scenes --kind clip --corpus ESC10 --clip_class rooster --distractors 2 \
        --beside rain chainsaw --out DIR

Writes `audio/*.wav` and a Kaldi-style data folder with `events.tsv`, and for notes `evidence.csv`
(`recording_id,start,end,f_min,f_max,label`).
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.evidence import Evidence
from daxaudio.data.padding import pink_noise
from daxaudio.runs.files import typed_path

from ..esc10 import find_clips
from .evidence import PlantedRecording, write_planted
from .planted_sounds import Draws
from .scene_sounds import (
    DISTRACTORS,
    NOTES,
    Sound,
    choose,
    cut_clip,
    loud_stretches,
    make_distractor,
    make_note,
    mix,
    say_sentence,
    shuffled,
    speak,
)

LOUDER_DB = 6.0
"""Level of distractors over what is looked for, unless another one is asked for."""

_EDGE = 0.1  # seconds of noise at both ends and between sounds, at least
_LOWEST_RATE, _HIGHEST_RATE = 12_001, 384_000  # distractors reach up to 6 kHz
_LONGEST = 600.0  # seconds
_LARGEST_SNR = 40  # dB; the loudest sounds stay within full scale
_LARGEST_LOUDER = 20  # dB


@dataclasses.dataclass(frozen=True)
class SceneSettings:
    """What a scene holds.

    Args:
        kind: a name of `KINDS`.
        label: what is looked for is called so; None for the kind's own name for it.
        seconds: length of a scene.
        sample_rate: samples per second, above 12000.
        snr_db: level of what is looked for over the noise, from -40 to 40 dB.
        distractors: louder sounds beside speech and clips.
        louder_db: level of all else over what is looked for, from -20 to 20 dB; None for
            `LOUDER_DB` of distractors and 0 of the other sentences and notes.
        beside: files to draw distractors from; made sounds when empty.
        word: of the kind "word".
        note: of the kind "notes", a name of `NOTES`.
        clips: of the kind "clip", files to draw from.
        clip_seconds: length of the stretch of a clip.

    Raises:
        ValueError: when a value is out of range, or the kind lacks what it needs.
    """

    kind: str
    label: str | None = None
    seconds: float = 4.0
    sample_rate: int = 16000
    snr_db: float = 15.0
    distractors: int = 0
    louder_db: float | None = None
    beside: tuple[Path, ...] = ()
    word: str = "alexa"
    note: str = "A4"
    clips: tuple[Path, ...] = ()
    clip_seconds: float = 1.2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.note not in NOTES:
            raise ValueError(f"note must be one of {', '.join(NOTES)}, got {self.note!r}")
        if not 1 <= self.seconds <= _LONGEST:
            raise ValueError(f"seconds must be from 1 to {_LONGEST:g}, got {self.seconds}")
        if not _LOWEST_RATE <= self.sample_rate <= _HIGHEST_RATE:
            raise ValueError(
                f"sample_rate must be from {_LOWEST_RATE} to {_HIGHEST_RATE}, got "
                f"{self.sample_rate}"
            )
        if not abs(self.snr_db) <= _LARGEST_SNR:
            raise ValueError(
                f"snr_db must be from -{_LARGEST_SNR} to {_LARGEST_SNR}, got {self.snr_db}"
            )
        if not 0 <= self.distractors <= len(DISTRACTORS):
            raise ValueError(
                f"distractors must be from 0 to {len(DISTRACTORS)}, got {self.distractors}"
            )
        if self.louder_db is not None and not abs(self.louder_db) <= _LARGEST_LOUDER:
            raise ValueError(
                f"louder_db must be from -{_LARGEST_LOUDER} to {_LARGEST_LOUDER}, got "
                f"{self.louder_db}"
            )
        if self.kind == "clip" and not self.clips:
            raise ValueError("scenes of clips need clips to draw from; give --corpus")
        if not 0.1 <= self.clip_seconds <= self.seconds:
            raise ValueError(
                f"clip_seconds must be from 0.1 to the scene's seconds, got {self.clip_seconds}"
            )

    @property
    def name(self) -> str:
        """What is looked for."""
        own = {"speech": "speech", "word": self.word, "clip": "clip", "notes": self.note}
        return self.label or own[self.kind]

    def level_beside(self, usual_db: float = 0.0) -> float:
        """Level over the noise of what is not looked for, in dB."""
        return self.snr_db + (usual_db if self.louder_db is None else self.louder_db)


def _speech(settings: SceneSettings, draws: Draws) -> list[Sound]:
    spoken = Sound(say_sentence(settings.sample_rate, draws), settings.snr_db)
    return _among_distractors(spoken.as_evidence(settings.sample_rate), settings, draws)


def _word(settings: SceneSettings, draws: Draws) -> list[Sound]:
    rate = settings.sample_rate
    before, after = (Sound(say_sentence(rate, draws), settings.level_beside()) for _ in range(2))
    word = Sound(speak(settings.word, rate, draws), settings.snr_db).as_evidence(rate)
    return [before, word, after]


def _clip(settings: SceneSettings, draws: Draws) -> list[Sound]:
    samples = cut_clip(choose(settings.clips, draws), settings.clip_seconds, settings.sample_rate)
    loud = tuple(loud_stretches(samples, settings.sample_rate))
    return _among_distractors(Sound(samples, settings.snr_db, loud), settings, draws)


def _notes(settings: SceneSettings, draws: Draws) -> list[Sound]:
    sounds = []
    for name in shuffled(tuple(NOTES), draws):
        samples, rows = make_note(name, settings.sample_rate)
        note = Sound(samples, settings.level_beside())
        if name == settings.note:
            note = dataclasses.replace(note, level_db=settings.snr_db)
            note = dataclasses.replace(note.as_evidence(settings.sample_rate), rows=tuple(rows))
        sounds.append(note)
    return sounds


def _among_distractors(event: Sound, settings: SceneSettings, draws: Draws) -> list[Sound]:
    level = settings.level_beside(LOUDER_DB)
    sounds = [Sound(samples, level) for samples in _distractors(settings, draws)]
    sounds.insert(int(draws.between(0, len(sounds) + 1)), event)
    return sounds


def _distractors(settings: SceneSettings, draws: Draws) -> list[Tensor]:
    rate, n = settings.sample_rate, settings.distractors
    if settings.beside:
        paths = shuffled(settings.beside, draws)[:n]
        return [cut_clip(path, settings.clip_seconds, rate) for path in paths]
    return [make_distractor(name, rate, draws) for name in shuffled(DISTRACTORS, draws)[:n]]


KINDS: Mapping[str, Callable[[SceneSettings, Draws], list[Sound]]] = {
    "speech": _speech,
    "word": _word,
    "clip": _clip,
    "notes": _notes,
}
"""The sounds of a scene in their order in time, by its kind."""


def make_scene(recording_id: str, settings: SceneSettings, seed: int = 0) -> PlantedRecording:
    """Make one scene; the same arguments give the same samples.

    Args:
        recording_id: its name; the draws depend on it.
        settings: what it holds.
        seed: seed of the draws.

    Raises:
        ValueError: when the sounds do not fit into it, or cannot be made.

    Example:
        >>> scene = make_scene("a", SceneSettings("notes", seconds=2.0))
        >>> scene.event.label, len(scene.evidence)
        ('A4', 5)
    """
    rate = settings.sample_rate
    n = round(settings.seconds * rate)
    sounds = KINDS[settings.kind](settings, Draws(seed, recording_id, "sounds"))
    noise = pink_noise(n, rate, Draws(seed, recording_id, "noise").generator).double()
    starts = _place(sounds, n, rate, Draws(seed, recording_id, "places"))
    mixture = mix(noise, sounds, starts, rate)
    events, evidence = [], []
    for sound, first in zip(sounds, starts, strict=True):
        events += [Event(*_later(times, first / rate), settings.name) for times in sound.times]
        evidence += [
            Evidence(*_later(row[:2], first / rate), *row[2:], settings.name) for row in sound.rows
        ]
    recording = Recording(mixture.float()[None], rate, recording_id)
    return PlantedRecording(recording, Events(events), tuple(evidence))


def _later(times: tuple[float, float], seconds: float) -> tuple[float, float]:
    start, end = (round(time + seconds, 6) for time in times)
    return start, end


def _place(sounds: Sequence[Sound], n: int, sample_rate: int, draws: Draws) -> list[int]:
    """First sample of each sound; what is left over is spread over the gaps at random."""
    gap = round(_EDGE * sample_rate)
    free = n - sum(len(sound.samples) for sound in sounds) - gap * (len(sounds) + 1)
    if free < 0:
        raise ValueError(
            f"the sounds of a scene take {(n - free) / sample_rate:.1f} s with the gaps between "
            f"them; give it more than {n / sample_rate:.1f} s"
        )
    cuts = sorted(round(draws.between(0, free)) for _ in sounds)
    starts, used = [], gap
    for cut, sound in zip(cuts, sounds, strict=True):
        starts.append(cut + used)
        used += len(sound.samples) + gap
    return starts


def make_scenes(settings: SceneSettings, n: int, seed: int, out: Path) -> None:
    """Write n scenes as a data folder; the same arguments give the same bytes.

    Args:
        settings: what they hold.
        n: how many, at least 1.
        seed: seed of the draws.
        out: folder to write to, made where missing.

    Raises:
        ValueError: when n is below 1, or a scene cannot be made.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    names = [f"{settings.kind}-{k:04d}" for k in range(n)]
    clips = shuffled(settings.clips, Draws(seed, "clips"))
    scenes = []
    for k, name in enumerate(tqdm(names, desc="make scenes", unit="scene", disable=None)):
        own = (clips[k % len(clips)],) if clips else ()  # each once before one comes again
        scenes.append(make_scene(name, dataclasses.replace(settings, clips=own), seed))
    write_planted(scenes, out, out / "audio")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare scenes`."""
    defaults = {field.name: field.default for field in dataclasses.fields(SceneSettings)}
    parser.add_argument("--kind", choices=list(KINDS), required=True, help="see above")
    parser.add_argument("--out", type=typed_path, required=True, help="folder to write to")
    parser.add_argument("--n", type=int, default=6, help="scenes; default 6")
    for name, kind, text in (
        ("label", str, "name of what is looked for (default: speech, the word, clip, the note)"),
        ("seconds", float, "length of a scene"),
        ("sample_rate", int, "Hz"),
        ("snr_db", float, "of what is looked for over the noise"),
        ("distractors", int, "louder sounds beside speech and clips"),
        ("louder_db", float, "how much louder than what is looked for all else is"),
        ("word", str, "that is looked for between sentences"),
        ("note", str, f"that is looked for, of {', '.join(NOTES)}"),
        ("clip_seconds", float, "length of the stretch of a clip"),
    ):
        default = "" if defaults[name] is None else f"; default {defaults[name]}"
        parser.add_argument(f"--{name}", type=kind, default=defaults[name], help=text + default)
    parser.add_argument("--corpus", type=typed_path, help="ESC-10 or ESC-50 folder, for clips")
    parser.add_argument("--clip_class", default="dog_bark", help="of the clips; default dog_bark")
    parser.add_argument(
        "--beside", nargs="+", default=[], metavar="CLASS", help="classes that distractors are of"
    )
    parser.add_argument(
        "--folds", type=int, nargs="+", default=[], metavar="N", help="of the corpus; default all"
    )
    parser.add_argument("--seed", type=int, default=0, help="default 0")


def run(arguments: argparse.Namespace) -> str:
    """Prepare the scenes; what was done, a line.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    files = ("clips", "beside")
    names = [field.name for field in dataclasses.fields(SceneSettings) if field.name not in files]
    given = {name: getattr(arguments, name) for name in names}
    classes = [arguments.clip_class] if arguments.kind == "clip" and arguments.corpus else []
    folder, folds = arguments.corpus, arguments.folds
    clips = _clips_of(classes, "--clip_class", folder, folds)
    beside = _clips_of(arguments.beside, "--beside", folder, folds)
    settings = SceneSettings(**given, clips=clips, beside=beside)
    make_scenes(settings, arguments.n, arguments.seed, arguments.out)
    return f"{arguments.n} scenes of {arguments.kind} in {arguments.out}"


def _clips_of(
    classes: Sequence[str], option: str, corpus: Path | None, folds: Sequence[int]
) -> tuple[Path, ...]:
    """The clips of some classes, as an option names them."""
    if not classes:
        return ()
    if corpus is None:
        raise ValueError(f"{option} needs clips to draw from; give --corpus")
    clips = [clip for clip in find_clips(corpus) if not folds or clip.fold in folds]
    known = sorted({clip.label for clip in clips})
    for name in classes:
        if name not in known:
            raise ValueError(f"{option} {name!r} is not in {corpus}: {', '.join(known)}")
    return tuple(clip.path for clip in clips if clip.label in classes)
