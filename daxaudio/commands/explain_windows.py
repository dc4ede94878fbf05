"""`daxaudio explain --window`: recordings of hours, in windows."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import counted, model_opener, print_cost, print_requests
from daxaudio.commands.engine_arguments import engine_of
from daxaudio.commands.events import TrueEvents
from daxaudio.commands.finishing import FinishJob, finish
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.data.audio import duration_of
from daxaudio.data.audio_folders import read_audio_folder
from daxaudio.engines.engine import Engine
from daxaudio.engines.units import EndsRun, Unit
from daxaudio.experiments.long_recording import (
    MARKED_FILE,
    WINDOWS_FILE,
    WINDOWS_FOLDER,
    LongExplained,
    explain_long,
)
from daxaudio.experiments.windows import MOST, Windowing
from daxaudio.explainers.catalogue import most_queries
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import ARRAYS_FILE, FACTS_FILE, PICTURE_FILE
from daxaudio.models.model import Model
from daxaudio.plot.long_recordings import plot_long_recording
from daxaudio.report.explanations import PAGE_FILE
from daxaudio.report.long_recordings import write_long_page
from daxaudio.runs.files import describe_error
from daxaudio.runs.names import name_some, without_audio_ending
from daxaudio.runs.tables import write_csv

WINDOW_OPTIONS = ("overlap", "threshold", "top_k")
"""What `add_windows` adds and `--window` alone gives a meaning to."""

RECORDINGS_FILE = "recordings.csv"


def add_windows(parser: argparse.ArgumentParser) -> None:
    """`--window`, `--overlap`, `--threshold` and `--top_k`."""
    parser.add_argument(
        "--window",
        type=float,
        metavar="SECONDS",
        help="for recordings of minutes to hours: read them in windows of so many seconds, score "
        "each, explain those in which the model decides something, and put them together on one "
        "time axis, see docs/reading.md",
    )
    parser.add_argument(
        "--overlap",
        type=float,
        metavar="SECONDS",
        help="that a window shares with the next one (default half a window)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="SCORE",
        help="explain the windows that score so much for the class at least",
    )
    parser.add_argument(
        "--top_k",
        type=counted,
        metavar="N",
        help=f"explain the N windows with the highest scores at most (default {MOST}; with "
        "--threshold all that reach it)",
    )


def explain_in_windows(
    arguments: argparse.Namespace,
    black_box: Model,
    *,
    methods: list[str],
    settings: MethodSettings,
    events: TrueEvents,
) -> None:
    """Explain a recording, or each of a folder, in windows, as the arguments say."""
    for name in ("which", "n_recordings", "shard"):
        if getattr(arguments, name) is not None:
            raise ValueError(f"--{name} does not go with --window; leave one of them out")
    windowing = Windowing(arguments.window, arguments.overlap, arguments.threshold, arguments.top_k)
    sources = _sources(arguments)
    inputs = inputs_of(arguments, "model", "model_config", "events", "config")
    files = (WINDOWS_FILE, MARKED_FILE, PAGE_FILE, PICTURE_FILE, ARRAYS_FILE, FACTS_FILE)
    out = prepare_folder(arguments.out, {"AUDIO": arguments.audio, **inputs}, files)
    events.check("explain", sources)
    n_queries = most_queries(methods, settings)
    n_windows = sum(_most_windows(windowing, source) for source in sources.values())
    others = "scoring every window"
    print_requests(black_box, n_queries, windowing.seconds, n_windows, others=others)
    with engine_of(arguments) as engine:
        run = _WindowsRun(arguments, black_box, methods, settings, events, windowing, engine)
        if Path(arguments.audio).is_dir():
            _explain_all(run, sources, out)
        else:
            ((name, source),) = sources.items()
            run.explain(name, source, out)
    print_cost(black_box)


@dataclasses.dataclass(frozen=True, eq=False)
class _WindowsRun:
    """What the recordings of one command have in common."""

    arguments: argparse.Namespace
    black_box: Model
    methods: list[str]
    settings: MethodSettings
    events: TrueEvents
    windowing: Windowing
    engine: Engine

    def explain(self, name: str, source: str, out: Path) -> LongExplained:
        """Explain a recording into a folder, with pictures and pages."""
        arguments, engine = self.arguments, self.engine
        whole = explain_long(
            self.black_box,
            source,
            self.methods,
            out,
            recording_id=name,
            target=_target(arguments, self.black_box),
            windowing=self.windowing,
            channel=arguments.channel,
            events=self.events.of(name),
            settings=self.settings,
            seed=arguments.seed,
            level=None if arguments.check == "none" else arguments.check,
            engine=engine,
            open_model=model_opener(arguments),
            tell=lambda text: print(f"{name}: {text}", flush=True),
        )
        job = FinishJob(
            str(out / WINDOWS_FOLDER),
            TrueEvents(self.events.path, whole.events),
            sounds=arguments.listen,
            pictures=not arguments.no_pictures,
            pages=not arguments.no_pages,
        )
        names = [str(window) for window in whole.explained["recording_id"]]
        finish([Unit(window, method) for window in names for method in self.methods], job, engine)
        if not arguments.no_pictures:
            self._draw(whole)
        page = write_long_page(whole, out, self.methods)
        for method, found in whole.stitched.items():
            n_marked = len(found.marked)
            n_windows = found.explanation.findings["windows_explained"]
            print(f"{name}: {method} marks {n_marked} stretches in {n_windows} windows")
            for warning in found.explanation.warnings:
                text = f"{method}: {warning}"
                print(f"daxaudio explain: warning: {text}", file=sys.stderr)
        print(f"done: {page}", flush=True)
        return whole

    def _draw(self, whole: LongExplained) -> None:
        for method, place in whole.places.items():
            found = whole.stitched.get(method)
            plot_long_recording(
                found.explanation if found else None,
                place / PICTURE_FILE,
                marked=found.marked if found else (),
                own_threshold=found.threshold if found else None,
                windows=whole.table,
                events=self.events.of(whole.recording_id),
                explained=whole.stretches,
                threshold=self.windowing.threshold,
                title=f"{whole.recording_id}: {method} for class {whole.target!r}",
            )


def _explain_all(run: _WindowsRun, sources: Mapping[str, str], out: Path) -> None:
    """Explain each recording into a folder of its own; what cannot be explained is listed."""
    rows: list[tuple[str, float, int, int, str]] = []
    for name, source in sources.items():
        try:
            whole = run.explain(name, source, out / name)
        except EndsRun:
            raise
        except (ValueError, OSError) as error:
            problem = describe_error(error)
            print(f"daxaudio explain: left out: {name}: {problem}", file=sys.stderr)
            rows.append((name, math.nan, 0, 0, problem))
        else:
            n_explained = len(whole.explained)
            rows.append((name, round(whole.duration, 3), len(whole.table), n_explained, ""))
        columns = ["recording_id", "duration", "windows", "explained", "problem"]
        write_csv(pd.DataFrame(rows, columns=columns), out / RECORDINGS_FILE)
    n_bad = sum(bool(row[-1]) for row in rows)
    if n_bad == len(rows):
        raise ValueError(f"nothing could be explained; the reasons are in {out / RECORDINGS_FILE}")
    print(f"{len(rows) - n_bad} of {len(rows)} recordings explained: {out / RECORDINGS_FILE}")


def _most_windows(windowing: Windowing, source: str) -> int:
    """How many windows of a file are explained at most; none of one that cannot be read."""
    try:
        n_windows = max(1, math.ceil(duration_of(source) / windowing.step))
    except ValueError:
        return 0
    return n_windows if windowing.most is None else min(n_windows, windowing.most)


def _sources(arguments: argparse.Namespace) -> dict[str, str]:
    """Audio files by the ids of their recordings."""
    audio = Path(arguments.audio)
    if not audio.is_dir():
        return {without_audio_ending(audio): str(audio)}
    if (audio / "wav.scp").is_file():
        raise ValueError(f"--window takes audio files, and {audio} is a data folder; name a file")
    return dict(read_audio_folder(audio, arguments.channel).wav_scp)


def _target(arguments: argparse.Namespace, model: Model) -> str:
    """The class whose score says which windows are explained."""
    names = list(model.class_names)
    asked = list(dict.fromkeys(arguments.target or (names if len(names) == 1 else [])))
    if len(asked) != 1 or asked[0] in ("predicted", "label"):
        raise ValueError(
            "--window goes with one class, whose score says which windows are explained: give "
            f"--target CLASS once; the model knows {name_some(names)}"
        )
    return asked[0]
