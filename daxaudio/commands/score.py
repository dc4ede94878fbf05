"""`daxaudio score`: explanations against true events."""

from __future__ import annotations

import argparse

from daxaudio.commands.arguments import events_by_recording
from daxaudio.commands.events import EVENTS_HELP, add_evidence
from daxaudio.commands.outputs import prepare_folder
from daxaudio.data.evidence import read_evidence
from daxaudio.experiments.compare import SETTINGS_FILE
from daxaudio.experiments.score import (
    METRICS,
    RESULTS_FILE,
    SUMMARY_FILE,
    find_explanations,
    score_folder,
)
from daxaudio.report import tabulate_summary, to_markdown


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio score`."""
    parser.add_argument(
        "explanations", metavar="DIR", help="folder at or below which explanations lie"
    )
    parser.add_argument(
        "--events",
        required=True,
        metavar="PATH",
        help=EVENTS_HELP,
    )
    add_evidence(parser, "none")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="results.csv and summary.csv go here"
    )


def run(arguments: argparse.Namespace) -> None:
    """Score, write the tables, and print the summary."""
    events = events_by_recording(arguments.events)
    evidence = None if arguments.evidence is None else read_evidence(arguments.evidence)
    find_explanations(arguments.explanations)
    files = (RESULTS_FILE, SUMMARY_FILE)
    inputs = {"--events": arguments.events, "--evidence": arguments.evidence}
    out = prepare_folder(arguments.out, inputs, files)
    if (out / SETTINGS_FILE).exists():
        raise ValueError(f"--out {out} holds the tables of a comparison; choose another folder")
    _, summary = score_folder(arguments.explanations, events, out, evidence=evidence)
    shown = [name for name in METRICS if name in set(summary["metric"])]
    print(to_markdown(tabulate_summary(summary, metrics=shown)))
