"""Made recordings whose evidence is known, and how they lie on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from daxaudio.containers import Event, Events, Recording
from daxaudio.data.audio import write_recording
from daxaudio.data.events import write_events
from daxaudio.data.evidence import EVIDENCE_FILE, Evidence, write_evidence
from daxaudio.data.kaldi import DataFolder, write_data_folder

EVENTS_FILE = "events.tsv"


@dataclasses.dataclass(frozen=True, eq=False)
class PlantedRecording:
    """A made recording and where the evidence of its class is.

    Args:
        recording: one channel.
        events: when it is, all of one label.
        evidence: its parts in time and frequency, where both are known.

    Raises:
        ValueError: when there is no event, or events of several labels.
    """

    recording: Recording
    events: Events
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if len(self.events.labels) != 1:
            raise ValueError(f"a planted recording needs events of one label, got {self.events}")

    @property
    def event(self) -> Event:
        """From the start of its first event to the end of its last."""
        return Event(self.events[0].start, self.events.end, self.events.labels[0])


def write_planted(planted: Sequence[PlantedRecording], out: Path, audio: Path) -> None:
    """Write a data folder to `out`, and the recordings to `audio`.

    Beside `wav.scp` and `text` lie `events.tsv` and, where some is known, `evidence.csv`.
    """
    paths = {}
    for item in planted:
        path = audio / f"{item.recording.recording_id}.wav"
        write_recording(item.recording, path)
        paths[item.recording.recording_id] = str(path.resolve())
    data = DataFolder(
        wav_scp=paths,
        text={item.recording.recording_id: item.event.label for item in planted},
        utt2spk={recording_id: recording_id for recording_id in paths},
        utt2dur={item.recording.recording_id: item.recording.duration for item in planted},
    )
    write_data_folder(data, out)
    events = {f"{item.recording.recording_id}.wav": item.events for item in planted}
    write_events(events, out / EVENTS_FILE)
    if any(item.evidence for item in planted):
        evidence = {item.recording.recording_id: item.evidence for item in planted}
        write_evidence(evidence, out / EVIDENCE_FILE)
