"""What is generated from the code: the methods, the measures, the commands."""

import argparse
import dataclasses
import inspect
import math
import re

from daxaudio.commands.main import COMMANDS, make_parser
from daxaudio.explainers.catalogue import METHODS
from daxaudio.metrics.catalogue import GROUPS, MEASURES
from daxaudio.models.foreign.description import Description
from daxaudio.perturbation.fills import FILLS

_YES = {True: "yes", False: "-"}


def list_methods():
    """The matrix of methods: what each needs, costs and tells."""
    heads = ("method", "what it does", "access", "queries", "gradients", "fit")
    heads += ("signed", "standard error", "draws")
    lines = [[f"`{name}`", *_cells(row)] for name, row in METHODS.items()]
    return _table(heads, lines)


def _cells(row):
    needs = {"module": row.needs_module, "true events": row.needs_events, "sound": row.needs_sound}
    access = next((name for name, needed in needs.items() if needed), "queries")
    yield row.text
    yield access
    yield row.queries
    yield row.gradients or "-"
    yield "trains networks" if row.trains else "-"
    yield from (_YES[value] for value in (row.signed, row.standard_error))
    yield row.perturbs or _YES[row.draws]


def list_measures():
    """A table a group: what each measure says, its direction, range, chance and needs."""
    parts = []
    for group in GROUPS:
        lines = [_measure_cells(row) for row in MEASURES.values() if row.group == group]
        table = _table(("measure", "what it is", "better", "range", "chance", "needs"), lines)
        definitions = [
            f"`{row.name}`\n:   {row.definition} *Source:* {row.source or 'ours'}."
            for row in MEASURES.values()
            if row.group == group
        ]
        parts.append("\n\n".join([f"### {group}", table, *definitions]))
    return "\n\n".join(parts)


def _measure_cells(row):
    ends = ("any" if math.isinf(end) else f"{end:g}" for end in (row.low, row.high))
    yield f"`{row.name}`"
    yield row.text
    yield row.better
    yield " to ".join(ends)
    yield row.chance or "-"
    yield ", ".join(row.needs) or "-"


def list_entries():
    """The entries of a `model.yaml`, by the docstring of `Description`, and their defaults."""
    text = inspect.getdoc(Description).partition("Args:\n")[2].partition("\n\n")[0]
    said = dict(re.findall(r"^    (\w+): ((?:.|\n {8})*)", text, flags=re.MULTILINE))
    lines = []
    for field in dataclasses.fields(Description):
        default = "needed" if field.default is dataclasses.MISSING else f"`{field.default}`"
        if field.default_factory is not dataclasses.MISSING:
            default = "`{}`"
        lines.append((f"`{field.name}`", " ".join(said[field.name].split()), default))
    return _table(("entry", "what it says", "default"), lines)


def list_commands():
    """Every command and sub-command, with its help."""
    parser = make_parser()
    commands = _subparsers(parser)
    parts = []
    for name in COMMANDS:
        command = commands[name].complete()
        parts.append(_help(command, 2))
        parts += [_help(inner, 3) for inner in _subparsers(command).values()]
    return "\n\n".join(parts)


def _help(parser, level):
    if hasattr(parser, "complete"):
        parser.complete()
    parser.formatter_class = _wide(parser.formatter_class)
    return f"{'#' * level} {parser.prog}\n\n```text\n{parser.format_help().rstrip()}\n```"


def _wide(formatter):
    return lambda prog: formatter(prog, width=96, max_help_position=28)


def _subparsers(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _table(heads, lines):
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def list_fills():
    """What each fill puts where a part is masked off, and whether that may be louder."""
    heads = ("fill", "what stands there", "may add energy", "acts on")
    lines = [
        [
            f"`{name}`",
            row.text,
            _YES[row.adds_energy],
            "the sound" if row.in_sound else "spectrogram",
        ]
        for name, row in FILLS.items()
    ]
    return _table(heads, lines)


GENERATED = {
    "methods": list_methods,
    "fills": list_fills,
    "measures": list_measures,
    "commands": list_commands,
    "entries": list_entries,
}
"""What `[generated NAME](...)` stands for on a page."""
