"""How far the work is, and how long it will take: shown where somebody asked for it, else not.

Who does the work does not know whether anybody looks. Whoever starts it says so once, around it:
commands do unless `--quiet` is given, a notebook may.

    with show_progress():
        explanation = explain(recording, model)
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from daxaudio.runs.seconds import in_words

if TYPE_CHECKING:
    import torch
    from tqdm import tqdm
    from typing_extensions import Self

_shown: ContextVar[bool] = ContextVar("shown", default=False)


@contextlib.contextmanager
def show_progress(shown: bool = True) -> Iterator[None]:
    """Show bars of the work that is done inside, or none.

    Args:
        shown: whether; within a bar over many recordings, those of one are not.

    Example:
        >>> with show_progress():
        ...     [number for number in progress_bar([1, 2], "counting", leave=False)]
        [1, 2]
    """
    before = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(before)


def progress_is_shown() -> bool:
    """Whether somebody looks.

    Example:
        >>> progress_is_shown()
        False
    """
    return _shown.get()


def progress_bar(
    things: Iterable[Any] | None = None, what: str = "", *, total: int | None = None, **look: Any
) -> tqdm[Any]:
    """A bar on standard error over things, or over `total` steps; nothing where nobody looks.

    Args:
        things: what is worked on, one after the other; None to call `update` by hand.
        what: is being done, such as "explaining".
        total: how many things; theirs when None.
        look: how it looks (`unit`, `leave`), as in tqdm.
    """
    from tqdm import tqdm  # late: so do the modules that commands import for their help

    return tqdm(things, what, total, disable=not _shown.get(), **look)


class WorkProgress:
    """A bar over the steps of work on many recordings, with the rate of queries.

    Bars over the queries of one recording are not shown within it.

    Args:
        what: is being done, such as "explaining".
        n_steps: how many steps.
        n_queries: tells how many queries were asked so far.
        unit: what a step is called.

    Example:
        >>> with WorkProgress("explaining", 2, lambda: 100) as progress:
        ...     progress.advance("a", "lime")
        ...     progress.advance("a", "rise")
    """

    def __init__(
        self, what: str, n_steps: int, n_queries: Callable[[], int], unit: str = " steps"
    ) -> None:
        self.n_queries, self.asked, self.began = n_queries, n_queries(), time.perf_counter()
        self.bar = progress_bar(what=what, total=n_steps, unit=unit)
        self.within = show_progress(False)
        self.shown = progress_is_shown()

    def __enter__(self) -> Self:
        self.within.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.within.__exit__(None, None, None)
        self.bar.close()

    def advance(self, recording_id: str, what: str) -> None:
        """One step is done."""
        rate = (self.n_queries() - self.asked) / (time.perf_counter() - self.began)
        self.bar.set_postfix_str(f"{recording_id} {what}, {rate:.0f} queries/s", refresh=False)
        self.bar.update()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bar.write(text, file=sys.stderr)


class QueryProgress:
    """A bar over the queries, which says after the first batch how long they will take.

    Args:
        n_queries: how many will be asked.
        device: that the black box is asked on; waited for once, before the time is told.

    Example:
        >>> with QueryProgress(100) as progress:
        ...     progress.reach(64)
        ...     progress.reach(100)
    """

    def __init__(self, n_queries: int, device: torch.device | str = "cpu") -> None:
        self.n_queries, self.shown, self.device = n_queries, progress_is_shown(), device
        self.began = time.perf_counter()
        self.bar = progress_bar(what="queries", total=n_queries, unit="query", leave=False)

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


def wait_for(device: torch.device | str) -> None:
    """Until a device has done what it was told; a processor has."""
    import torch  # late: as above

    device = torch.device(device)
    if device.type == "cuda" and torch.cuda.is_available():
        torch.cuda.synchronize(device)
