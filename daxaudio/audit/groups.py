"""Groups of recordings by a column of the table of what is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

MOST_NAMES = 6
"""Different numbers up to which each is a group of its own; of more, thirds are made."""


def groups_of(column: pd.Series) -> pd.Series:
    """The group of each recording: a name, or a stretch of numbers; None where nothing is known.

    Example:
        >>> groups_of(pd.Series([1.0, 2.0, None])).tolist()
        ['1', '2', None]
        >>> groups_of(pd.Series(range(9))).unique().tolist()
        ['0 to 2', '3 to 5', '6 to 8']
    """
    known = column.notna()
    if not pd.api.types.is_numeric_dtype(column.dtype):
        names = [str(one) if there else None for one, there in zip(column, known, strict=True)]
        return pd.Series(names, index=column.index, dtype=object)
    values = column.astype(np.float64)
    if values.nunique() <= MOST_NAMES:
        names = [None if one != one else f"{one:g}" for one in values]
        return pd.Series(names, index=column.index, dtype=object)
    edges = np.unique(np.quantile(values[known], [0, 1 / 3, 2 / 3, 1]))
    place = pd.Series(np.searchsorted(edges[1:-1], values, side="left"), index=column.index)
    named = {
        k: f"{values[known & (place == k)].min():g} to {values[known & (place == k)].max():g}"
        for k in sorted(place[known].unique())
    }
    names = [named[k] if there else None for k, there in zip(place, known, strict=True)]
    return pd.Series(names, index=column.index, dtype=object)
