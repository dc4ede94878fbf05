"""The lines of a Kaldi data folder: what each file may hold, in which order, and what must agree.

Files have one `id value` a line, in UTF-8, sorted by the bytes of the id as `LC_ALL=C sort` sorts.
Times are in seconds.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from daxaudio.runs.names import check_id
from daxaudio.runs.tolerances import TIME_TOLERANCE

_TO_THE_END = -1.0


@dataclasses.dataclass(frozen=True)
class RecordingSegment:
    """The part of a recording that an utterance is: a line of `segments`.

    Args:
        recording_id: the recording, one word.
        start: seconds, at least 0; becomes 0 where it is below by `TIME_TOLERANCE` at most.
        end: seconds, above `start`; None for the end of the recording (-1 in the file).

    Raises:
        ValueError: when the id is not one word, or the times are not finite or in wrong order.

    Example:
        >>> RecordingSegment("r1", 0.5, 2.0).duration_in(10.0)
        1.5
        >>> RecordingSegment("r1", 0.5).duration_in(10.0)
        9.5
    """

    recording_id: str
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        _check_word("recording_id", self.recording_id)
        if -TIME_TOLERANCE <= self.start < 0:
            object.__setattr__(self, "start", 0.0)
        end = math.nextafter(math.inf, 0) if self.end is None else self.end
        if not 0 <= self.start < end < math.inf:
            raise ValueError(
                "a segment needs 0 <= start < end in seconds, or -1 (None in Python) for the end "
                f"of the recording, got start={self.start}, end={self.end}"
            )

    def duration_in(self, recording_duration: float) -> float:
        """Seconds that the segment lasts in a recording of so many seconds."""
        return (recording_duration if self.end is None else self.end) - self.start


def byte_sorted(words: Iterable[str]) -> list[str]:
    """Each word once, sorted as `LC_ALL=C sort` does: by its UTF-8 bytes.

    Example:
        >>> byte_sorted(["é", "a_1", "B", "a-1", "a1"])
        ['B', 'a-1', 'a1', 'a_1', 'é']
    """
    return sorted(set(words), key=lambda word: word.encode())


def group_by_speaker(utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    """The utterances of each speaker, both sorted by their bytes: what `spk2utt` holds.

    Example:
        >>> group_by_speaker({"b-2": "b", "a-1": "a", "b-1": "b"})
        {'a': ['a-1'], 'b': ['b-1', 'b-2']}
    """
    of_speaker: dict[str, list[str]] = {name: [] for name in byte_sorted(utt2spk.values())}
    for utterance_id in byte_sorted(utt2spk):
        of_speaker[utt2spk[utterance_id]].append(utterance_id)
    return of_speaker


def find_speaker_disorder(utt2spk: Mapping[str, str]) -> tuple[str, str] | None:
    """The first two utterances, sorted by their bytes, whose speakers are not sorted alike.

    Kaldi's `utils/validate_data_dir.sh` refuses `utt2spk` where sorting it by speaker, and by
    utterance within a speaker, gives another order than sorting it by utterance.

    Example:
        >>> find_speaker_disorder({"1_2": "1", "1_4": "1", "13_1": "13"})
        ('13_1', '1_2')
        >>> find_speaker_disorder({"1-2": "1", "1-4": "1", "13-1": "13"})
    """
    ids = byte_sorted(utt2spk)
    for before, after in itertools.pairwise(ids):
        if utt2spk[after].encode() < utt2spk[before].encode():
            return before, after
    return None


@dataclasses.dataclass(frozen=True)
class Difference:
    """An id that one file of a data folder has and another one lacks.

    Args:
        has: name of the file that has it.
        entry: the id at the start of the line that names it there.
        lacks: name of the file that lacks it.
        key: the missing id; another one than `entry` for a recording that `segments` names.
    """

    has: str
    entry: str
    lacks: str
    key: str


def find_differences(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Ids that are not in all files that should have them.

    Args:
        tables: value of each id by file name, as `parse_value` gives it. What a file that is not
            here should hold is not asked for.

    Yields:
        One difference an id and a pair of files, in the order of the lines.

    Example:
        >>> [found.key for found in find_differences({"wav.scp": {"a": "a.wav"}, "text": {}})]
        ['a']
    """
    if "segments" not in tables:
        keys = {name: {key: key for key in table} for name, table in tables.items()}
        for name in keys:
            yield from _compare(keys, name, "wav.scp")
        return
    for group in (("segments", "text", "utt2spk", "utt2dur"), ("wav.scp", "segments", "reco2dur")):
        keys = {name: {key: key for key in tables[name]} for name in group if name in tables}
        if group[0] == "wav.scp":
            segments = [(key, value) for key, value in tables["segments"].items() if value]
            keys["segments"] = {value.recording_id: key for key, value in segments[::-1]}
        for name in keys:
            yield from _compare(keys, name, group[0])


