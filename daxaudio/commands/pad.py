"""`daxaudio pad`: noise at both ends of recordings, and where the recording then lies."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    is_data_folder,
    load_data,
)
from daxaudio.commands.outputs import prepare_folder
from daxaudio.commands.sections import read_sections
from daxaudio.containers import Event, Events, Recording
from daxaudio.data.audio import duration_of, read_recording, write_recording
from daxaudio.data.events import events_text, read_events, write_events
from daxaudio.data.kaldi import DataFolder, read_utterance, write_data_folder
from daxaudio.data.kaldi.archives import source_file
from daxaudio.data.kaldi.raw import FILES
from daxaudio.data.padding import NoisePadding
from daxaudio.runs.config import build
from daxaudio.runs.files import real_path, write_text
from daxaudio.runs.names import check_id, check_length, without_audio_ending
from daxaudio.runs.progress import progress_bar
from daxaudio.runs.provenance import versions
from daxaudio.runs.seeds import derive_seed

logger = logging.getLogger(__name__)

EVENTS_FILE = "events.tsv"
BAD_FILES = "bad_files.txt"
FACTS_FILE = "padding.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio pad`."""
    parser.add_argument(
        "audio", metavar="AUDIO", help="an audio file, or a Kaldi-style data folder"
    )
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="padded WAV files and events.tsv go here"
    )
    parser.add_argument(
        "--snr_db", type=float, metavar="DB", help="recording above noise, in dB (default 10)"
    )
    parser.add_argument(
        "--noise",
        metavar="KIND",
        help="white, pink, an audio file or folder to take noise from, or a data folder, of which "
        "recordings of other classes are taken (default white)",
    )
    parser.add_argument(
        "--min_duration", type=float, metavar="S", help="shortest noise at an end (default 1 s)"
    )
    parser.add_argument(
        "--max_duration", type=float, metavar="S", help="longest noise at an end (default 5 s)"
    )
    add_channel(parser)
    add_allow_commands(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Pad one file or every recording of a data folder."""
    settings = read_sections(arguments.config)["padding"]
    for name in ("snr_db", "noise", "min_duration", "max_duration"):
        if getattr(arguments, name) is not None:
            settings[name] = getattr(arguments, name)
    padding = build(NoisePadding, "padding", settings)
    facts = {"seed": arguments.seed, **dataclasses.asdict(padding), "versions": versions()}
    if is_data_folder(arguments.audio):
        _pad_folder(padding, load_data(arguments, arguments.audio), facts, arguments)
    else:
        _pad_file(padding, facts, arguments)


def _pad_file(
    padding: NoisePadding, facts: Mapping[str, Any], arguments: argparse.Namespace
) -> None:
    name, out = without_audio_ending(arguments.audio), Path(arguments.out)
    check_id(arguments.audio, name)
    check_length(name)
    target = out / f"{name}.wav"
    recording = read_recording(arguments.audio, recording_id=name, channel=arguments.channel)
    _prepare(out, padding, arguments, target.name)
    known = read_events(out / EVENTS_FILE) if (out / EVENTS_FILE).exists() else {}
    if set(known) - {target.name}:
        raise ValueError(f"{out / EVENTS_FILE}: is of other recordings; choose another --out")
    if target.exists() and target.name not in known:
        raise ValueError(
            f"{target}: is there already, and no padded recording; choose another --out"
        )
    event = _pad_one(recording, padding, target, seed=arguments.seed)
    write_events({target.name: Events([event])}, out / EVENTS_FILE)
    _write_facts(out, facts)
    print(f"{target}: recording from {event.start:.3f} s to {event.end:.3f} s")


def _pad_folder(
    padding: NoisePadding,
    data: DataFolder,
    facts: Mapping[str, Any],
    arguments: argparse.Namespace,
) -> None:
    out, audio = Path(arguments.out), Path(arguments.out) / "audio"
    _prepare(out, padding, arguments, *FILES)
    if not (out / FACTS_FILE).is_file() and ((out / "wav.scp").exists() or audio.exists()):
        raise ValueError(f"{out}: holds data that `pad` did not make; choose another --out")
    _write_facts(out, facts)
    (out / "wav.scp").unlink(missing_ok=True)  # no data folder until all of it is new
    sources = {real_path(source_file(source)) for source in data.wav_scp.values()}
    events: dict[str, Event] = {}
    bad: list[str] = []
    for name in progress_bar(data.ids, "padding"):
        target = audio / f"{name}.wav"
        try:
            check_length(name)
            if real_path(target) in sources:
                raise ValueError(
                    f"{target}: is read, and would be overwritten; choose another --out"
                )
            recording = read_utterance(data, name)
            how = {"label": data.text[name], "seed": arguments.seed}
            events[name] = _pad_one(recording, padding, target, **how)
        except ValueError as error:
            logger.warning("%s is left out: %s", name, error)
            bad.append(f"{name}\t{' '.join(str(error).split())}\n")
    write_text("".join(bad), out / BAD_FILES)
    if not events:
        raise ValueError(f"{arguments.audio}: not one recording could be padded; see {BAD_FILES}")
    write_events({f"{name}.wav": Events([one]) for name, one in events.items()}, out / EVENTS_FILE)
    padded = DataFolder(
        wav_scp={name: str(audio / f"{name}.wav") for name in events},
        text={name: data.text[name] for name in events},
        utt2spk={name: data.utt2spk[name] for name in events},
        utt2dur={name: duration_of(audio / f"{name}.wav") for name in events},
    )
    write_data_folder(padded, out)
    print(f"{len(events)} recordings padded, {len(bad)} left out")


def _prepare(out: Path, padding: NoisePadding, arguments: argparse.Namespace, *files: str) -> None:
    """See that `--out` can be written, and that nothing that is read would be lost."""
    noise = None if padding.noise in ("white", "pink") else padding.noise
    inputs = {"the recording or data folder": arguments.audio, "the noise": noise}
    inputs["--config"] = arguments.config
    prepare_folder(out, inputs, (*files, "audio", EVENTS_FILE, BAD_FILES, FACTS_FILE))


def _pad_one(
    recording: Recording,
    padding: NoisePadding,
    target: Path,
    *,
    seed: int,
    label: str | None = None,
) -> Event:
    """Write the padded recording; its event, which a list of events can hold."""
    name = recording.recording_id
    padded = padding(recording, derive_seed(seed, name, "padding"), label)
    event = dataclasses.replace(padded.event, label=name if label is None else label)
    events_text(EVENTS_FILE, {target.name: Events([event])})  # refused before the sound is written
    write_recording(padded.recording, target)
    return event


def _write_facts(out: Path, facts: Mapping[str, Any]) -> None:
    """The settings, beside what they made."""
    write_text(json.dumps(facts, indent=2) + "\n", out / FACTS_FILE)
