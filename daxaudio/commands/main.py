"""The `daxaudio` command."""

from __future__ import annotations

import argparse
import functools
import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from types import ModuleType
from typing import Any, NoReturn

from daxaudio.runs.files import describe_error
from daxaudio.runs.progress import show_progress

COMMANDS = {
    "prepare": "make data folders of a corpus",
    "pad": "put noise at both ends of recordings and note where they then lie",
    "train": "train a classifier on a folder of labelled recordings",
    "explain": "show where a classifier listened",
    "merge": "join the tables of all shards of a run",
    "slurm": "write the script of a Slurm array that does a command in shards",
    "listen": "write what an explanation marked as sound",
    "compare": "compare methods on a data folder, by every measure",
    "score": "compare explanations with true events",
    "audit": "find out what a classifier listens to over a whole corpus",
    "serve": "give a classifier to others by HTTP",
    "model": "see what is known of a classifier, and what it says of a recording",
    "data": "validate and mend Kaldi data folders",
    "annotations": "check annotations of events, and convert them",
    "plot": "draw stored explanations",
}
"""Each command, a module of `daxaudio.commands` that is imported when it is chosen, in a line."""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line.

    Args:
        configure: adds the arguments; called when they are first needed.
    """

    def __init__(
        self, *args: Any, configure: Callable[[Parser], None] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._configure = configure

    def complete(self) -> Parser:
        """The parser itself, once all its arguments are added."""
        configure, self._configure = self._configure, None
        if configure is not None:
            configure(self)
        return self

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As of every parser, of which this one is now complete."""
        found = super(Parser, self.complete()).parse_known_args(args, namespace)
        for action in self._actions:
            # an empty path would stand for the working folder
            value = getattr(found[0], action.dest, None)
            if value == "" or (isinstance(value, list) and "" in value):
                self.error(
                    f"argument {'/'.join(action.option_strings) or action.metavar}: is empty"
                )
        return found

    def error(self, message: str) -> NoReturn:
        """One line instead of the usage text, which `--help` shows."""
        many = [action.option_strings[0] for action in self._actions if _takes_many(action)]
        if message.startswith("the following arguments are required") and many:
            message += f"; {' and '.join(many)} would take all words that follow, so put it last"
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _takes_many(action: argparse.Action) -> bool:
    return action.nargs == "+" and bool(action.option_strings)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = Parser("daxaudio", description="Shows what an audio classifier listened to.")
    version = metadata.version("daxaudio")
    parser.add_argument("--version", action="version", version=f"daxaudio {version}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name, text in COMMANDS.items():
        configure = functools.partial(_configure, name)
        commands.add_parser(name, help=text, description=f"{text}.", configure=configure)
    return parser


def _configure(name: str, parser: Parser) -> None:
    _module_of(name).configure(parser)


def _module_of(command: str) -> ModuleType:
    return importlib.import_module(f"daxaudio.commands.{command}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; those of the process when None.

    Returns:
        Exit code: 0, or 2 after one line on standard error for bad input.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        arguments = make_parser().parse_args(argv)  # imports the command, which takes seconds
    except KeyboardInterrupt:
        return _stopped()
    run = _module_of(arguments.command).run
    quiet = getattr(arguments, "quiet", False)
    return exit_code_of(f"daxaudio {arguments.command}", lambda: run(arguments), quiet)


def exit_code_of(name: str, work: Callable[[], object], quiet: bool = False) -> int:
    """Do the work of a command or a recipe's script; bad input is one line on standard error.

    Args:
        name: stands before the error.
        work: raises ValueError or OSError for bad input.
        quiet: show no progress bars.

    Returns:
        Exit code: 0, 2 for bad input, 130 when stopped from the keyboard.

    Example:
        >>> exit_code_of("demo", lambda: None)
        0
    """
    try:
        with show_progress(not quiet):
            work()
    except (ValueError, OSError) as error:
        print(f"{name}: {describe_error(error)}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not _out_of_memory(error):
            raise
        why = describe_error(error)
        print(f"{name}: not enough memory ({why}); give shorter or fewer inputs", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _stopped()
    return 0


def _stopped() -> int:
    print("stopped; start again to go on", file=sys.stderr)
    return 130


def _out_of_memory(error: RuntimeError) -> bool:
    from daxaudio.models.module_score import out_of_memory  # late: torch is heavy

    return out_of_memory(error)


if __name__ == "__main__":
    sys.exit(main())
