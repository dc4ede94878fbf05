"""Rows of the references, which show nothing of a classifier."""

from __future__ import annotations

from daxaudio.explainers.method import Method
from daxaudio.explainers.references import AllOnes, Energy, OnsetStrength, Oracle, RandomMask
from daxaudio.explainers.settings import Making


def _oracle(made: Making) -> Oracle:
    if not made.events:
        name = made.spectrogram.recording_id
        raise ValueError(f"method {made.method!r} needs a true event of recording {name!r}")
    return Oracle(tuple(made.events))


REFERENCES = (
    Method(
        "random",
        "reference: random values",
        lambda made: RandomMask(made.own_seed),
        draws=True,
        reference="its values are drawn at random and say nothing about the classifier",
        floor=True,
    ),
    Method(
        "energy",
        "reference: the spectrogram itself",
        lambda made: Energy(),
        reference="it shows what is loud, whatever the classifier does with it",
        floor=True,
    ),
    Method(
        "onset_strength",
        "reference: how much louder it becomes, at all frequencies alike",
        lambda made: OnsetStrength(),
        reference="it shows where sounds begin, whatever the classifier does with them",
        floor=True,
    ),
    Method(
        "all_ones",
        "reference: everything is salient",
        lambda made: AllOnes(),
        reference="it marks everything",
    ),
    Method(
        "oracle",
        "reference: the true event",
        _oracle,
        needs_events=True,
        reference="it marks the true events, whether the classifier listens to them or not",
    ),
)
"""In the order of tables."""
