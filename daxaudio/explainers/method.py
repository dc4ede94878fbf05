"""What there is to know of a method."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from daxaudio.containers import Explainer
from daxaudio.explainers.settings import Making


@dataclasses.dataclass(frozen=True)
class Method:
    """One row: what a method is, how its explainer is made, and what others must know of it.

    Args:
        name: in tables, commands and folders.
        text: what it does, in a line.
        build: makes its explainer for one recording.
        settings: fields of `MethodSettings` on which its explanation depends.
        queries: black-box evaluations of one recording, where the settings allow Q.
        gradients: forward and backward passes of one recording; "" for methods that need query
            access only.
        perturbs: what it draws; methods that draw the same share their queries. "" when it asks
            about the input alone.
        needs_sound: it masks the sound itself: for classifiers that hear waveforms.
        needs_events: it marks true events, and cannot do without.
        learned: its mask is what a network gives that learned to mask.
        trains: it trains networks, which takes minutes a recording on a processor.
        draws: its mask depends on random draws, the fill "noise" apart.
        signed: its attribution tells what speaks for the class (above 0) from what speaks against.
        has_form: its mask has a form of its own, and is not its attribution, scaled, or the part of
            it that speaks for the class.
        standard_error: it says how sure it is of the mask.
        reference: of a reference, which shows nothing of the classifier: what it shows instead.
        floor: a reference that every method has to beat.
    """

    name: str
    text: str
    build: Callable[[Making], Explainer]
    settings: tuple[str, ...] = ()
    queries: str = "1"
    gradients: str = ""
    perturbs: str = ""
    needs_sound: bool = False
    needs_events: bool = False
    learned: bool = False
    trains: bool = False
    draws: bool = False
    signed: bool = False
    has_form: bool = False
    standard_error: bool = False
    reference: str = ""
    floor: bool = False

    @property
    def needs_module(self) -> bool:
        """Whether it looks into the classifier; the others need query access only."""
        return bool(self.gradients)
