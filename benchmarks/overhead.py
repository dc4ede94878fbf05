"""Time of each gradient-free explainer against the bare forward passes that it needs.

python -m benchmarks.overhead [--model DIR --audio FILE]
"""

import torch

from benchmarks.subject import load, make_parser, seconds_of
from daxaudio.explainers.lime import Lime
from daxaudio.explainers.occlusion import Occlusion
from daxaudio.explainers.rise import Rise
from daxaudio.explainers.shap import KernelShap
from daxaudio.neighbourhood import GridSampler, SegmentSampler


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--precision", default="bf16", choices=("fp32", "bf16"))
    arguments = parser.parse_args()
    black_box, spectrogram = load(arguments, precision=arguments.precision)
    score_fn, n = black_box.score_fn(black_box.class_names[0]), arguments.queries
    shape = tuple(spectrogram.values.shape)
    explainers = {
        "lime": Lime(SegmentSampler(n)),
        "kernel_shap": KernelShap(SegmentSampler(n, sampling="shapley")),
        "rise": Rise(GridSampler(n)),
        "occlusion": Occlusion().within(n, shape),
    }
    batch = spectrogram.values.expand(64, *shape).contiguous()
    with torch.no_grad():
        score_fn(batch)  # warm-up
    print(f"{n} queries on {shape}, {arguments.precision}, {arguments.threads} threads")
    print("| explainer | queries | bare s | explainer s | on top |\n|---|---|---|---|---|")
    for name, explainer in explainers.items():
        n_queries = explainer(spectrogram, score_fn).n_queries
        sizes = [64] * (n_queries // 64) + [n_queries % 64] * (n_queries % 64 > 0)

        def bare(sizes=sizes):
            for size in sizes:
                score_fn(batch[:size])

        pairs = [  # alternating, so that a slower spell of the machine hits both
            (
                seconds_of(bare, 1),
                seconds_of(lambda explainer=explainer: explainer(spectrogram, score_fn), 1),
            )
            for _ in range(arguments.repeats)
        ]
        bare_s, full_s = sorted(pairs, key=lambda pair: pair[1] / pair[0])[len(pairs) // 2]
        share = full_s / bare_s - 1
        print(f"| {name} | {n_queries} | {bare_s:.2f} | {full_s:.2f} | {share:+.1%} |", flush=True)


if __name__ == "__main__":
    main()
