"""Stored explanations against true events: one table of values, one of their means."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from daxaudio.containers import Event, Events, Explanation, Spectrogram
from daxaudio.data.evidence import Evidence, cells_of, evidence_for_class
from daxaudio.experiments.against_events import Sets, against_events, with_sets
from daxaudio.explainers.catalogue import order_methods
from daxaudio.explainers.storage import is_stored, load_explanation, load_facts
from daxaudio.metrics import score_mask
from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.runs.tables import read_table, write_csv, write_table
from daxaudio.runs.tolerances import END_TOLERANCE

logger = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")

RESULTS_FILE = "results.csv"
SUMMARY_FILE = "summary.csv"


METRICS = (
    *("iou", "best_threshold_iou", "frame_auc", "average_precision", "event_iou"),
    *GROUPS["evidence"],
)
"""Measures of `score_folder` that are shown; its tables have all."""


def score_folder(
    explanations: str | os.PathLike[str],
    events: Mapping[str, Events],
    out: str | os.PathLike[str],
    *,
    evidence: Mapping[str, Sequence[Evidence]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every explanation below a folder against true events.

    What of an event lies after the end of its recording is not looked for. A recording with an
    event that ends more than `END_TOLERANCE` after it is left out, with a warning: the events may
    be those of another one, as those of a padded recording do not fit the recording itself, though
    both may have one name. So is a recording that the events do not name.

    Args:
        explanations: folder that `explain_folder` wrote (or any folders of `daxaudio explain`).
        events: true events by recording id.
        out: `results.csv` and `summary.csv` are written here.
        evidence: what is known in time and frequency, by recording id; of none that it does not
            name are there measures of the group "evidence".

    Returns:
        The results (`recording_id`, `method`, `metric`, `value`) and their summary (`method`,
        `metric`, `mean`, `std` of the sample, `n`), in the order of tables.

    Raises:
        ValueError: when there is no explanation that can be read, two of one recording and method,
            methods that have no recording in common, or no recording whose events fit it.
    """
    rows: dict[tuple[str, str], dict[str, float]] = {}
    sets = Sets()
    left_out: list[str] = []
    for folder, explanation in _readable(explanations, load_explanation):
        name = explanation.spectrogram.recording_id
        if (name, explanation.method) in rows:
            raise ValueError(f"{folder}: a second explanation of {name} by {explanation.method}")
        if problem := _unfit(events, name, end_of(explanation.spectrogram)):
            logger.warning("left out: %s: %s", folder, problem)
            left_out.append(f"{folder}: {problem}")
            continue
        known = evidence.get(name, ()) if evidence else ()
        values = against_events(explanation, events[name]) | score_evidence(explanation, known)
        rows[name, explanation.method] = values
        sets.add(explanation, events[name])
    if not rows:
        raise ValueError(f"no recording has events that fit it: {left_out[0]}")
    check_recordings(explanations, rows)
    found = {method for _, method in rows}
    order = order_methods(found)
    ranked = sorted(rows, key=lambda key: (key[0], order.index(key[1])))
    results = pd.DataFrame(
        [(*k, metric, rows[k][metric]) for k in ranked for metric in MEASURES if metric in rows[k]],
        columns=["recording_id", "method", "metric", "value"],
    ).round({"value": 6})
    summary = with_sets(summarise(results), sets.summary())
    write_table(results, Path(out) / RESULTS_FILE)
    write_csv(summary, Path(out) / SUMMARY_FILE)
    return results, summary


def score_evidence(explanation: Explanation, parts: Sequence[Evidence]) -> dict[str, float]:
    """The mask of an explanation against what is known of its class in time and frequency.

    Args:
        explanation: of one recording.
        parts: the evidence of the recording. Where some bears the name of the class that was
            explained, that alone is true.

    Returns:
        Those of `metrics.score_mask`; none where there is no evidence.
    """
    if not parts:
        return {}
    own = evidence_for_class(parts, explanation.target)
    return score_mask(explanation.mask, cells_of(own, explanation.spectrogram))


def _unfit(events: Mapping[str, Events], name: str, end: float) -> str | None:
    """Why a recording that ends at `end` seconds cannot be scored; None where it can."""
    if name not in events:
        return f"the events name no recording {name!r}"
    return find_beyond_end(events[name], name, end)


def check_recordings(
    explanations: str | os.PathLike[str], explained: Iterable[tuple[str, str]]
) -> None:
    """See that means of methods are of the same recordings; a warning where they are not quite.

    Args:
        explanations: their folder, for the message.
        explained: recording and method of each.

    Raises:
        ValueError: when several methods have no recording in common.
    """
    recordings: dict[str, set[str]] = {}
    for name, method in explained:
        recordings.setdefault(method, set()).add(name)
    common, every = set.intersection(*recordings.values()), set().union(*recordings.values())
    counts = ", ".join(f"{method} {len(names)}" for method, names in sorted(recordings.items()))
    if not common:
        raise ValueError(
            f"{explanations}: no recording is explained by all methods ({counts} recordings), so "
            "their means cannot be compared; explain the same recordings, or score each by itself"
        )
    if len(common) < len(every):
        logger.warning("the methods' means are of different recordings: %s", counts)


def end_of(spectrogram: Spectrogram) -> float:
    """When the last frame ends, in seconds; infinite for a single frame, whose length is unknown.

    Example:
        >>> import torch
        >>> end_of(Spectrogram(torch.zeros(1, 2), torch.ones(1), torch.tensor([0.5, 1.0]), "a"))
        1.5
    """
    return float(spectrogram.times[-1]) + spectrogram.hop if spectrogram.hop else math.inf


