"""Kills workers of this process at random moments, as a machine that runs out of memory does."""

import contextlib
import multiprocessing
import os
import random
import signal
import threading


@contextlib.contextmanager
def killing(n_times, pause, seed=0):
    """Kill so many workers while the block runs; gives the list of those that were killed.

    `pause` is the longest time between two, in seconds.
    """
    draws, killed, over = random.Random(seed), [], threading.Event()

    def kill():
        while len(killed) < n_times and not over.wait(draws.uniform(0, pause)):
            there = multiprocessing.active_children()
            if there:
                with contextlib.suppress(ProcessLookupError, ValueError, TypeError):
                    pid = draws.choice(sorted(child.pid for child in there))
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
