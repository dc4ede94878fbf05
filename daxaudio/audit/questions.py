"""What an audit is asked: its settings, from a YAML file of keys and values, each with a default.

positive: COVID            # the class whose score is audited
subgroups: [sex, age]      # columns of the table of what is known
match_on: [site, age]      # columns on which positives and negatives are matched
split: fold                # column that says what was trained on
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from daxaudio.audit.sections import NAMES
from daxaudio.explainers.catalogue import DEFAULT_METHOD, check_methods
from daxaudio.runs.config import build, read_yaml
from daxaudio.runs.files import read_text
from daxaudio.runs.kinds import check_whole

_COLUMNS = ("subgroups", "match_on", "columns", "categories", "sites", "phases", "sections")


@dataclasses.dataclass(frozen=True)
class Questions:
    """The settings of an audit.

    Args:
        positive: the class whose score is audited; None where there are two classes and their
            names say which is positive, or the model has one score only.
        participant: column of the table of what is known that names the participant. Without a
            table, participants are the speakers of the data folder.
        subgroups: columns of the table by which performance is given.
        match_on: columns on which positives and negatives are matched; none leaves matching out.
        columns: columns of the table that may tell the label apart; all when none is named.
        categories: columns whose numbers are names, such as the number of a site.
        sites: columns that say where or by what a recording was made, such as site or device; None
            for those whose names say so.
        split: column that says whether a recording was trained on; None when nobody knows.
        left_out: column that gives the reason why a recording is left out, empty where it is not.
        phases: labels of events that the positive class should be heard in; all but background
            when none is named.
        specificity: in (0, 1), at which sensitivity is given.
        threshold: score in [0, 1] from which on a recording is called positive; None takes the
            model's own decision, the column `predicted`.
        confidence: level of the intervals, in (0, 1).
        alpha: in (0, 1), how often a classifier that listens to the events alone may be accused of
            anything else, over all tests that accuse (see `accusations`); comparisons of subgroups
            and of errors, which accuse nobody, are held to it in their own sections.
        least_auc: how well a trace must tell the label apart before it is accused, in [0.5, 1).
        least_effect: rank correlation of a trace and the score within a label, or change of the
            score under an intervention, from which on the model is said to follow, in [0, 1).
        n_bootstrap: resamples of participants, at least 100.
        n_permutations: of each permutation test, at least 99.
        n_folds: folds of the classifiers of confounders, at least 2.
        caliper: the farthest that a matched pair may be apart, in standard deviations.
        smallest_cell: participants of either class below which a subgroup is marked as small.
        n_errors: recordings of each kind of error that are shown.
        n_explained: recordings of each class that are explained, drawn by their names; those
            shown as errors come on top.
        n_donors: recordings of each class whose background, hum, level, band and colour are given
            to each recording; 0 leaves out all that needs a donor.
        n_controls: recordings of each class into which a tone is planted; 0 leaves controls out.
        method: the explanation method whose masks are counted.
        second_method: that explains the same recordings, to see whether both agree; "" for none.
        queries: times that the method may ask the model about one recording.
        seed: of every draw.
        sections: names of the sections that are wanted; all when none is named.

    Raises:
        ValueError: when a value is out of range, a method or a section is unknown, or both methods
            are the same.
        TypeError: when a whole number is expected and something else given.

    Example:
        >>> Questions(subgroups=("sex",)).specificity
        0.9
        >>> Questions(confidence=95)
        Traceback (most recent call last):
        ValueError: confidence must lie between 0 and 1, got 95
    """

    positive: str | None = None
    participant: str = "participant"
    subgroups: tuple[str, ...] = ()
    match_on: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sites: tuple[str, ...] | None = None
    split: str | None = None
    left_out: str | None = None
    phases: tuple[str, ...] = ()
    specificity: float = 0.9
    threshold: float | None = None
    confidence: float = 0.95
    alpha: float = 0.05
    least_auc: float = 0.6
    least_effect: float = 0.1
    n_bootstrap: int = 1000
    n_permutations: int = 1999
    n_folds: int = 5
    caliper: float = 0.2
    smallest_cell: int = 10
    n_errors: int = 6
    n_explained: int = 20
    n_donors: int = 3
    n_controls: int = 4
    method: str = DEFAULT_METHOD
    second_method: str = "rise"
    queries: int = 1000
    seed: int = 0
    sections: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("specificity", "confidence", "alpha"):
            _check_range(name, getattr(self, name), 0.0, 1.0)
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {self.threshold}")
        if not 0.5 <= self.least_auc < 1:
            raise ValueError(f"least_auc must lie in [0.5, 1), got {self.least_auc}")
        if not 0 <= self.least_effect < 1:
            raise ValueError(f"least_effect must lie in [0, 1), got {self.least_effect}")
        if not 0 < self.caliper < float("inf"):
            raise ValueError(f"caliper must be above 0, got {self.caliper}")
        for name, least in _LEAST.items():
            check_whole(getattr(self, name), name)
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in _COLUMNS:
            _check_names(name, getattr(self, name))
        if unknown := [name for name in self.sections if name not in NAMES]:
            raise ValueError(f"sections: {unknown[0]!r} is none; they are {', '.join(NAMES)}")
        check_methods([self.method, *filter(None, [self.second_method])])
        if self.method == self.second_method:
            raise ValueError(
                f"method and second_method are both {self.method!r}; name another second_method "
                "(rise unless it is named), or '' for none"
            )

    def columns_named(self) -> dict[str, str]:
        """Columns of the table of what is known that must be there, each with the key that says so.

        Example:
            >>> Questions(subgroups=("sex",), split="fold").columns_named()
            {'sex': 'subgroups', 'fold': 'split'}
        """
        lists = ("subgroups", "match_on", "columns", "categories", "sites")
        found = {name: key for key in lists for name in getattr(self, key) or ()}
        for key in ("split", "left_out"):
            if name := getattr(self, key):
                found[name] = key
        return found


_LEAST = {
    "n_bootstrap": 100,
    "n_permutations": 99,
    "n_folds": 2,
    "smallest_cell": 1,
    "n_errors": 1,
    "n_explained": 0,
    "n_donors": 0,
    "n_controls": 0,
    "queries": 1,
    "seed": 0,
}
"""The least that each whole number may be."""


def read_questions(path: str | os.PathLike[str] | None, seed: int | None = None) -> Questions:
    r"""The settings of an audit from a YAML file.

    Args:
        path: keys and values, each an argument of `Questions`; None gives all defaults.
        seed: in place of the default one; None leaves it to the file.

    Raises:
        ValueError: when there is no such file, it is no YAML, or a key or a value does not fit;
            names the file and the key. So it does where the file has another seed.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "questions.yaml"
        >>> _ = path.write_text("positive: ill\nsubgroups: [sex]\n")
        >>> read_questions(path).subgroups
        ('sex',)
    """
    asked = Questions() if seed is None else Questions(seed=seed)
    if path is None:
        return asked
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file of questions; check the path")
    document = read_yaml(read_text(path), path)
    if document is None:
        return asked
    if not isinstance(document, dict):
        raise ValueError(f"{path}: must hold keys and values, such as 'positive: cough'")
    if seed is not None and document.get("seed", seed) != seed:
        raise ValueError(
            f"{path}: its seed is {document['seed']}, and {seed} was asked for; remove one of them"
        )
    document = {"seed": asked.seed, **document}
    try:
        return build(Questions, "questions", document)
    except ValueError as error:
        text = str(error).removeprefix("section 'questions': ")
        raise ValueError(f"{path}: {text}") from error


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value}")


def _check_names(name: str, given: tuple[str, ...] | None) -> None:
    if given is None:
        return
    if isinstance(given, str) or not all(isinstance(one, str) and one for one in given):
        raise ValueError(f"{name} must be a list of names, got {given!r}")
    if twice := [one for one in given if given.count(one) > 1]:
        raise ValueError(f"{name} names {twice[0]!r} twice")
