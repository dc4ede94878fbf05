"""`daxaudio audit`: what a classifier listens to over a corpus, and what speaks against it."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from daxaudio.audit.document import FILE
from daxaudio.audit.questions import read_questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    add_model,
    load_data,
    method_settings,
)
from daxaudio.commands.events import read_events_of
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.commands.sections import read_sections
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.models.foreign.load import load_model
from daxaudio.models.model import Model


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model(parser)
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="data folder with labels (Kaldi style)")
    add("--out", required=True, metavar="DIR", help="folder for all that is written")
    add(
        "--events",
        metavar="FILE",
        help="events or phases of the recordings, in any annotation format that `daxaudio "
        "annotations` reads",
    )
    add(
        "--table",
        metavar="CSV",
        help="what is known of recordings or participants: participant, age, sex, site, device, "
        "symptoms, date, ... (column recording_id or participant)",
    )
    add("--questions", metavar="YAML", help="settings of the audit, such as positive and subgroups")
    add_allow_commands(parser)
    add_channel(parser)
    add_common(parser)


def open_on(device: str | None, *, source: str, settings: dict[str, object]) -> Model:
    """The model on a device; by default that of the settings."""
    chosen = settings if device is None else {**settings, "device": device}
    return load_model(source, **chosen)  # type: ignore[arg-type]


def run(arguments: argparse.Namespace) -> None:
    """Audit a corpus as the arguments say."""
    questions = read_questions(arguments.questions)
    data = load_data(arguments, arguments.data, UNLABELLED)
    events = read_events_of(arguments.events)
    events.check("audit", data.ids)
    inputs = inputs_of(arguments, "model", "model_config", "events", "table", "questions", "config")
    out = prepare_folder(arguments.out, {"--data": arguments.data, **inputs}, (FILE,))
    settings = read_sections(arguments.config)["black_box"]
    for name in ("device", "precision"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    settings |= {
        "config": arguments.model_config,
        "allow_code": arguments.allow_code,
        "cache": arguments.cache,
    }
    found = audit(
        functools.partial(open_on, source=arguments.model, settings=settings),
        Corpus(data, Path(arguments.data).name, events.by_recording, arguments.table),
        out,
        questions,
        settings=method_settings(arguments),
        said=functools.partial(print, flush=True),
    )
    if found is not None:
        print(found.verdict.summary)
        print(f"done: {out / FILE}")
