"""Scenes in which two clips of ESC-10 of different classes sound partly at once.

The loud part of each clip is cut out. The two share 25 to 75 % of the time of the shorter one, and
one is louder by 0 to 10 dB; white or pink noise lies 20 to 30 dB below the louder one. The softer
one lasts longer: where it sounds alone the scene is loud, too, and loudness alone does not tell
when the louder one is there. What is true of a class is when its own clip is loud; in frequency
nothing is known.

    daxaudio prepare overlaps --corpus ESC-10 --folds 4 --n 40 --out DIR

Writes `audio/*.wav`, a Kaldi-style data folder whose `text` is the louder class of each scene, with
`--ask each` a row `SCENE-CLASS` for each of the two; `events.tsv` with the events of both by their
labels; and `sounds.csv` with clip, time and level of each sound.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from .clip_scenes import (
    EDGE,
    ClipScene,
    ClipSettings,
    Range,
    add_clip_arguments,
    add_range,
    check_range,
    check_stretch,
    clips_by_class,
    cut,
    in_turn,
    make_all,
    place,
)
from .planted_sounds import Draws
from .scene_sounds import shuffled

_STRETCH: Range = (1.5, 3.0)
_LONGEST = 600.0  # seconds


@dataclasses.dataclass(frozen=True)
class OverlapSettings:
    """How two sounds lie in a scene.

    Args:
        seconds: length of a scene, at most 600.
        difference_db: least and greatest number of dB that the louder sound lies above the other,
            from 0 to 40.
        overlap: least and greatest share of the shorter sound's time that both sound, from 0 to 1.
        softer_stretch: as `ClipSettings.stretch`, which then is that of the louder sound alone.

    Raises:
        ValueError: when a value is out of range.
    """

    seconds: float = 8.0
    difference_db: Range = (0.0, 10.0)
    overlap: Range = (0.25, 0.75)
    softer_stretch: Range = (3.0, 5.0)

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= _LONGEST:
            raise ValueError(f"seconds must be from 1 to {_LONGEST:g}, got {self.seconds:g}")
        check_range("difference_db", self.difference_db, 0, 40)
        check_range("overlap", self.overlap, 0, 1)
        check_stretch("softer_stretch", self.softer_stretch)


def make_overlap(
    recording_id: str, number: int, clips: ClipSettings, settings: OverlapSettings, *, seed: int = 0
) -> ClipScene:
    """Make one scene; the same arguments give the same samples.

    Classes take turns: of as many scenes as there are classes each is the louder one once, and the
    softer one once, beside another class in the next so many scenes. Each clip of a class comes
    once before one comes again.

    Args:
        recording_id: its name; the draws depend on it.
        number: of the scene, from 0: whose turn it is.
        clips: what is cut out of which clips.
        settings: how the two lie to each other.
        seed: seed of the draws.

    Returns:
        The scene; the louder class is asked for first.

    Raises:
        ValueError: when a clip cannot be read or is silent, or the scene is too short.
    """
    draws, rate = Draws(seed, recording_id, "sounds"), clips.sample_rate
    snr_db = draws.between(*clips.snr_db)
    levels = {"louder": snr_db, "softer": snr_db - draws.between(*settings.difference_db)}
    labels = _pair(clips.labels, number, seed)
    turn = number // len(clips.labels)
    cuts = []
    for label, (part, level) in zip(labels, levels.items(), strict=True):
        clip = in_turn(clips.clips[label], turn, Draws(seed, "clips", part, label))
        seconds = draws.between(*(clips.stretch if part == "louder" else settings.softer_stretch))
        cuts.append(cut(label, clip, seconds, level_db=level, sample_rate=rate))
    first, second = (len(one.sound.samples) for one in cuts)
    shared = round(draws.between(*settings.overlap) * min(first, second))
    # the louder one begins, or the other
    starts = (0, first - shared) if draws.between(0, 1) < 0.5 else (second - shared, 0)
    n, edge = round(settings.seconds * rate), round(EDGE * rate)
    free = n - 2 * edge - (first + second - shared)
    if free < 0:
        raise ValueError(
            f"{recording_id}: the two sounds take {(n - free) / rate:.1f} s with {EDGE:g} s of "
            f"noise at both ends; give the scene more than {n / rate:.1f} s, or a shorter stretch"
        )
    at = edge + round(draws.between(0, free))
    noise = Draws(seed, recording_id, "noise")
    return place(recording_id, cuts, [at + start for start in starts], n, rate=rate, draws=noise)


def _pair(labels: Sequence[str], number: int, seed: int) -> tuple[str, str]:
    """The louder and the softer class of a scene."""
    order, n = shuffled(labels, Draws(seed, "classes")), len(labels)
    turn, place_in_turn = divmod(number, n)
    return order[place_in_turn], order[(place_in_turn + 1 + turn % (n - 1)) % n]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare overlaps`."""
    defaults = OverlapSettings()
    add_clip_arguments(parser, n=40, stretch=_STRETCH)
    parser.add_argument(
        "--seconds", type=float, default=defaults.seconds, help="length of a scene; default 8"
    )
    add_range(parser, "difference_db", defaults.difference_db, "by which one is louder")
    add_range(parser, "overlap", defaults.overlap, "share of the shorter one that both sound")
    add_range(parser, "softer_stretch", defaults.softer_stretch, "--stretch of the softer clip")
    parser.add_argument(
        "--ask",
        choices=("louder", "each"),
        default="louder",
        help="classes that get a row in the data folder; default louder",
    )


def run(arguments: argparse.Namespace) -> str:
    """Prepare the scenes; what was done, a line.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    settings = OverlapSettings(
        arguments.seconds,
        tuple(arguments.difference_db),
        tuple(arguments.overlap),
        tuple(arguments.softer_stretch),
    )
    clips = ClipSettings(
        clips_by_class(arguments.corpus, arguments.folds),
        sample_rate=arguments.sample_rate,
        stretch=tuple(arguments.stretch),
        snr_db=tuple(arguments.snr_db),
    )
    rows = make_all(
        lambda name, k: make_overlap(name, k, clips, settings, seed=arguments.seed),
        "overlap",
        arguments.n,
        arguments.out,
        ask_each=arguments.ask == "each",
    )
    return f"{arguments.n} scenes of two classes, {rows} rows to ask for, in {arguments.out}"
