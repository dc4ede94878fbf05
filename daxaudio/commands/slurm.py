"""`daxaudio slurm`: the script of a Slurm array that does a command in shards."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from pathlib import Path

from daxaudio.commands.arguments import counted
from daxaudio.commands.outputs import check_other
from daxaudio.runs.files import write_text

_OF_TASK = ("cpus-per-task", "mem", "time", "gres", "partition")
"""What a task asks of the cluster."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio slurm`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Write the script of a Slurm array whose tasks do a command in shards, such as\n\n"
        "  daxaudio slurm --script explain.sh --shards 40 --hours 4 -- \\\n"
        "    explain data --model model --out explained --workers 8\n\n"
        "Nothing is submitted: the script says at its top how that is done, and what is run after\n"
        "all tasks: `daxaudio merge`, or of an audit its own command without a shard, which\n"
        "concludes. A task that is stopped and started again keeps what is there. The command\n"
        "runs in the folder that this one runs in, by the same Python; all tasks must see both,\n"
        "and write into the same --out."
    )
    parser.add_argument("--script", required=True, metavar="FILE", help="to be written")
    parser.add_argument(
        "--shards", type=counted, required=True, metavar="N", help="tasks of the array"
    )
    parser.add_argument(
        "--hours", type=counted, metavar="N", help="a task may take (default: the cluster's)"
    )
    parser.add_argument(
        "--cpus", type=counted, metavar="N", help="processors of a task (default 1)"
    )
    parser.add_argument("--memory", type=_word, metavar="SIZE", help="of a task, such as 16G")
    parser.add_argument("--gpus_per_task", type=counted, metavar="N", help="GPUs of a task")
    parser.add_argument("--partition", type=_word, metavar="NAME", help="where the tasks run")
    parser.add_argument("--at_once", type=counted, metavar="N", help="tasks at a time, at most")
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="a command that takes --shard, without `daxaudio` before it",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the script."""
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    given = _parsed(words)
    script = Path(arguments.script)
    check_other(script, {"the command": given.out})
    write_text(_script(arguments, words, given.out), script)
    script.chmod(0o755)
    print(f"{script}: submit it by: sbatch {shlex.quote(str(script))}")


def _parsed(words: list[str]) -> argparse.Namespace:
    """The command as its own parser reads it; it has a shard to be chosen, and an --out."""
    from daxaudio.commands.main import make_parser  # late: it imports this module

    if not words:
        raise ValueError("give the command of the tasks after --, such as: -- explain data ...")
    given = make_parser().parse_args(words)
    if not hasattr(given, "shard"):
        raise ValueError(f"`{words[0]}` cannot be done in shards; explain can")
    if given.shard is not None:
        raise ValueError("--shard is what the tasks differ in: leave it out of the command")
    return given


def _script(arguments: argparse.Namespace, words: list[str], out: str) -> str:
    name, n = words[0], arguments.shards
    at_once = f"%{arguments.at_once}" if arguments.at_once else ""
    options = {
        "job-name": f"daxaudio-{name}",
        "array": f"1-{n}{at_once}",
        "output": f"{Path(arguments.script).name}.%A_%a.log",
        "cpus-per-task": arguments.cpus,
        "mem": arguments.memory,
        "time": f"{arguments.hours}:00:00" if arguments.hours else None,
        "gres": f"gpu:{arguments.gpus_per_task}" if arguments.gpus_per_task else None,
        "partition": arguments.partition,
    }
    options = {key: value for key, value in options.items() if value is not None}
    lines = [f"#SBATCH --{key}={value}" for key, value in options.items()]
    python = f"{shlex.quote(sys.executable)} -m daxaudio.commands.main"
    last, what, needs = f"{python} merge {shlex.quote(out)}", "merge", list[str]()
    if name == "audit":  # it concludes itself, and asks what is left, as a task does
        last, what = f"{python} {shlex.join(words)}", "conclude"
        needs = [f"#     --{key}={options[key]} \\" for key in _OF_TASK if key in options]
    script = shlex.quote(str(arguments.script))
    return "\n".join(
        [
            "#!/bin/bash",
            *lines,
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            "#",
            f"# Submit it, and {what} when all tasks are done:",
            f"#   id=$(sbatch --parsable {script})",
            f"#   sbatch --dependency=afterok:$id --chdir={shlex.quote(str(Path.cwd()))} \\",
            *needs,
            f"#     --wrap={shlex.quote(last)}",
            "# Tasks that were stopped are started again so; they keep what is there:",
            f"#   sbatch --array=3,7 {script}",
            "",
            "set -euo pipefail",
            f"cd {shlex.quote(str(Path.cwd()))}",
            f"exec {python} \\",
            f"  {shlex.join(words)} \\",
            f'  --shard "$SLURM_ARRAY_TASK_ID/{n}"',
            "",
        ]
    )


def _word(text: str) -> str:
    """A word that Slurm reads, and no shell does anything with."""
    if not re.fullmatch(r"[\w.,:+-]+", text):
        raise argparse.ArgumentTypeError(f"must be one word of letters and numbers, got {text!r}")
    return text
