"""Time of deletion and insertion curves against the bare forward passes that they need.

python -m benchmarks.deletion [--model DIR --audio FILE --recordings 3 --methods 12]

The masks are random, for the time does not depend on what they hold.
"""

import torch

from benchmarks.subject import load, make_parser, seconds_of
from daxaudio.metrics import perturbation_curves
from daxaudio.models.precision import PRECISIONS


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--precision", default="auto", choices=PRECISIONS)
    parser.add_argument("--recordings", type=int, default=3, help="each with masks of its own")
    parser.add_argument("--methods", type=int, default=12, help="masks of one recording")
    parser.add_argument("--steps", type=int, default=32, help="steps of a curve")
    arguments = parser.parse_args()
    black_box, spectrogram = load(arguments, precision=arguments.precision)
    score_fn, values = black_box.score_fn(black_box.class_names[0]), spectrogram.values
    background = values.mean().expand_as(values)
    random = torch.Generator().manual_seed(0)
    sizes = []

    def noting(inputs):
        sizes.append(len(inputs))
        return score_fn(inputs)

    def curves():
        sizes.clear()
        masks = torch.rand(arguments.methods, *values.shape, generator=random)
        for direction in ("deletion", "insertion"):
            perturbation_curves(
                masks, values, background, noting, direction=direction, n_steps=arguments.steps
            )

    def bare():
        for size in sizes:
            score_fn(batch[:size])

    curves()  # warm-up, and the sizes of the batches
    batch = values.expand(max(sizes), -1, -1).contiguous()
    pairs = [  # alternating, so that a slower spell of the machine hits both
        (seconds_of(bare, 1), seconds_of(curves, 1)) for _ in range(arguments.recordings)
    ]
    ratios = sorted(full / plain for plain, full in pairs)
    bare_s, curves_s = (sum(times) for times in zip(*pairs, strict=True))
    print(
        f"{arguments.recordings} recordings x {arguments.methods} masks of {tuple(values.shape)}, "
        f"{sum(sizes)} queries each, {black_box.choice.precision}, {arguments.threads} threads: "
        f"bare {bare_s:.2f} s, curves {curves_s:.2f} s, ratio {curves_s / bare_s:.3f} "
        f"(of one recording {ratios[0]:.3f} to {ratios[-1]:.3f}, median "
        f"{ratios[len(ratios) // 2]:.3f})"
    )


if __name__ == "__main__":
    main()
