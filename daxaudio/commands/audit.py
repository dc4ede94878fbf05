"""`daxaudio audit`: what a classifier listens to over a corpus, and what speaks against it."""

from __future__ import annotations

import argparse
import datetime
import functools
import math
from pathlib import Path

from daxaudio.audit.controls import read_whole
from daxaudio.audit.document import FILE
from daxaudio.audit.hidden_ids import read_key
from daxaudio.audit.questions import read_questions
from daxaudio.audit.run import Corpus, audit
from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_config,
    add_model,
    load_data,
    method_settings,
    model_opener,
)
from daxaudio.commands.engine_arguments import add_engine, engine_of
from daxaudio.commands.events import EVENTS_HELP, read_events_of
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.containers import Explanation, Recording
from daxaudio.data.audio_folders import UNLABELLED
from daxaudio.data.kaldi import DataFolder
from daxaudio.features.sound_masks import split_by_mask
from daxaudio.report.audit import PAGE_FILE, write_audit_page
from daxaudio.report.audit_recordings import SOUND_MB
from daxaudio.report.page_sounds import MOST_SAMPLES
from daxaudio.runs.shards import WHOLE

_FROM_VARIABLE = ""
"""`--hash_ids` without a file: the key is in the environment."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_model(parser)
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="data folder with labels (Kaldi style)")
    add("--out", required=True, metavar="DIR", help="folder for all that is written")
    add(
        "--events",
        metavar="PATH",
        help=f"events or phases of the recordings; {EVENTS_HELP}",
    )
    add(
        "--table",
        metavar="CSV",
        help="what is known of recordings or participants: participant, age, sex, site, device, "
        "symptoms, date, ... (column recording_id or participant)",
    )
    add("--questions", metavar="YAML", help="settings of the audit, such as positive and subgroups")
    add(
        "--hash_ids",
        nargs="?",
        const=_FROM_VARIABLE,
        metavar="KEYFILE",
        help="replace ids of recordings and participants by keyed hashes (HMAC-SHA-256) in all "
        "that is written; the key is in the file, or in $DAXAUDIO_HASH_KEY where none is named "
        "(stored nowhere)",
    )
    add(
        "--sound_mb",
        type=_megabytes,
        default=SOUND_MB,
        metavar="N",
        help="megabytes of sound in the page, at the most; 0 for none, as a voice tells who "
        f"somebody is (default {SOUND_MB:g})",
    )
    add_allow_commands(parser)
    add_channel(parser)
    add_engine(parser)
    add_config(parser)
    add(
        "--seed",
        type=int,
        metavar="N",
        help="seed of every random draw (default: that of the questions, or 0)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Audit a corpus as the arguments say."""
    questions = read_questions(arguments.questions, arguments.seed)
    arguments.threads = arguments.threads or 1  # the same bytes for any number of workers
    data = load_data(arguments, arguments.data, UNLABELLED)
    events = read_events_of(arguments.events)
    events.check("audit", data.ids)
    hidden = None
    if arguments.hash_ids is not None:
        hidden = read_key(arguments.hash_ids or None)
    inputs = inputs_of(arguments, "model", "model_config", "events", "table", "questions", "config")
    key = {"--hash_ids": arguments.hash_ids or None}
    read = {"--data": arguments.data, **inputs, **key}
    out = prepare_folder(arguments.out, read, (FILE, PAGE_FILE))
    shard = arguments.shard or WHOLE
    with engine_of(arguments) as engine:
        found = audit(
            model_opener(arguments),
            Corpus(data, Path(arguments.data).name, events.by_recording, arguments.table),
            out,
            questions,
            settings=method_settings(arguments),
            engine=engine,
            shard=shard,
            hidden=hidden,
            said=functools.partial(print, flush=True),
        )
    if found is None:
        print(f"shard {shard} is done; when all are, the same command without --shard concludes")
    else:
        print(found.verdict.summary)
        hear = functools.partial(hear_from, data if hidden is None else hidden.data(data))
        today = datetime.datetime.now().astimezone().date()
        page = write_audit_page(out, hear=hear, sound_mb=arguments.sound_mb, date=today)
        print(f"done: {page}, and for programs {out / FILE}")


def hear_from(
    data: DataFolder, name: str, explanation: Explanation | None
) -> list[tuple[str, Recording]]:
    """What the page plays of a recording; nothing where it cannot be read, or is very long."""
    try:
        recording = read_whole(data, name)
    except (ValueError, OSError):
        return []
    if recording.waveform.numel() > MOST_SAMPLES:
        return []
    sounds = [("the recording", recording)]
    if explanation is not None:
        shown = explanation.spectrogram
        kept, _ = split_by_mask(recording, explanation.mask, shown.frequencies, shown.times)
        sounds.append(("what mattered", kept))
    return sounds


def _megabytes(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, got {text!r}")
    return number
