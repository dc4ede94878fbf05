"""`daxaudio explain FOLDER`: many recordings, their pictures, and a page over them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daxaudio.commands.arguments import load_data, print_cost, print_requests
from daxaudio.commands.events import TrueEvents
from daxaudio.commands.listen import write_all_sounds
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.commands.pages import add_pages
from daxaudio.data.audio_folders import UNLABELLED, read_audio_folder
from daxaudio.data.kaldi import DataFolder
from daxaudio.experiments.folder import PROBLEMS_FILE, WARNINGS_FILE, explain_folder
from daxaudio.experiments.predict import (
    PREDICTIONS_FILE,
    choose_recordings,
    default_which,
    describe_none,
    predict_folder,
)
from daxaudio.experiments.score import count_warned
from daxaudio.explainers.catalogue import most_queries
from daxaudio.explainers.settings import MethodSettings
from daxaudio.explainers.storage import PICTURE_FILE, is_stored, is_up_to_date, load_explanation
from daxaudio.models.model import Model
from daxaudio.plot import plot_explanation
from daxaudio.report.explanations import PAGE_FILE, write_index
from daxaudio.runs.progress import progress_bar


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
    data = _read(arguments)
    inputs = inputs_of(arguments, "model", "model_config", "events", "config")
    files = (PREDICTIONS_FILE, PROBLEMS_FILE, WARNINGS_FILE, PAGE_FILE)
    out = prepare_folder(arguments.out, {"AUDIO": arguments.audio, **inputs}, files)
    n_queries = most_queries(methods, settings)
    print_requests(black_box, n_queries, n_recordings=len(data.wav_scp))
    predictions = predict_folder(black_box, data, out / PREDICTIONS_FILE)
    which = arguments.which or default_which(predictions)
    chosen = choose_recordings(predictions, arguments.n_recordings, arguments.seed, which)
    if not chosen:
        sources = list(data.wav_scp.values())
        reason = describe_none(predictions, which, black_box.class_names, sources)
        if (predictions["predicted"] != "").any():
            reason += "; --which all explains whatever can be read"
        raise ValueError(f"{arguments.audio}: nothing to explain: {reason}")
    targets = _targets(predictions, chosen, target, black_box.class_names)
    events.check("explain", chosen)
    n_queries *= len(chosen)
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
    )
    if arguments.listen:
        places = [out / method / name for name in chosen for method in methods]
        write_all_sounds(places, arguments.allow_commands)
    if not arguments.no_pictures:
        _draw(out, chosen, methods, events)
    if not arguments.no_pages:
        places = [out / method / name for name in chosen for method in methods]
        add_pages(places, events, arguments.allow_commands)
    title = f"Explanations of {Path(arguments.audio).resolve().name}"
    page = write_index(out, title, predictions=predictions, recording_ids=chosen, methods=methods)
    print_cost(black_box)
    print(f"done: {page}")
    n_warned = sum(count_warned(out / WARNINGS_FILE).values())
    if n_warned:
        print(f"{n_warned} explanations have warnings, see {out / WARNINGS_FILE}")


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


def _draw(out: Path, chosen: Sequence[str], methods: Sequence[str], events: TrueEvents) -> None:
    """Draw what has no picture that is as new as itself."""
    folders = [out / method / name for name in chosen for method in methods]
    for folder in progress_bar(folders, "drawing"):
        if not is_stored(folder) or is_up_to_date(folder, PICTURE_FILE):
            continue
        own = events.of(folder.name)
        plot_explanation(load_explanation(folder), folder / PICTURE_FILE, events=own, brief=True)
