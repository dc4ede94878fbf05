"""`daxaudio merge`: the tables of all shards of a run become those of one run, with their page."""

from __future__ import annotations

import argparse
from pathlib import Path

from daxaudio.audit.answers import JOB as ANSWERS
from daxaudio.commands.arguments import existing
from daxaudio.commands.explain_folder import say_done
from daxaudio.experiments.folder import write_lists
from daxaudio.experiments.predict import PREDICTIONS_FILE
from daxaudio.experiments.unit_tables import EXPLANATIONS, INDEX, PREDICTIONS
from daxaudio.explainers.catalogue import order_methods
from daxaudio.report.explanations import write_index
from daxaudio.runs.parts import merge_tables, read_merged
from daxaudio.runs.tables import write_table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `daxaudio merge`."""
    parser.description = (
        "Join what the shards of a run wrote into one --out: each table of OUT/tables becomes one "
        "Parquet file, with the same bytes as those of a run without shards. Where the run was "
        "`daxaudio explain`, its lists and its page are written, too; an audit is concluded by its "
        "own command, without --shard. All shards must be there."
    )
    parser.add_argument("out", metavar="OUT", help="folder that was the --out of every shard")


def run(arguments: argparse.Namespace) -> None:
    """Merge the tables of a folder."""
    out = existing(arguments.out)
    names = merge_tables(out)
    index = read_merged(out, INDEX) if INDEX in names else None
    print(f"{len(names)} tables: {', '.join(names)}")
    if index is not None:
        counts = index["state"].value_counts()
        print(", ".join(f"{state} {count}" for state, count in counts.items()) or "no units")
        if ANSWERS in set(index["job"]):
            print("these are of an audit: its command, without --shard, concludes it")
    if EXPLANATIONS in names and PREDICTIONS in names:
        _finish_explain(out)


def _finish_explain(out: Path) -> None:
    """Lists and page of `daxaudio explain`."""
    predictions = read_merged(out, PREDICTIONS)
    write_table(predictions, out / PREDICTIONS_FILE)
    write_lists(out)
    index = read_merged(out, INDEX)
    names, methods = list(index["recording_id"].unique()), order_methods(index["job"].unique())
    title = f"Explanations in {out.resolve().name}"
    page = write_index(out, title, predictions=predictions, recording_ids=names, methods=methods)
    say_done(out, page)