def _compare(keys: Mapping[str, Mapping[str, str]], name: str, other: str) -> Iterator[Difference]:
    """Differences of two files, of which `keys` says the ids and where they stand."""
    for has, lacks in ((name, other), (other, name)):
        for key, entry in keys[has].items():
            if key not in keys[lacks]:
                yield Difference(has, entry, lacks, key)


def is_command(source: str) -> bool:
    """Whether a value of `wav.scp` is a shell command and no path: it ends in `|`."""
    return source.endswith("|")


def check_no_command(place: str, recording_id: str, source: str) -> None:
    """Refuse a value of `wav.scp` that is a shell command.

    Args:
        place: stands before the error: the file, or the file and the line.
        recording_id: the entry.
        source: its value.

    Raises:
        ValueError: when it is one.
    """
    if is_command(source):
        raise ValueError(
            f"{place}: {recording_id!r}: {source!r} is a shell command, which is not run unless "
            "you allow it (--allow_commands, allow_pipes=True): only for folders that you trust"
        )


def check_entry(name: str, key: str, value: Any) -> None:
    """Check the id and the value of one line that is to be written.

    Args:
        name: the file: "wav.scp", "text", "utt2spk", "utt2dur", "segments" or "reco2dur".
        key: the id.
        value: text, a number of seconds, or a `RecordingSegment`.

    Raises:
        ValueError: when the file cannot hold it, or the id can name no file (see `check_id`).
        TypeError: when `segments` shall hold something else than a `RecordingSegment`.
    """
    _check_word(name, key)
    check_id(name, key)
    _CHECKS[name](name, value)


def parse_value(name: str, place: str, text: str) -> Any:
    """What a line of a data folder says after its id.

    Args:
        name: the file: "wav.scp", "text", "utt2spk", "utt2dur", "segments" or "reco2dur".
        place: stands before an error: the file and the line.
        text: the line behind the id and the blank.

    Returns:
        The text itself, a number of seconds, or a `RecordingSegment`.

    Raises:
        ValueError: when the file cannot hold such a value.

    Example:
        >>> parse_value("segments", "segments:1", "r1 0.5 -1")
        RecordingSegment(recording_id='r1', start=0.5, end=None)
    """
    if name == "segments":
        return _parse_segment(place, text)
    value = _read_seconds(place, "duration", text) if name.endswith("2dur") else text
    _CHECKS[name](place, value)
    return value


def _parse_segment(place: str, text: str) -> RecordingSegment:
    words = text.split()
    if len(words) != 3:
        raise ValueError(f"{place}: expected a recording, a start and an end, got {text!r}")
    start, end = (_read_seconds(place, name, words[i]) for i, name in ((1, "start"), (2, "end")))
    try:
        return RecordingSegment(words[0], start, None if end == _TO_THE_END else end)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _read_seconds(place: str, name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{place}: {name} must be a number of seconds, got {text!r}") from None


def _check_word(place: str, word: str) -> None:
    # A byte order mark at the start of a file would be taken for none of the word's.
    if not word or any(character.isspace() for character in word) or word[0] == "\ufeff":
        raise ValueError(f"{place}: expected one word without white space, got {word!r}")
    _check_encodable(place, word)


def _check_line(place: str, value: str) -> None:
    if not value or value != value.strip() or "\n" in value or "\r" in value:
        raise ValueError(
            f"{place}: expected one line of text that neither begins nor ends with white space, "
            f"got {value!r}"
        )
    _check_encodable(place, value)


def _check_encodable(place: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{place}: {value!r} cannot be written as UTF-8; rename it") from None


def _check_duration(place: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{place}: expected a duration above 0 seconds, got {value}")


def _check_segment(place: str, value: RecordingSegment) -> None:
    if not isinstance(value, RecordingSegment):
        raise TypeError(f"{place}: expected a RecordingSegment, got {value!r}")


_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "wav.scp": _check_line,
    "text": _check_line,
    "utt2spk": _check_word,
    "utt2dur": _check_duration,
    "segments": _check_segment,
    "reco2dur": _check_duration,
}
