"""Every measure that a comparison writes: one row a measure.

To add a measure: its function in this folder, its row in the `rows_` file of its kind, and where
its group is computed. The documentation, legends, pictures and tables read the rows; nothing
else lists measures.
"""

from __future__ import annotations

from daxaudio.metrics.measure import Measure as Measure, Need
from daxaudio.metrics.rows_against_events import AGAINST_EVENTS
from daxaudio.metrics.rows_by_queries import BY_QUERIES
from daxaudio.metrics.rows_of_forms import OF_FORMS
from daxaudio.metrics.rows_of_masks import OF_MASKS

_ROWS = (*AGAINST_EVENTS, *BY_QUERIES, *OF_MASKS, *OF_FORMS)

MEASURES = {row.name: row for row in _ROWS}
"""Every measure by the name that tables use, in the order of tables."""

GROUPS = {
    group: tuple(row.name for row in _ROWS if row.group == group)
    for group in dict.fromkeys(row.group for row in _ROWS)
}
"""Measures that are computed together, by the name that `daxaudio compare --metrics` takes."""


def groups_that_need(need: Need) -> tuple[str, ...]:
    """Groups of which no measure can be had without something.

    Example:
        >>> groups_that_need("events")
        ('localisation', 'event_detection', 'focus', 'wrongly_predicted')
    """
    return tuple(
        group
        for group, names in GROUPS.items()
        if all(need in MEASURES[name].needs for name in names)
    )
