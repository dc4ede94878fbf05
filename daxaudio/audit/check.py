"""Whether questions can be answered from what is given, before hours go into asking."""

from __future__ import annotations

from collections.abc import Mapping

from daxaudio.audit.known import PARTICIPANT, RECORDING
from daxaudio.audit.questions import Questions
from daxaudio.containers import Events
from daxaudio.explainers.catalogue import check_events


def check_fits(questions: Questions, events: Mapping[str, Events], *, has_table: bool) -> list[str]:
    """Refuse questions about a table or about events that are not there.

    Args:
        questions: settings of the audit.
        events: known ones by recording.
        has_table: whether there is a table of what is known.

    Returns:
        Columns that the table must have.

    Raises:
        ValueError: when a question needs a table or events and there are none, names events by a
            label that none has, or asks of ids as of what is known; names the key.

    Example:
        >>> check_fits(Questions(subgroups=("sex",)), {}, has_table=False)
        Traceback (most recent call last):
        ValueError: subgroups: 'sex' is a column of the table ...
    """
    needed = questions.columns_named()
    for name, key in needed.items():
        if name in (RECORDING, questions.participant):
            raise ValueError(f"{key}: {name!r} says who it is, not what is known; leave it out")
    for name in (*questions.columns, *(questions.sites or ())):
        for key in ("split", "left_out"):
            if name == getattr(questions, key):
                raise ValueError(f"columns, sites: {name!r} is {key}, and tells no label apart")
    if questions.participant != PARTICIPANT:
        needed = {questions.participant: "participant", **needed}
    if needed and not has_table:
        name, key = next(iter(needed.items()))
        raise ValueError(
            f"{key}: {name!r} is a column of the table of what is known, and there is none; give "
            "it (--table), or leave the question out"
        )
    _check_events(questions, events)
    return list(needed)


def _check_events(questions: Questions, events: Mapping[str, Events]) -> None:
    labels = sorted({event.label for own in events.values() for event in own})
    for phase in questions.phases:
        if phase not in labels:
            known = (
                f"their labels are {', '.join(map(repr, labels))}" if labels else "there is none"
            )
            raise ValueError(f"phases: no event is labelled {phase!r}; {known}")
    if not labels:
        methods = filter(None, (questions.method, questions.second_method))
        check_events(list(methods), "give --events, or name another method")
