"""Scenes made of clips of several classes, of which each is known in time: what they share.

Conventions: samples `[n]` in float64 at the scene's sample rate; levels in dB over the scene's
noise, of the loud part of a sound. When a sound is true is where its clip is loud: the frames
within 20 dB of its loudest one, gaps of up to 0.2 s bridged, and what is shorter widened to 0.1 s,
as a spectrogram cannot show less. In frequency nothing is known of clips.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.events import write_events
from daxaudio.data.kaldi import DataFolder, write_data_folder
from daxaudio.data.padding import pink_noise
from daxaudio.runs.files import typed_path
from daxaudio.runs.tables import write_csv

from ..esc10 import choose_folds, find_clips, fold_numbers
from .evidence import EVENTS_FILE
from .planted_sounds import Draws, fade
from .scene_sounds import Sound, choose, frame_levels, loud_stretches, mix, read_clip, shuffled

SOUNDS_FILE = "sounds.csv"
"""What each scene is made of, a row a sound."""

EDGE = 0.2
"""Seconds of noise at both ends of a scene, at least."""

_GAP = 0.2  # seconds; what goes on after a shorter pause is heard as one
_SHORTEST = 0.1  # seconds
_FRAME = 0.01  # seconds, as of `frame_levels`
_LOWEST_RATE, _HIGHEST_RATE = 8000, 384_000
_LARGEST_LEVEL = 60.0  # dB; beyond, noise or sounds are not heard

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class ClipSettings:
    """What scenes of clips have in common.

    Args:
        clips: files of each class to draw from, of two classes at least.
        sample_rate: samples per second, from 8000 to 384000.
        stretch: shortest and longest stretch that is cut out of a clip, in seconds, from 0.2 to 30;
            of it what lies before and after its loud part is left out.
        snr_db: least and greatest level of the loudest sounds over the noise, from 0 to 60 dB.

    Raises:
        ValueError: when a value is out of range, or there are too few classes.
    """

    clips: Mapping[str, Sequence[Path]]
    _: dataclasses.KW_ONLY
    sample_rate: int = 44100
    stretch: Range = (1.5, 3.0)
    snr_db: Range = (20.0, 30.0)

    def __post_init__(self) -> None:
        if len(self.clips) < 2:
            raise ValueError(
                f"scenes need clips of two classes at least, got {', '.join(self.clips) or 'none'}"
            )
        if not _LOWEST_RATE <= self.sample_rate <= _HIGHEST_RATE:
            raise ValueError(
                f"sample_rate must be from {_LOWEST_RATE} to {_HIGHEST_RATE}, got "
                f"{self.sample_rate}"
            )
        check_range("stretch", self.stretch, 0.2, 30)
        check_range("snr_db", self.snr_db, 0, _LARGEST_LEVEL)

    @property
    def labels(self) -> list[str]:
        """The classes in the order of the alphabet."""
        return sorted(self.clips)


def check_range(name: str, values: Range, lowest: float, highest: float) -> None:
    """See that two numbers are in order and within bounds; ValueError that names them if not."""
    low, high = values
    if not lowest <= low <= high <= highest:
        raise ValueError(
            f"{name} must be two numbers from {lowest:g} to {highest:g}, the smaller first, got "
            f"{low:g} {high:g}"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class ClipScene:
    """A scene and what it is made of.

    Args:
        recording: one channel.
        events: when each class is loud.
        asked: the classes that a classifier is to be asked for, the first one before all.
        sounds: a row of `SOUNDS_FILE` for each sound.
    """

    recording: Recording
    events: Events
    asked: tuple[str, ...]
    sounds: tuple[Mapping[str, object], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Cut:
    """The loud part of a clip.

    Args:
        label: its class.
        clip: the file.
        sound: its samples, level and the times when it is loud.
    """

    label: str
    clip: Path
    sound: Sound


def cut_loud_part(path: Path, seconds: float, sample_rate: int) -> Tensor:
    """The stretch of a clip that holds most power, from its first to its last loud frame, faded.

    Args:
        path: the clip.
        seconds: length of the stretch before what is not loud is left out, above 0.1; of a clip
            that is shorter, all of it.
        sample_rate: of the result.

    Raises:
        ValueError: when the clip cannot be read or is silent.
    """
    samples = read_clip(path, sample_rate)
    size = round(_FRAME * sample_rate)
    power = 10 ** (frame_levels(samples, sample_rate) / 10)
    n_frames = min(round(seconds / _FRAME), len(power))
    if n_frames < _SHORTEST / _FRAME:
        raise ValueError(f"{path}: the clip is shorter than {_SHORTEST:g} s; remove it")
    first = int(power.unfold(0, n_frames, 1).sum(dim=1).argmax())
    stretch = samples[first * size : (first + n_frames) * size]
    runs = _widened(loud_stretches(stretch, sample_rate, gap=_GAP), len(stretch) / sample_rate)
    start, end = (round(time * sample_rate) for time in (runs[0][0], runs[-1][1]))
    return fade(stretch[start:end], sample_rate)


def _widened(runs: Sequence[Range], end: float) -> list[Range]:
    """Runs of at least `_SHORTEST`, about their middle, within what lasts until `end`."""
    wide = []
    for start, stop in runs:
        missing = max(0.0, _SHORTEST - (stop - start)) / 2
        first = min(max(0.0, start - missing), end - _SHORTEST)
        wide.append((max(0.0, first), min(end, max(stop + missing, first + _SHORTEST))))
    return wide


def cut(label: str, clip: Path, seconds: float, *, level_db: float, sample_rate: int) -> Cut:
    """The loud part of a clip at a level over the noise, and when in it the class is heard.

    Raises:
        ValueError: when the clip cannot be read or is silent.
    """
    samples = cut_loud_part(clip, seconds, sample_rate)
    loud = loud_stretches(samples, sample_rate, gap=_GAP)
    times = tuple(_widened(loud, len(samples) / sample_rate))
    return Cut(label, clip, Sound(samples, level_db, times))


def place(
    recording_id: str,
    cuts: Sequence[Cut],
    starts: Sequence[int],
    n: int,
    *,
    rate: int,
    draws: Draws,
) -> ClipScene:
    """A scene of `n` samples with sounds from where they start, in white or pink noise.

    Args:
        recording_id: name of the scene.
        cuts: the sounds, in any order; all are asked for.
        starts: first sample of each.
        n: samples of the scene.
        rate: samples per second.
        draws: choose and make the noise.
    """
    name = choose(("white", "pink"), draws)
    noise = draws.noise(n) if name == "white" else pink_noise(n, rate, draws.generator).double()
    mixture = mix(noise, [cut.sound for cut in cuts], starts, rate)
    loudest = max(cut.sound.level_db for cut in cuts)
    events, rows = [], []
    for one, first in zip(cuts, starts, strict=True):
        at, length = first / rate, len(one.sound.samples) / rate
        times = [(round(at + a, 6), round(at + b, 6)) for a, b in one.sound.times]
        events += [Event(start, end, one.label) for start, end in times]
        rows.append(
            {
                "scene": recording_id,
                "label": one.label,
                "clip": one.clip.name,
                "start": round(at, 6),
                "end": round(at + length, 6),
                "snr_db": round(one.sound.level_db, 3),
                "below_loudest_db": round(loudest - one.sound.level_db, 3),
                "noise": name,
            }
        )
    recording = Recording(mixture.float()[None], rate, recording_id)
    return ClipScene(recording, Events(events), tuple(one.label for one in cuts), tuple(rows))


def make_all(
    make: Callable[[str, int], ClipScene], kind: str, n: int, out: Path, *, ask_each: bool
) -> int:
    """Make n scenes and write them as a data folder; how many rows its `text` has.

    Args:
        make: makes a scene of a name and its number from 0.
        kind: what names of scenes begin with.
        n: how many, at least 1.
        out: folder to write to, made where missing: `wav.scp`, `text` and so on, `events.tsv`,
            `sounds.csv` and `audio/`.
        ask_each: give each class of a scene a row `SCENE-CLASS` of its own in `wav.scp` and `text`,
            all of the same audio; otherwise a scene has one row, of its first class.

    Raises:
        ValueError: when n is below 1, or a scene cannot be made.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    paths: dict[str, str] = {}
    text: dict[str, str] = {}
    speakers: dict[str, str] = {}
    durations: dict[str, float] = {}
    events: dict[str, Events] = {}
    rows: list[Mapping[str, object]] = []
    for k in tqdm(range(n), desc=f"make {kind}s", unit="scene", disable=None):
        scene = make(f"{kind}-{k:04d}", k)
        name = scene.recording.recording_id
        audio = out / "audio" / f"{name}.wav"
        write_recording(scene.recording, audio)
        for label in scene.asked if ask_each else scene.asked[:1]:
            row = f"{name}-{label}" if ask_each else name
            paths[row], text[row] = str(audio.resolve()), label
            speakers[row], durations[row] = name, scene.recording.duration
            events[f"{row}.wav"] = scene.events
        rows += scene.sounds
    write_data_folder(DataFolder(paths, text, speakers, durations), out)
    write_events(events, out / EVENTS_FILE)
    write_csv(pd.DataFrame(rows), out / SOUNDS_FILE)
    return len(text)


