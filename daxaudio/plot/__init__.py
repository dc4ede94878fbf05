"""Pictures of spectrograms, masks and scores, saved to files.

Conventions: time in seconds to the right; every frequency bin is equally high and the ticks are in
Hz, so that mel bands and linear bins both fill the picture. Colours are told apart by people with
any colour vision. No function needs a display or touches pyplot's state; each writes its file
whole or not at all, in the format that the suffix names (.png, .pdf, .svg), and returns its path.
"""

from daxaudio.plot.curves import plot_curves, plot_randomisation
from daxaudio.plot.explanations import (
    plot_brief,
    plot_comparison,
    plot_explanation,
    plot_segments,
)
from daxaudio.plot.history import plot_history
from daxaudio.plot.measures import plot_measures
from daxaudio.plot.scores import REFERENCE_METHODS, plot_confusion, plot_summary

__all__ = [
    "REFERENCE_METHODS",
    "plot_brief",
    "plot_comparison",
    "plot_confusion",
    "plot_curves",
    "plot_explanation",
    "plot_history",
    "plot_measures",
    "plot_randomisation",
    "plot_segments",
    "plot_summary",
]
