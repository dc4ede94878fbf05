"""Tables of a comparison: values, curves, stages of randomisation, and what the methods cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from daxaudio.containers import Explanation
from daxaudio.experiments.score import split_seconds
from daxaudio.explainers.catalogue import METHODS, order_methods
from daxaudio.metrics.catalogue import MEASURES

_COST = ["method", "queries", "gradients", "seconds", "query_seconds", "fit_seconds"]


class Gathered:
    """Values, curves and stages of many explanations, and the tables made of them."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, float | None]] = []
        self.curves: list[pd.DataFrame] = []
        self.stages: list[dict[str, Any]] = []
        self.costs: list[dict[str, Any]] = []
        self.warnings: list[tuple[str, str, str]] = []

    def add(self, explanation: Explanation, values: Mapping[str, float | None]) -> None:
        """Take the values of an explanation by measure; None where one is not defined."""
        name, method = explanation.spectrogram.recording_id, explanation.method
        self.rows += [(name, method, metric, value) for metric, value in values.items()]

    def add_curves(self, explanation: Explanation, found: Mapping[str, Any]) -> None:
        """Take `curves` and `stages` of what `Measuring.stored` gave, where there are any."""
        own = {
            "recording_id": explanation.spectrogram.recording_id,
            "method": explanation.method,
        }
        for curve in found.get("curves", ()):
            columns = ("direction", "unit", "fill")
            table = pd.DataFrame(
                {
                    **own,
                    **{column: curve[column] for column in columns},
                    "share": curve["shares"],
                    "score": curve["scores"],
                }
            )
            self.curves.append(table)
        self.stages += [{**own, **stage} for stage in found.get("stages", ())]

    def add_facts(self, explanation: Explanation) -> None:
        """Take what an explanation cost, and its warnings."""
        self.costs.append(
            {
                "method": explanation.method,
                "queries": explanation.n_queries,
                "gradients": explanation.n_gradients,
                "seconds": sum(explanation.seconds.values()),
                **split_seconds(explanation.seconds),
            }
        )
        name = explanation.spectrogram.recording_id
        self.warnings += [(name, explanation.method, text) for text in explanation.warnings]

    def cost_table(self) -> pd.DataFrame:
        """`method`, `queries`, `gradients`, and seconds by phase: means over recordings."""
        means = pd.DataFrame(self.costs, columns=_COST).groupby("method").mean()
        return means.reindex(order_methods(means.index)).reset_index().round(3)

    def warning_table(self) -> pd.DataFrame:
        """`recording_id`, `method`, `warning`."""
        ranked = sorted(self.warnings, key=lambda row: row[:2])
        return pd.DataFrame(ranked, columns=["recording_id", "method", "warning"])

    def results(self) -> pd.DataFrame:
        """`recording_id`, `method`, `metric`, `value`, in the order of tables."""
        methods, metrics = list(METHODS), list(MEASURES)
        ranked = sorted(
            self.rows, key=lambda row: (row[0], methods.index(row[1]), metrics.index(row[2]))
        )
        columns = ["recording_id", "method", "metric", "value"]
        table = pd.DataFrame(ranked, columns=columns).astype({"value": float})
        return table.round({"value": 6})

    def curve_table(self) -> pd.DataFrame:
        """One row a point of a curve."""
        columns = ["recording_id", "method", "direction", "unit", "fill", "share", "score"]
        if not self.curves:
            return pd.DataFrame(columns=columns)
        return pd.concat(self.curves, ignore_index=True).round({"share": 6, "score": 6})

    def stage_table(self) -> pd.DataFrame:
        """One row a stage of randomisation."""
        columns = ["recording_id", "method", "stage", "layer", "correlation", "ssim"]
        return pd.DataFrame(self.stages, columns=columns).round({"correlation": 6, "ssim": 6})
