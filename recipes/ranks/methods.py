"""Names of methods, those that fit a kind of classifiers."""

import argparse

from daxaudio.explainers.catalogue import METHODS, check_methods


def main() -> None:
    """Print them in the order of tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "hears", choices=("spectrograms", "sounds"), help="the second, if of others"
    )
    parser.add_argument(
        "events", choices=("events", "no_events"), help="whether the truth is known"
    )
    parser.add_argument("names", nargs="*", help="to choose from; default all that train nothing")
    arguments = parser.parse_args()
    names = arguments.names or [name for name, row in METHODS.items() if not row.trains]
    for name in check_methods(names):
        row = METHODS[name]
        unfit = row.needs_sound if arguments.hears == "spectrograms" else row.needs_module
        if not unfit and (arguments.events == "events" or not row.needs_events):
            print(name)


if __name__ == "__main__":
    main()
