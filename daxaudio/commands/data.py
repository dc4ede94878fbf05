"""`daxaudio data`: validate and mend Kaldi data folders."""

from __future__ import annotations

import argparse

from daxaudio.commands.arguments import add_allow_commands
from daxaudio.data.kaldi import fix_data_folder, validate_data_folder


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio data`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "list everything that is wrong with a data folder; nothing is changed"
    validate = actions.add_parser("validate", help=text, description=f"{text}.")
    validate.add_argument("folder", metavar="DIR", help="Kaldi-style data folder")
    validate.add_argument(
        "--check_audio",
        action="store_true",
        help="compare durations with the header of every audio file, too",
    )
    text = "sort a data folder, drop what is not whole, and say what was changed"
    fix = actions.add_parser("fix", help=text, description=f"{text}.")
    fix.add_argument("folder", metavar="DIR", help="Kaldi-style data folder")
    fix.add_argument(
        "--out",
        metavar="DIR",
        help="write here (default: in place, the files as they were go to DIR/.backup)",
    )
    fix.add_argument(
        "--durations",
        action="store_true",
        help="measure all recordings by their headers, write utt2dur (and reco2dur with segments)",
    )
    for action in (validate, fix):
        add_allow_commands(action)


def run(arguments: argparse.Namespace) -> None:
    """Validate or mend one folder; one line a problem or change.

    Raises:
        ValueError: when the folder is not valid; says how many problems there are.
    """
    if arguments.action == "validate":
        _validate(arguments)
    else:
        _fix(arguments)


def _validate(arguments: argparse.Namespace) -> None:
    problems = validate_data_folder(
        arguments.folder, arguments.check_audio, arguments.allow_commands
    )
    for problem in problems:
        print(problem)
    n_warnings = sum(problem.warning for problem in problems)
    n_errors = len(problems) - n_warnings
    count = f"{arguments.folder}: {n_errors} error(s), {n_warnings} warning(s)"
    if n_errors:
        raise ValueError(count)
    print(f"{count}: valid")


def _fix(arguments: argparse.Namespace) -> None:
    changes = fix_data_folder(
        arguments.folder, arguments.out, arguments.durations, arguments.allow_commands
    )
    for change in changes:
        print(change)
    done = f"mended, {len(changes)} note(s)" if changes else "nothing to mend"
    print(f"{arguments.out or arguments.folder}: {done}")
