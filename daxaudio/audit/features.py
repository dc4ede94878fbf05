"""Columns of a table as numbers that a linear classifier takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

Values = NDArray[np.float64]

MOST_CURVED = 8
"""Numbers up to which the square of each is a feature, too: what is odd at both ends is seen."""

_SITE_WORDS = (
    *("site", "centre", "center", "hospital", "clinic", "ward", "location", "room", "country"),
    *("device", "phone", "microphone", "mic", "recorder", "platform", "app", "browser", "scanner"),
)


def is_site(column: str) -> bool:
    """Whether the name of a column says that it tells where or by what a recording was made.

    Example:
        >>> is_site("recording_site"), is_site("phone type"), is_site("age"), is_site("opposite")
        (True, True, False, False)
    """
    words = column.lower().replace("_", " ").replace("-", " ").split()
    return any(word in _SITE_WORDS for word in words)


def number_features(columns: pd.DataFrame) -> Values:
    """Numbers as normal scores of their ranks, and the squares of few; missing ones are 0.

    Args:
        columns: `[n, k]` numbers, NaN where missing; those of one value only are left out.

    Returns:
        `[n, d]`, each column with mean 0 and standard deviation 1; no label went into it.
    """
    normal = []
    for name in columns:
        values = columns[name].to_numpy(dtype=np.float64)
        known = ~np.isnan(values)
        if len(np.unique(values[known])) < 2:
            continue
        ranks = scipy.stats.rankdata(values[known])
        scores = np.zeros(len(values))
        scores[known] = scipy.stats.norm.ppf((ranks - 0.5) / known.sum())
        normal.append(scores)
    if len(normal) <= MOST_CURVED:
        normal += [scores**2 for scores in normal]
    return _standardised(normal, len(columns))


def column_features(column: pd.Series) -> Values:
    """One column of a table of what is known: numbers, dates or names; missing is a name, too.

    Returns:
        `[n, d]`; d is 0 of a column that has one value only, and of names that nearly all differ.
    """
    numbers = as_numbers(column)
    if numbers is not None:
        found = number_features(numbers.to_frame())
        missing = np.asarray(numbers.isna(), dtype=np.float64)
        unknown = _standardised([missing], len(column))
        return np.hstack([found, unknown])
    names = column.where(column.notna(), "(unknown)").astype(str)
    counts = names.value_counts()
    often = sorted(counts[counts > 1].index)
    if len(counts) > len(names) / 2:
        return np.zeros((len(column), 0))
    indicators = [np.asarray(names == one, dtype=np.float64) for one in often]
    return _standardised(indicators, len(column))


def as_numbers(column: pd.Series) -> pd.Series | None:
    """Numbers, or dates as days; None of a column that holds names.

    Example:
        >>> as_numbers(pd.Series(["2020-04-01", None, "2020-04-03"])).diff(2).tolist()[-1]
        2.0
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype(np.float64)
    texts = column.dropna().astype(str)
    if not len(texts) or not texts.str.fullmatch(r"\d{4}-\d{2}(-\d{2}.*)?").all():
        return None
    times = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    days = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return None if days.isna().sum() > column.isna().sum() else days.astype(np.float64)


def _standardised(columns: Sequence[Values], n: int) -> Values:
    kept: list[Values] = [
        np.asarray((one - one.mean()) / one.std()) for one in columns if one.std() > 1e-12
    ]
    return np.stack(kept, axis=1) if kept else np.zeros((n, 0))
