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
    model_opener,
)
from daxaudio.commands.engine_arguments import add_engine, engine_of
from daxaudio.commands.events import read_events_of
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.runs.shards import WHOLE


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
    add_engine(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Audit a corpus as the arguments say."""
    questions = read_questions(arguments.questions)
    arguments.threads = arguments.threads or 1  # the same bytes for any number of workers
    data = load_data(arguments, arguments.data, UNLABELLED)
    events = read_events_of(arguments.events)
    events.check("audit", data.ids)
    inputs = inputs_of(arguments, "model", "model_config", "events", "table", "questions", "config")
    out = prepare_folder(arguments.out, {"--data": arguments.data, **inputs}, (FILE,))
    shard = arguments.shard or WHOLE
    found = audit(
        model_opener(arguments),
        Corpus(data, Path(arguments.data).name, events.by_recording, arguments.table),
        out,
        questions,
        settings=method_settings(arguments),
        engine=engine_of(arguments),
        shard=shard,
        said=functools.partial(print, flush=True),
    )
    if found is None:
        print(f"shard {shard} is done; when all are, the same command without --shard concludes")
    else:
        print(found.verdict.summary)
        print(f"done: {out / FILE}")
