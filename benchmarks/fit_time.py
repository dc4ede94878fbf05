"""Fit time against query time: DAX V2 as in the paper, and DistilThenMask.

python -m benchmarks.fit_time [--model DIR --audio FILE]
"""

from benchmarks.subject import load, make_parser
from daxaudio.explainers.dax import Dax
from daxaudio.explainers.distilled import DistilThenMask
from daxaudio.neighbourhood import SegmentSampler


def main():
    arguments = make_parser(__doc__.splitlines()[0]).parse_args()
    black_box, spectrogram = load(arguments, precision="bf16")
    score_fn = black_box.score_fn(black_box.predict(spectrogram)[0])
    neighbourhood = SegmentSampler(arguments.queries)(spectrogram, score_fn)
    explainers = {
        "distil_then_mask": DistilThenMask(),
        "dax_v2, half resolution, 600 neighbours, 8 epochs, bf16": Dax(
            pool=2, at_most=600, epochs=8, precision="bf16"
        ),
        "dax_v2, full resolution, 10 epochs (one timed, times ten)": Dax(epochs=1),
    }
    print(f"{arguments.queries} queries: {neighbourhood.seconds:.1f} s")
    print("| method | fit s | fit / queries |\n|---|---|---|")
    for name, explainer in explainers.items():
        seconds = explainer.fit(neighbourhood).seconds["fit"]
        seconds *= 10 if "times ten" in name else 1
        print(f"| {name} | {seconds:.1f} | {seconds / neighbourhood.seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
