"""What many units cost beside their queries: planned, listed, merged, reported, and done.

python -m benchmarks.audit [--made 100000] [--recordings 24] [--queries 200] [--only made]

First, units without a model: how long a run of so many takes to be planned, shared out to shards,
listed, merged and reported, with the peak memory of the process (Python and its libraries in it);
writing their files is not in the time. Then, what the engine itself costs a unit. Last, real units:
recordings explained by one process, by two workers and by two actors of a Ray of this machine
(where it is installed), one thread each, against the bare queries and against the same explanations
in a loop, which are neither stored nor listed.
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch

from benchmarks.made_units import MadeExplanations, Nothing, made_units
from benchmarks.subject import load, make_parser
from daxaudio.commands.arguments import ModelOpener
from daxaudio.data.audio_folders import read_audio_folder
from daxaudio.engines.engine import Engine, Local
from daxaudio.engines.on_ray import OnRay
from daxaudio.engines.units import Unit
from daxaudio.experiments.explain import explain
from daxaudio.experiments.folder import explain_folder, write_lists
from daxaudio.experiments.predict import read_for
from daxaudio.experiments.unit_tables import write_predictions, write_tables
from daxaudio.explainers.settings import MethodSettings
from daxaudio.models.blackbox import save_black_box
from daxaudio.report.explanations import write_index
from daxaudio.runs.parts import merge_tables, read_merged
from daxaudio.runs.shards import Shard

METHODS = ("rise", "dax_v5", "lime")
N_SHARDS = 4


class Laps:
    """Prints a row for each step: its seconds, and the peak memory so far."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def note(self, what: str) -> None:
        """A step is over."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {what} | {time.perf_counter() - self.began:.1f} | {peak:.0f} |", flush=True)
        self.began = time.perf_counter()


def measure_made(n_units: int) -> None:
    """Plan, list, merge and report made units."""
    print(f"{n_units} made units, {N_SHARDS} shards\n\n| step | seconds | peak MB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        out, laps = Path(name), Laps()
        laps.note("start")
        units = made_units(n_units)
        shards = [Shard(i + 1, N_SHARDS) for i in range(N_SHARDS)]
        parts = [[unit for unit in units if unit.recording_id in shard] for shard in shards]
        laps.note("plan")
        found = [Local().run(part, MadeExplanations(name)) for part in parts]
        laps.note("write the files (not counted)")
        first = time.perf_counter()
        for shard, outcomes in zip(shards, found, strict=True):
            write_tables(outcomes, out, shard)
            write_predictions(_predictions(outcomes), out, shard)
        laps.note("list")
        merge_tables(out)
        laps.note("merge")
        write_lists(out)
        laps.note("problems and warnings")
        predictions = read_merged(out, "predictions")
        write_index(
            out,
            "Made",
            predictions=predictions,
            recording_ids=list(predictions["recording_id"]),
            methods=sorted({unit.job for unit in units}),
        )
        laps.note("report")
        print(f"| in all, without the files | {time.perf_counter() - first:.1f} | |\n")


def _predictions(outcomes: list) -> pd.DataFrame:
    names = dict.fromkeys(outcome.unit.recording_id for outcome in outcomes)
    row = {"label": "cough", "predicted": "cough", "score": 0.75, "correct": 1, "problem": ""}
    return pd.DataFrame([{"recording_id": name, **row} for name in names])


def measure_engine(n_units: int) -> None:
    """What the engine costs a unit that does nothing."""
    units = made_units(n_units)
    print(f"{n_units} units that do nothing\n\n| by | seconds | ms a unit |\n|---|---|---|")
    engines = {
        "this process": Local(),
        "1 worker": Local(time_limit=600.0),
        "2 workers": Local(2),
    }
    for name, engine in engines.items():
        _time_nothing(name, engine, units)
    if _has_ray():
        with OnRay(workers=2) as engine:
            _time_nothing("2 actors of Ray", engine, units)
    print()


def _time_nothing(name: str, engine: Engine, units: list[Unit]) -> None:
    engine.run(units[:20], Nothing())  # what is imported once
    began = time.perf_counter()
    engine.run(units, Nothing())
    seconds = time.perf_counter() - began
    print(f"| {name} | {seconds:.2f} | {1000 * seconds / len(units):.3f} |", flush=True)


def _has_ray() -> bool:
    return importlib.util.find_spec("ray") is not None


def measure_real(arguments: argparse.Namespace) -> None:
    """Recordings explained by one process and by two workers, and by nobody's engine."""
    arguments.threads = 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        black_box, _ = load(arguments, precision="fp32")
        save_black_box(black_box, folder / "model")
        opener = ModelOpener({"source": str(folder / "model"), "precision": "fp32"})
        _write_recordings(folder / "audio", arguments.recordings, black_box.front_end.sample_rate)
        data, model = read_audio_folder(folder / "audio"), opener()
        settings = MethodSettings(queries=arguments.queries)
        n_units = arguments.recordings * len(METHODS)
        targets = dict.fromkeys(data.ids, "0")

        def alone() -> None:
            for recording_id in data.ids:
                recording = read_for(model, data, recording_id)
                for method in METHODS:
                    explain(recording, model, method, target="0", settings=settings)

        def by(engine: Engine) -> Callable[[], None]:
            return lambda: explain_folder(
                model,
                data,
                METHODS,
                tempfile.mkdtemp(dir=folder),
                settings=settings,
                targets=targets,
                engine=engine,
                open_model=opener,
            )

        explain(read_for(model, data, data.ids[0]), model, "dax_v5", settings=settings)  # warm-up
        batch = model.front_end.spectrogram(read_for(model, data, data.ids[0])).values
        n_queries = n_units * arguments.queries
        works = {
            "bare queries": lambda: _bare(model, batch, n_queries),
            "in a loop": alone,
            "this process": by(Local(threads=1)),
            "2 workers": by(Local(2, threads=1)),
        }
        print(
            f"{arguments.recordings} recordings by {', '.join(METHODS)}, {arguments.queries} "
            f"queries, {tuple(batch.shape)}, one thread each\n\n"
            "| by | seconds | units/s | queries/s | processor ms a unit |\n|---|---|---|---|---|"
        )
        for what, work in works.items():
            _time_work(what, work, n_units, n_queries)
        if _has_ray():
            with OnRay(workers=2, shared=folder) as engine:
                _time_work("2 actors of Ray", by(engine), n_units, n_queries)


