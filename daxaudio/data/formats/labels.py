"""Fold the spellings of labels into a vocabulary; a label that it does not know never vanishes."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from daxaudio.containers import Event
from daxaudio.data.formats.text import decode_file
from daxaudio.runs.config import read_yaml

KEEP, ERROR = "keep", "error"
"""What may happen to labels that a map does not know, besides becoming one of its classes."""


@dataclasses.dataclass(frozen=True)
class LabelMap:
    """Classes and the spellings that mean them.

    Case and blanks at both ends make no difference. A class is a spelling of itself.

    Args:
        spellings: other spellings of each class.

    Raises:
        ValueError: when there is no class, a spelling is empty or belongs to two classes, or a
            class is named `keep` or `error`.

    Example:
        >>> phases = LabelMap({"cough": (), "inhale": ("inspiration",)})
        >>> events = [Event(0, 1, " Inspiration"), Event(1, 2, "COUGH"), Event(2, 3, "4")]
        >>> folded, unknown = phases.apply(events)
        >>> [event.label for event in folded], dict(unknown)
        (['inhale', 'cough', '4'], {'4': 1})
    """

    spellings: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        if not self.spellings:
            raise ValueError("a label map needs at least one class")
        if reserved := {KEEP, ERROR} & set(self.spellings):
            raise ValueError(f"a label map cannot have the class {reserved.pop()!r}; rename it")
        owners: dict[str, str] = {}
        for name, others in self.spellings.items():
            for spelling in (name, *others):
                if not _plain(spelling):
                    raise ValueError(f"label map, class {name!r}: a spelling is empty")
                if owners.setdefault(_plain(spelling), name) != name:
                    raise ValueError(
                        f"label map: {spelling!r} is of two classes, {owners[_plain(spelling)]!r} "
                        f"and {name!r}; leave one"
                    )

    def class_of(self, label: str) -> str | None:
        """The class of a label; None where no class has this spelling."""
        return self._classes.get(_plain(label))

    def unknown(self, events: Iterable[Event]) -> Counter[str]:
        """Labels that no class has, as they are spelt, with their counts."""
        return Counter(event.label for event in events if self.class_of(event.label) is None)

    def apply(
        self, events: Iterable[Event], unknown: str = KEEP
    ) -> tuple[list[Event], Counter[str]]:
        """Give every event the name of its class.

        Args:
            events: stay as they are but for the label.
            unknown: what to do with a label that no class has: `keep` leaves it as it is, `error`
                refuses all, a class of the map takes it in.

        Returns:
            As many events as were given, and the labels that no class has, with their counts.

        Raises:
            ValueError: when `unknown` is something else, or is `error` and a label is unknown.
        """
        events = list(events)
        self.check_policy(unknown)
        odd = self.unknown(events)
        if unknown == ERROR and odd:
            raise ValueError(f"labels not in the map: {count_text(odd)}; add or correct them")
        folded = [
            dataclasses.replace(event, label=self._folded(event.label, unknown)) for event in events
        ]
        return folded, odd

    def check_policy(self, unknown: str) -> None:
        """Refuse what is neither `keep`, `error` nor a class.

        Raises:
            ValueError: when it is something else.
        """
        if unknown not in (KEEP, ERROR, *self.spellings):
            classes = ", ".join(self.spellings)
            raise ValueError(
                f"unknown must be {KEEP}, {ERROR} or one of the classes {classes}, got {unknown!r}"
            )

    def _folded(self, label: str, unknown: str) -> str:
        return self.class_of(label) or (label if unknown == KEEP else unknown)

    @functools.cached_property
    def _classes(self) -> dict[str, str]:
        return {_plain(s): name for name, others in self.spellings.items() for s in (name, *others)}


def _plain(label: str) -> str:
    return label.strip().casefold()


def count_text(counts: Counter[str]) -> str:
    """Labels and counts in one line, the most frequent first.

    Example:
        >>> count_text(Counter({"4": 1, " noise": 2}))
        "' noise' 2, '4' 1"
    """
    return ", ".join(f"{label!r} {count}" for label, count in counts.most_common())


def load_label_map(path: str | os.PathLike[str]) -> LabelMap:
    r"""Read a label map from YAML: each key a class, each value a list of spellings.

    Args:
        path: the file; a class without other spellings has an empty list or nothing.

    Raises:
        ValueError: when the file is missing, is no YAML or has another form; labels that YAML
            takes for numbers or truth values need quotes.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "map.yaml"
        >>> _ = path.write_text("cough: [coughing]\nnoise:\n")
        >>> load_label_map(path).class_of("Coughing")
        'cough'
    """
    document = read_yaml(decode_file(Path(path)), path)
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected classes, each with a list of spellings")
    for name, others in document.items():
        if not isinstance(others, list | None) or not all(
            isinstance(word, str) for word in (name, *(others or ()))
        ):
            raise ValueError(
                f"{path}: class {name!r} must be a text with a list of texts; put numbers, yes "
                "and no in quotes"
            )
    try:
        return LabelMap({name: tuple(others or ()) for name, others in document.items()})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
