"""Kaldi data folders: read, write, validate, mend, and the audio of their utterances.

| function | what it does |
|---|---|
| `read_data_folder`, `write_data_folder` | the tables of a folder as a `DataFolder` |
| `read_utterance` | audio of an utterance, cut out of its recording by `segments` |
| `read_source` | an entry of `wav.scp` at its own rate with all its channels |
| `validate_data_folder` | a list of everything that is wrong |
| `fix_data_folder` | sorts, drops what is not whole, measures durations, and says so |
"""

from daxaudio.data.kaldi.audio import read_source, read_utterance
from daxaudio.data.kaldi.folder import DataFolder, read_data_folder, write_data_folder
from daxaudio.data.kaldi.lines import RecordingSegment
from daxaudio.data.kaldi.repair import fix_data_folder
from daxaudio.data.kaldi.validation import Problem, validate_data_folder

__all__ = [
    "DataFolder",
    "Problem",
    "RecordingSegment",
    "fix_data_folder",
    "read_data_folder",
    "read_source",
    "read_utterance",
    "validate_data_folder",
    "write_data_folder",
]
