"""`daxaudio listen`: what explanations sound like."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from daxaudio.commands.arguments import add_allow_commands, existing
from daxaudio.commands.events import EVENTS_HELP, TrueEvents, read_events_of
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.containers import Explanation, Recording
from daxaudio.data.kaldi import read_source
from daxaudio.explainers.storage import (
    FACTS_FILE,
    is_stored,
    is_up_to_date,
    load_explanation,
    load_facts,
)
from daxaudio.features.listening import listen
from daxaudio.runs.files import describe_error
from daxaudio.runs.progress import progress_bar

SOUND_FILES = ("original.wav", "kept.wav", "removed.wav")
"""What is written of an explanation without further sounds, in this order."""

LONGER = 3.0
"""Frames by which a recording may be longer than what was explained of it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio listen`."""
    parser.description = (
        "Write what an explanation marked, kept.wav, and the rest, removed.wav, beside "
        "original.wav: at the recording's own rate, with its channels, as loud as they are in it."
    )
    parser.add_argument(
        "explanation",
        metavar="EXPLANATION",
        help="folder that `daxaudio explain` wrote; of several explanations in it each has a folder"
        " of the same name below --out",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the sounds go here")
    parser.add_argument(
        "--audio",
        metavar="FILE",
        help="the recording that was explained, where it has moved; its length is compared with "
        "what was explained",
    )
    parser.add_argument(
        "--threshold",
        type=share,
        metavar="NUMBER",
        help="keep what is at least so salient, 0 to 1, in full, and nothing of the rest (default: "
        "keep each bin as much as the mask says)",
    )
    parser.add_argument(
        "--louder",
        action="store_true",
        help="write louder copies beside them, with their loudest sample 1 dB below full scale",
    )
    parser.add_argument(
        "--clicks",
        action="store_true",
        help="write the recording with clicks where what is marked begins (high) and ends (low)",
    )
    parser.add_argument("--events", metavar="PATH", help=f"what --clicks marks too; {EVENTS_HELP}")
    parser.add_argument(
        "--clips", action="store_true", help="cut each marked stretch out of the recording"
    )
    parser.add_argument(
        "--margin",
        type=seconds,
        default=0.1,
        metavar="SECONDS",
        help="around what --clips cuts out (default 0.1)",
    )
    add_allow_commands(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the sounds of one explanation, or of all in a folder."""
    folder = existing(arguments.explanation)
    found = explanations_in(folder)
    if arguments.audio is not None and len(found) > 1:
        names = {load_facts(place)["recording_id"] for place in found}
        if len(names) > 1:
            raise ValueError(
                f"--audio is one recording, and {folder} holds explanations of {len(names)}; name "
                "the folder of one"
            )
    out = prepare_folder(arguments.out, inputs_of(arguments, "audio", "events"))
    events = read_events_of(arguments.events)
    events.check("listen", sorted({load_facts(place)["recording_id"] for place in found}))
    n_problems = 0
    for place in found:
        try:
            written = write_sounds(
                place,
                out / place.relative_to(folder),
                audio=arguments.audio,
                threshold=arguments.threshold,
                events=events,
                allow_commands=arguments.allow_commands,
                louder=arguments.louder,
                clicks=arguments.clicks,
                margin=arguments.margin if arguments.clips else None,
            )
        except (ValueError, OSError) as error:
            if len(found) == 1:
                raise
            n_problems += 1
            print(f"daxaudio listen: left out: {describe_error(error)}", file=sys.stderr)
        else:
            for path, words in written.items():
                print(f"{path}: {words}")
    if n_problems == len(found):
        raise ValueError(f"{folder}: none of {len(found)} explanations could be made heard")


def explanations_in(folder: Path) -> list[Path]:
    """Folders of explanations at or below a folder, sorted.

    Raises:
        ValueError: when there is none.
    """
    if is_stored(folder):
        return [folder]
    found = sorted(path.parent for path in folder.rglob(FACTS_FILE))
    if not found:
        raise ValueError(f"{folder}: holds no explanation; give a folder that `explain` wrote")
    return found


def write_sounds(
    place: Path,
    out: Path,
    *,
    audio: str | os.PathLike[str] | None = None,
    threshold: float | None = None,
    events: TrueEvents | None = None,
    allow_commands: bool = False,
    **files: Any,
) -> dict[Path, str]:
    """Write the sounds of a stored explanation.

    Args:
        place: the folder of the explanation.
        out: where they go.
        audio: where its recording is now.
        threshold: see `listen`.
        events: true events by recording.
        allow_commands: run the command that gives the recording, where it is one.
        **files: which more to write, see `Listening.save`.

    Returns:
        What was written, and in a few words what it is.

    Raises:
        ValueError: when the explanation or its recording cannot be read.
    """
    explanation = load_explanation(place)
    recording = recording_of(place, explanation, audio, allow_commands)
    source = load_facts(place).get("audio") if audio is None else audio
    own = events.of(recording.recording_id) if events else ()
    return listen(explanation, recording, threshold=threshold).save(
        out, events=own, source=source, **files
    )


def write_all_sounds(places: Sequence[Path], allow_commands: bool) -> None:
    """Write the sounds of stored explanations beside them, where they are not there yet.

    What cannot be made heard is said on standard error, and ends nothing.
    """
    for place in progress_bar(places, "sounds"):
        if not is_stored(place) or is_up_to_date(place, SOUND_FILES[-1]):
            continue
        try:
            write_sounds(place, place, allow_commands=allow_commands)
        except (ValueError, OSError) as error:
            print(f"daxaudio explain: warning: no sound: {describe_error(error)}", file=sys.stderr)


def recording_of(
    place: Path,
    explanation: Explanation,
    audio: str | os.PathLike[str] | None = None,
    allow_commands: bool = False,
) -> Recording:
    """The recording of a stored explanation, at its own rate and with all its channels.

    Args:
        place: the folder of the explanation, which says where the recording was.
        explanation: what is stored there.
        audio: where the recording is now.
        allow_commands: run the command that gives it, where it is one.

    Raises:
        ValueError: when it cannot be read, or is longer or shorter than what was explained.
    """
    facts, name = load_facts(place), explanation.spectrogram.recording_id
    if "windowing" in facts:
        raise ValueError(
            f"{place}: was put together of windows, which are heard one by one; give one of the "
            f"folders in {place / 'windows'}"
        )
    source = facts.get("audio")
    if audio is None and not isinstance(source, str):
        raise ValueError(f"{place}: does not say which file was explained; give it by --audio")
    given = str(source if audio is None else audio)
    try:
        recording = read_source(
            given,
            name,
            facts.get("segment"),
            channel=facts.get("channel"),
            allow_commands=allow_commands,
        )
    except ValueError as error:
        advice = "" if audio else f" ({place} was explained from it; has it moved? give --audio)"
        raise ValueError(f"{error}{advice}") from error
    times, hop = explanation.spectrogram.times, explanation.spectrogram.hop
    last = float(times[-1])
    if len(times) > 1 and not last - hop <= recording.duration <= last + LONGER * hop:
        raise ValueError(
            f"{given}: lasts {recording.duration:.3f} s, and {place} explains {last:.3f} s; it is "
            "another recording"
        )
    return recording


def share(text: str) -> float:
    """A number above 0 and at most 1, as a type of arguments."""
    return _number(text, lambda number: 0 < number <= 1, "above 0 and at most 1")


def seconds(text: str) -> float:
    """Seconds from 0 on, as a type of arguments."""
    return _number(text, lambda number: 0 <= number < math.inf, "a number of seconds from 0 on")


def _number(text: str, fits: Callable[[float], bool], expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise argparse.ArgumentTypeError(f"must be {expected}, got {text!r}")
    return number
