"""A method against the best of the gradient-free baselines.

Conventions: the best rival is the one with the highest mean of the metric in that model and
padding; a duel is fought on the recordings and seeds that both methods have.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from daxaudio.experiments.conditions import average_over_seeds
from daxaudio.experiments.paired import paired_values
from daxaudio.metrics import PairedComparison, paired_comparison

RIVALS = ("lime", "kernel_shap", "rise", "occlusion")


class Duel(NamedTuple):
    """A method against the best of the rivals, on the recordings that both have."""

    ours: float
    theirs: float
    result: PairedComparison
    text: str


def fight(part: pd.DataFrame, name: str, metric: str) -> Duel | None:
    """A method against its best rival; None when it or every rival has no value.

    Args:
        part: results of one model and padding.
        name: the method.
        metric: by which they are compared.
    """
    rows = part[part["metric"] == metric]
    means = average_over_seeds(rows).groupby("method")["value"].mean().dropna()
    rivals = [rival for rival in RIVALS if rival in means.index and rival != name]
    if name not in means.index or not rivals:
        return None
    best = max(rivals, key=lambda rival: float(means[rival]))
    values = paired_values(rows, name, best).dropna()
    if values.empty:
        return None
    found = paired_comparison(values[name].to_numpy(), values[best].to_numpy())
    ours, theirs = float(values[name].mean()), float(values[best].mean())
    text = f"{ours:.3f} against {theirs:.3f} ({best}), p {found.p_value:.3g}, n {found.n}"
    return Duel(ours, theirs, found, text)
