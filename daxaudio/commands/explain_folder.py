"""`daxaudio explain FOLDER`: many recordings, their pictures, and a page over them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pandas as pd

from daxaudio.commands.arguments import load_data, model_opener, print_cost, print_requests
from daxaudio.commands.engine_arguments import engine_of
from daxaudio.commands.events import TrueEvents
from daxaudio.commands.finishing import FinishJob, finish
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.data.audio_folders import UNLABELLED, read_audio_folder
from daxaudio.data.kaldi import DataFolder
from daxaudio.engines.engine import Engine
from daxaudio.engines.units import Unit
from daxaudio.experiments.folder import PROBLEMS_FILE, WARNINGS_FILE, explain_folder
from daxaudio.experiments.predict import (
    PREDICTIONS_FILE,
    Which,
    choose_recordings,
    default_which,
    describe_none,
    predict_folder,
)
from daxaudio.experiments.score import count_warned
from daxaudio.experiments.unit_tables import write_predictions
from daxaudio.explainers.catalogue import most_queries
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.model import Model
from daxaudio.report.explanations import PAGE_FILE, write_index
from daxaudio.runs.shards import WHOLE


def explain_folder_of_audio(
    arguments: argparse.Namespace,
    black_box: Model,
    *,
    methods: list[str],
    settings: MethodSettings,
    events: TrueEvents,
) -> None:
    """Explain the recordings of a folder by every method, as the arguments say."""
    target, *others = arguments.target or ["predicted"]
    if others:
        raise ValueError("--target: several classes go with an audio file; give a folder one")
    if target not in ("predicted", "label"):
        black_box.class_index(target)
    with engine_of(arguments) as engine:
        _explain(
            arguments,
            black_box,
            target,
            methods=methods,
            settings=settings,
            events=events,
            engine=engine,
        )


def _explain(
    arguments: argparse.Namespace,
    black_box: Model,
    target: str,
    *,
    methods: list[str],
    settings: MethodSettings,
    events: TrueEvents,
    engine: Engine,
) -> None:
    data, shard = _read(arguments), arguments.shard or WHOLE
    inputs = inputs_of(arguments, "model", "model_config", "events", "config")
    files = (PREDICTIONS_FILE, PROBLEMS_FILE, WARNINGS_FILE, PAGE_FILE)
    out = prepare_folder(arguments.out, {"AUDIO": arguments.audio, **inputs}, files)
    n_queries = most_queries(methods, settings)
    print_requests(black_box, n_queries, n_recordings=len(data.wav_scp))
    opener = model_opener(arguments)
    # which are explained at most is chosen of all; else each shard looks at its own alone
    whole = shard.whole or arguments.n_recordings is not None
    asked = data.ids if whole else [name for name in data.ids if name in shard]
    path = out / PREDICTIONS_FILE if shard.whole else None
    predictions = predict_folder(
        black_box, data, path, recording_ids=asked, engine=engine, open_model=opener
    )
    own = predictions[predictions["recording_id"].map(shard.__contains__).astype(bool)]
    write_predictions(own, out, shard)
    which = arguments.which or default_which(pd.DataFrame({"label": _labels(data)}))
    chosen = choose_recordings(predictions, arguments.n_recordings, arguments.seed, which)
    if not chosen and shard.whole:
        _refuse_none(arguments, predictions, which, black_box, data)
    chosen = [name for name in chosen if name in shard]
    targets = _targets(predictions, chosen, target, black_box.class_names)
    events.check("explain", chosen)
    _say_what(predictions, chosen, which, methods, n_queries * len(chosen))
    explain_folder(
        black_box,
        data,
        methods,
        out,
        recording_ids=chosen,
        events=events.by_recording,
        settings=settings,
        seed=arguments.seed,
        targets=targets,
        level=None if arguments.check == "none" else arguments.check,
        engine=engine,
        open_model=opener,
        shard=shard,
    )
    job = FinishJob(
        str(out),
        events,
        sounds=arguments.listen,
        pictures=not arguments.no_pictures,
        pages=not arguments.no_pages,
        allow_commands=arguments.allow_commands,
    )
    finish([Unit(name, method) for name in chosen for method in methods], job, engine)
    if engine.here:
        print_cost(black_box)
    if not shard.whole:
        print(f"shard {shard} is done; when all are: daxaudio merge {shlex.quote(str(out))}")
        return
    title = f"Explanations of {Path(arguments.audio).resolve().name}"
    page = write_index(out, title, predictions=predictions, recording_ids=chosen, methods=methods)
    say_done(out, page)


def say_done(out: Path, page: Path) -> None:
    """Where the page is, and how many explanations have warnings."""
    print(f"done: {page}")
    n_warned = sum(count_warned(out / WARNINGS_FILE).values())
    if n_warned:
        print(f"{n_warned} explanations have warnings, see {out / WARNINGS_FILE}")


def _labels(data: DataFolder) -> list[str]:
    return ["" if label == UNLABELLED else label for label in data.text.values()]


def _refuse_none(
    arguments: argparse.Namespace,
    predictions: pd.DataFrame,
    which: Which,
    black_box: Model,
    data: DataFolder,
) -> NoReturn:
    """Say why no recording is there to be explained."""
    sources = list(data.wav_scp.values())
    reason = describe_none(predictions, which, black_box.class_names, sources)
    if (predictions["predicted"] != "").any():
        reason += "; --which all explains whatever can be read"
    raise ValueError(f"{arguments.audio}: nothing to explain: {reason}")


def _say_what(
    predictions: pd.DataFrame,
    chosen: Sequence[str],
    which: Which,
    methods: Sequence[str],
    n_queries: int,
) -> None:
    """What was read and will be explained, and by how many queries at most."""
    labelled = (predictions["label"] != "").any()
    correct = (
        f"{int(predictions['correct'].sum())} classified correctly" if labelled else "no labels"
    )
    print(
        f"{len(predictions)} recordings, {(predictions['predicted'] != '').sum()} read, "
        f"{correct}; explaining {len(chosen)} "
        f"({which}) by {', '.join(methods)}, at most {n_queries} queries",
        flush=True,
    )


def _read(arguments: argparse.Namespace) -> DataFolder:
    if (Path(arguments.audio) / "wav.scp").is_file():
        return load_data(arguments, arguments.audio, UNLABELLED)
    return read_audio_folder(arguments.audio, arguments.channel)


def _targets(
    predictions: pd.DataFrame, chosen: Sequence[str], target: str, class_names: Sequence[str]
) -> Mapping[str, str]:
    """The class to explain each chosen recording for."""
    rows = predictions.set_index("recording_id").loc[list(chosen)]
    if target not in ("predicted", "label"):
        return dict.fromkeys(chosen, target)
    targets = {str(name): str(value) for name, value in rows[target].items()}
    if target == "predicted":  # the model's own words, such as quality:falls
        return targets
    unknown = [name for name in chosen if targets[name] not in class_names]
    if unknown:
        raise ValueError(
            f"--target label: {len(unknown)} of {len(chosen)} recordings have no label that the "
            f"model knows (first: {unknown[0]!r}, {targets[unknown[0]] or 'no label'}); take "
            "--target predicted or the name of a class"
        )
    return targets
