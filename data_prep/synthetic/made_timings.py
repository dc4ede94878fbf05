"""Timings of made coughs where no annotated ones are at hand: short, in the order of real ones.

Each begins and ends with the room, at the end for longer, as reverberation dies away. A breath is
drawn in, in most of them held, then follow one to three coughs with pauses, and in some of them a
throat is cleared. They last 1.5 to 3.5 s, less than the real ones (mostly 4 to 10 s), so that a
small corpus is made, learned and asked within seconds.
"""

from __future__ import annotations

from daxaudio.containers import Event, Events

from .cough_sounds import Draws

_TICK = 0.01  # seconds; all times are multiples, which are whole numbers of samples


def draw_timing(draws: Draws) -> Events:
    """A timing with labels as in the TextGrids, without gaps, from 0 to its end.

    Example:
        >>> import numpy as np
        >>> timing = draw_timing(np.random.default_rng(2))
        >>> [event.label for event in timing]
        ['noise', 'inhale', 'compress', 'cough', 'noise']
    """
    parts = [("noise", 0.3, 0.5), ("inhale", 0.2, 0.4)]
    if draws.random() < 0.7:
        parts.append(("compress", 0.06, 0.12))
    for k in range(draws.integers(1, 4)):
        parts += [("noise", 0.06, 0.15)] if k else []
        parts.append(("cough", 0.25, 0.4))
    if draws.random() < 0.3:
        parts += [("noise", 0.06, 0.15), ("throatclear", 0.2, 0.35)]
    parts.append(("noise", 0.6, 0.9))
    events, ticks = [], 0
    for label, shortest, longest in parts:
        end = ticks + round(draws.uniform(shortest, longest) / _TICK)
        events.append(Event(round(ticks * _TICK, 2), round(end * _TICK, 2), label))
        ticks = end
    return Events(events)
