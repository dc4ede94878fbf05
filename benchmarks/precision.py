"""bf16 with channels-last against plain fp32: speed, and how alike the masks are.

python -m benchmarks.precision --model DIR --audio FILE
"""

import torch
from scipy.stats import spearmanr

from benchmarks.subject import load, make_parser, seconds_of
from daxaudio.explainers.rise import Rise
from daxaudio.neighbourhood import GridSampler


def main():
    arguments = make_parser(__doc__.splitlines()[0]).parse_args()
    slow, spectrogram = load(arguments, precision="fp32", channels_last=False)
    fast, _ = load(arguments, precision="bf16", channels_last=True)
    target, _ = slow.predict(spectrogram)
    explainer = Rise(GridSampler(arguments.queries))
    masks = [explainer(spectrogram, box.score_fn(target)).mask for box in (slow, fast)]
    correlation = spearmanr(*(mask.flatten().numpy() for mask in masks)).statistic
    batch = spectrogram.values.expand(64, -1, -1).contiguous()
    n_batches = max(1, arguments.queries // 64)

    def forward(box):
        with torch.no_grad():
            for _ in range(n_batches):
                box.probabilities(batch)

    pairs = [
        (seconds_of(lambda: forward(slow), 1), seconds_of(lambda: forward(fast), 1))
        for _ in range(arguments.repeats)
    ]
    slow_s, fast_s = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
    print(
        f"{64 * n_batches} queries: fp32 plain {slow_s:.2f} s, bf16 channels-last {fast_s:.2f} s, "
        f"{slow_s / fast_s:.2f} times faster; rank correlation of RISE's masks {correlation:.4f}"
    )


if __name__ == "__main__":
    main()
