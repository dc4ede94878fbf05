"""Explanations held against true events: one by one, and over all recordings of a method."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import pandas as pd

from daxaudio.containers import Event, Events, Explanation
from daxaudio.explainers.catalogue import order_methods
from daxaudio.metrics import evaluate, focus, psds
from daxaudio.metrics.catalogue import GROUPS, MEASURES

_SUMMARY = ["method", "metric", "mean", "std", "n"]


def against_events(
    explanation: Explanation, events: Sequence[Event], groups: Collection[str] = tuple(GROUPS)
) -> dict[str, float]:
    """What some groups of measures say of an explanation and the true events of its recording.

    Args:
        explanation: of one recording.
        events: true events of all classes, at least one.
        groups: names of `GROUPS`; of others nothing is measured here.

    Returns:
        By measure, in the order of `evaluate`. `focus` is there where events of other classes are.
    """
    found = evaluate(explanation, events)
    own, label = Events(events), explanation.target
    if own.of(label) and own.without(label):
        times = explanation.spectrogram.times
        found["focus"] = focus(explanation.mask, times, own, label)
    return {name: value for name, value in found.items() if MEASURES[name].group in groups}


class Sets:
    """Profiles of many recordings by method, and what is measured over all of them at once."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[Explanation, Events]]] = {}

    def add(self, explanation: Explanation, events: Sequence[Event]) -> None:
        """Take an explanation and the true events of its recording."""
        own = Events(events).for_class(explanation.target)
        self._found.setdefault(explanation.method, []).append((explanation, own))

    def summary(self) -> pd.DataFrame:
        """`method`, `metric`, `mean` (the value), `std` (none) and `n`, the recordings."""
        rows = []
        for method, found in self._found.items():
            profiles = [explanation.profile for explanation, _ in found]
            times = [explanation.spectrogram.times for explanation, _ in found]
            value = psds(profiles, times, [events for _, events in found])
            rows.append((method, "psds", round(value, 6), math.nan, len(found)))
        return pd.DataFrame(rows, columns=_SUMMARY)


def with_sets(summary: pd.DataFrame, of_sets: pd.DataFrame) -> pd.DataFrame:
    """A summary of single recordings and one of whole sets as one, in the order of tables.

    Example:
        >>> one = pd.DataFrame([("lime", "psds", 0.5, math.nan, 2)], columns=_SUMMARY)
        >>> two = pd.DataFrame([("lime", "iou", 0.3, 0.1, 2)], columns=_SUMMARY)
        >>> with_sets(two, one)["metric"].tolist()
        ['iou', 'psds']
    """
    both = summary if of_sets.empty else pd.concat([summary, of_sets], ignore_index=True)
    methods, metrics = order_methods(both["method"]), list(MEASURES)
    places = [
        (methods.index(method), metrics.index(metric))
        for method, metric in zip(both["method"], both["metric"], strict=True)
    ]
    order = sorted(range(len(both)), key=lambda row: places[row])
    return both.iloc[order].reset_index(drop=True)
