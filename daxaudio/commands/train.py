"""`daxaudio train`: a classifier from a Kaldi-style data folder."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from daxaudio.blackbox import WEIGHTS_FILE, BlackBox, load_black_box, save_black_box
from daxaudio.commands.arguments import add_allow_commands, add_common
from daxaudio.compare import (
    PREDICTIONS_FILE,
    predict_folder,
)
from daxaudio.config import build, load_config
from daxaudio.containers import Recording
from daxaudio.files import write_text
from daxaudio.frontends import LogMel
from daxaudio.kaldi import DataFolder, read_data_folder, read_utterance
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import (
    CHECKPOINT_FILE,
    Trainer,
    TrainingSettings,
    confusion_matrix,
    measure_normalisation,
)
from daxaudio.plot import plot_confusion
from daxaudio.results import (
    write_csv,
)
from daxaudio.seeds import derive_seed
from daxaudio.store import versions

logger = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio train`."""
    parser.add_argument(
        "data", metavar="DATA", help="Kaldi-style data folder: wav.scp and text (id, class)"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the model goes here")
    parser.add_argument(
        "--test", metavar="DATA", help="data folder to measure accuracy on when trained"
    )
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda (default cpu)")
    add_allow_commands(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train, going on from a checkpoint, and write the model and how well it does."""
    out, config = Path(arguments.out), load_config(arguments.config)
    trainer_parts = (
        build(LogMel, "front_end", config["front_end"]),
        build(TrainingSettings, "training", config["training"]),
        build(Augmentation, "augmentation", config["augmentation"]),
    )
    data = read_data_folder(arguments.data, arguments.allow_commands)
    test = read_data_folder(arguments.test, arguments.allow_commands) if arguments.test else None
    run = {
        "seed": arguments.seed,
        "recordings": len(data.text),
        "examples": hashlib.sha256(repr(sorted(data.text.items())).encode()).hexdigest()[:16],
        "settings": {
            "model": config["model"],
            "training": dataclasses.asdict(trainer_parts[1]),
            "augmentation": dataclasses.asdict(trainer_parts[2]),
        },
    }
    run = json.loads(json.dumps(run))  # as YAML reads it back, tuples are lists
    if (out / WEIGHTS_FILE).is_file():
        black_box = _kept_model(out, run, trainer_parts[0])
    else:
        recordings, bad = _read_all(data, trainer_parts[0], arguments.quiet)
        write_text(out / "bad_files.txt", "".join(bad))
        black_box = _train(recordings, data, config, trainer_parts, run, out, arguments)
        save_black_box(black_box, out)
        (out / CHECKPOINT_FILE).unlink(missing_ok=True)
    if test is not None:
        _measure(black_box, test, out, arguments.quiet)


def _kept_model(out: Path, run: dict[str, Any], front_end: LogMel) -> BlackBox:
    black_box = load_black_box(out)
    same = all(black_box.training.get(key) == value for key, value in run.items())
    if not same or black_box.front_end.settings != front_end.settings:
        raise ValueError(
            f"{out} holds a model of other recordings, settings or seed; remove it or choose "
            f"another --out"
        )
    print(f"kept: {out} holds this very model")
    return black_box


def _read_all(
    data: DataFolder, front_end: LogMel, quiet: bool
) -> tuple[list[Recording], list[str]]:
    recordings, bad = [], []
    shortest = front_end.n_fft / front_end.sample_rate
    for name in tqdm(data.ids, desc="reading", disable=quiet):
        try:
            recordings.append(read_utterance(data, name, front_end.sample_rate, shortest))
        except ValueError as error:
            logger.warning("%s is left out: %s", name, error)
            bad.append(f"{name}\t{error}\n")
    if not recordings:
        raise ValueError(f"not one of {len(bad)} training recordings could be read")
    return recordings, bad


def _train(
    recordings: list[Recording],
    data: DataFolder,
    config: dict[str, dict[str, Any]],
    parts: tuple[LogMel, TrainingSettings, Augmentation],
    run: dict[str, Any],
    out: Path,
    arguments: argparse.Namespace,
) -> BlackBox:
    front_end, settings, augmentation = parts
    augmentation = augmentation.among(arguments.data)
    began = time.perf_counter()
    classes = sorted({data.text[recording.recording_id] for recording in recordings})
    if len(classes) < 2:
        raise ValueError(f"{arguments.data}: training needs two or more classes, got {classes}")
    mean, std = measure_normalisation(recordings, front_end, augmentation, arguments.seed)
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(arguments.seed, "model"))
        arguments_of_model = {**config["model"], "n_classes": len(classes)}
        module = build(
            SpectrogramResNet, "model", {**arguments_of_model, "mean": mean, "std": std}
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(
        module,
        front_end,
        settings,
        augmentation,
        arguments.seed,
        arguments.device,
        not arguments.quiet,
    )
    labels = [classes.index(data.text[recording.recording_id]) for recording in recordings]
    rows = trainer.run(recordings, labels, out)
    write_csv(pd.DataFrame(rows).round(6), out / "history.csv")
    facts = {**run, "seconds": round(time.perf_counter() - began, 1), "versions": versions()}
    return BlackBox(module, front_end, classes, arguments.device, training=facts)


def _measure(black_box: BlackBox, test: DataFolder, out: Path, quiet: bool) -> None:
    predictions = predict_folder(black_box, test, out / PREDICTIONS_FILE, not quiet)
    readable = predictions[predictions["problem"] == ""]
    names = list(black_box.class_names)
    matrix = confusion_matrix(
        [names.index(label) for label in readable["label"]],
        [names.index(label) for label in readable["predicted"]],
        len(names),
    )
    write_csv(
        pd.DataFrame(matrix, columns=names).assign(label=names)[["label", *names]],
        out / "confusion.csv",
    )
    plot_confusion(matrix, names, out / "confusion.png")
    correct = int(readable["correct"].sum())
    print(
        f"accuracy {correct / max(1, len(readable)):.3f} ({correct} of {len(readable)}, "
        f"{len(predictions) - len(readable)} left out)"
    )
