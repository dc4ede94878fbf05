"""A Ray of several nodes on this machine, whose nodes and actors can be killed as they work."""

import contextlib
import os
import random
import signal
import sys
import threading
from pathlib import Path

STORE = 80_000_000
SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 8,
}
"""A dead node is noticed soon, and one that is slow on a busy machine is not taken for one."""


class Nodes:
    """A head that does no work, and nodes with one processor each.

    `address` is that of the cluster; this process is not connected to it.
    """

    def __init__(self, n_nodes=2):
        import ray._private.utils
        from ray.cluster_utils import Cluster

        # a node is added by a thread, too, which can set no handler of signals
        ray._private.utils.set_sigterm_handler = lambda handler: None
        self.n_nodes = n_nodes
        self.cluster = Cluster()
        self.cluster.add_node(
            num_cpus=0, object_store_memory=STORE, include_dashboard=False, _system_config=SOON
        )
        self.working = [self._add() for _ in range(n_nodes)]
        self.address = self.cluster.address

    def _add(self):
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE)

    def kill_node(self, draws):
        """Kill a raylet and, with it, all that it had started; another node joins."""
        node = self.working.pop(draws.randrange(len(self.working)))
        self.cluster.remove_node(node, allow_graceful=False)
        self.working.append(self._add())


@contextlib.contextmanager
def ray_of(n_nodes=2):
    """Nodes that end at the end; their workers import what this process can."""
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "RAY_USAGE_STATS_ENABLED")}
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    os.environ.update(RAY_USAGE_STATS_ENABLED="0")
    nodes = None
    try:
        nodes = Nodes(n_nodes)
        yield nodes
    finally:
        if nodes is not None:
            nodes.cluster.shutdown()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextlib.contextmanager
def at_random_moments(kill, n_times, pause, seed=0):
    """Call `kill(draws)` so many times while the block runs; gives a list that grows with each.

    `kill` says whether there was anything to kill; `pause` is the longest time between two, in
    seconds. What it raises, the block raises at its end, with as many entries in the list as if all
    had been done, so that nobody waits for them.
    """
    draws, killed, over, raised = random.Random(seed), [], threading.Event(), []

    def work():
        try:
            while len(killed) < n_times and not over.wait(draws.uniform(0, pause)):
                if kill(draws) is not False:
                    killed.append(len(killed))
        except Exception as error:
            raised.append(error)
            killed.extend(range(len(killed), n_times))
        over.wait()  # what a thread started is ended with it by Linux: the nodes that joined

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
    if raised:
        raise raised[0]


def actor_killer(out):
    """Kills one of the actors that opened a made job which writes to `out`."""

    def kill(draws):
        path = Path(out) / "opened"
        lines = path.read_text().splitlines() if path.exists() else []
        alive = [pid for pid in {int(line.split()[0]) for line in lines} if _is_actor(pid)]
        if not alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(draws.choice(sorted(alive)), signal.SIGKILL)
        return True

    return kill


def _is_actor(pid):
    try:
        return b"ray::" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
