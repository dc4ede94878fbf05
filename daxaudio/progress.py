"""How far the queries of a black box are, and how long they will take."""

from __future__ import annotations

import sys
import time

import torch
from tqdm import tqdm

from daxaudio.seconds import in_words


class QueryProgress:
    """A bar over the queries, which says after the first batch how long they will take.

    Args:
        n_queries: how many will be asked.
        shown: whether anything is shown.
        device: that the black box is asked on; waited for once, before the time is told.

    Example:
        >>> with QueryProgress(100, shown=False) as progress:
        ...     progress.add(64)
        ...     progress.add(36)
        >>> progress.n_done
        100
    """

    def __init__(self, n_queries: int, shown: bool, device: torch.device | str = "cpu") -> None:
        self.n_queries, self.n_done, self.shown = n_queries, 0, shown
        self.device = torch.device(device)
        self.began = time.perf_counter()
        self.bar = tqdm(
            total=n_queries, desc="queries", unit="query", disable=not shown, leave=False
        )

    def __enter__(self) -> QueryProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def add(self, n_queries: int) -> None:
        """So many more were asked."""
        first = self.n_done == 0
        self.n_done += n_queries
        if not self.shown:
            return
        if first and self.n_done < self.n_queries:
            wait_for(self.device)
            seconds = (time.perf_counter() - self.began) * self.n_queries / self.n_done
            self.bar.write(f"{self.n_queries} queries, about {in_words(seconds)}", file=sys.stderr)
        self.bar.update(n_queries)


def wait_for(device: torch.device) -> None:
    """Until a device has done what it was told; a processor has."""
    if device.type == "cuda" and torch.cuda.is_available():
        torch.cuda.synchronize(device)
