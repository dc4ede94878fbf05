"""`daxaudio compare`: several methods on a data folder, by every measure."""

from __future__ import annotations

import argparse
from pathlib import Path

from daxaudio.commands.arguments import (
    add_allow_commands,
    add_channel,
    add_common,
    add_fill,
    add_model,
    add_queries,
    counted,
    is_data_folder,
    load_data,
    method_settings,
    open_model,
    print_cost,
    print_requests,
    quote_command,
)
from daxaudio.commands.events import EVENTS_HELP, add_evidence, read_events_of, tell_missing
from daxaudio.commands.outputs import inputs_of, prepare_folder
from daxaudio.commands.sections import read_sections
from daxaudio.data.evidence import EVIDENCE_FILE, read_evidence
from daxaudio.experiments.compare import WRITTEN, compare_folder
from daxaudio.experiments.explain import why_not
from daxaudio.experiments.groups import DEFAULT_GROUPS, check_groups
from daxaudio.experiments.measure_settings import MeasureSettings
from daxaudio.explainers.catalogue import (
    DEFAULT_METHOD,
    METHODS,
    check_events,
    check_methods,
    list_methods,
    most_queries,
)
from daxaudio.metrics.catalogue import GROUPS
from daxaudio.models.model import Model
from daxaudio.report.comparison import write_comparison
from daxaudio.runs.config import build

EVENTS_FILE = "events.tsv"

TEXT = """\
Recordings{which} are explained for their true class by each method.
Values are means over recordings, with the standard deviation in brackets; values that are not
defined are left out and counted by n."""

CHOSEN = {"correct": " that the model classifies correctly", "all": ""}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio compare`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Explain recordings of a data folder for their labels by several methods, measure the\n"
        "explanations, and write RESULTS.md, report.html, results.csv, summary.csv, cost.csv,\n"
        "curves.csv and pictures to --out. What is already there is kept, so that a stopped run\n"
        "can be started again; methods and metrics can be added later.\n"
        "Queries that several methods, classes or measures need are asked once."
    )
    parser.epilog = "\n".join(
        [
            "metrics:",
            *(f"  {name:<18}{_members(name)}" for name in GROUPS),
            "methods:",
            *list_methods(),
        ]
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="a Kaldi-style data folder")
    add_model(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="everything goes here")
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="see below; `all` for every one that can explain the model (default: all but those "
        f"that train networks: {', '.join(_training())})",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=list(DEFAULT_GROUPS),
        metavar="NAME",
        help=f"groups, see below; `all` for every one (default {' '.join(DEFAULT_GROUPS)})",
    )
    parser.add_argument(
        "--events",
        metavar="PATH",
        help=f"{EVENTS_HELP} (default: {EVENTS_FILE} of the data folder, if any)",
    )
    add_evidence(parser, f"{EVIDENCE_FILE} of the data folder, if any")
    add_queries(parser)
    add_fill(parser)
    parser.add_argument(
        "--n_recordings", type=counted, metavar="N", help="at most so many recordings (default all)"
    )
    parser.add_argument(
        "--which",
        choices=("correct", "all"),
        default="correct",
        help="recordings to explain for their label: those that the model classifies correctly "
        "(default), or all, as for models that hear several things at once",
    )
    add_channel(parser)
    add_allow_commands(parser)
    add_common(parser)


def run(arguments: argparse.Namespace) -> None:
    """Compare, and report."""
    settings = method_settings(arguments)
    section = read_sections(arguments.config)["compare"]
    groups = check_groups(arguments.metrics)
    if not is_data_folder(arguments.data):
        raise ValueError(f"{arguments.data}: give a data folder, with wav.scp and text")
    data = load_data(arguments, arguments.data)
    file = arguments.events or _beside(arguments.data, EVENTS_FILE)
    table = read_events_of(file)
    table.check("compare", data.ids)
    events = table.by_recording
    known = arguments.evidence or _beside(arguments.data, EVIDENCE_FILE)
    evidence = {} if known is None else read_evidence(known)
    if known is not None:
        tell_missing("compare", str(known), evidence, data.ids, what="evidence")
    black_box = open_model(arguments)
    methods = _methods(arguments.methods, black_box, bool(events))
    inputs = {**inputs_of(arguments, "data", "model", "model_config", "config"), "the events": file}
    inputs["the evidence"] = known
    out = prepare_folder(arguments.out, inputs, WRITTEN)
    print_requests(
        black_box,
        most_queries(methods, settings),
        n_recordings=arguments.n_recordings or len(data.wav_scp),
        others="the measures",
    )
    compare_folder(
        black_box,
        data,
        methods,
        out,
        groups=groups,
        events=events,
        evidence=evidence,
        settings=settings,
        measure_settings=build(MeasureSettings, "compare", section),
        n_recordings=arguments.n_recordings,
        which=arguments.which,
        seed=arguments.seed,
    )
    leader = DEFAULT_METHOD if DEFAULT_METHOD in methods else methods[0]
    title = f"Comparison of {len(methods)} methods on {Path(arguments.data).name}"
    command = quote_command(arguments, configure)
    for path in write_comparison(
        out, title, command, text=TEXT.format(which=CHOSEN[arguments.which]), leader=leader
    ):
        print(path)
    print_cost(black_box)


def _beside(folder: str, name: str) -> Path | None:
    """A file of a data folder, where it has one."""
    path = Path(folder) / name
    return path if path.is_file() else None


def _methods(names: list[str] | None, model: Model, has_events: bool) -> list[str]:
    """Those that were asked for; "all", or none named, are those that can explain the model."""
    if names is None or "all" in names:
        left_out = [] if names else _training()
        names = [
            name
            for name, row in METHODS.items()
            if name not in left_out
            and (has_events or not row.needs_events)
            and not why_not(name, model)
        ]
    names = check_methods(names)
    if not has_events:
        check_events(names, "give --events")
    return names


def _training() -> list[str]:
    return [name for name, row in METHODS.items() if row.trains]


def _members(group: str) -> str:
    count = len(GROUPS[group])
    return (
        ", ".join(GROUPS[group]) if count < 4 else f"{count} measures, such as {GROUPS[group][0]}"
    )
