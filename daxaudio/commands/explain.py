"""`daxaudio explain`: where a classifier listened, in one recording or a folder of them."""

from __future__ import annotations

import argparse
from typing import get_args

from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    add_fill,
    add_model,
    add_queries,
    counted,
    existing,
    method_settings,
    open_model,
)
from daxaudio.commands.engine_arguments import add_engine
from daxaudio.commands.events import EVENTS_HELP, read_events_of
from daxaudio.commands.explain_file import explain_file
from daxaudio.commands.explain_folder import explain_folder_of_audio
from daxaudio.commands.explain_windows import WINDOW_OPTIONS, add_windows, explain_in_windows
from daxaudio.experiments.predict import Which
from daxaudio.experiments.verdict import Level
from daxaudio.explainers.catalogue import (
    DEFAULT_METHOD,
    check_events,
    check_methods,
    list_methods,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio explain`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Explain one recording: writes explanation.npz, explanation.json, explanation.png\n"
        "and explanation.html, a page to look at and to listen to, to --out, or to --out/METHOD/\n"
        "for several methods.\n\n"
        "With a folder of audio files, or a Kaldi-style data folder: explains its recordings, and\n"
        "writes the same to --out/METHOD/RECORDING_ID/, and --out/report.html over all of them.\n"
        "What is already there is kept, so that a stopped run can be started again; what cannot\n"
        "be read is listed in --out/predictions.csv and left out. Where recordings have labels,\n"
        "those that the model classifies correctly are explained, else all (see --which).\n\n"
        "Warnings that an explanation should not be trusted go to standard error, or for a\n"
        "folder to --out/warnings.csv. The explanation of one recording is checked: lines that\n"
        "begin with + speak for it, those with - against it. Those of a folder are where --check\n"
        "is given, and what was found stands in --out/report.html. The full check explains twice\n"
        "more: three times the queries in all.\n\n"
        "With --window, recordings of hours: windows.csv has the score of every window, windows/\n"
        "the explanations of some, and --out what they give together, with marked.csv,\n"
        "marked.TextGrid and marked.txt (Audacity) of what is marked; memory does not grow with\n"
        "the length."
    )
    parser.epilog = "\n".join(["methods:", *list_methods()])
    parser.add_argument(
        "audio",
        metavar="AUDIO",
        help="an audio file, a folder of audio files, or a Kaldi-style data folder; without "
        "`text`, its recordings have no labels",
    )
    add_model(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="explanations go here")
    parser.add_argument(
        "--target",
        action="append",
        metavar="CLASS",
        help="class to explain: its name, `predicted`, or, in a data folder, `label` (default "
        "predicted); of a model that answers frame by frame CLASS@START-END in seconds; with "
        ":falls behind it what makes its score fall. Given several times for an audio file, each "
        "class goes to --out/CLASS, and all cost no more queries than one",
    )
    parser.add_argument(
        "--which",
        choices=get_args(Which),
        help="recordings of a folder to explain: classified correctly, wrongly, or all (default "
        "correct where there are labels, else all)",
    )
    parser.add_argument(
        "--method",
        nargs="+",
        default=[DEFAULT_METHOD],
        metavar="NAME",
        help=f"one or more methods, see below (default {DEFAULT_METHOD})",
    )
    add_queries(parser)
    add_fill(parser)
    parser.add_argument(
        "--events", metavar="PATH", help=f"drawn, and used by `oracle`: {EVENTS_HELP}"
    )
    parser.add_argument(
        "--n_recordings", type=counted, metavar="N", help="at most so many of a folder"
    )
    parser.add_argument(
        "--no_pictures",
        action="store_true",
        help="draw nothing; a picture takes a fifth of a second in a folder",
    )
    parser.add_argument(
        "--listen",
        action="store_true",
        help="write original.wav, kept.wav (what was marked) and removed.wav beside each "
        "explanation; `daxaudio listen` does so later, and more",
    )
    parser.add_argument(
        "--no_pages",
        action="store_true",
        help="write no explanation.html, which holds the sound and so is about as large as it",
    )
    parser.add_argument(
        "--check",
        choices=("none", *get_args(Level)),
        help="look for what speaks against each explanation: quick (about 200 queries a method), "
        "or full, which explains again with other draws and by a classifier with shuffled weights; "
        "slow for methods that train networks, which train again (default quick for an audio file, "
        "none for a folder)",
    )
    add_windows(parser)
    add_channel(parser)
    add_allow_commands(parser)
    add_engine(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Explain one file or a folder."""
    methods = check_methods(arguments.method)
    settings = method_settings(arguments)
    audio = existing(arguments.audio)
    events = read_events_of(arguments.events)
    if not events.by_recording:
        advice = f"{events.path} holds none" if events.path else "give --events"
        check_events(methods, advice)
    explain = explain_folder_of_audio if audio.is_dir() else explain_file
    if arguments.window is not None:
        explain = explain_in_windows
    elif lost := [name for name in WINDOW_OPTIONS if getattr(arguments, name) is not None]:
        raise ValueError(f"--{lost[0]} goes with --window SECONDS; give both")
    explain(arguments, open_model(arguments), methods=methods, settings=settings, events=events)
