"""`daxaudio plot`: pictures of stored explanations."""

from __future__ import annotations

import argparse

from daxaudio.commands.events import EVENTS_HELP, read_events_of
from daxaudio.commands.outputs import prepare_picture
from daxaudio.explainers.storage import load_explanation, load_facts
from daxaudio.plot import plot_comparison, plot_explanation, plot_history


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio plot`."""
    parser.add_argument(
        "explanations",
        nargs="+",
        metavar="DIR",
        help="folders of explanations: one is drawn in detail, several of one recording side by "
        "side",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="PNG, PDF or SVG to write")
    parser.add_argument("--events", metavar="PATH", help=f"drawn: {EVENTS_HELP}")
    parser.add_argument(
        "--history",
        action="store_true",
        help="masks and losses by epoch, for a method that trains a mask network (DAX V1, V2)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Draw one picture."""
    prepare_picture(arguments.out, {"--events": arguments.events})
    explanations = [load_explanation(folder) for folder in arguments.explanations]
    if arguments.history:
        if len(explanations) > 1:
            raise ValueError("--history draws one explanation, got several folders")
        print(plot_history(explanations[0], arguments.out))
        return
    name = explanations[0].spectrogram.recording_id
    table = read_events_of(arguments.events)
    table.check("plot", [name])
    events = table.of(name)
    if len(explanations) == 1:
        verdict = load_facts(arguments.explanations[0]).get("verdict", {}).get("summary", "")
        plot_explanation(explanations[0], arguments.out, events=events, verdict=verdict)
    else:
        plot_comparison(explanations, arguments.out, events)
    print(arguments.out)
