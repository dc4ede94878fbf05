"""Arguments that say how the work on many recordings is done: shards, workers, devices, limits."""

from __future__ import annotations

import argparse
import math

from daxaudio.commands.arguments import counted
from daxaudio.engines.engine import Engine, Local
from daxaudio.runs.shards import Shard, read_shard

ENGINE_OPTIONS = ("shard", "workers", "gpus", "threads", "time_limit")
"""What `add_engine` adds; nothing of it changes a result, but for the number of threads."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """`--shard`, `--workers`, `--gpus`, `--threads` and `--time_limit`."""
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="do part I of N of the recordings, by their ids; when all parts are done, into the "
        "same --out, `daxaudio merge` joins their tables; `daxaudio slurm` writes a script that "
        "does all",
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
        "--gpus",
        metavar="LIST",
        help="GPUs that are dealt out to the workers, such as 0,1, or all",
    )
    parser.add_argument(
        "--threads",
        type=counted,
        metavar="N",
        help="processor threads of each worker (default 1 with --workers, else all); another "
        "number may change the last digits of results",
    )
    parser.add_argument(
        "--time_limit",
        type=_seconds,
        metavar="SECONDS",
        help="that one method may take on one recording; then it is tried again, at most three "
        "times, and set aside",
    )


def engine_of(arguments: argparse.Namespace) -> Engine:
    """What does the units of a command, as its arguments say.

    Raises:
        ValueError: when `--gpus` names none that is there, or goes with another `--device`.
    """
    devices = _devices(arguments)
    threads = arguments.threads
    if threads is None and arguments.workers is not None:
        threads = 1
    workers = arguments.workers or max(1, len(devices))
    return Local(workers, devices, arguments.time_limit, threads=threads)


def _devices(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.gpus is None:
        return ()
    import torch  # late: commands import this for their help

    if arguments.device is not None:
        raise ValueError(f"--gpus says where workers run; leave out --device {arguments.device}")
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
