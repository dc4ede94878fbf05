"""Resident memory that a neighbourhood adds, for a small and a large number of queries.

python -m benchmarks.memory [--model DIR --audio FILE]
"""

import resource
import subprocess
import sys

from benchmarks.subject import load, make_parser
from daxaudio.perturbation.sampling import GridSampler, SegmentSampler

KINDS = {"segments": SegmentSampler, "grid": GridSampler}


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(arguments):
    """Peak memory above the loaded model, of one batch of queries and of the whole run."""
    black_box, spectrogram = load(arguments)
    score_fn = black_box.score_fn(black_box.class_names[0])
    loaded = peak_mb()
    score_fn(spectrogram.values.expand(64, -1, -1).contiguous())
    one_batch = peak_mb()
    KINDS[arguments.kind](arguments.queries)(spectrogram, score_fn)
    print(
        f"| {arguments.kind} | {arguments.queries} | {one_batch - loaded:.0f} "
        f"| {peak_mb() - loaded:.0f} | {peak_mb() - one_batch:.0f} |",
        flush=True,
    )


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, help="measure this one only, in this process")
    arguments = parser.parse_args()
    if arguments.kind:
        measure(arguments)
        return
    print(
        "| neighbourhood | queries | 64 bare passes, MB above model "
        "| whole run, MB above model | whole run above bare batch, MB |\n|---|---|---|---|---|",
        flush=True,
    )
    for kind in KINDS:
        for queries in (1000, 6000):
            command = [sys.executable, "-m", "benchmarks.memory", *sys.argv[1:]]
            subprocess.run([*command, "--kind", kind, "--queries", str(queries)], check=True)


if __name__ == "__main__":
    main()
