"""`daxaudio explain FILE`: one recording, with a verdict on each explanation."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from daxaudio.commands.arguments import print_cost, print_requests
from daxaudio.commands.engine_arguments import ENGINE_OPTIONS
from daxaudio.commands.events import TrueEvents
from daxaudio.commands.listen import SOUND_FILES, write_all_sounds
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.commands.pages import add_page
from daxaudio.containers import Explanation, Recording
from daxaudio.data.audio import channels_of, read_recording
from daxaudio.data.kaldi import read_source
from daxaudio.experiments.explain import (
    Heard,
    check_askable,
    explain,
    facts_of_run,
    hear,
    judge_of_run,
)
from daxaudio.experiments.findings import Verdict
from daxaudio.experiments.verdict import Level
from daxaudio.explainers.catalogue import most_queries
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.shared_queries import SharedQueries
from daxaudio.explainers.storage import (
    ARRAYS_FILE,
    FACTS_FILE,
    PICTURE_FILE,
    add_facts,
    check_alike,
)
from daxaudio.models.ask_once import AskOnce
from daxaudio.models.model import Model
from daxaudio.plot import plot_explanation
from daxaudio.report.explanation_page import PAGE_FILE
from daxaudio.runs.names import as_id, find_alike, without_audio_ending


def explain_file(
    arguments: argparse.Namespace,
    black_box: Model,
    *,
    methods: list[str],
    settings: MethodSettings,
    events: TrueEvents,
) -> None:
    """Explain one audio file by every method, as the arguments say."""
    for name in ("which", "n_recordings", *ENGINE_OPTIONS):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} goes with a folder; {arguments.audio} is one file")
    check_askable(methods, black_box)
    recording, origin = _read(arguments, black_box)
    own = events.of(recording.recording_id)
    events.check("explain", [recording.recording_id])
    facts = {**facts_of_run(black_box, settings, arguments.seed), **origin}
    n_queries = most_queries(methods, settings)
    print_requests(black_box, n_queries, recording.duration)
    heard = hear(recording, black_box, own, facts)
    inputs = inputs_of(arguments, "model", "model_config", "events", "config")
    sounds = SOUND_FILES if arguments.listen else ()
    files = (ARRAYS_FILE, FACTS_FILE, PICTURE_FILE, PAGE_FILE, *sounds)
    out = prepare_folder(arguments.out, {"AUDIO": arguments.audio, **inputs}, files)
    predicted, _ = heard.model.predict(heard.spectrogram)
    targets = _targets(arguments, heard.model, predicted)
    places = {target: out / (_folder_of(target) if len(targets) > 1 else "") for target in targets}
    for target, place in places.items():
        check_alike(place, _facts_of_all(heard, target))
    if not arguments.quiet:
        print(
            f"{recording.recording_id}: {_in_words(targets)} (predicted {predicted}), at most "
            f"{n_queries} queries",
            flush=True,
        )
    ask = AskOnce(heard.model)  # what was asked for one class answers for all
    for target, place in places.items():
        score_fn = ask.score_fn(target) if len(targets) > 1 else heard.model.score_fn(target)
        shared = SharedQueries()
        for method in methods:
            found = explain(
                heard.spectrogram,
                score_fn,
                method,
                seed=arguments.seed,
                settings=settings,
                events=own,
                shared=shared,
            )
            folder = place / (method if len(methods) > 1 else "")
            _finish(arguments, heard, found, folder, settings=settings, predicted=predicted)
    print_cost(black_box)


def _folder_of(target: str) -> str:
    """Where explanations of a target go, beside those of others."""
    return as_id(target).replace(":", "_")


def _facts_of_all(heard: Heard, target: str) -> dict[str, Any]:
    """What explanations that lie beside each other have in common."""
    known = {name: heard.facts[name] for name in ("input", "model_digest")}
    return {"recording_id": heard.spectrogram.recording_id, "target": target, **known}


def _in_words(targets: list[str]) -> str:
    return f"class {targets[0]}" if len(targets) == 1 else f"classes {', '.join(targets)}"


def _finish(
    arguments: argparse.Namespace,
    heard: Heard,
    found: Explanation,
    place: Path,
    *,
    settings: MethodSettings,
    predicted: str,
) -> None:
    """Store an explanation, check it, and draw it, as the arguments say."""
    method, own = found.method, heard.events
    print(
        f"{method}: {found.target} scores {found.score:.3f} (predicted {predicted}); "
        f"{found.n_queries} queries, {sum(found.seconds.values()):.1f} s: {place}",
        flush=True,
    )
    # stored before it is checked: a check that is stopped loses nothing
    stored, verdict = heard.store(place, found, predicted=predicted), None
    for warning in found.warnings:
        text = f"{method}: {' '.join(warning.split())}"
        print(f"daxaudio explain: warning: {text}", file=sys.stderr)
    if arguments.check != "none":
        level: Level = arguments.check or "quick"
        began = time.perf_counter()
        verdict = judge_of_run(
            found, heard.model, level, settings=settings, seed=arguments.seed, events=own
        )
        _print_verdict(verdict, time.perf_counter() - began)
        add_facts(place, {"verdict": {"level": level, **verdict.as_dict()}})
    if arguments.listen:
        write_all_sounds([place], allow_commands=False)
    if not arguments.no_pictures:
        summary = verdict.summary if verdict else ""
        plot_explanation(stored, place / PICTURE_FILE, events=own, verdict=summary)
    if not arguments.no_pages:
        add_page(place, own)


def _read(arguments: argparse.Namespace, black_box: Model) -> tuple[Recording, dict[str, Any]]:
    """The recording, and the facts of where it came from."""
    recording = recording_for(black_box, arguments.audio, arguments.channel)
    averages = black_box.channels == 1 and arguments.channel is None
    averaged = channels_of(arguments.audio) if averages else 1
    if averaged > 1 and not arguments.quiet:
        print(f"{arguments.audio}: {averaged} channels averaged")
    channel = {} if arguments.channel is None else {"channel": arguments.channel}
    return recording, {"audio": str(arguments.audio), "channels_averaged": averaged, **channel}


def recording_for(model: Model, audio: str, channel: int | None) -> Recording:
    """A file as a model is asked about it: all channels for one that takes several.

    Args:
        model: is asked about it.
        audio: the file.
        channel: the only one that is heard, counted from 1; None for all of them.
    """
    if model.channels > 1 and channel is None:
        return read_source(audio, without_audio_ending(audio))
    front_end = model.front_end
    return read_recording(
        audio, front_end.sample_rate, min_duration=front_end.min_duration, channel=channel
    )


def _targets(arguments: argparse.Namespace, model: Model, predicted: str) -> list[str]:
    """The classes that `--target` asks for, each once."""
    asked = arguments.target or ["predicted"]
    if "label" in asked:
        raise ValueError("--target label goes with a data folder; an audio file has no label")
    targets = list(dict.fromkeys(predicted if name == "predicted" else name for name in asked))
    for target in targets:
        model.score_fn(target)
    if alike := find_alike([_folder_of(target) for target in targets]):
        raise ValueError(f"--target: {alike[0]} would go to one folder; explain them apart")
    return targets


def _print_verdict(verdict: Verdict, seconds: float) -> None:
    """What speaks for an explanation and against it, a finding a line."""
    for finding in verdict.findings:
        sign = {True: "+", False: "-", None: " "}[finding.good]
        print(f"  {sign} {finding.sentence}")
    gradients = f" and {verdict.n_gradients} gradients" if verdict.n_gradients else ""
    print(
        f"  = {verdict.summary} (The check took another {verdict.n_queries} queries{gradients}, "
        f"{seconds:.1f} s.)",
        flush=True,
    )
