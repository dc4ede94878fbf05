"""Which recordings of an audit are explained; stated, and by nobody's hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from daxaudio.audit.questions import Questions
from daxaudio.runs.seeds import derive_seed

RULE = (
    "Explained are {n} recordings of either class, the first in an order drawn from their names "
    "before anything is known of their scores, and on top of them the errors that are shown: of "
    "each kind the {errors} that the model was surest of, one a participant as far as that goes."
)


def drawn_by_name(labels: Mapping[str, str], questions: Questions) -> list[str]:
    """Recordings that are explained whatever the model says of them: so many of each class.

    Args:
        labels: of each recording; those without one are left out.
        questions: `positive`, `n_explained` and `seed`.

    Returns:
        Ids in the order of the draw, positives and negatives in turn.

    Example:
        >>> asked = Questions(positive="p", n_explained=1)
        >>> len(drawn_by_name({"a": "p", "b": "n", "c": "n"}, asked))
        2
    """
    sides: dict[bool, list[str]] = {True: [], False: []}
    for name, label in labels.items():
        if label:
            sides[label == questions.positive].append(name)
    turns = []
    for side, names in sides.items():
        names.sort(key=lambda name: (derive_seed(questions.seed, "explained", name), name))
        turns += [(turn, not side, name) for turn, name in enumerate(names)]
    return [name for turn, _, name in sorted(turns) if turn < questions.n_explained]


def controls_of(labels: Mapping[str, str], questions: Questions) -> list[str]:
    """Recordings that get controls: the first of those that are explained, so many of each class.

    Args:
        labels: of each recording.
        questions: `positive`, `n_controls`, `n_explained` and `seed`.
    """
    fewer = min(questions.n_controls, questions.n_explained)
    return drawn_by_name(labels, dataclasses.replace(questions, n_explained=fewer))


def describe_rule(questions: Questions) -> str:
    """The rule in words."""
    return RULE.format(n=questions.n_explained, errors=questions.n_errors)


def all_explained(drawn: Sequence[str], errors: Sequence[str]) -> list[str]:
    """Each once, those drawn by name first."""
    return list(dict.fromkeys([*drawn, *errors]))
