"""Groups of measures by their names: which are known, and which a model and a corpus allow."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Literal, get_args

from daxaudio.metrics.catalogue import GROUPS, groups_that_need
from daxaudio.models.blackbox import BlackBox
from daxaudio.models.model import Model

logger = logging.getLogger(__name__)

Truth = Literal["events", "evidence"]
"""What may be known of recordings: events in time; evidence in time and frequency."""

TRUTHS: tuple[Truth, ...] = get_args(Truth)

DEFAULT_GROUPS = (
    *("localisation", "event_detection", "focus", "evidence"),
    *("deletion", "srg", "faithfulness", "form"),
)
"""Groups of measures that do not explain again, and so cost least."""

_NEED = {name: groups_that_need(name) for name in TRUTHS}


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


def fitting_groups(
    names: Sequence[str], model: Model, known: Collection[Truth] = TRUTHS
) -> list[str]:
    """Those of some groups that can be measured; of others is said why they are left out.

    Args:
        names: as `check_groups` takes them.
        model: that is explained.
        known: what is known of the recordings.

    Raises:
        ValueError: when a name is unknown, or no group is left.
    """
    asked = check_groups(names)
    for group, refusal in _refusals(model).items():
        if group in asked:
            if len(asked) == 1:
                raise ValueError(f"metrics {group} cannot be had: {refusal}")
            logger.warning("%s is left out: %s", group, refusal)
            asked.remove(group)
    missing = {group: name for name in TRUTHS if name not in known for group in _NEED[name]}
    left_out = [group for group in asked if group in missing]
    if not left_out:
        return asked
    needs = [name for name in TRUTHS if name in {missing[group] for group in left_out}]
    reason = (
        f"{' and '.join(left_out)} need the true {' and '.join(needs)}: give "
        f"{' and '.join(f'--{name}' for name in needs)}"
    )
    if len(left_out) == len(asked):
        raise ValueError(f"metrics {reason}")
    if "all" not in names and set(names) != set(DEFAULT_GROUPS):  # asked for by their names
        logger.warning("left out: %s", reason)
    return [group for group in asked if group not in missing]


def _refusals(model: Model) -> dict[str, str]:
    """Groups that a model does not allow, and why."""
    found = {}
    if not isinstance(model, BlackBox):
        found["sanity"] = "it shuffles weights, and this model can only be asked"
    if len(model.class_names) < 2:
        found["labels"] = "it asks about other classes, and this model knows one"
    return found
