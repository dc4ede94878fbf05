"""Fit time of DAX V4 against its queries, and of DAX V2 as the paper writes it against V4.

python -m benchmarks.fit_time [--queries 2000] [--model DIR --audio FILE]

V4 and V2 are fitted to one neighbourhood. V2's epochs take equally long: one is timed, times ten.
"""

from benchmarks.subject import load, make_parser
from daxaudio.explainers.dax.closed_form import DaxV4
from daxaudio.explainers.dax.joint import Dax
from daxaudio.perturbation.sampling import MultiGridSampler

EPOCHS = 10


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.set_defaults(queries=2000)
    arguments = parser.parse_args()
    black_box, spectrogram = load(arguments)
    score_fn = black_box.score_fn(black_box.predict(spectrogram)[0])
    neighbourhood = MultiGridSampler(arguments.queries)(spectrogram, score_fn)
    queries = neighbourhood.seconds
    explainers = {
        "dax_v4": (DaxV4(), 1),
        "dax_v2, half resolution, 600 neighbours, 8 epochs": (
            Dax(pool=2, at_most=600, epochs=8),
            1,
        ),
        f"dax_v2 as written: full resolution, {EPOCHS} epochs": (Dax(epochs=1), EPOCHS),
    }
    seconds = {}
    print(f"{arguments.queries} queries: {queries:.1f} s")
    print("| method | fit s | fit / queries | fit / fit of dax_v4 |\n|---|---|---|---|")
    for name, (explainer, times) in explainers.items():
        seconds[name] = times * explainer.fit(neighbourhood).seconds["fit"]
        print(
            f"| {name} | {seconds[name]:.1f} | {seconds[name] / queries:.2f} "
            f"| {seconds[name] / seconds['dax_v4']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