def find_beyond_end(events: Sequence[Event], recording_id: str, end: float) -> str | None:
    """What is wrong when an event ends more than `END_TOLERANCE` after its recording, else None.

    Args:
        events: those of one recording.
        recording_id: the recording.
        end: of the recording, in seconds.

    Example:
        >>> find_beyond_end([Event(0, 2)], "a", 1.95)
        >>> find_beyond_end([Event(0, 2)], "a", 1.5)
        "an event ends at 2.000 s, but the recording 'a' at 1.500 s; are these those of another?"
    """
    last = Events(events).end
    if last <= end + END_TOLERANCE:
        return None
    return (
        f"an event ends at {last:.3f} s, but the recording {recording_id!r} at {end:.3f} s; are "
        "these those of another?"
    )


def find_explanations(folder: str | os.PathLike[str]) -> list[Path]:
    """Folders at or below `folder` that hold a whole explanation, sorted.

    Raises:
        ValueError: when there is none.
    """
    found = sorted(
        path.parent for path in Path(folder).rglob("explanation.json") if is_stored(path.parent)
    )
    if not found:
        raise ValueError(f"{folder}: no explanation at or below this folder")
    return found


def _readable(
    explanations: str | os.PathLike[str], load: Callable[[Path], Loaded]
) -> Iterator[tuple[Path, Loaded]]:
    """What can be read of the explanations below a folder; a warning names each other one.

    Raises:
        ValueError: when none can be read.
    """
    n_read, reason = 0, ""
    for folder in find_explanations(explanations):
        try:
            loaded = load(folder)
        except ValueError as error:
            reason = str(error)
            logger.warning("left out: %s", reason)
            continue
        n_read += 1
        yield folder, loaded
    if not n_read:
        raise ValueError(f"{explanations}: no explanation can be read: {reason}")


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, sample deviation and count of each method and metric, undefined values left out.

    Args:
        results: `recording_id`, `method`, `metric`, `value`.

    Returns:
        `method`, `metric`, `mean`, `std`, `n`, in the order of tables.

    Example:
        >>> rows = [("a", "lime", "iou", 0.2), ("b", "lime", "iou", 0.4)]
        >>> table = pd.DataFrame(rows, columns=["recording_id", "method", "metric", "value"])
        >>> print(summarise(table).to_csv(index=False), end="")
        method,metric,mean,std,n
        lime,iou,0.3,0.141421,2
    """
    groups = results.groupby(["method", "metric"], sort=False)["value"]
    summary = groups.agg(["mean", "std", "count"]).reset_index()
    return summary.rename(columns={"count": "n"}).round({"mean": 6, "std": 6})


def total_cost(explanations: str | os.PathLike[str]) -> pd.DataFrame:
    """What each method cost on average, from the stored explanations.

    Args:
        explanations: folder that `explain_folder` wrote.

    Returns:
        `method`, `queries`, `gradients`, `query_seconds`, `fit_seconds`: means over recordings.
    """
    rows = []
    for _, facts in _readable(explanations, load_facts):
        rows.append(
            {
                "method": facts["method"],
                "queries": facts["queries"],
                "gradients": facts.get("gradients", 0),  # older files have none
                **split_seconds(facts["seconds"]),
            }
        )
    means = pd.DataFrame(rows).groupby("method").mean()
    return means.reindex(order_methods(means.index)).reset_index()


def split_seconds(seconds: Mapping[str, float]) -> dict[str, float]:
    """What the queries of an explanation took, and what was made of the answers.

    Args:
        seconds: by phase, as an explanation has them.

    Example:
        >>> split_seconds({"query": 2.0, "fit": 0.25, "check": 0.25})
        {'query_seconds': 2.0, 'fit_seconds': 0.5}
    """
    fitting = [seconds.get(phase, 0.0) for phase in ("fit", "polarity", "check")]
    return {"query_seconds": seconds.get("query", 0.0), "fit_seconds": sum(fitting)}


def list_warnings(explanations: str | os.PathLike[str]) -> pd.DataFrame:
    """Every warning of the stored explanations.

    Args:
        explanations: folder that `explain_folder` wrote.

    Returns:
        `recording_id`, `method`, `warning`, sorted by recording and method; no row where no
        explanation has a warning.
    """
    rows = []
    for _, facts in _readable(explanations, load_facts):
        texts = facts.get("warnings", ())  # older files have none
        rows += [(facts["recording_id"], facts["method"], text) for text in texts]
    # a stable sort: warnings of one explanation stay in their order
    ranked = sorted(rows, key=lambda row: row[:2])
    return pd.DataFrame(ranked, columns=["recording_id", "method", "warning"])


def count_warned(path: str | os.PathLike[str]) -> dict[str, int]:
    """Number of explanations that have a warning, by method.

    Args:
        path: CSV file with the columns of `list_warnings`.

    Returns:
        Only methods with a warning, by name; several warnings of one explanation count once.

    Example:
        >>> import tempfile
        >>> rows = [("a", "dax_v4", "One."), ("a", "dax_v4", "Two."), ("b", "dax_v4", "One.")]
        >>> path = Path(tempfile.mkdtemp()) / "warnings.csv"
        >>> write_csv(pd.DataFrame(rows, columns=["recording_id", "method", "warning"]), path)
        >>> count_warned(path)
        {'dax_v4': 2}
    """
    table = read_table(path)
    counts = table.groupby("method")["recording_id"].nunique()
    return {str(method): int(count) for method, count in counts.items()}
