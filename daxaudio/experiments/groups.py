"""Groups of measures by their names: which are known, and which a model and a corpus allow."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from daxaudio.metrics.catalogue import GROUPS, groups_that_need
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.model import Model

logger = logging.getLogger(__name__)

DEFAULT_GROUPS = ("localisation", "deletion", "srg", "faithfulness", "form")
"""Groups of measures that do not explain again, and so cost least."""

_NEED_EVENTS = groups_that_need("events")


def check_groups(names: Sequence[str]) -> list[str]:
    """The groups of measures, each once, in the order of tables; "all" stands for every group.

    Raises:
        ValueError: when a name is unknown; lists the known ones.

    Example:
        >>> check_groups(["form", "deletion", "form"])
        ['deletion', 'form']
    """
    for name in names:
        if name not in GROUPS and name != "all":
            raise ValueError(f"metrics {name!r} is unknown; choose from all, {', '.join(GROUPS)}")
    if not names:
        raise ValueError(f"no metrics named; choose from all, {', '.join(GROUPS)}")
    return [name for name in GROUPS if name in names or "all" in names]


def fitting_groups(names: Sequence[str], model: Model, has_events: bool) -> list[str]:
    """Those of some groups that can be measured; of others is said why they are left out.

    Args:
        names: as `check_groups` takes them.
        model: that is explained.
        has_events: whether true events are known.

    Raises:
        ValueError: when a name is unknown, or without events no group is left.
    """
    asked = check_groups(names)
    if "sanity" in asked and not isinstance(model, BlackBox):
        logger.warning("sanity is left out: it shuffles weights, and this model can only be asked")
        asked.remove("sanity")
    if "labels" in asked and len(model.class_names) < 2:
        logger.warning("labels is left out: it asks about other classes, and this model knows one")
        asked.remove("labels")
    if has_events:
        return asked
    asked = [group for group in asked if group not in _NEED_EVENTS]
    if not asked:
        raise ValueError(
            f"metrics {' and '.join(_NEED_EVENTS)} need the true events: give --events"
        )
    return asked
