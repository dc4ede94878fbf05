"""What is odd about annotations, whatever the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from daxaudio.containers import Event
from daxaudio.data.formats.annotated import AnnotatedRecording, Problem, Tier
from daxaudio.runs.tolerances import TIME_TOLERANCE


def problems_of(recording: AnnotatedRecording) -> list[Problem]:
    """All that is odd about a recording: what reading found, then what its events show.

    Events are looked at for overlaps within a tier, an order that is not that of time, no
    duration, an end after that of the recording, no label, and blanks around a label; tiers for
    equal names. Differences up to a microsecond are let pass.

    Args:
        recording: read from any format.

    Returns:
        The problems, tier by tier; none of them is an event that was left out, but for those of
        `recording.problems` that say so.

    Example:
        >>> from daxaudio.containers import Event
        >>> tier = Tier("phases", (Event(0.0, 2.0, "inhale"), Event(1.5, 3.0, "cough")))
        >>> [problem.kind for problem in problems_of(AnnotatedRecording("a", (tier,), 2.5))]
        ['overlap', 'after the end']
    """
    found = list(recording.problems)
    for name, count in Counter(tier.name for tier in recording.tiers).items():
        if count > 1:
            found.append(Problem("same tier name", f"{count} tiers are named {name!r}"))
    for number, tier in enumerate(recording.tiers, start=1):
        where = f"tier {number} {tier.name!r}"
        found += _overlaps(where, tier)
        for event in tier.events:
            found += _oddities(where, event, tier.points, recording.duration)
    return found


def _overlaps(where: str, tier: Tier) -> Iterator[Problem]:
    if any(b.start < a.start for a, b in zip(tier.events, tier.events[1:], strict=False)):
        yield Problem("not in order", f"{where}: events are not in the order of time")
    reached = 0.0
    for event in sorted(tier.events, key=lambda event: (event.start, event.end)):
        if event.start < reached - TIME_TOLERANCE:
            seconds = min(reached, event.end) - event.start
            yield Problem(
                "overlap", f"{where}: {_named(event)} overlaps an earlier one by {seconds:.3f} s"
            )
        reached = max(reached, event.end)


def _oddities(
    where: str, event: Event, is_point: bool, duration: float | None
) -> Iterator[Problem]:
    if event.duration == 0 and not is_point:
        yield Problem("no duration", f"{where}: {_named(event)}")
    if duration is not None and event.end > duration + TIME_TOLERANCE:
        yield Problem("after the end", f"{where}: {_named(event)}, the recording has {duration} s")
    if not event.label:
        yield Problem("no label", f"{where}: {_named(event)}")
    elif event.label != event.label.strip():
        yield Problem("blanks around label", f"{where}: {_named(event)}")


def _named(event: Event) -> str:
    return f"{event.label!r} at {event.start:.3f} to {event.end:.3f} s"