def _time_work(name: str, work: Callable[[], None], n_units: int, n_queries: int) -> None:
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, used = time.perf_counter() - began, time.process_time() - used
    own = "" if name.startswith("2 ") else f"{1000 * used / n_units:.1f}"
    rates = f"{n_units / seconds:.2f} | {n_queries / seconds:.0f}"
    print(f"| {name} | {seconds:.1f} | {rates} | {own} |", flush=True)


def _bare(model, batch: torch.Tensor, n_queries: int) -> None:
    inputs = batch.expand(64, -1, -1).contiguous()
    with torch.inference_mode():
        for _ in range(0, n_queries, len(inputs)):
            model.module(inputs)


def _write_recordings(folder: Path, n_recordings: int, rate: int) -> None:
    folder.mkdir()
    for i in range(n_recordings):
        samples = 0.1 * np.random.default_rng(i).standard_normal(2 * rate)
        soundfile.write(folder / f"r{i:03d}.wav", samples, rate, subtype="PCM_16")


def main() -> None:
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--made", type=int, default=100_000, help="units without a model")
    parser.add_argument("--recordings", type=int, default=24, help="that are really explained")
    parser.add_argument("--only", choices=("made", "engine", "real"), help="this part only")
    parser.set_defaults(queries=200)
    arguments = parser.parse_args()
    if arguments.only == "made":
        measure_made(arguments.made)
    elif arguments.only == "engine":
        measure_engine(arguments.made // 5)
    elif arguments.only == "real":
        measure_real(arguments)
    else:
        for part in ("made", "engine", "real"):  # each has the memory of its own process
            words = [sys.executable, "-m", "benchmarks.audit", *sys.argv[1:], "--only", part]
            subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
