"""Arguments that say how the work on many recordings is done: shards, workers, devices, limits."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Iterator

from daxaudio.commands.arguments import counted
from daxaudio.engines.engine import Engine, Local
from daxaudio.engines.on_ray import OnRay
from daxaudio.runs.shards import Shard, read_shard

ENGINE_OPTIONS = ("shard", "workers", "ray", "gpus", "threads", "time_limit")
"""What `add_engine` adds; nothing of it changes a result, but for the number of threads."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """`--shard`, `--workers`, `--ray`, `--gpus`, `--threads` and `--time_limit`."""
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="do part I of N of the recordings, by their ids; when all parts are done, into the "
        "same --out, `daxaudio merge` joins their tables, or of an audit the same command without "
        "--shard concludes; `daxaudio slurm` writes a script that does all",
    )
    parser.add_argument(
        "--workers",
        type=counted,
        metavar="N",
        help="do the recordings in N processes, each with a model of its own (default: in this "
        "one, or one a GPU of --gpus); what ends a process or takes too long is tried again, then "
        "set aside and listed",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="do them by workers on a Ray cluster: auto (that of this machine), HOST:PORT, or "
        "local, which starts a Ray of this machine alone; as many as it has room for, or --workers "
        "N; model, recordings and --out must have one name on all nodes",
    )
    parser.add_argument(
        "--gpus",
        metavar="LIST",
        help="GPUs that are dealt out to the workers, such as 0,1, or all; with --ray, all gives "
        "one to each worker",
    )
    parser.add_argument(
        "--threads",
        type=counted,
        metavar="N",
        help="processor threads of each worker (default 1 with --workers or --ray and "
        "in an audit, else all); "
        "another number may change the last digits of results",
    )
    parser.add_argument(
        "--time_limit",
        type=_seconds,
        metavar="SECONDS",
        help="that one method may take on one recording; then it is tried again, at most three "
        "times, and set aside",
    )


@contextlib.contextmanager
def engine_of(arguments: argparse.Namespace) -> Iterator[Engine]:
    """What does the units of a command, as its arguments say.

    Raises:
        ValueError: when `--gpus` names none that is there, or goes with another `--device`; when
            Ray is not installed or cannot be reached.
    """
    if arguments.ray is not None:
        with _on_ray(arguments) as engine:
            yield engine
        return
    devices = _devices(arguments)
    threads = arguments.threads
    if threads is None and arguments.workers is not None:
        threads = 1
    workers = arguments.workers or max(1, len(devices))
    yield Local(workers, devices, arguments.time_limit, threads=threads)


def _on_ray(arguments: argparse.Namespace) -> OnRay:
    if arguments.gpus not in (None, "all"):
        raise ValueError(
            f"--gpus {arguments.gpus}: Ray deals out the GPUs of all nodes; give all, for one to "
            "each worker, or leave it out"
        )
    if arguments.gpus is not None:
        _refuse_device(arguments)
    return OnRay(
        arguments.ray,
        workers=arguments.workers,
        gpus=arguments.gpus is not None,
        time_limit=arguments.time_limit,
        threads=arguments.threads or 1,
        shared=arguments.out,
    )


def _devices(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.gpus is None:
        return ()
    import torch  # late: commands import this for their help

    _refuse_device(arguments)
    n_there = torch.cuda.device_count()
    words = arguments.gpus.split(",")
    numbers = range(n_there) if arguments.gpus == "all" else [w.strip() for w in words]
    there = {str(number) for number in range(n_there)}
    missing = [number for number in numbers if str(number) not in there]
    if missing or not numbers:
        raise ValueError(
            f"--gpus {arguments.gpus}: there is no GPU {missing[0] if missing else 0} here, of "
            f"{n_there}; give their numbers from 0 on, such as 0,1, or leave it out"
        )
    return tuple(f"cuda:{number}" for number in numbers)


def _refuse_device(arguments: argparse.Namespace) -> None:
    if arguments.device is not None:
        raise ValueError(f"--gpus says where workers run; leave out --device {arguments.device}")


def _shard(text: str) -> Shard:
    try:
        return read_shard(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return seconds
