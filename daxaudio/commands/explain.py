"""`daxaudio explain`: where a classifier listened, in one recording or a folder of them."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import soundfile

from daxaudio.annotations import read_data_folder
from daxaudio.audio import read_recording
from daxaudio.blackbox import BlackBox
from daxaudio.commands.arguments import (
    add_common,
    add_model,
    events_by_recording,
    is_data_folder,
    load_model,
)
from daxaudio.compare import (
    PREDICTIONS_FILE,
    WARNINGS_FILE,
    choose_recordings,
    explain_folder,
    explain_recording,
    predict_folder,
)
from daxaudio.config import build, load_config
from daxaudio.containers import Event
from daxaudio.methods import DEFAULT_METHOD, METHODS, MethodSettings, check_methods
from daxaudio.plot import plot_explanation
from daxaudio.results import count_warned
from daxaudio.store import PICTURE_FILE, save_explanation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio explain`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Explain one recording: writes explanation.npz, explanation.json and explanation.png\n"
        "to --out, or to --out/METHOD/ for several methods. With a data folder: explains the\n"
        "recordings that the model classifies correctly, for their true class, and writes to\n"
        "--out/METHOD/RECORDING_ID/; what is already there is kept, so that a stopped run can\n"
        "be started again. Warnings that an explanation should not be trusted go to standard\n"
        "error, or for a data folder to --out/warnings.csv."
    )
    parser.epilog = "methods:\n" + "\n".join(f"  {n:<18}{text}" for n, text in METHODS.items())
    parser.add_argument(
        "audio", metavar="AUDIO", help="an audio file, or a Kaldi-style data folder"
    )
    add_model(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="explanations go here")
    parser.add_argument(
        "--target", metavar="CLASS", help="class to explain (default: the predicted one)"
    )
    parser.add_argument(
        "--method",
        nargs="+",
        default=[DEFAULT_METHOD],
        metavar="NAME",
        help=f"one or more methods, see below (default {DEFAULT_METHOD})",
    )
    parser.add_argument(
        "--queries", type=int, metavar="N", help="black-box evaluations a method (default 1000)"
    )
    parser.add_argument(
        "--events", metavar="FILE", help="TSV or CSV of true events, drawn and used by `oracle`"
    )
    parser.add_argument(
        "--n_recordings", type=int, metavar="N", help="at most so many of a data folder"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Explain one file or a data folder."""
    methods = check_methods(arguments.method)
    section = load_config(arguments.config)["explain"]
    if arguments.queries is not None:
        section["queries"] = arguments.queries
    settings = build(MethodSettings, "explain", section)
    folder = is_data_folder(arguments.audio)
    events = events_by_recording(arguments.events) if arguments.events else {}
    if "oracle" in methods and not events:
        raise ValueError("method 'oracle' needs the true events: give --events")
    black_box = load_model(arguments)
    if not folder:
        _explain_file(black_box, methods, settings, events, arguments)
        return
    if arguments.target is not None:
        raise ValueError("--target goes with one audio file; a data folder has its labels")
    data, out = read_data_folder(arguments.audio), Path(arguments.out)
    predictions = predict_folder(black_box, data, out / PREDICTIONS_FILE, not arguments.quiet)
    chosen = choose_recordings(predictions, arguments.n_recordings, arguments.seed)
    if not chosen:
        raise ValueError(f"{arguments.audio}: the model classifies no recording correctly")
    explain_folder(
        black_box,
        data,
        chosen,
        methods,
        out,
        events,
        settings,
        arguments.seed,
        not arguments.quiet,
    )
    n_correct = int(predictions["correct"].sum())
    print(
        f"{len(predictions)} recordings, {n_correct} classified correctly, {len(chosen)} explained "
        f"by {len(methods)} methods: {out}"
    )
    n_warned = sum(count_warned(out / WARNINGS_FILE).values())
    if n_warned:
        print(f"{n_warned} explanations have warnings, see {out / WARNINGS_FILE}")


def _explain_file(
    black_box: BlackBox,
    methods: list[str],
    settings: MethodSettings,
    events: Mapping[str, Sequence[Event]],
    arguments: argparse.Namespace,
) -> None:
    front_end = black_box.front_end
    shortest = front_end.n_fft / front_end.sample_rate
    recording = read_recording(arguments.audio, front_end.sample_rate, min_duration=shortest)
    channels = soundfile.info(arguments.audio).channels
    if channels > 1 and not arguments.quiet:
        print(f"{arguments.audio}: {channels} channels averaged")
    if arguments.target is not None:
        black_box.class_index(arguments.target)
    spectrogram = front_end.spectrogram(recording).to(black_box.device)
    predicted, _ = black_box.predict(spectrogram)
    target = arguments.target or predicted
    explanations = explain_recording(
        black_box.score_fn(target),
        spectrogram,
        methods,
        events.get(recording.recording_id, ()),
        settings,
        arguments.seed,
        not arguments.quiet,
    )
    for explanation in explanations:
        out = Path(arguments.out) / (explanation.method if len(methods) > 1 else "")
        explanation = dataclasses.replace(explanation, target=target)
        facts = {
            "seed": arguments.seed,
            "derived_seed": str(explanation.seed),
            "audio": str(arguments.audio),
            "channels_averaged": channels,
            "model": str(arguments.model),
            "model_digest": black_box.digest(),
            "predicted": predicted,
        }
        save_explanation(out, explanation, facts)
        plot_explanation(explanation, out / PICTURE_FILE, events.get(recording.recording_id, ()))
        print(
            f"{explanation.method}: {target} scores {explanation.score:.3f} (predicted "
            f"{predicted}); {explanation.n_queries} queries, "
            f"{sum(explanation.seconds.values()):.1f} s: {out}"
        )
        for warning in explanation.warnings:
            text = f"{explanation.method}: {' '.join(warning.split())}"
            print(f"daxaudio explain: warning: {text}", file=sys.stderr)
