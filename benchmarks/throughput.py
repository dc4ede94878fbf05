"""Queries a second of each explainer against the bare forward passes of its classifier.

python -m benchmarks.throughput [--device cuda] [--model DIR --audio FILE]

On a GPU: ResNet-101, 64 x 480, 6000 queries, the bare passes at several batch sizes, all of it once
more with compile, and the seconds in which DAX V1 and V2 are fitted as the paper writes them. On a
processor: ResNet-18, 64 x 240, 2000 queries; with `--threads 1` processor time is counted, which
other work on the machine hardly disturbs. All work alternates, so that a slower spell of it
hits all; medians are printed. What is found once (a batch size, kernels) is found before.
"""

import argparse
import json
import math
import statistics
import time
from pathlib import Path

import torch

from benchmarks.subject import load, make_parser, seconds_of
from daxaudio.containers import Explanation
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Counterfactual, Dax, SparseMatching
from daxaudio.explainers.dax.named_part import DaxV5
from daxaudio.explainers.kernel_shap import KernelShap
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.rise import Rise
from daxaudio.perturbation.sampling import GridSampler, MultiGridSampler, SegmentSampler

ON_GPU = {"depth": 101, "frames": 480, "queries": 6000, "batches": [64, 256, 1024]}
ON_PROCESSOR = {"depth": 18, "frames": 240, "queries": 2000, "batches": [16, 24, 64]}


def arguments_of(parser):
    parser.add_argument("--depth", type=int, help="layers of the ResNet when no model is given")
    parser.add_argument("--frames", type=int, help="of the noise when no recording is given")
    parser.add_argument("--batches", type=int, nargs="+", help="sizes of the bare batches")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="with compile too")
    parser.add_argument("--fits", action=argparse.BooleanOptionalAction, help="fit V1 and V2 too")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there, too")
    parser.set_defaults(queries=None, repeats=5)
    arguments = parser.parse_args()
    on_gpu = arguments.device.startswith("cuda")
    for name, value in (ON_GPU if on_gpu else ON_PROCESSOR).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    for name in ("compile", "fits"):
        if getattr(arguments, name) is None:
            setattr(arguments, name, on_gpu)
    return arguments


def bare(black_box, batch, n_queries, run=None):
    """Forward passes on inputs that are there already; gives how many inputs went through."""
    run = run or black_box.module
    n_passes = math.ceil(n_queries / len(batch))
    with torch.inference_mode(), black_box.choice.autocast(batch.device.type):
        for _ in range(n_passes):
            run(batch)
    return n_passes * len(batch)


def works_of(black_box, spectrogram, arguments, suffix=""):
    """Name to what is timed; each gives the number of queries that it asked."""
    n, score_fn = arguments.queries, black_box.score_fn(black_box.class_names[0])
    shape = tuple(spectrogram.values.shape)
    explainers = {
        "rise": Rise(GridSampler(n)),
        "lime": Lime(SegmentSampler(n)),
        "kernel_shap": KernelShap(SegmentSampler(n, sampling="shapley")),
        "dax_v4": DaxV4(MultiGridSampler(n)),
        "dax_v5": DaxV5(MultiGridSampler(n)),
        "occlusion": Occlusion().within(n, shape),
    }
    return {
        f"{name}{suffix}": lambda explainer=explainer: explainer(spectrogram, score_fn)
        for name, explainer in explainers.items()
    }


def alternate(works, repeats, by_processor):
    """Median queries a second, and seconds by phase of the last time, of each work."""
    rates, phases = {name: [] for name in works}, {}
    for _ in range(repeats):
        for name, work in works.items():
            found = []
            began = time.process_time()
            seconds = seconds_of(lambda work=work, found=found: found.append(work()), 1)
            if by_processor:
                seconds = time.process_time() - began
            n_queries = found[0]
            if isinstance(n_queries, Explanation):
                phases[name] = {key: round(value, 3) for key, value in n_queries.seconds.items()}
                n_queries = n_queries.n_queries
            rates[name].append(n_queries / seconds)
    return {name: statistics.median(found) for name, found in rates.items()}, phases


def fit_seconds(spectrogram, black_box, n_queries, precision):
    """Seconds of two fits each of V1 and V2 as the paper writes them."""
    score_fn = black_box.score_fn(black_box.class_names[0])
    drawn = SegmentSampler(n_queries)(spectrogram, score_fn)
    found = {}
    for name, loss in (("dax_v1", SparseMatching()), ("dax_v2", Counterfactual())):
        dax = Dax(loss, precision=precision)
        seconds = [dax.fit(drawn).seconds["fit"] for _ in range(2)]
        found[name] = [round(value, 2) for value in seconds]
        print(f"| {name} | {seconds[0]:.2f} | {seconds[1]:.2f} |", flush=True)
    return found


def main():
    arguments = arguments_of(make_parser(__doc__.splitlines()[0]))
    settings = {"precision": arguments.precision}
    black_box, spectrogram = load(arguments, **settings)
    values, n = spectrogram.values, arguments.queries
    on = "processor" if values.device.type == "cpu" else torch.cuda.get_device_name(values.device)
    print(
        f"{n} queries of {tuple(values.shape)}, {on}, {black_box.choice}, torch {torch.__version__}"
    )
    works = {}
    for size in arguments.batches:
        batch = values.expand(size, -1, -1).contiguous()
        works[f"bare, {size} a batch"] = lambda batch=batch: bare(black_box, batch, n)
    works |= works_of(black_box, spectrogram, arguments)
    if arguments.compile:
        compiled, _ = load(arguments, compile=True, **settings)
        batch = values.expand(compiled.passes.of(values.shape), -1, -1).contiguous()
        began = time.perf_counter()
        bare(compiled, batch, 1, compiled._run)
        print(f"compiled in {time.perf_counter() - began:.0f} s", flush=True)
        works[f"bare compiled, {len(batch)} a batch"] = lambda: bare(
            compiled, batch, n, compiled._run
        )
        works |= works_of(compiled, spectrogram, arguments, ", compiled")
    by_processor = values.device.type == "cpu" and arguments.threads == 1
    alternate(works, 1, by_processor)  # warm-up
    rates, phases = alternate(works, arguments.repeats, by_processor)
    best = max(rate for name, rate in rates.items() if name.startswith("bare, "))
    print(f"batch size: {black_box.passes.of(spectrogram.values.shape)}\n")
    print("| what | queries a second | over the best bare | seconds |\n|---|---|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.0f} | {rate / best:.2f} | {phases.get(name, '')} |", flush=True)
    document = {"rates": rates, "best_bare": best, "phases": phases, "on": on}
    if arguments.fits:
        print("\n| fit | first s | again s |\n|---|---|---|")
        document["fits"] = fit_seconds(spectrogram, black_box, n, arguments.precision)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
