"""Time axes: seconds, or hours, minutes and seconds where a recording is long."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from daxaudio.runs.seconds import clock

LONG = 600.0
"""Seconds from which on a time axis is in hours, minutes and seconds."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MOST_TICKS = 9


def name_time_axis(axes: Axes) -> None:
    """Name the time axis of a picture, and write its times so that they can be read.

    Args:
        axes: whose limits are set, in seconds.

    Example:
        >>> from daxaudio.plot.drawing import new_figure
        >>> axes = new_figure(6, 2).subplots()
        >>> _ = axes.set_xlim(0, 7200)
        >>> name_time_axis(axes)
        >>> axes.get_xlabel(), axes.xaxis.get_major_formatter()(5400.0)
        ('time (h:mm:ss)', '1:30:00')
    """
    start, end = axes.get_xlim()
    if end < LONG:
        axes.set_xlabel("time (s)")
        return
    step = next((one for one in _STEPS if (end - start) / one <= _MOST_TICKS), _STEPS[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(max(0.0, seconds))))
    axes.set_xlabel("time (h:mm:ss)")
