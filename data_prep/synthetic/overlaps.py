"""Scenes in which two clips of ESC-10 of different classes sound partly at once.

The loud part of each clip is cut out. The two share 25 to 75 % of the time of the shorter one, and
one is louder by 0 to 10 dB; white or pink noise lies 20 to 30 dB below the louder one. A clip of a
third class, as loud as the louder one, sounds before or after them: loudness alone does not tell
when one of the two is there. What is true of a class is when its own clip is loud; in frequency
nothing is known.

    daxaudio prepare overlaps --corpus ESC-10 --folds 4 --n 40 --out DIR

Writes `audio/*.wav`; a Kaldi-style data folder with a row `SCENE-CLASS` for each of the two, both
of one audio file, whose `text` is that class (with `--ask louder` one row, `SCENE`, for the louder
one); `events.tsv` with the events of all by their labels; and `sounds.csv` with clip, time and
level of each sound. A classifier hears one class of a scene most: `daxaudio compare` explains that
one, if it is one of the two.
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
_GAP = 0.3  # seconds between the two and what is beside them


@dataclasses.dataclass(frozen=True)
class OverlapSettings:
    """How two sounds lie in a scene.

    Args:
        seconds: length of a scene, at most 600.
        difference_db: least and greatest number of dB that the louder sound lies above the other,
            from 0 to 40.
        overlap: least and greatest share of the shorter sound's time that both sound, from 0 to 1.
        beside: clips of a third class before or after them, 0 or 1.

    Raises:
        ValueError: when a value is out of range.
    """

    seconds: float = 9.0
    difference_db: Range = (0.0, 10.0)
    overlap: Range = (0.25, 0.75)
    beside: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.seconds <= _LONGEST:
            raise ValueError(f"seconds must be from 1 to {_LONGEST:g}, got {self.seconds:g}")
        check_range("difference_db", self.difference_db, 0, 40)
        check_range("overlap", self.overlap, 0, 1)
        if self.beside not in (0, 1):
            raise ValueError(f"beside must be 0 or 1, got {self.beside}")


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
        The scene; the two that overlap are asked for, the louder one first.

    Raises:
        ValueError: when a clip cannot be read or is silent, when the scene is too short, or there
            is no third class.
    """
    draws, rate = Draws(seed, recording_id, "sounds"), clips.sample_rate
    labels = _classes(clips.labels, number, seed)[: 2 + settings.beside]
    if len(labels) < 2 + settings.beside:
        raise ValueError("a clip beside the two needs clips of three classes; take beside 0")
    snr_db = draws.between(*clips.snr_db)
    levels = (snr_db, snr_db - draws.between(*settings.difference_db), snr_db)
    turn, cuts = number // len(clips.labels), []
    for place_in_scene, (label, level) in enumerate(zip(labels, levels, strict=False)):
        clip = in_turn(clips.clips[label], turn, Draws(seed, "clips", place_in_scene, label))
        seconds = draws.between(*clips.stretch)
        cuts.append(cut(label, clip, seconds, level_db=level, sample_rate=rate))
    lengths = [len(one.sound.samples) for one in cuts]
    starts, end = _overlap(lengths[0], lengths[1], settings.overlap, draws)
    starts, end = _beside(starts, end, lengths[2:], round(_GAP * rate), draws)
    n, edge = round(settings.seconds * rate), round(EDGE * rate)
    free = n - 2 * edge - end
    if free < 0:
        raise ValueError(
            f"{recording_id}: the sounds take {(n - free) / rate:.1f} s with {EDGE:g} s of noise "
            f"at both ends; give the scene more than {n / rate:.1f} s, or a shorter stretch"
        )
    first = edge + round(draws.between(0, free))
    noise = Draws(seed, recording_id, "noise")
    scene = place(recording_id, cuts, [first + at for at in starts], n, rate=rate, draws=noise)
    return dataclasses.replace(scene, asked=labels[:2])


def _classes(labels: Sequence[str], number: int, seed: int) -> tuple[str, ...]:
    """The louder and the softer class of a scene, and the others in a drawn order."""
    order, n = shuffled(labels, Draws(seed, "classes")), len(labels)
    turn, place_in_turn = divmod(number, n)
    louder, softer = order[place_in_turn], order[(place_in_turn + 1 + turn % (n - 1)) % n]
    others = [label for label in labels if label not in (louder, softer)]
    return (louder, softer, *shuffled(others, Draws(seed, "beside", number)))


def _overlap(louder: int, softer: int, share: Range, draws: Draws) -> tuple[list[int], int]:
    """First samples of two sounds of so many samples that overlap, and the end of both."""
    shared = round(draws.between(*share) * min(louder, softer))
    louder_begins = draws.between(0, 1) < 0.5
    starts = [0, louder - shared] if louder_begins else [softer - shared, 0]
    return starts, louder + softer - shared


def _beside(
    starts: list[int], end: int, lengths: Sequence[int], gap: int, draws: Draws
) -> tuple[list[int], int]:
    """The same with further sounds before or after them."""
    for length in lengths:
        if draws.between(0, 1) < 0.5:
            starts = [*(start + length + gap for start in starts), 0]
        else:
            starts = [*starts, end + gap]
        end += length + gap
    return starts, end


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare overlaps`."""
    defaults = OverlapSettings()
    add_clip_arguments(parser, n=40, stretch=_STRETCH)
    parser.add_argument(
        "--seconds", type=float, default=defaults.seconds, help="length of a scene; default 9"
    )
    add_range(parser, "difference_db", defaults.difference_db, "by which one is louder")
    add_range(parser, "overlap", defaults.overlap, "share of the shorter one that both sound")
    parser.add_argument(
        "--beside",
        type=int,
        choices=(0, 1),
        default=defaults.beside,
        help="clips of a third class before or after the two; default 1",
    )
    parser.add_argument(
        "--ask",
        choices=("each", "louder"),
        default="each",
        help="which of the two get a row in the data folder; default each",
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
        arguments.beside,
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
    return f"{arguments.n} scenes, {rows} classes to ask for, in {arguments.out}"