def add_clip_arguments(parser: argparse.ArgumentParser, *, n: int, stretch: Range) -> None:
    """Add the arguments that commands for scenes of clips share."""
    parser.add_argument("--corpus", type=typed_path, required=True, help="ESC-10 or ESC-50 folder")
    parser.add_argument("--out", type=typed_path, required=True, help="folder to write to")
    parser.add_argument("--folds", default="4", help='of the corpus, as "3 4"; default "4"')
    parser.add_argument("--n", type=int, default=n, help=f"scenes; default {n}")
    parser.add_argument("--sample_rate", type=int, default=44100, help="Hz; default 44100")
    add_range(parser, "stretch", stretch, "seconds that are cut out of a clip")
    add_range(parser, "snr_db", (20.0, 30.0), "level of the loudest sounds over the noise")
    parser.add_argument("--seed", type=int, default=0, help="default 0")


def add_range(parser: argparse.ArgumentParser, name: str, default: Range, text: str) -> None:
    """Add an argument of two numbers, between which a number is drawn for each scene."""
    low, high = default
    parser.add_argument(
        f"--{name}",
        type=float,
        nargs=2,
        default=default,
        metavar=("LOW", "HIGH"),
        help=f"{text}; default {low:g} {high:g}",
    )


def clips_by_class(corpus: Path, folds: str) -> dict[str, list[Path]]:
    """The clips of some folds of a corpus by their class, both in the order of the alphabet.

    Raises:
        ValueError: when the corpus is not as expected or lacks a fold.
    """
    found: dict[str, list[Path]] = {}
    for clip in choose_folds(find_clips(corpus), fold_numbers(folds)):
        found.setdefault(clip.label, []).append(clip.path)
    return {label: sorted(found[label]) for label in sorted(found)}


def in_turn(clips: Sequence[Path], turn: int, draws: Draws) -> Path:
    """A clip of a drawn order, in which each comes once before one comes again."""
    return shuffled(clips, draws)[turn % len(clips)]
