"""In a recording of several classes: does the mask of one keep away from the events of the others?

The mosaic test of Arias-Duart et al. 2022 ("Focus! Rating XAI methods and finding biases"), in
time: where they put four pictures beside each other, a recording holds events of several classes.
A method that marks whatever stands out marks those of every class, whichever it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from daxaudio.containers import Event, Events
from daxaudio.metrics.events import Numbers, check_over_time, event_frames


def focus(mask: Numbers, times: Numbers, events: Sequence[Event], label: str) -> float:
    """Share of the mask in events of its class, of what lies in events of any one class.

    Differs from the source in that what lies outside of all events does not count (pictures leave
    nothing outside; `relevance_mass` measures it), nor do frames in which events of the class and
    of another one sound at once: the mask of either may mark them.

    Args:
        mask: `[F, T]`, at least 0, higher is more salient; found for the class.
        times: `[T]` frame centres in seconds, increasing.
        events: true events of all classes.
        label: of the class.

    Returns:
        In [0, 1], 1 is best; chance is the class's share of those frames. NaN when no frame is in
        events of the class alone, or none in those of the others alone, or the mask is 0 in all of
        them.

    Raises:
        ValueError: when mask or times are malformed, or a value is negative.

    Example:
        >>> events = [Event(0.0, 2.0, "dog"), Event(1.0, 3.0, "cat")]
        >>> focus([[6, 9, 2, 9]], [0.5, 1.5, 2.5, 3.5], events, "dog")  # 6 of 6 + 2
        0.75
    """
    values, centres = check_over_time(mask, times)
    if values.min() < 0:
        raise ValueError("mask holds negative values; scale it by scale_to_mask")
    own = event_frames(Events(events).of(label), centres)
    others = event_frames(Events(events).without(label), centres)
    mass = values.sum(axis=0)
    right, wrong = mass[own & ~others].sum(), mass[others & ~own].sum()
    if not (own & ~others).any() or not (others & ~own).any() or right + wrong == 0:
        return math.nan
    return float(right / (right + wrong))
