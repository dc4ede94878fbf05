"""Recordings to spectrograms and back: front ends, deleted silence, what a mask sounds like."""

from typing import TYPE_CHECKING

from daxaudio.runs.lazy import lazily

if TYPE_CHECKING:
    from daxaudio.features.frontends import (
        Cqt as Cqt,
        LinearStft as LinearStft,
        LogMel as LogMel,
        Pcen as Pcen,
        Vqt as Vqt,
    )
    from daxaudio.features.listening import Listening as Listening, listen as listen
    from daxaudio.features.vad import EnergyVad as EnergyVad, SplitVad as SplitVad

if not TYPE_CHECKING:  # type checkers would take any misspelt name for granted
    __getattr__, __dir__, __all__ = lazily(__name__)
