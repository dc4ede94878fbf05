"""What lies on disk: audio, events, data folders, noise around recordings."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.data.audio import (
        read_recording as read_recording,
        write_recording as write_recording,
    )
    from daxaudio.data.events import read_events as read_events, write_events as write_events
    from daxaudio.data.formats import (
        read_annotations as read_annotations,
        write_annotations as write_annotations,
    )
    from daxaudio.data.kaldi import (
        DataFolder as DataFolder,
        RecordingSegment as RecordingSegment,
        fix_data_folder as fix_data_folder,
        read_data_folder as read_data_folder,
        read_utterance as read_utterance,
        validate_data_folder as validate_data_folder,
        write_data_folder as write_data_folder,
    )
    from daxaudio.data.padding import (
        NoisePadding as NoisePadding,
        PaddedRecording as PaddedRecording,
    )

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
