"""How far the queries of a black box are, and how long they will take."""

from __future__ import annotations

import sys
import time

import torch
from tqdm import tqdm

from daxaudio.runs.seconds import in_words


class QueryProgress:
    """A bar over the queries, which says after the first batch how long they will take.

    Args:
        n_queries: how many will be asked.
        shown: whether anything is shown.
        device: that the black box is asked on; waited for once, before the time is told.

    Example:
        >>> with QueryProgress(100, shown=False) as progress:
        ...     progress.reach(64)
        ...     progress.reach(100)
    """

    def __init__(self, n_queries: int, shown: bool, device: torch.device | str = "cpu") -> None:
        self.n_queries, self.shown = n_queries, shown
        self.device = torch.device(device)
        self.began = time.perf_counter()
        self.bar = tqdm(
            total=n_queries, desc="queries", unit="query", disable=not shown, leave=False
        )

    def __enter__(self) -> QueryProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def reach(self, n_done: int) -> None:
        """So many were asked; the time that is told begins when none is."""
        if not self.shown:
            return
        if n_done <= 0:
            self.began = time.perf_counter()
            return
        if self.bar.n == 0 and n_done < self.n_queries:
            wait_for(self.device)
            seconds = (time.perf_counter() - self.began) * self.n_queries / n_done
            self.bar.write(f"{self.n_queries} queries, about {in_words(seconds)}", file=sys.stderr)
        self.bar.update(n_done - self.bar.n)


def wait_for(device: torch.device) -> None:
    """Until a device has done what it was told; a processor has."""
    if device.type == "cuda" and torch.cuda.is_available():
        torch.cuda.synchronize(device)
