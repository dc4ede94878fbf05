"""`daxaudio train`: a classifier from a Kaldi-style data folder, or one for each fold of it."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import logging
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from daxaudio.commands.arguments import add_allow_commands, add_channel, add_common, load_data
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.commands.sections import read_sections
from daxaudio.containers import Recording
from daxaudio.data.folds import assign_folds, read_folds
from daxaudio.data.kaldi import DataFolder, read_utterance
from daxaudio.experiments.predict import PREDICTIONS_FILE, predict_folder
from daxaudio.features.front_end import FrontEnd
from daxaudio.features.frontends import make_front_end
from daxaudio.models.augmentation import Augmentation
from daxaudio.models.blackbox import (
    FACTS_FILE,
    MODEL_KINDS,
    WEIGHTS_FILE,
    BlackBox,
    load_black_box,
    save_black_box,
)
from daxaudio.models.cross_validation import FOLDS_FILE, SCORES_FILE, cross_validate
from daxaudio.models.precision import PrecisionChoice, choose_precision, usable_device
from daxaudio.models.resnet import SpectrogramResNet
from daxaudio.models.training import (
    CHECKPOINT_FILE,
    Trainer,
    TrainingSettings,
    measure_normalisation,
)
from daxaudio.plot import plot_confusion
from daxaudio.runs.config import build
from daxaudio.runs.files import write_text
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.provenance import versions
from daxaudio.runs.seeds import derive_seed
from daxaudio.runs.tables import write_csv

logger = logging.getLogger(__name__)

HISTORY_FILE = "history.csv"
BAD_FILES = "bad_files.txt"
CONFUSION_FILE, CONFUSION_PICTURE = "confusion.csv", "confusion.png"
WRITTEN = (
    *(WEIGHTS_FILE, FACTS_FILE, CHECKPOINT_FILE, HISTORY_FILE, BAD_FILES, PREDICTIONS_FILE),
    *(CONFUSION_FILE, CONFUSION_PICTURE, FOLDS_FILE, SCORES_FILE),
)
"""Files that may be written into `--out`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio train`."""
    parser.add_argument(
        "data", metavar="DATA", help="Kaldi-style data folder: wav.scp and text (id, class)"
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the model goes here")
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument(
        "--test", metavar="DATA", help="data folder to measure accuracy on when trained"
    )
    ends.add_argument(
        "--folds",
        metavar="FOLDS",
        help="cross-validation of two classes: a file (id, fold), a folder of lists val_0.csv, "
        "..., or a number of folds, dealt by --seed with each speaker in one; models go to "
        "DIR/fold0, ..., their scores of what they have not seen to DIR/scores.csv",
    )
    parser.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda (default cpu)")
    add_channel(parser)
    add_allow_commands(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train, going on from a checkpoint, and write the model and how well it does."""
    data = load_data(arguments, arguments.data)
    plan = Plan.of(arguments, data.text)
    inputs = {"DATA": arguments.data, **inputs_of(arguments, "test", "config")}
    if arguments.folds is not None and not arguments.folds.isdecimal():
        inputs["--folds"] = arguments.folds
    out = prepare_folder(arguments.out, inputs, WRITTEN)
    print(f"precision: {plan.choice}", flush=True)
    if arguments.folds is not None:
        _cross_validate(plan, data, arguments.folds, out)
        return
    test = load_data(arguments, arguments.test) if arguments.test else None
    black_box = plan.kept_model(data.ids, out)
    if black_box is None:
        black_box = plan.train(_read_all(plan, data, out), out, data.ids)
    if test is not None:
        _measure(black_box, test, out)


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What all models of one command have in common.

    Args:
        front_end: makes the spectrograms.
        training: length and speed.
        augmentation: random changes, as configured.
        model: `kind` and what its constructor takes, as configured.
        classes: class of each recording by its id.
        data: path of the data folder.
        seed: of the run.
        device: where to train.
        channel: which channel of each file to take; None for the average of all.
    """

    front_end: FrontEnd
    training: TrainingSettings
    augmentation: Augmentation
    model: Mapping[str, Any]
    classes: Mapping[str, str]
    data: str
    seed: int
    device: str
    channel: int | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace, classes: Mapping[str, str]) -> Plan:
        """The plan that `--config` and the other arguments make.

        Raises:
            ValueError: when a part of it, the network too, could not be made.
        """
        config = read_sections(arguments.config)
        plan = cls(
            front_end=make_front_end(config["front_end"]),
            training=build(TrainingSettings, "training", config["training"]),
            augmentation=build(Augmentation, "augmentation", config["augmentation"]),
            model=config["model"],
            classes=classes,
            data=arguments.data,
            seed=arguments.seed,
            device=arguments.device,
            channel=arguments.channel,
        )
        plan._check_model(arguments.config)
        return plan

    def _check_model(self, config: str | None) -> None:
        """Refuse a network that could not be made, before any recording is read."""
        with torch.device("meta"), warnings.catch_warnings():  # takes no memory and no draw
            warnings.simplefilter("ignore")  # weights that are given have nowhere to go
            try:
                self._build(n_classes=max(2, len(set(self.classes.values()))))
            except ValueError as error:
                raise ValueError(f"{config}: section 'model': {error}") from error

    @property
    def choice(self) -> PrecisionChoice:
        """In which precision the models are trained, and why."""
        return choose_precision(self.training.precision, usable_device(self.device))

    def facts(self, ids: Sequence[str]) -> dict[str, Any]:
        """Seed, recordings and settings of one model, stored beside it; another one's differ."""
        examples = sorted((name, self.classes[name]) for name in ids)
        facts = {
            "seed": self.seed,
            "channel": self.channel,
            "recordings": len(ids),
            "examples": hashlib.sha256(repr(examples).encode()).hexdigest()[:16],
            "settings": {
                "model": dict(self.model),
                "training": {
                    **dataclasses.asdict(self.training),
                    "precision": self.choice.precision,
                },
                "augmentation": dataclasses.asdict(self.augmentation),
            },
        }
        return dict(json.loads(json.dumps(facts)))  # as YAML reads it back, tuples are lists

    def kept_model(self, ids: Sequence[str], out: Path) -> BlackBox | None:
        """The model of this plan and these recordings that `out` holds; None where it holds none.

        Raises:
            ValueError: when `out` holds another model.
        """
        if not (out / WEIGHTS_FILE).is_file():
            return None
        black_box = load_black_box(out)
        stored, asked = dict(black_box.training), self.facts(ids)
        settings = dict(stored.get("settings", {}))
        # a setting that was not there yet when it was trained stood at its default
        defaults = dataclasses.asdict(TrainingSettings())
        settings["training"] = {**defaults, **settings.get("training", {})}
        if self.training.precision == "auto":  # which it is, is left to the machine that trained
            asked["settings"]["training"]["precision"] = settings["training"]["precision"]
        stored["settings"] = settings
        same = all(stored.get(key) == value for key, value in asked.items())
        if not same or black_box.front_end.settings != self.front_end.settings:
            raise ValueError(
                f"{out} holds a model of other recordings, settings or seed; remove it or choose "
                f"another --out"
            )
        print(f"kept: {out} holds this very model")
        return black_box

    def train(self, recordings: Sequence[Recording], out: Path, ids: Sequence[str]) -> BlackBox:
        """Train one model on recordings and store it in `out`; `ids` are those asked for."""
        began = time.perf_counter()
        names = [self.classes[recording.recording_id] for recording in recordings]
        classes = sorted(set(names))
        if len(classes) < 2:
            raise ValueError(f"{self.data}: training needs two or more classes, got {classes}")
        augmentation = self.augmentation.among(self.data)
        module = self._module(recordings, len(classes), augmentation)
        trainer = Trainer(
            module,
            self.front_end,
            self.training,
            augmentation,
            seed=self.seed,
            device=self.device,
        )
        rows = trainer.run(recordings, [classes.index(name) for name in names], out)
        write_csv(pd.DataFrame(rows).round(6), out / HISTORY_FILE)
        seconds = round(time.perf_counter() - began, 1)
        facts = {
            **self.facts(ids),
            "precision": self.choice.as_dict(),
            "seconds": seconds,
            "versions": versions(),
        }
        black_box = BlackBox(module, self.front_end, classes, device=self.device, training=facts)
        save_black_box(black_box, out)
        (out / CHECKPOINT_FILE).unlink(missing_ok=True)
        return black_box

    def _module(
        self, recordings: Sequence[Recording], n_classes: int, augmentation: Augmentation
    ) -> nn.Module:
        """A fresh network, its weights drawn by the seed."""
        measured = {}
        if self._kind is SpectrogramResNet:
            measured["mean"], measured["std"] = measure_normalisation(
                recordings, self.front_end, augmentation, seed=self.seed
            )
        with torch.random.fork_rng():
            torch.manual_seed(derive_seed(self.seed, "model"))
            return self._build(n_classes=n_classes, **measured)

    @property
    def _kind(self) -> Callable[..., nn.Module]:
        return MODEL_KINDS[self.model.get("kind", "resnet")]

    def _build(self, **measured: float) -> nn.Module:
        settings = {key: value for key, value in self.model.items() if key != "kind"}
        if self._kind is not SpectrogramResNet:
            settings["n_bins"] = len(self.front_end.frequencies)
        return build(self._kind, "model", {**settings, **measured})


def _read_all(
    plan: Plan, data: DataFolder, out: Path, left_out: Mapping[str, str] | None = None
) -> list[Recording]:
    """The recordings that the front end can use; the others are listed in `bad_files.txt`.

    So are those that were left out before, with the reason.
    """
    bad = [f"{name}\t{why}\n" for name, why in (left_out or {}).items()]
    if left_out:
        logger.warning("%d recordings are left out, see %s", len(bad), out / BAD_FILES)
    recordings, front_end = [], plan.front_end
    for name in progress_bar(data.ids, "reading"):
        try:
            recording = read_utterance(
                data, name, front_end.sample_rate, min_duration=front_end.min_duration
            )
            if front_end.vad is not None:
                front_end.spectrogram(recording)  # says so when it is nothing but silence
            recordings.append(recording)
        except ValueError as error:
            logger.warning("%s is left out: %s", name, error)
            bad.append(f"{name}\t{error}\n")
    write_text("".join(bad), out / BAD_FILES)
    if not recordings:
        raise ValueError(f"not one of {len(bad)} training recordings could be read")
    return recordings


def _cross_validate(plan: Plan, data: DataFolder, asked: str, out: Path) -> None:
    if asked.isdecimal():
        folds = assign_folds(data.text, data.utt2spk, int(asked), plan.seed)
    else:
        folds = read_folds(asked)

    def train(recordings: Sequence[Recording], folder: Path) -> BlackBox:
        ids = [recording.recording_id for recording in recordings]
        return plan.kept_model(ids, folder) or plan.train(recordings, folder, ids)

    foldless = [name for name in data.ids if name not in folds]
    if len(foldless) == len(data.ids):
        raise ValueError(f"{asked}: not one of {len(foldless)} recordings is in a fold")
    data = data.part(name for name in data.ids if name in folds)
    recordings = _read_all(plan, data, out, dict.fromkeys(foldless, "in no fold"))
    _, table = cross_validate(recordings, data.text, folds, train, out=out)
    for row in table.to_dict("records"):
        print(f"fold {row['fold']}: AUC {row['auc']:.3f}, sensitivity {row['sensitivity']:.3f}")


def _measure(black_box: BlackBox, test: DataFolder, out: Path) -> None:
    predictions = predict_folder(black_box, test, out / PREDICTIONS_FILE)
    readable = predictions[predictions["problem"] == ""]
    names = list(black_box.class_names)
    counts = pd.crosstab(readable["label"], readable["predicted"])
    counts = counts.reindex(index=names, columns=names, fill_value=0)
    write_csv(counts.reset_index(), out / CONFUSION_FILE)
    plot_confusion(counts.to_numpy(), out / CONFUSION_PICTURE, names)
    correct = int(readable["correct"].sum())
    print(
        f"accuracy {correct / max(1, len(readable)):.3f} ({correct} of {len(readable)}, "
        f"{len(predictions) - len(readable)} left out)"
    )
