"""Do one stage of all cells, several at a time: make data, train classifiers, or audit."""

import argparse
import sys
from pathlib import Path

from audit_cells import STAGES, CellJob, list_cells

from daxaudio.commands.main import exit_code_of
from daxaudio.engines.run import run_units
from daxaudio.engines.units import Outcome, Unit


def main() -> None:
    """Do the stage; says what came of each cell.

    Raises:
        ValueError: when a cell could not be done; the others are.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--stage", choices=STAGES, required=True)
    add("--exp_dir", type=Path, required=True, help="cells go into its folder cells")
    add("--corpora", nargs="+", required=True)
    add("--strengths", nargs="+", type=float, required=True)
    add("--seeds", nargs="+", type=int, required=True)
    add("--weak_seeds", nargs="*", type=int, default=[])
    add("--n_train", type=int, required=True)
    add("--n_test", type=int, required=True)
    add("--config", type=Path, required=True)
    add("--questions", type=Path, required=True)
    add("--textgrids", type=Path)
    add("--jobs", type=int, default=1, help="cells at a time")
    arguments = parser.parse_args()
    cells = list_cells(
        arguments.corpora, arguments.strengths, arguments.seeds, arguments.weak_seeds
    )
    job = CellJob(
        arguments.exp_dir / "cells",
        n_train=arguments.n_train,
        n_test=arguments.n_test,
        config=arguments.config,
        questions=arguments.questions,
        textgrids=arguments.textgrids,
    )
    units = [Unit(cell.name, arguments.stage) for cell in cells]
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        told.append(outcome)
        what = f"{outcome.seconds:.0f} s" if outcome.state == "done" else outcome.problem
        print(f"{len(told)} of {len(units)}: {outcome.unit.recording_id}: {what}", flush=True)

    outcomes = run_units(units, job, workers=arguments.jobs, retries=1, heard=tell)
    failed = [outcome for outcome in outcomes if outcome.state != "done"]
    if failed:
        first = f"{failed[0].unit.recording_id}: {failed[0].problem}"
        raise ValueError(f"{len(failed)} of {len(units)} cells failed, the first: {first}")


if __name__ == "__main__":
    sys.exit(exit_code_of("cells.py", main))
