"""Pictures of spectrograms, masks and scores, saved to files.

Conventions: time in seconds to the right, frequency in Hz upwards, on the scale that the bins are
spaced by. Colours are told apart by people with any colour vision. What is drawn comes first, then
the file. A file is written whole or not at all, in the format that the suffix names (.png, .pdf,
.svg), and its path is returned; this needs no display and touches no state of pyplot.
"""

from daxaudio.plot.curves import plot_curves, plot_randomisation
from daxaudio.plot.explanations import (
    plot_comparison,
    plot_explanation,
    plot_segments,
)
from daxaudio.plot.history import plot_history
from daxaudio.plot.intervals import Intervals, plot_calibration, plot_intervals
from daxaudio.plot.measures import plot_measures
from daxaudio.plot.notebook import explanation_html
from daxaudio.plot.ranks import plot_ranks
from daxaudio.plot.scores import plot_confusion, plot_summary

__all__ = [
    "Intervals",
    "explanation_html",
    "plot_calibration",
    "plot_comparison",
    "plot_confusion",
    "plot_curves",
    "plot_explanation",
    "plot_history",
    "plot_intervals",
    "plot_measures",
    "plot_randomisation",
    "plot_ranks",
    "plot_segments",
    "plot_summary",
]
