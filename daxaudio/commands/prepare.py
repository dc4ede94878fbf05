"""`daxaudio prepare`: a corpus folder in, data folder and events out."""

from __future__ import annotations

import argparse
import functools
import importlib
from types import ModuleType

from daxaudio.commands.main import Parser

CORPORA = {
    "esc10": "ESC-10 or ESC-50: data folders of training and test folds",
    "coswara": "coughs of Coswara with annotated phases: data folder, events, folds",
    "dicova": "coughs of DiCOVA-2 with annotated phases: data folder, events, official folds",
    "planted_events": "made sounds in noise, whose evidence in time and frequency is known",
    "scenes": "speech, words, clips of ESC-10 or notes in noise, for models of others",
    "overlaps": "two clips of ESC-10 of different classes that sound partly at once",
    "mosaics": "clips of ESC-10 of different classes one after the other, each asked for",
    "planted_coughs": "made coughs with real timings, whose evidence lies in a known phase",
    "confounded_coughs": "made coughs with a known confounder or none, to try audits on",
}
"""Each corpus, a module of data preparation that is imported when it is chosen, in a line."""

_MADE = ("planted_events", "planted_coughs", "confounded_coughs", "scenes", "overlaps", "mosaics")
_FOLDER = dict.fromkeys(_MADE, "synthetic.")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio prepare`."""
    corpora = parser.add_subparsers(
        dest="corpus_name", required=True, metavar="CORPUS", parser_class=Parser
    )
    for name, text in CORPORA.items():
        corpora.add_parser(name, help=text, configure=functools.partial(_configure, name))


def run(arguments: argparse.Namespace) -> None:
    """Prepare one corpus, and say what was done."""
    print(_module_of(arguments.corpus_name).run(arguments))


def _configure(name: str, parser: Parser) -> None:
    module = _module_of(name)
    parser.description = module.__doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.configure(parser)


def _module_of(name: str) -> ModuleType:
    return importlib.import_module(f"daxaudio_data_prep.{_FOLDER.get(name, '')}{name}")
