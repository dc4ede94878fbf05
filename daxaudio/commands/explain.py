"""`daxaudio explain`: where a classifier listened, in one recording or a folder of them."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from daxaudio.audio import channels_of, read_recording
from daxaudio.blackbox import BlackBox
from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    add_model,
    events_by_recording,
    is_data_folder,
    load_data,
    load_model,
)
from daxaudio.commands.outputs import prepare_folder
from daxaudio.commands.sections import read_sections
from daxaudio.compare import (
    PREDICTIONS_FILE,
    PROBLEMS_FILE,
    WARNINGS_FILE,
    choose_recordings,
    digest,
    explain_folder,
    predict_folder,
)
from daxaudio.config import build
from daxaudio.containers import Event, Explainer, Explanation
from daxaudio.methods import (
    DEFAULT_METHOD,
    METHODS,
    MethodSettings,
    check_methods,
    make_explainer,
)
from daxaudio.plot import plot_explanation
from daxaudio.results import count_warned
from daxaudio.shared_queries import explain_recording
from daxaudio.store import ARRAYS_FILE, FACTS_FILE, PICTURE_FILE, check_alike, save_explanation
from daxaudio.vad import expand_to
from daxaudio.verdict import Level, Verdict, judge


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio explain`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Explain one recording: writes explanation.npz, explanation.json and explanation.png\n"
        "to --out, or to --out/METHOD/ for several methods. With a data folder: explains the\n"
        "recordings that the model classifies correctly, for their true class, and writes to\n"
        "--out/METHOD/RECORDING_ID/; what is already there is kept, so that a stopped run can\n"
        "be started again. Warnings that an explanation should not be trusted go to standard\n"
        "error, or for a data folder to --out/warnings.csv.\n\n"
        "The explanation of one recording is checked: lines that begin with + speak for it, those\n"
        "with - against it. The full check explains twice more: three times the queries in all."
    )
    parser.epilog = "methods:\n" + "\n".join(f"  {n:<22}{text}" for n, text in METHODS.items())
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
    parser.add_argument(
        "--check",
        choices=("none", *get_args(Level)),
        help="look for what speaks against the explanation of one audio file: quick (about 200 "
        "queries a method), or full, which explains again with other draws and by a classifier "
        "with shuffled weights; slow for dax_v1, dax_v2, base1 and base2, which train networks "
        "again (default full)",
    )
    add_channel(parser)
    add_allow_commands(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Explain one file or a data folder."""
    methods = check_methods(arguments.method)
    section = read_sections(arguments.config)["explain"]
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
    if arguments.check not in (None, "none"):
        raise ValueError(
            "--check goes with one audio file; for a data folder use `daxaudio compare`"
        )
    data = load_data(arguments, arguments.audio)
    out = _prepare(arguments, PREDICTIONS_FILE, PROBLEMS_FILE, WARNINGS_FILE)
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


def _prepare(arguments: argparse.Namespace, *files: str) -> Path:
    """See that `--out` can be written, before anything is asked."""
    inputs = {
        "AUDIO": arguments.audio,
        "--model": arguments.model,
        "--events": arguments.events,
        "--config": arguments.config,
    }
    return prepare_folder(arguments.out, inputs, files)


def _explain_file(
    black_box: BlackBox,
    methods: list[str],
    settings: MethodSettings,
    events: Mapping[str, Sequence[Event]],
    arguments: argparse.Namespace,
) -> None:
    front_end = black_box.front_end
    shortest = front_end.n_fft / front_end.sample_rate
    recording = read_recording(
        arguments.audio, front_end.sample_rate, min_duration=shortest, channel=arguments.channel
    )
    channels = channels_of(arguments.audio)
    if channels > 1 and arguments.channel is None and not arguments.quiet:
        print(f"{arguments.audio}: {channels} channels averaged")
    if arguments.target is not None:
        black_box.class_index(arguments.target)
    spectrogram = front_end.spectrogram(recording).to(black_box.device)
    # where the front end deletes silence, what is stored has it: 0 in the mask
    whole = front_end.spectrogram(recording, keep_silence=True) if front_end.vad else None
    _prepare(arguments, ARRAYS_FILE, FACTS_FILE, PICTURE_FILE)
    predicted, _ = black_box.predict(spectrogram)
    target = arguments.target or predicted
    of_all = {
        "recording_id": recording.recording_id,
        "input": digest(spectrogram.values),
        "model_digest": black_box.digest(),
        "target": target,
    }
    check_alike(arguments.out, of_all)
    own_events = events.get(recording.recording_id, ())
    explanations = explain_recording(
        black_box.score_fn(target),
        spectrogram,
        methods,
        own_events,
        settings,
        arguments.seed,
        not arguments.quiet,
    )
    for explanation in explanations:
        out = Path(arguments.out) / (explanation.method if len(methods) > 1 else "")
        explanation = dataclasses.replace(explanation, target=target)
        print(
            f"{explanation.method}: {target} scores {explanation.score:.3f} (predicted "
            f"{predicted}); {explanation.n_queries} queries, "
            f"{sum(explanation.seconds.values()):.1f} s: {out}",
            flush=True,
        )
        facts = {
            "seed": arguments.seed,
            "derived_seed": str(explanation.seed),
            "audio": str(arguments.audio),
            "channels_averaged": channels,
            "model": str(arguments.model),
            **of_all,
            "precision": black_box.choice.as_dict(),
            "predicted": predicted,
        }
        stored = expand_to(whole, explanation) if whole else explanation
        # stored before it is checked: a check that is stopped loses nothing
        save_explanation(out, stored, facts)
        plot_explanation(stored, out / PICTURE_FILE, own_events)
        for warning in explanation.warnings:
            text = f"{explanation.method}: {' '.join(warning.split())}"
            print(f"daxaudio explain: warning: {text}", file=sys.stderr)
        if arguments.check != "none":
            verdict = _check(explanation, black_box, settings, own_events, arguments)
            save_explanation(out, stored, {**facts, "verdict": verdict.as_dict()})


def _check(
    explanation: Explanation,
    black_box: BlackBox,
    settings: MethodSettings,
    events: Sequence[Event],
    arguments: argparse.Namespace,
) -> Verdict:
    """Look for what speaks against an explanation, and print it."""
    values, recording_id = explanation.spectrogram.values, explanation.spectrogram.recording_id

    def make(seed: int) -> Explainer:
        shape = (values.shape[0], values.shape[1])
        return make_explainer(
            explanation.method, settings, seed, recording_id, shape, events, not arguments.quiet
        )

    began = time.perf_counter()
    verdict = judge(
        explanation,
        black_box,
        make,
        arguments.check or "full",
        arguments.seed,
        settings.fill,
        settings.batch_size,
        not arguments.quiet,
    )
    for finding in verdict.findings:
        sign = {True: "+", False: "-", None: " "}[finding.good]
        print(f"  {sign} {finding.sentence}")
    gradients = f" and {verdict.n_gradients} gradients" if verdict.n_gradients else ""
    print(
        f"  = {verdict.summary} (The check took another {verdict.n_queries} queries{gradients}, "
        f"{time.perf_counter() - began:.1f} s.)",
        flush=True,
    )
    return verdict
