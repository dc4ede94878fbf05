"""Samples of audio files, and how long they last: the one way in for everything that reads audio.

A header may promise more than there is, less, something impossible, or nothing. We decode to the
end: less than promised is an error, more is read and said, unknown is unknown until it is counted.

| name | what it gives |
|---|---|
| `read_samples` | the samples of a file or of a part of it |
| `duration_of` | seconds that a file lasts, from the header where that is to be trusted |
| `channels_of` | how many channels it has |
| `AUDIO_SUFFIXES` | endings of the files that are taken for audio where a folder is searched |
"""

from daxaudio.data.decoding.reader import AUDIO_SUFFIXES, channels_of, duration_of, read_samples

__all__ = ["AUDIO_SUFFIXES", "channels_of", "duration_of", "read_samples"]
