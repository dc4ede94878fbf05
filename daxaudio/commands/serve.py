"""`daxaudio serve`: give any classifier to others by HTTP."""

from __future__ import annotations

import argparse
import os
import sys

from daxaudio.commands.arguments import add_config, add_model, open_model
from daxaudio.models.foreign.connection import is_this_machine
from daxaudio.models.foreign.protocol import TOKEN
from daxaudio.models.foreign.service import Server


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.description = (
        "Answers requests for scores until it is stopped by ctrl-C; docs/service.md has the "
        f"protocol. Where the environment variable {TOKEN} is set, requests must bear it."
    )
    add_model(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at; 0.0.0.0 is every network of this machine (default 127.0.0.1: "
        "this machine only)",
    )
    parser.add_argument(
        "--port", type=_port, default=8765, metavar="N", help="0 takes a free one (default 8765)"
    )
    add_config(parser)


def _port(text: str) -> int:
    if not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Serve until the keyboard stops it."""
    token = os.environ.get(TOKEN, "").strip()
    model = open_model(arguments)
    with Server(model, arguments.host, arguments.port, token=token) as server:
        if not is_this_machine(arguments.host) and not token:
            print(
                f"daxaudio serve: warning: everybody who reaches {arguments.host} may ask; set "
                f"{TOKEN} to let only those ask who know it",
                file=sys.stderr,
            )
        print(
            f"serving {arguments.model}; explain by it: daxaudio explain AUDIO --model "
            f"{server.address} --out DIR",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
