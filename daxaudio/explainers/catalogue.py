"""The methods by the names that tables and commands use: one row a method.

To add a method: its file, and its row in the `rows_` file of its kind. Commands, tables, pictures,
verdicts and the documentation read the rows; nothing else lists methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from daxaudio.containers import Event, Explainer, Spectrogram
from daxaudio.explainers.method import Method
from daxaudio.explainers.rows_by_gradients import BY_GRADIENTS
from daxaudio.explainers.rows_by_queries import BY_QUERIES
from daxaudio.explainers.rows_of_references import REFERENCES
from daxaudio.explainers.settings import Making, MethodSettings
from daxaudio.runs.kinds import as_listed

DEFAULT_METHOD = "dax_v5"

METHODS: dict[str, Method] = {row.name: row for row in (*BY_QUERIES, *BY_GRADIENTS, *REFERENCES)}
"""The methods by name, in the order of tables."""


def references() -> list[str]:
    """Names of the rows that other methods are compared with.

    Example:
        >>> references()
        ['random', 'energy', 'onset_strength', 'all_ones', 'oracle']
    """
    return [name for name, row in METHODS.items() if row.reference]


def floors() -> list[str]:
    """Names of the references that every method has to beat.

    Example:
        >>> floors()
        ['random', 'energy', 'onset_strength']
    """
    return [name for name, row in METHODS.items() if row.floor]


def learned_masks() -> list[str]:
    """Names of the methods whose mask a network gives.

    Example:
        >>> learned_masks()
        ['dax_v1', 'dax_v2', 'dax_authors', 'dax_v4', 'dax_v5']
    """
    return [name for name, row in METHODS.items() if row.learned]


def order_methods(names: Iterable[str]) -> list[str]:
    """Each name once, in the order of tables; unknown ones last, sorted.

    Example:
        >>> order_methods(["zebra", "random", "lime", "ape", "lime"])
        ['lime', 'random', 'ape', 'zebra']
    """
    found = set(names)
    return [name for name in METHODS if name in found] + sorted(found - METHODS.keys())


def check_methods(names: Sequence[str]) -> list[str]:
    """The names, each once, in the order of tables.

    Raises:
        ValueError: when a name is unknown; lists the known ones.
        TypeError: when they are no list.

    Example:
        >>> check_methods(["rise", "lime", "rise"])
        ['lime', 'rise']
    """
    names = as_listed(names, "give a list of methods, such as ['rise', 'lime']")
    for name in names:
        if not isinstance(name, str) or name not in METHODS:
            raise ValueError(f"method {name!r} is unknown; choose from {', '.join(METHODS)}")
    if not names:
        raise ValueError(f"no method named; choose from {', '.join(METHODS)}")
    return order_methods(names)


def check_events(names: Sequence[str], advice: str) -> None:
    """Refuse methods that need true events, where there are none.

    Args:
        names: of methods.
        advice: what to do, for the error.

    Raises:
        ValueError: names the method.
    """
    for name in names:
        if METHODS[name].needs_events:
            raise ValueError(f"method {name!r} needs the true events: {advice}")


def list_methods() -> list[str]:
    """A line for each method, its name and what it does, as the commands' help shows them."""
    return [f"  {name:<22}{row.text}" for name, row in METHODS.items()]


def settings_of(method: str) -> tuple[str, ...]:
    """Fields of `MethodSettings` on which an explanation depends; none of an unknown method."""
    return METHODS[method].settings if method in METHODS else ()


def most_queries(names: Sequence[str], settings: MethodSettings) -> int:
    """Black-box evaluations that explaining one recording by some methods takes at most.

    A few more for each method, such as of the input itself, are left out; methods that perturb
    alike share theirs.

    Example:
        >>> most_queries(["rise", "gradient", "energy"], MethodSettings(queries=500))
        500
    """
    return settings.queries * sum("queries" in settings_of(name) for name in names)


def make_explainer(
    method: str,
    spectrogram: Spectrogram,
    settings: MethodSettings,
    *,
    seed: int = 0,
    events: Sequence[Event] = (),
) -> Explainer:
    """The explainer of one method for one recording.

    Its random draws are seeded by (seed, recording, method); the draws of perturbations by (seed,
    recording) alone, so that the methods that perturb alike can share their queries.

    Args:
        method: one of `METHODS`.
        spectrogram: the recording.
        settings: of the run; the fill "auto" is that of models of spectrograms.
        seed: of the run.
        events: its true events; only the oracle sees them.

    Returns:
        The explainer.

    Raises:
        ValueError: when the method is unknown, a setting does not fit the recording, or the oracle
            has no event.
    """
    check_methods([method])
    made = Making(method, spectrogram, settings.resolved(), seed, events)
    return METHODS[method].build(made)
