"""Scenes in which three or four clips of ESC-10 of different classes come one after the other.

The loud part of each clip, 2 s at most, is cut out; all are equally loud, with gaps of white or
pink noise, 20 to 30 dB softer, between them. Each class of a scene is to be asked for: an
explanation that listens to the model marks that class's clip and no other. What is true of a class
is when its own clip is loud; in frequency nothing is known.

    daxaudio prepare mosaics --corpus ESC-10 --folds 4 --n 12 --out DIR

Writes `audio/*.wav`; a Kaldi-style data folder with a row `SCENE-CLASS` for each class of a scene,
all of one audio file, whose `text` is that class; `events.tsv` with all events of the scene by
their labels; and `sounds.csv` with clip, time and level of each sound.
Source: the mosaics of Arias-Duart et al. 2022 ("Focus!"), there of four pictures side by side; here
clips in a row, with noise between them, and each class is asked for once.
"""

from __future__ import annotations

import argparse
from itertools import accumulate

from .clip_scenes import (
    EDGE,
    ClipScene,
    ClipSettings,
    Range,
    add_clip_arguments,
    clips_by_class,
    cut,
    make_all,
    place,
)
from .planted_sounds import Draws
from .scene_sounds import choose, shuffled

_STRETCH: Range = (2.0, 2.0)
_GAPS: Range = (0.3, 0.8)  # seconds of noise between two clips
_FEWEST, _MOST = 2, 10


def make_mosaic(
    recording_id: str, clips: ClipSettings, sounds: tuple[int, int] = (3, 4), seed: int = 0
) -> ClipScene:
    """Make one scene; the same arguments give the same samples.

    Args:
        recording_id: its name; the draws depend on it.
        clips: what is cut out of which clips.
        sounds: fewest and most clips, from 2 to 10.
        seed: seed of the draws.

    Returns:
        The scene, as long as its clips and gaps take; all its classes are asked for.

    Raises:
        ValueError: when a clip cannot be read or is silent, when `sounds` is out of range, or there
            are fewer classes than sounds.
    """
    fewest, most = sounds
    if not _FEWEST <= fewest <= most <= _MOST:
        raise ValueError(
            f"sounds must be two numbers from {_FEWEST} to {_MOST}, the smaller first, got "
            f"{fewest} {most}"
        )
    if most > len(clips.labels):
        raise ValueError(f"{most} sounds need as many classes; there are {len(clips.labels)}")
    draws, rate = Draws(seed, recording_id, "sounds"), clips.sample_rate
    labels = shuffled(clips.labels, draws)[: int(draws.between(fewest, most + 1))]
    snr_db = draws.between(*clips.snr_db)
    cuts, gaps = [], [EDGE]
    for label in labels:
        clip, seconds = choose(clips.clips[label], draws), draws.between(*clips.stretch)
        cuts.append(cut(label, clip, seconds, level_db=snr_db, sample_rate=rate))
        gaps.append(draws.between(*_GAPS))
    lengths = [len(one.sound.samples) for one in cuts]
    before = accumulate(round(gap * rate) for gap in gaps)
    ends = [0, *accumulate(lengths)]
    starts = [gap + end for gap, end in zip(before, ends, strict=True)]
    noise = Draws(seed, recording_id, "noise")
    return place(recording_id, cuts, starts[:-1], starts[-1], rate=rate, draws=noise)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare mosaics`."""
    add_clip_arguments(parser, n=12, stretch=_STRETCH)
    parser.add_argument(
        "--sounds",
        type=int,
        nargs=2,
        default=(3, 4),
        metavar=("LOW", "HIGH"),
        help="clips of a scene; default 3 4",
    )


def run(arguments: argparse.Namespace) -> str:
    """Prepare the scenes; what was done, a line.

    Raises:
        ValueError: for bad input; says what is wrong.
        OSError: when a file cannot be read or written.
    """
    clips = ClipSettings(
        clips_by_class(arguments.corpus, arguments.folds),
        sample_rate=arguments.sample_rate,
        stretch=tuple(arguments.stretch),
        snr_db=tuple(arguments.snr_db),
    )
    rows = make_all(
        lambda name, _: make_mosaic(name, clips, tuple(arguments.sounds), arguments.seed),
        "mosaic",
        arguments.n,
        arguments.out,
        ask_each=True,
    )
    return f"{arguments.n} scenes, {rows} classes to ask for, in {arguments.out}"
