"""`daxaudio pad`: noise at both ends of recordings, and where the recording then lies."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
from pathlib import Path

from tqdm import tqdm

from daxaudio.annotations import write_events
from daxaudio.audio import duration_of, read_recording, write_recording
from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    is_data_folder,
    load_data,
)
from daxaudio.commands.sections import read_sections
from daxaudio.config import build
from daxaudio.containers import Event, Recording
from daxaudio.files import write_text
from daxaudio.kaldi import DataFolder, read_utterance, write_data_folder
from daxaudio.names import without_audio_ending
from daxaudio.padding import NoisePadding
from daxaudio.seeds import derive_seed
from daxaudio.store import versions

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
    out = Path(arguments.out)
    facts = {"seed": arguments.seed, **dataclasses.asdict(padding), "versions": versions()}
    if is_data_folder(arguments.audio):
        data = load_data(arguments, arguments.audio)
        _pad_folder(padding, data, out, arguments)
        write_text(out / FACTS_FILE, json.dumps(facts, indent=2) + "\n")
        return
    name = without_audio_ending(arguments.audio)
    _check_target(out / f"{name}.wav", arguments.audio)
    recording = read_recording(arguments.audio, recording_id=name, channel=arguments.channel)
    event = _pad_one(padding, recording, None, out / f"{name}.wav", arguments.seed)
    write_events(out / EVENTS_FILE, {f"{name}.wav": [event]})
    write_text(out / FACTS_FILE, json.dumps(facts, indent=2) + "\n")
    print(f"{out / name}.wav: recording from {event.start:.3f} s to {event.end:.3f} s")


def _pad_folder(
    padding: NoisePadding, data: DataFolder, out: Path, arguments: argparse.Namespace
) -> None:
    events: dict[str, Event] = {}
    bad: list[str] = []
    for name in tqdm(data.ids, desc="padding", disable=arguments.quiet):
        target = out / "audio" / f"{name}.wav"
        try:
            _check_target(target, data.wav_scp[data.segment(name).recording_id])
            recording = read_utterance(data, name)
            events[name] = _pad_one(padding, recording, data.text[name], target, arguments.seed)
        except ValueError as error:
            logger.warning("%s is left out: %s", name, error)
            bad.append(f"{name}\t{error}\n")
    write_text(out / BAD_FILES, "".join(bad))
    if not events:
        raise ValueError(f"{arguments.audio}: not one recording could be padded; see {BAD_FILES}")
    write_events(out / EVENTS_FILE, {f"{name}.wav": [event] for name, event in events.items()})
    padded = DataFolder(
        wav_scp={name: str(out / "audio" / f"{name}.wav") for name in events},
        text={name: data.text[name] for name in events},
        utt2spk={name: data.utt2spk[name] for name in events},
        utt2dur=_durations(out, events),
    )
    write_data_folder(out, padded)
    print(f"{len(events)} recordings padded, {len(bad)} left out")


def _check_target(target: Path, path: str) -> None:
    if target.resolve() == Path(path).resolve():
        raise ValueError(f"{path}: --out would overwrite the recording itself; choose another")


def _pad_one(
    padding: NoisePadding, recording: Recording, label: str | None, target: Path, seed: int
) -> Event:
    name = recording.recording_id
    padded = padding(recording, derive_seed(seed, name, "padding"), label)
    write_recording(target, padded.recording)
    return dataclasses.replace(padded.event, label=name if label is None else label)


def _durations(out: Path, events: dict[str, Event]) -> dict[str, float]:
    return {name: duration_of(out / "audio" / f"{name}.wav") for name in events}
