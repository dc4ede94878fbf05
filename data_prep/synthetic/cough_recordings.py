"""One planted cough recording: sounds at the phases of a timing, evidence in one of them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from daxaudio.containers import Events
from daxaudio.data.evidence import Evidence

from .cough_evidence import EVIDENCE, add_evidence, bands_of, make_hum
from .cough_files import Truth, fold_label
from .cough_sounds import (
    MAKERS,
    SAMPLE_RATE,
    Speaker,
    decibels,
    draw_speaker,
    draws_for,
    make_room,
    root_mean_square,
)

PHASES = ("cough", "inhale", "compression", "throat", "background", "none")
"""Where evidence may be planted."""

CONFOUNDERS = ("none", "hum")
"""What may lie under all positive recordings."""

_SHORTEST = 0.02  # seconds; a shorter interval holds no evidence


@dataclasses.dataclass(frozen=True)
class Plant:
    """What the positive recordings hold.

    Args:
        phase: one of `PHASES`; "none" plants no evidence.
        evidence: one of `EVIDENCE`.
        strength: level of the evidence as a factor on the level of what sounds in the phase; 1 is
            as loud, 0.5 is 6 dB less, 0 plants none.
        confounder: one of `CONFOUNDERS`.

    Raises:
        ValueError: when a name is not known or the strength is negative or not finite.
    """

    phase: str = "cough"
    evidence: str = "resonance"
    strength: float = 1.0
    confounder: str = "none"

    def __post_init__(self) -> None:
        known = {"phase": PHASES, "evidence": EVIDENCE, "confounder": CONFOUNDERS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise ValueError(
                    f"{name} must be one of {', '.join(values)}, got {getattr(self, name)!r}"
                )
        if not 0 <= self.strength < math.inf:
            raise ValueError(f"strength must be a factor of at least 0, got {self.strength}")

    @property
    def active(self) -> bool:
        """Whether there is evidence at all."""
        return self.phase != "none" and self.strength > 0


def make_recording(
    participant: str, events: Events, plant: Plant | None, seed: int = 0, *, take: int = 1
) -> tuple[np.ndarray, tuple[tuple[float, float], ...]]:
    """Make one recording; outside the evidence it is the same with any `plant` or none.

    The only exception is a confounder, which lies under all of it.

    Args:
        participant: its id; all draws depend on it.
        events: the timing, labels as in the TextGrids, from 0 to the end.
        plant: what to plant; None for the negative class.
        seed: seed of the corpus.
        take: which recording of the participant, from 1: voice and frequency of the evidence stay,
            sounds and room noise are drawn anew.

    Returns:
        Samples `[S]` at `SAMPLE_RATE`, S the end of the last event, and start and end in seconds of
        each stretch that holds evidence.

    Example:
        >>> from daxaudio.containers import Event
        >>> timing = Events([Event(0.0, 0.5, "noise"), Event(0.5, 1.0, "cough")])
        >>> samples, intervals = make_recording("a", timing, Plant("cough"))
        >>> len(samples), intervals
        (44100, ((0.5, 1.0),))
    """
    drawn_as = participant if take == 1 else f"{participant}, take {take}"
    speaker = draw_speaker(draws_for(seed, participant, "speaker"))
    room = make_room(_sample(events[-1].end), draws_for(seed, drawn_as, "room"))
    samples = room + _sounds(drawn_as, events, speaker, seed)
    scale = decibels(speaker.peak_db) / float(np.abs(samples).max())
    samples *= scale
    if plant is None:
        return samples, ()
    trait = trait_of(participant, seed)
    spans = _plant_into(samples, drawn_as, events, plant, trait, seed) if plant.active else []
    if plant.confounder == "hum":
        hum = make_hum(len(samples), trait)
        samples += hum * scale * root_mean_square(room) / root_mean_square(hum)
    return samples, tuple((first / SAMPLE_RATE, last / SAMPLE_RATE) for first, last in spans)


def trait_of(participant: str, seed: int) -> float:
    """What is the same in all evidence of a recording: 0 to 1, its frequency."""
    return float(draws_for(seed, participant, "trait").random())


def evidence_of(truth: Truth, duration: float, label: str, seed: int) -> list[Evidence]:
    """What is planted in a recording, in time and frequency.

    Args:
        truth: of the recording.
        duration: seconds; a confounder lies under all of them.
        label: the class that it speaks for.
        seed: of the corpus.
    """
    trait = trait_of(truth.participant, seed)
    parts = {truth.evidence: truth.intervals, truth.confounder: ((0.0, duration),)}
    return [
        Evidence(start, end, f_min, f_max, label)
        for kind in EVIDENCE
        for start, end in parts.get(kind, ())
        for f_min, f_max in bands_of(kind, trait)
    ]


def _sample(time: float) -> int:
    return round(time * SAMPLE_RATE)


def _sounds(drawn_as: str, events: Events, speaker: Speaker, seed: int) -> np.ndarray:
    """The sounds of all phases, at their places; a full cough has a peak of 1."""
    samples = np.zeros(_sample(events[-1].end))
    for k, event in enumerate(events):
        first, last = _sample(event.start), _sample(event.end)
        make = MAKERS.get(fold_label(event.label))
        if make and last > first:
            draws = draws_for(seed, drawn_as, "sound", k)
            samples[first:last] = make(last - first, speaker, draws)
    return samples


def _plant_into(
    samples: np.ndarray,
    drawn_as: str,
    events: Events,
    plant: Plant,
    trait: float,
    seed: int,
) -> list[tuple[int, int]]:
    """Change `samples` where the evidence goes; first and last sample of each stretch."""
    spans, peak = [], float(np.abs(samples).max())
    for k, event in enumerate(events):
        if fold_label(event.label) != plant.phase or event.duration < _SHORTEST:
            continue
        first, last = _sample(event.start), _sample(event.end)
        samples[first:last], (start, end) = add_evidence(
            samples[first:last],
            plant.evidence,
            plant.strength,
            trait,
            peak=peak,
            draws=draws_for(seed, drawn_as, "evidence", k),
        )
        spans.append((first + start, first + end))
    return spans


def seconds_of(events: Events, phase: str) -> float:
    """Seconds of a phase, but for intervals of less than 20 ms, which hold no evidence.

    Example:
        >>> from daxaudio.containers import Event
        >>> seconds_of(Events([Event(0.0, 0.5, "cough"), Event(0.5, 0.51, "cough")]), "cough")
        0.5
    """
    return sum(
        event.duration
        for event in events
        if fold_label(event.label) == phase and event.duration >= _SHORTEST
    )
